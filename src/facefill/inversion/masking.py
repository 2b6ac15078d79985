"""Which mask a photo gets: that of its file, or a shape."""

import numpy as np

from facefill.imaging.degradations import degradation_of
from facefill.imaging.masks import build_mask
from facefill.inversion.measurement import Measurement
from facefill.parameters import CompleteOptions, MaskName
from facefill.runtime import rng


class MaskMaker:
    """Gives photos that have no mask file the shape of the parameters."""

    def __init__(self, name: MaskName, options: CompleteOptions, seed: int) -> None:
        """Take the name of the shape, its sizes, and the seed of random ones."""
        self.name = name
        self.polarity = options.mask_files
        self.observation = degradation_of(name, options.noise)
        self._options = options
        self._seed = seed

    def shape(self, photo_id: str, size: int) -> np.ndarray:
        """Build the shape; random ones differ between photos, not between runs.

        Returns:
            bool (size, size), True = known.
        """
        draw = rng.keyed_rng(self._seed, rng.Purpose.MASK, rng.photo_key(photo_id))
        return build_mask(
            self.name,
            size,
            center_scale=self._options.center_scale,
            random_fraction=self._options.random_fraction,
            strokes=self._options.strokes,
            seed=int(draw.integers(2**31)),
        )

    def damaged(self, photo_id: str, face: np.ndarray) -> Measurement:
        """Damage a whole face, uint8 (S, S, 3), as the shape says.

        Noise differs between photos, not between runs.
        """
        draw = rng.keyed_rng(self._seed, rng.Purpose.MASK, rng.photo_key(photo_id), 1)
        return Measurement(
            photo_id,
            self.observation.damage(face, draw),
            self.shape(photo_id, len(face)),
            self.observation,
        )
