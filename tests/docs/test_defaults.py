"""Defaults that the pages tell are those of the typed parameters."""

import re
from pathlib import Path

import pytest

from facefill.parameters import CompleteOptions, TrainOptions
from facefill.parameters.completion import AFTER_ENCODER, FROM_BANK

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/from-2016.md"


def told(parameter):
    """Last cell of a row: the default, or that and the preset reference's."""
    row = rf"^\|[^|]*\|[^|]*\| `{re.escape(parameter)}`[^|]*\|([^|]*)\|$"
    (found,) = re.findall(row, PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return found.strip()


@pytest.mark.parametrize(
    ("options", "block", "name"),
    [
        (TrainOptions, "train", "learning_rate"),
        (TrainOptions, "train", "beta_1"),
        (TrainOptions, "train", "batch_size"),
        (TrainOptions, "train", "max_steps"),
        (CompleteOptions, "complete", "learning_rate"),
        (CompleteOptions, "complete", "center_scale"),
        (CompleteOptions, "complete", "iterations_per_call"),
    ],
)
def test_users_of_the_old_repository_are_told_the_defaults(options, block, name):
    cells = told(f"{block}.{name}").split(", ")
    ours, reference = (options(preset=preset) for preset in ("default", "reference"))
    assert float(cells[0]) == getattr(ours, name)
    assert float(cells[-1]) == getattr(reference, name)


def test_users_of_the_old_repository_are_told_how_long_a_search_is():
    reference = CompleteOptions(preset="reference").num_iterations
    expected = f"{AFTER_ENCODER} with an encoder, else {FROM_BANK}; {reference}"
    assert told("complete.iterations") == expected


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (
            "conf/base/parameters_complete.yml",
            f"By default {AFTER_ENCODER} where an encoder",
        ),
        ("docs/tutorial.md", f"facefill takes {AFTER_ENCODER} steps by default"),
        ("docs/tutorial.md", f"after {AFTER_ENCODER} steps |"),
    ],
)
def test_how_long_a_search_is_is_told_the_same_everywhere(page, sentence):
    words = re.sub(r"\s+#?\s*", " ", (ROOT / page).read_text(encoding="utf-8"))
    assert sentence in words
