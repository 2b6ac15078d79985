"""Standard error without certain lines, those that C++ writes included.

Synopsis::

    with without_lines(r"[IW][0-9]{4} "):
        import tensorflow

What else is written to file descriptor 2 meanwhile comes out as before, and also where
the process ends within: the lines go through a process of their own, which reads until
nobody holds the other end any more.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

_FILTER = """
import re, sys
unwanted = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not unwanted.match(line):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
"""
# A process that was started within holds the other end for as long as it lives.
_PATIENCE_S = 0.2
_UNFINISHED: list["subprocess.Popen[bytes]"] = []


@contextmanager
def without_lines(pattern: str) -> Iterator[None]:
    """Leave lines out of standard error.

    Args:
        pattern: Regular expression, in ASCII, of the beginning of these lines.
    """
    try:
        stderr = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    command = [sys.executable, "-I", "-S", "-c", _FILTER, pattern]
    reader = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=stderr,
        stderr=stderr,
        start_new_session=True,  # Ctrl-C does not end it before it has read all
    )
    assert reader.stdin is not None  # for mypy: it is a pipe
    with reader.stdin as pipe:
        os.dup2(pipe.fileno(), 2)
    try:
        yield
    finally:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(stderr, 2)
        os.close(stderr)
        try:
            reader.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            _UNFINISHED.append(reader)


def filter_import(name: str, pattern: str) -> None:
    """Leave lines out of standard error while a module is imported for the first time.

    Args:
        name: A package, which need not exist.
        pattern: As ``without_lines`` takes it.
    """
    if name in sys.modules or any(
        isinstance(finder, _FilteredImport) and finder.name == name
        for finder in sys.meta_path
    ):
        return
    sys.meta_path.insert(0, _FilteredImport(name, pattern))


class _FilteredImport(MetaPathFinder):
    """Finds one module as the others do, and has it executed without the lines."""

    def __init__(self, name: str, pattern: str) -> None:
        self.name = name
        self._pattern = pattern

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            self._wrap(spec.loader)
        return spec

    def _wrap(self, loader: Loader) -> None:
        execute = loader.exec_module

        def execute_filtered(module: ModuleType) -> None:
            with without_lines(self._pattern):
                execute(module)

        loader.exec_module = execute_filtered  # type: ignore[method-assign]
