"""Every command and line of Python in README.md and the tutorial works as typed.

Cheap here is what can be told without the work: whether commands, options, pipelines,
parameters, extras, targets and files exist. What they do is run under the marker
``long``.
"""

import ast
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from functools import cache

import pytest
import yaml

from facefill.cli import parse_params
from facefill.commands.complete import complete
from facefill.parameters.validation import resolve
from projects import ROOT

PAGES = ("README.md", "docs/tutorial.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PIPELINES = {
    path.name
    for path in (ROOT / "src/facefill/pipelines").iterdir()
    if (path / "pipeline.py").is_file()
}
# Commands of the system, which are not ours to test.
OF_THE_SYSTEM = {"git", "cd", "cp", ".", "open"}


def blocks(language):
    """Fenced blocks of a language: the page, and the text of each."""
    return [
        (page, text)
        for page in PAGES
        for kind, text in BLOCK.findall((ROOT / page).read_text())
        if kind == language
    ]


def commands():
    """Lines of the shell: the page, and the words of each."""
    return [
        (page, shlex.split(line, comments=True))
        for page, text in blocks("sh")
        for line in text.replace("\\\n", " ").splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]


def labelled(cases):
    return [pytest.param(*case, id=f"{case[0]}: {' '.join(case[1])}") for case in cases]


@cache
def base_parameters():
    values = {}
    for path in sorted((ROOT / "conf/base").glob("parameters*.yml")):
        values |= yaml.safe_load(path.read_text())
    return values


def merged(values, changes):
    result = dict(values)
    for key, change in changes.items():
        is_block = isinstance(change, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], change) if is_block else change
    return result


def check_kedro(words):
    if words[0] != "run":
        assert words[:2] in (["mlflow", "ui"], ["viz", "run"])
        return
    for option in words[1:]:
        name, _, value = option.partition("=")
        if name == "--pipeline":
            assert value in PIPELINES
        elif name == "--env":
            assert (ROOT / "conf" / value).is_dir()
        else:
            assert name == "--params"
            resolve(merged(base_parameters(), parse_params(value)))


def check_facefill(words):
    assert words[0] in ("complete", "app")
    if words[0] == "complete":
        with complete.make_context("facefill complete", words[1:]) as context:
            assert context.params["photo"]
    check_files(words[1:])


def check_files(words):
    for word in words:
        if word.startswith("data/demo/"):
            assert (ROOT / word).exists()


def check_make(words):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(words) <= set(targets)


def check_pip(words):
    assert words[0] == "install"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extra in re.findall(r"\.\[(\w+)\]", " ".join(words)):
        assert extra in project["optional-dependencies"]
    if "-r" in words:
        assert (ROOT / words[words.index("-r") + 1]).is_file()


def check_python(words):
    if words[0] == "-m":
        modules = {"venv": lambda _: None, "pip": check_pip}
        modules[words[1]](words[2:])
        return
    assert (ROOT / words[0]).is_file()


CHECKS = {
    "kedro": check_kedro,
    "facefill": check_facefill,
    "make": check_make,
    "pip": check_pip,
    "python": check_python,
    "python3": check_python,
}


@pytest.mark.parametrize(("page", "words"), labelled(commands()))
def test_the_command_exists_with_these_arguments(page, words):
    program = words[0].rpartition("/")[2] or words[0]
    if program in OF_THE_SYSTEM:
        return
    CHECKS[program](words[1:])


@pytest.mark.parametrize("page", PAGES)
def test_the_page_has_commands_and_python(page):
    assert any(where == page for where, _ in commands())
    assert any(where == page for where, _ in blocks("python"))


@pytest.mark.parametrize("page", PAGES)
def test_pictures_and_pages_that_are_linked_exist(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_the_python_compiles(page):
    for where, text in blocks("python"):
        if where == page:
            ast.parse(text)


def test_the_python_that_needs_no_model_gives_what_the_tutorial_says(capsys):
    (text,) = [
        text
        for page, text in blocks("python")
        if page == "docs/tutorial.md" and text.startswith("import numpy")
    ]
    exec(text, {})
    said = capsys.readouterr().out
    assert f"```text\n{said}```" in (ROOT / "docs/tutorial.md").read_text()


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES)
def test_the_python_runs_from_the_first_line_to_the_last(page, tmp_path):
    shutil.copytree(ROOT / "data/demo/01_raw", tmp_path / "data/demo/01_raw")
    sample = tmp_path / "data/demo/01_raw"
    shutil.copy(sample / "incomplete/collins-scratch.jpg", tmp_path / "photo.jpg")
    shutil.copy(sample / "masks/collins-scratch.jpg.png", tmp_path / "mask.png")
    lines = "\n".join(text for where, text in blocks("python") if where == page)
    command = [sys.executable, "-c", lines]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=800
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("page", "words"),
    labelled([case for case in commands() if case[1][0] == "facefill"]),
)
def test_facefill_complete_completes(page, words, tmp_path):
    if words[1] != "complete":
        pytest.skip("the app has tests of its own")
    sample = ROOT / "data/demo/01_raw"
    shutil.copy(sample / "incomplete/collins-scratch.jpg", tmp_path / "photo.jpg")
    shutil.copy(sample / "masks/collins-scratch.jpg.png", tmp_path / "mask.png")
    for folder, source in (("photos", "incomplete"), ("masks", "masks")):
        (tmp_path / folder).mkdir()
        for path in sorted((sample / source).glob("collins-s*")):
            shutil.copy(path, tmp_path / folder)
    shutil.copytree(sample, tmp_path / "data/demo/01_raw")
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr
    output = words[words.index("--output") + 1]
    assert (tmp_path / output).exists()


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A fresh copy of this project."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("conf", "src", "data/demo/01_raw"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("page", "words"),
    labelled([case for case in commands() if "--env=demo" in case[1]]),
)
def test_kedro_runs_on_the_embedded_sample(page, words, project):
    if any("hmc" in word for word in words):
        pytest.skip(
            "takes hours on a processor; tests/inversion/hmc has shorter chains"
        )
    done = subprocess.run(
        [sys.executable, "-m", *[word.removeprefix(".venv/bin/") for word in words]],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=3500,
    )
    assert done.returncode == 0, done.stderr
