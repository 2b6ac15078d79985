"""Train the refiner, and pack it to come with facefill.

Run it in the project's environment with the extra ``judges``, where ``kedro run
--pipeline=prepare --params=image_size:128`` has aligned photos::

    python tools/ship_refiner.py data/05_model_input/faces.npy refiner/ --steps 20000

The same command goes on with a training that was interrupted. Of the training side are
taken crops that are neither blurred nor reach far beyond their photo. In the second
half of the steps the learning rates fall to nothing.
"""

import argparse
import hashlib
from pathlib import Path

import keras
import numpy as np

from facefill.backend import devices
from facefill.inversion.pca_fit import gaussian_fit_of
from facefill.models import pretrained
from facefill.models.files import weights_sha256
from facefill.models.packing import in_eight_bits
from facefill.models.pretrained import REFINER, REFINER_MANIFEST
from facefill.parameters import CompleteOptions
from facefill.preparation.face_set import read_face_set
from facefill.preparation.quality import sharpness
from facefill.runtime.files import write_bytes, write_json
from facefill.runtime.packaged_files import FOLDER
from facefill.training.checkpoints import CheckpointStore
from facefill.training.refiner.batches import RefinerBatches
from facefill.training.refiner.coarse import CoarseCompleter
from facefill.training.refiner.crops import MIN_INSIDE, MIN_SHARPNESS
from facefill.training.refiner.loop import Schedule, train_refiner
from facefill.training.refiner.perceptual import perceptual_loss
from facefill.training.refiner.step import Cooling, LossWeights
from facefill.training.refiner.trainer import RefinerTrainer

SEED = 1
BATCH_SIZE = 32
SHIPPED = REFINER, REFINER_MANIFEST


def main() -> None:
    """Train on, and pack what there is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--output", type=Path, default=FOLDER)
    given = parser.parse_args()
    crops = read_face_set(given.faces).of_split("train")
    chosen = [row for row in range(len(crops)) if is_usable(np.asarray(crops[row]))]
    print(f"{len(chosen)} of {len(crops)} crops are usable")
    pair = pretrained.load_pair()
    encoder = pretrained.load_encoder(weights_sha256(pair.generator))
    options, statistics = CompleteOptions(), pretrained.load_statistics()
    fit = gaussian_fit_of(options, statistics, pair.generator.output_shape[1])
    assert encoder is not None
    assert fit is not None
    share = options.coarse_share
    completer = CoarseCompleter(encoder, pair.generator, fit, share, SEED)
    precision = devices.resolve_precision("auto", "auto")
    size, loss = crops.shape[1], perceptual_loss(precision, with_vgg16=True)
    cooling = Cooling(given.steps // 2, given.steps)
    if loss is None:
        parser.error("a refiner is shipped with its perceptual loss; install judges")
    refiner = train_refiner(
        RefinerBatches(np.asarray(crops[np.array(chosen)]), completer, given.folder),
        RefinerTrainer(size, SEED, LossWeights(), loss, precision, cooling),
        CheckpointStore(given.folder / "checkpoints"),
        Schedule(given.steps, BATCH_SIZE),
        lambda step, values: print(step, values, flush=True),
    )
    print(f"{ship(refiner, given.output)} bytes")


def is_usable(crop: np.ndarray) -> bool:
    """Tell whether a crop is sharp, and mostly of its photo: black is its border."""
    inside = (crop.max(axis=-1) > 0).mean()
    return bool(sharpness(crop) > MIN_SHARPNESS and inside > MIN_INSIDE)


def ship(refiner: keras.Model, folder: Path, names: tuple[str, str] = SHIPPED) -> int:
    """Write a refiner, kernels in 8 bits, and its description; return its bytes."""
    content = in_eight_bits(refiner)
    name, description = names
    write_bytes(folder / name, content)
    sha256 = hashlib.sha256(content).hexdigest()
    size = int(refiner.input_shape[1])
    write_json(folder / description, {"sha256": sha256, "size": size})
    return len(content)


if __name__ == "__main__":
    main()
