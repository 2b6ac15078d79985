"""The notebooks run from the first cell to the last, and are stored as they ran."""

import json
import subprocess
import sys

import pytest

from projects import ROOT

NAMES = ("distribution", "latent_space", "one_photo")
MAX_BYTES = 600_000


def cells(name):
    notebook = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text())
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


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
def test_it_runs_from_the_first_cell_to_the_last(name, tmp_path):
    pytest.importorskip("nbclient")
    script = (
        "import sys; sys.path.insert(0, 'tools'); from pathlib import Path; "
        "import run_notebooks; "
        f"run_notebooks.executed(Path('notebooks/{name}.ipynb'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=1250,
    )
    assert done.returncode == 0, done.stderr
