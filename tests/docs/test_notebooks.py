"""The notebooks run from the first cell to the last, and are stored as they ran."""

import base64
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from notebooks import code_cells, stored
from projects import ROOT

NAMES = ("distribution", "latent_space", "one_photo")
MAX_BYTES = 600_000
MOST_CHANGE = 3.0
"""Mean difference of a picture from the stored one, in grey levels: processors round
otherwise, and pictures are stored with 96 colours."""


def cells(name):
    return code_cells(ROOT / f"notebooks/{name}.ipynb")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_stored_with_small_outputs_of_all_its_cells(name):
    counts = [cell["execution_count"] for cell in cells(name)]
    assert counts == list(range(1, len(counts) + 1))
    outputs = [output for cell in cells(name) for output in cell["outputs"]]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert all(output["output_type"] != "error" for output in outputs)
    assert (ROOT / f"notebooks/{name}.ipynb").stat().st_size < MAX_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_it_names_no_folder_of_a_machine(name):
    text = (ROOT / f"notebooks/{name}.ipynb").read_text()
    assert not any(folder in text for folder in ("/home/", "/tmp/", "/Users/"))


@pytest.mark.long
@pytest.mark.timeout(1300)
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_from_the_first_cell_to_the_last_and_gives_what_is_stored(name):
    path = ROOT / f"notebooks/{name}.ipynb"
    done = subprocess.run(
        [sys.executable, ROOT / "tests/support/notebooks.py", path],
        cwd=path.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=1250,
    )
    assert done.returncode == 0, done.stderr
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(outcomes) == len(cells(name))
    for (printed, picture), cell in zip(outcomes, cells(name), strict=True):
        expected, shown = stored(cell)
        assert printed == expected
        assert (picture is None) == (shown is None)
        if shown is not None:
            ours, theirs = pixels(picture), pixels(shown)
            assert ours.shape == theirs.shape
            assert np.abs(ours - theirs).mean() < MOST_CHANGE


def pixels(png):
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        return np.asarray(image.convert("RGB"), np.float32)
