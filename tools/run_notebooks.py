"""Execute notebooks, and keep their outputs in them.

All of the tutorial's, or those that are named; needs ``pip install -e '.[notebook]'``::

    python tools/run_notebooks.py
    python tools/run_notebooks.py notebooks/latent_space.ipynb
"""

import argparse
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = ("distribution", "latent_space", "one_photo")
TIMEOUT_S = 1200


def executed(path: Path) -> Any:
    """Run a notebook from its first cell to its last, in its own folder.

    Raises:
        nbclient.exceptions.CellExecutionError: If a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
    )
    client.execute()
    for cell in notebook.cells:
        # What libraries log of the machine tells a reader nothing.
        if cell.cell_type == "code":
            cell.outputs = [
                output for output in cell.outputs if output.get("name") != "stderr"
            ]
    return notebook


def main() -> None:
    """Execute the notebooks that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path)
    paths = parser.parse_args().notebooks
    for path in paths or [FOLDER / f"{name}.ipynb" for name in NAMES]:
        nbformat.write(executed(path), path)
        print(path.name, f"{path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
