r"""An encoder as the start of a search: is one pass worth as much as iterations?

Usage::

    python benchmarks/encoder.py data/05_model_input/faces.npy searches/ \
        [--steps 27500] [--batch-size 256] [--width 48] [--count 200]

The encoder of the pretrained generator is trained as ``kedro run --pipeline=train``
trains one: the same command goes on with a training that was interrupted. From what it
gives for held-out faces under the mask ``center``, searches of several lengths go on.
Results lie beside those of ``searches.py``, whose ``--report`` compares them, and in
``searches/encoder`` the encoder, for ``tools/ship_encoder.py``.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facefill.evaluation.completions import hold_out
from facefill.inversion.encoder import Encoder
from facefill.inversion.measurement import Measurement
from facefill.inversion.search import LatentSearch
from facefill.inversion.starts import Starts
from facefill.models import pretrained
from facefill.models.encoders import ENCODER_FILE, ENCODER_FOLDER
from facefill.parameters import CompleteOptions, TrainOptions
from facefill.preparation.face_set import read_face_set
from facefill.preparation.splits import VALIDATION
from facefill.runtime.files import write_bytes
from facefill.training.checkpoints import CheckpointStore
from facefill.training.encoder.loop import train_encoder
from searches import LAM, SEED, damaged, descend, keep

LENGTHS = (20, 50, 150)


class GivenStarts(Starts):
    """Starts that were computed before, by the key of their measurement."""

    def __init__(
        self, generator: Any, options: CompleteOptions, firsts: dict[str, np.ndarray]
    ) -> None:
        """Take a latent for each key."""
        super().__init__(generator, options, SEED)
        self._firsts = firsts

    def latents(self, measurement: Measurement) -> np.ndarray:
        """The one start of a measurement, (1, latent_size)."""
        return self._firsts[measurement.key][None]


def search_from(
    firsts: dict[str, np.ndarray],
    targets: Sequence[Measurement],
    folder: Path,
    batch_size: int,
) -> None:
    """Search from the encoder's latents, at several lengths."""
    pair = pretrained.load_pair()
    # One iteration of no length measures the start.
    lengths: dict[str, dict[str, Any]] = {
        "encoder alone": {"iterations": 1, "keep": "best", "learning_rate": 1e-9}
    }
    for length in LENGTHS:
        lengths[f"encoder, {length} iterations"] = {"iterations": length}
    for name, changes in lengths.items():
        values = {"precision": "float32", "batch_size": batch_size, "encoder": False}
        values |= changes
        options = CompleteOptions.model_validate(values)
        plain = options.model_copy(update={"fit": "none"})
        searcher = LatentSearch(*pair, plain, LAM, SEED)
        searcher.starts = GivenStarts(pair.generator, plain, firsts)
        started = time.monotonic()
        found = descend(searcher, targets)
        seconds = (time.monotonic() - started) / len(targets)
        keep(folder / f"{name}.npz", targets, (*found, options), seconds)


def show(step: int, values: Mapping[str, float]) -> None:
    """Print the metrics of some steps."""
    if step % 500 == 0:
        print(step, {name: round(value, 4) for name, value in values.items()})


def main() -> None:
    """Train an encoder, and search from what it gives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, help="faces.npy of a prepared project")
    parser.add_argument("folder", type=Path, help="where results are kept")
    parser.add_argument("--steps", type=int, default=27500)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--search-batch-size", type=int, default=8)
    parser.add_argument("--width", type=int, default=48)
    parser.add_argument("--count", type=int, default=200)
    given = parser.parse_args()
    faces = read_face_set(given.faces)
    options = TrainOptions(
        batch_size=given.batch_size,
        encoder_steps=given.steps,
        encoder_width=given.width,
    )
    folder = given.folder / ENCODER_FOLDER
    started = time.monotonic()
    encoder = train_encoder(
        faces.of_split("train"),
        (pretrained.load_pair().generator, None),
        options,
        SEED,
        CheckpointStore(folder / "checkpoints"),
        show,
    )
    write_bytes(folder / ENCODER_FILE, encoder.packed())
    count, seconds = encoder.network.count_params(), time.monotonic() - started
    print(f"{count:,} weights, {seconds:.0f} s")
    targets = damaged(hold_out(faces, given.count, SEED, VALIDATION), "center")
    latent = Encoder(encoder.network).latent
    firsts = {target.key: latent(target) for target in targets}
    search_from(firsts, targets, given.folder / "center", given.search_batch_size)


if __name__ == "__main__":
    main()
