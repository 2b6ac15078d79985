"""The page of parameters has all of them, as the models check them now."""

import re
import subprocess
import sys

import pytest
import yaml

from facefill.parameters import Parameters
from facefill.parameters.blocks import Block
from facefill.parameters.validation import valid_keys
from projects import ROOT

PAGE = (ROOT / "docs/parameters.md").read_text(encoding="utf-8")
ROWS = {
    cells[0].strip("`"): cells[1:]
    for cells in (
        re.split(r" (?<!\\)\| ", line.strip("| "))
        for line in PAGE.splitlines()
        if line.startswith("| `")
    )
}


def is_block(key):
    value = Parameters()
    for name in key.split("."):
        value = getattr(value, name)
    return isinstance(value, Block)


def test_the_page_is_what_the_tool_writes_now():
    code = (
        "import sys; sys.path.insert(0, 'tools'); import parameter_page;"
        "sys.stdout.buffer.write(parameter_page.page().encode())"
    )
    written = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True
    )

    assert written.stdout.decode() == PAGE


def test_every_parameter_has_a_row_and_a_sentence():
    assert set(ROWS) == {key for key in valid_keys() if not is_block(key)}
    for key, (_, _, meaning, *_) in ROWS.items():
        assert meaning.endswith((".", "...")), key


@pytest.mark.parametrize("key", ROWS)
def test_the_default_is_that_of_the_model(key):
    value = Parameters()
    for name in key.split("."):
        value = getattr(value, name)

    first = re.match(r"`([^`]*)`", ROWS[key][1]).group(1)
    assert yaml.safe_load(first) == pytest.approx(value) or first == str(value)


@pytest.mark.parametrize(
    ("key", "values", "default"),
    [
        ("seed", "integer, 0 to 2147483647", "`1`"),
        ("train.beta_1", "number, at least 0, below 1", "`0.5`"),
        ("train.real_label", "number, above 0.5, at most 1", "`1.0`"),
        ("align.workers", "integer, at least 1, or `null`", "`null`"),
        ("sample.arithmetic.add", "list of 3 (integer, at least 0)", "`[6, 7, 8]`"),
        ("train.batch_size", "integer, at least 1", "`32`, `64` (`preset: reference`)"),
        (
            "complete.learning_rate",
            "number, above 0",
            "`0.05`, `0.01` (`preset: reference`), `0.1` (`method: hmc`)",
        ),
    ],
)
def test_ranges_and_defaults_are_said_in_words(key, values, default):
    assert ROWS[key][:2] == [values, default]


def test_pipelines_are_those_whose_nodes_read_the_parameter():
    assert ROWS["lam"][-1] == "`complete`, `evaluate`"
    assert ROWS["model"][-1] == "`complete`, `evaluate`, `sample`"
    assert "Read by `import_checkpoint`." in PAGE.partition("## import_checkpoint")[2]
