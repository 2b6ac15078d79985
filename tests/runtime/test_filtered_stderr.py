"""Lines are left out of standard error, and nothing else is lost."""

import signal
import subprocess
import sys
import time

import pytest

BEGIN = """
import os, subprocess, sys
from facefill.runtime.filtered_stderr import filter_import, without_lines
def write(text):
    os.write(2, text.encode())  # as C++ does, past sys.stderr
"""


def run(code, **options):
    return subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )


def test_only_the_lines_are_left_out_and_only_within():
    done = run("""
write("I0 before\\n")
with without_lines("I[0-9] "):
    write("I0 within\\nE0 within, not I0 \\n")
    print("I am no such line", file=sys.stderr)
    write("I0 cut in two"); write(" pieces\\nno end")
write("\\nI0 after\\n")
""")
    assert done.returncode == 0
    assert done.stderr == (
        "I0 before\nE0 within, not I0 \nI am no such line\nno end\nI0 after\n"
    )


def test_what_a_dying_process_says_is_not_lost():
    done = run("""
with without_lines("I[0-9] "):
    write("I0 begin\\nF0 check failed")
    os.abort()
""")
    assert done.returncode == -signal.SIGABRT
    assert done.stderr == "F0 check failed"


def test_a_process_that_was_started_within_is_not_waited_for():
    begin = time.monotonic()
    done = run(
        """
with without_lines("I[0-9] "):
    code = "import time; time.sleep(30)"
    child = subprocess.Popen([sys.executable, "-c", code])
write("after\\n")
child.kill()
"""
    )
    assert done.stderr == "after\n"
    assert time.monotonic() - begin < 25


def test_an_error_within_goes_through():
    done = run("""
with without_lines("I[0-9] "):
    write("I0 begin\\n")
    raise ValueError("reason")
""")
    assert done.returncode == 1
    assert done.stderr.endswith("ValueError: reason\n")
    assert "I0" not in done.stderr


def test_without_standard_error_nothing_is_done():
    done = run("""
os.close(2)
with without_lines("I[0-9] "):
    print("works")
""")
    assert (done.returncode, done.stdout) == (0, "works\n")


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "loud"
    folder.mkdir()
    loud = "import os; os.write(2, b'I0 {}\\nE0 {}\\n')\n"
    (folder / "__init__.py").write_text(
        loud.format("import", "import") + "from loud import part\n"
    )
    (folder / "part.py").write_text(loud.format("part", "part"))
    (folder / "late.py").write_text(loud.format("late", "late"))
    return tmp_path


def test_a_module_is_imported_without_the_lines(package):
    done = run(
        """
filter_import("loud", "I[0-9] ")
filter_import("loud", "I[0-9] ")
import loud
import loud.late
assert loud.__spec__.name == "loud" and loud.part
""",
        cwd=package,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "E0 import\nE0 part\nI0 late\nE0 late\n"


def test_a_module_that_does_not_exist_fails_as_ever(package):
    done = run(
        """
filter_import("nobody", "I[0-9] ")
try:
    import nobody
except ModuleNotFoundError as error:
    print(error)
""",
        cwd=package,
    )
    assert done.stdout == "No module named 'nobody'\n"
