"""Benchmarks run as they are called: ``python benchmarks/name.py``."""

import ast
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
# Of those beside the script only; Python puts no other folder of it on its path.
SEARCHED = [str(FOLDER), *(each for each in sys.path if FOLDER.name not in each)]


def imported(script):
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def is_found(name):
    root = name.partition(".")[0]
    finders = BuiltinImporter, FrozenImporter
    return any(finder.find_spec(root) for finder in finders) or bool(
        PathFinder.find_spec(root, SEARCHED)
    )


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.py")), ids=lambda it: it.stem)
def test_what_a_benchmark_imports_is_beside_it_or_installed(script):
    optional = {"torch", "jax"}
    missing = {name for name in imported(script) if not is_found(name)}
    assert {name.partition(".")[0] for name in missing} <= optional
