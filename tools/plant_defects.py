"""Plant defects one at a time, and see that the test named for each fails.

A test that passes says something only if it would fail were the code wrong. Each
entry of ``tools/defects.toml`` names a file, a piece of its text, what takes its
place, and the one test that has to notice. The tree is copied to a temporary folder;
there the tests run once as the code is, when all must pass, and then each with its
defect in place, when it must fail. A piece of text that is no longer found, a test
that is no longer collected and one that fails for the want of an import are errors of
the catalogue, and not catches.

Synopsis::

    python tools/plant_defects.py  # all, 20 minutes on one core
    python tools/plant_defects.py seed mask  # those with a word in their name
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = ROOT / "tools" / "defects.toml"
COPIED = ("src", "tests", "conf", "tools", "benchmarks", "data/demo/01_raw")
FILES = ("pyproject.toml", "README.md", "mkdocs.yml")

CAUGHT, MISSED, BROKEN = "caught", "MISSED", "BROKEN"
_TIMEOUT_S = 600
_TESTS_FAILED = 1
"""Exit code of pytest where tests ran and one failed; others are errors of its own."""

_ERROR = re.compile(r"^E\s+(\S.*)$", re.MULTILINE)
_NO_TEST = re.compile(r"ModuleNotFoundError|ImportError|SyntaxError|NameError")


@dataclass(frozen=True)
class Defect:
    """One deliberate error.

    Attributes:
        name: What is wrong.
        file: Path below the root.
        source: Text that stands in the file exactly once.
        planted: Text in its place.
        test: Test file or node that has to fail.
    """

    name: str
    file: str
    source: str
    planted: str
    test: str

    def fault(self, root: Path = ROOT) -> str:
        """Say why it cannot be planted; empty if it can."""
        text = (root / self.file).read_text(encoding="utf-8")
        if (count := text.count(self.source)) != 1:
            return f"its text occurs {count} times in {self.file}"
        planted = text.replace(self.source, self.planted)
        if planted == text:
            return "it changes nothing"
        if self.file.endswith(".py"):
            try:
                compile(planted, self.file, "exec")
            except SyntaxError as error:
                return f"it is no Python ({error.msg}, line {error.lineno})"
        return ""


@dataclass(frozen=True)
class Outcome:
    """What became of a defect.

    Attributes:
        defect: The defect.
        verdict: ``CAUGHT``, ``MISSED`` or ``BROKEN``.
        said: First line of the failure, or what is broken.
        seconds: Duration of the test.
    """

    defect: Defect
    verdict: str
    said: str
    seconds: float


def read_catalogue(path: Path = CATALOGUE) -> list[Defect]:
    """Read all defects."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["defect"]
    return [Defect(**entry) for entry in entries]


def copy_tree(target: Path) -> None:
    """Copy what tests need, without compiled files, which could outlive a defect."""
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in COPIED:
        shutil.copytree(ROOT / name, target / name, ignore=ignored)
    for name in FILES:
        shutil.copy2(ROOT / name, target / name)


def run_tests(root: Path, nodes: Sequence[str]) -> tuple[int, str]:
    """Run tests of a copy with its own source; return pytest's code and output."""
    environment = os.environ | {
        "PYTHONPATH": str(root / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    # The draws of hypothesis and of shuffled tests are the same at every run.
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
    options += ["--hypothesis-seed=1", "--tb=short"]
    command = [sys.executable, "-m", "pytest", *options, *nodes]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S * max(1, len(nodes)),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "pytest did not come back"
    return done.returncode, done.stdout + done.stderr


def judge(code: int, output: str) -> tuple[str, str]:
    """Tell from a run with a defect whether it was caught, and by what."""
    if code == 0:
        return MISSED, "the test passed"
    found = _ERROR.findall(output)
    said = found[0].strip() if found else output.strip().splitlines()[-1]
    if code != _TESTS_FAILED or _NO_TEST.match(said):
        return BROKEN, said
    return CAUGHT, said


def plant(defect: Defect, root: Path) -> Outcome:
    """Plant a defect in the copy, run its test, and take the defect out again."""
    started = time.monotonic()
    if fault := defect.fault(root):
        return Outcome(defect, BROKEN, fault, 0.0)
    path = root / defect.file
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound.replace(defect.source, defect.planted), encoding="utf-8")
    try:
        verdict, said = judge(*run_tests(root, [defect.test]))
    finally:
        path.write_text(sound, encoding="utf-8")
    return Outcome(defect, verdict, said, time.monotonic() - started)


def table(outcomes: Sequence[Outcome]) -> str:
    """Write the outcomes as a table in Markdown."""
    rows = ["| Defect | In | Test | Outcome |", "|---|---|---|---|"]
    for outcome in outcomes:
        defect = outcome.defect
        file = defect.file.removeprefix("src/facefill/")
        test = defect.test.removeprefix("tests/").replace("::", " :: ")
        rows.append(f"| {defect.name} | `{file}` | `{test}` | {outcome.verdict} |")
    return "\n".join(rows)


def chosen(words: Sequence[str]) -> list[Defect]:
    """Choose the defects with any of the words in their name; all if there is none."""
    defects = read_catalogue()
    if not words:
        return defects
    return [each for each in defects if any(word in each.name for word in words)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; 0 if every defect is caught."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("words", nargs="*", help="words in the names of defects")
    words = parser.parse_args(arguments).words
    defects, started = chosen(words), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="facefill-defects-") as folder:
        root = Path(folder)
        copy_tree(root)
        nodes = sorted({defect.test for defect in defects})
        print(f"{len(nodes)} tests without any defect: ", end="", flush=True)
        code, output = run_tests(root, nodes)
        if code != 0:
            print(output)
            return 1
        print(f"passed in {time.monotonic() - started:.0f} s", flush=True)
        outcomes = []
        for defect in defects:
            outcome = plant(defect, root)
            outcomes.append(outcome)
            print(
                f"{outcome.verdict:7} {outcome.seconds:4.0f} s  {defect.name}: "
                f"{outcome.said[:120]}",
                flush=True,
            )
    caught = sum(outcome.verdict == CAUGHT for outcome in outcomes)
    minutes = (time.monotonic() - started) / 60
    print(f"\n{table(outcomes)}\n")
    print(f"{caught} of {len(outcomes)} caught, {minutes:.1f} minutes")
    return 0 if caught == len(outcomes) > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
