"""No parameter is a knob that does nothing: each is read where work is done."""

import ast
import re

import pytest

from facefill.parameters import Parameters
from facefill.parameters.validation import valid_keys
from projects import ROOT

SOURCE = ROOT / "src/facefill"
# Read by the models of the parameters themselves: they fill in others.
OF_THE_MODELS = {"preset"}


def leaves():
    keys = valid_keys()
    return [key for key in keys if not any(k.startswith(f"{key}.") for k in keys)]


@pytest.fixture(scope="module")
def read():
    """Names of attributes that are read outside the models, and inputs of nodes."""
    names = set()
    for path in SOURCE.rglob("*.py"):
        if path.is_relative_to(SOURCE / "parameters"):
            continue
        text = path.read_text(encoding="utf-8")
        names |= set(re.findall(r'"params:([\w.]+)"', text))
        names |= {
            node.attr
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
        }
    return names


def properties_that_read(name):
    """Properties and methods of the models, by which others read a parameter."""
    found = set()
    for path in (SOURCE / "parameters").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(part, ast.Attribute) and part.attr == name
                for part in ast.walk(node)
            ):
                found.add(node.name)
    return found


@pytest.mark.parametrize("key", leaves())
def test_every_parameter_is_read(read, key):
    name = key.rpartition(".")[2]
    if name in OF_THE_MODELS:
        return
    assert {key, name, *properties_that_read(name)} & read


def test_every_block_is_an_input_of_a_node(read):
    blocks = {
        name
        for name in Parameters.model_fields
        if any(key.startswith(f"{name}.") for key in valid_keys())
    }
    assert blocks <= read


def test_a_parameter_that_nothing_reads_would_be_noticed(read):
    assert not {"no_such_parameter"} & read
    assert not properties_that_read("no_such_parameter")
