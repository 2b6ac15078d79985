"""The house rules that no linter knows: sizes, docstrings, and no dangerous calls."""

import ast
import re

import pytest

from projects import ROOT

MODULES = sorted((ROOT / "src" / "facefill").rglob("*.py"))
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 40
MAX_PARAMETERS = 6
MAX_TOP_MODULES = 8

# Modules through which data could become code, and calls that do it.
DANGEROUS_IMPORTS = {"pickle", "marshal", "shelve", "cloudpickle", "dill", "joblib"}
DANGEROUS_CALLS = re.compile(
    r"\b(eval|exec|yaml\.load|mktemp|enable_unsafe_deserialization)\("
    r"|allow_pickle=True|shell=True|safe_mode=False"
)


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path):
    return path.relative_to(ROOT / "src").as_posix()


def functions(tree):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def code_lines(function):
    """Count lines of code: no docstring, no comments, no blank lines."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    text = ast.unparse(body)  # drops comments and blank lines, and joins statements
    first = body[0].lineno if body else function.end_lineno
    return min(len(text.splitlines()), function.end_lineno - first + 1)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_small_and_says_what_it_is_for(path):
    text = path.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= MAX_MODULE_LINES
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_are_short_and_take_few_parameters(path):
    for function in functions(parsed(path)):
        arguments = function.args
        parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        own = [each for each in parameters if each.arg not in ("self", "cls")]

        assert code_lines(function) <= MAX_FUNCTION_LINES, function.name
        # A node takes one argument a dataset; its signature is its wiring. The front
        # door takes by name what its users may choose.
        if path.name not in ("nodes.py", "api.py"):
            assert len(own) <= MAX_PARAMETERS, function.name


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_data_cannot_become_code(path):
    tree = parsed(path)
    imported = {
        (name or "").partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert not imported & DANGEROUS_IMPORTS
    assert not DANGEROUS_CALLS.search(ast.unparse(tree))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_names_say_what_a_module_holds(path):
    assert path.stem not in {"utils", "helpers", "common", "misc", "core"}


def test_the_rules_can_be_broken():
    long = "def f():\n" + "    x = 1\n" * (MAX_FUNCTION_LINES + 1)
    documented = (
        'def f():\n    """Say.\n\n    More.\n    """\n    # why\n\n    return 1\n'
    )

    assert code_lines(ast.parse(long).body[0]) == MAX_FUNCTION_LINES + 1
    assert code_lines(ast.parse(documented).body[0]) == 1
    assert DANGEROUS_CALLS.search("np.load(path, allow_pickle=True)")


def test_tracked_files_name_no_package_registry():
    host = re.compile(r"https?://[\w.]*(pypi|pythonhosted|npmjs)\.")
    tracked = ["pyproject.toml", "requirements.lock", "Makefile", "README.md"]

    for name in tracked:
        assert not host.search((ROOT / name).read_text(encoding="utf-8")), name


def test_the_lock_pins_every_package_by_hash():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    requirements = re.split(r"\n(?=[a-z0-9])", text, flags=re.IGNORECASE)[1:]

    assert len(requirements) > 100
    assert all(
        re.match(r"[\w.-]+==[\w.+!-]+[^\n]*\\\n +--hash=sha256:", each)
        for each in requirements
    )


def test_few_modules_stand_at_the_top():
    assert len(list((ROOT / "src" / "facefill").glob("*.py"))) <= MAX_TOP_MODULES
