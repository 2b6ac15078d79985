"""Make the pretrained model that comes with facefill from one that was trained.

Run it in the project's environment, with the folder of the models or that of the
checkpoints of a training that still runs (whose average is shipped)::

    python tools/ship_pretrained.py data/06_models
    python tools/ship_pretrained.py data/06_models/checkpoints

It replaces the networks, the grid of samples and the manifest in
``src/facefill/pretrained``. What it cannot know, write into ``MODEL_CARD.md`` there.
"""

import argparse
import json
from pathlib import Path

from facefill.models.files import ModelPair, read_pair
from facefill.models.packing import ship
from facefill.runtime.packaged_files import FOLDER
from facefill.training.checkpoints import CheckpointStore
from facefill.training.export import models_of_checkpoint


def read(folder: Path) -> tuple[ModelPair, int]:
    """Read the models of a folder of either kind, and the steps of their training."""
    checkpoint = CheckpointStore(folder).latest()
    if checkpoint is not None:
        return models_of_checkpoint(checkpoint), checkpoint.step
    report = folder.parent / "08_reporting" / "training.json"
    steps = json.loads(report.read_text(encoding="utf-8"))["steps"]
    return read_pair(folder), steps


def main() -> None:
    """Ship what is in the folder that was named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of models, or of checkpoints")
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    models, steps = read(arguments.folder)
    manifest = ship(models, arguments.output, steps)
    print(f"{arguments.output}: {manifest}")


if __name__ == "__main__":
    main()
