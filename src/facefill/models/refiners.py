"""Refiners that a training has made, each in a file that names its generator.

Synopsis::

    trained = read_refiner(folder)
    refiner = refiner_for(CompleteOptions(), generator, trained)  # or the shipped one
"""

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import keras

from facefill.models.files import read_trained, weights_sha256
from facefill.models.network_files import GENERATOR, pack, unpack
from facefill.models.refinement import Refiner, refiner_of, shipped_refiner
from facefill.models.refiner import build_refiner
from facefill.parameters import CompleteOptions

REFINER_FOLDER = "refiner"
"""Folder of a refiner, beside the file of its generator."""
REFINER_FILE = "refiner.npz"

_SIZE = "size"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TrainedRefiner:
    """A refiner, and whose completions it learned from.

    Attributes:
        network: Of ``refiner.build_refiner``.
        generator_sha256: ``files.weights_sha256`` of the generator.
    """

    network: keras.Model
    generator_sha256: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the weights, 64 hexadecimal digits."""
        return weights_sha256(self.network)

    def packed(self) -> bytes:
        """Encode as ``.npz``."""
        size = int(self.network.input_shape[1])
        return pack(self.network, {_SIZE: size, GENERATOR: self.generator_sha256})

    @classmethod
    def unpacked(cls, content: bytes) -> "TrainedRefiner":
        """Decode what ``packed`` made.

        Raises:
            ModelError: If it is something else, or not whole.
        """
        network, described = unpack(
            content, lambda sizes: build_refiner(sizes[_SIZE], seed=0)
        )
        return cls(network, described[GENERATOR])


def read_refiner(folder: Path) -> TrainedRefiner | None:
    """Read the refiner of a folder that the pipeline ``train`` has filled.

    Returns:
        None if there is none.

    Raises:
        ModelError: If its file is damaged.
    """
    return read_trained(folder / REFINER_FILE, TrainedRefiner.unpacked)


# Kept, since it is asked for with every photo, and says only once what it does not use.
@lru_cache(maxsize=2)
def refiner_for(
    options: CompleteOptions, generator: keras.Model, trained: TrainedRefiner | None
) -> Refiner | None:
    """Refiner that options ask for: one that was trained, or the shipped one.

    Args:
        options: ``refine``, ``fidelity``, ``precision`` and ``device`` are read.
        generator: The generator whose completions are refined.
        trained: Refiner that a training has made, perhaps of another generator, which
            is then said.

    Returns:
        None if they ask for none, or none is for faces of this size.

    Raises:
        ModelError: If the file of the shipped one is not that which was shipped.
    """
    shipped = shipped_refiner(options, int(generator.output_shape[1]))
    if trained is None or options.refine == "none":
        return shipped
    if trained.generator_sha256 != weights_sha256(generator):
        logger.warning(
            "the refiner that was trained is of another generator, and is not used"
        )
        return shipped
    return refiner_of(trained.network, options)
