"""Which mask a photo gets: that of its file, or a shape."""

from pathlib import Path

import numpy as np

from facefill import randomness
from facefill.errors import MaskError, PhotoError
from facefill.images import decode_photo
from facefill.masks import WHITE, build_mask
from facefill.parameters import CompleteOptions, MaskName


class MaskMaker:
    """Gives photos that have no mask file the shape of the parameters."""

    def __init__(self, name: MaskName, options: CompleteOptions, seed: int) -> None:
        """Take the name of the shape, its sizes, and the seed of random ones."""
        self.name = name
        self._options = options
        self._seed = seed

    def shape(self, photo_id: str, size: int) -> np.ndarray:
        """Build the shape; ``random`` differs from photo to photo, not between runs.

        Returns:
            bool (size, size), True = known.
        """
        draw = randomness.generator(
            self._seed, randomness.Purpose.MASK, randomness.key(photo_id)
        )
        return build_mask(
            self.name,
            size,
            center_scale=self._options.center_scale,
            random_fraction=self._options.random_fraction,
            seed=int(draw.integers(2**31)),
        )


def read_hole(file: Path, size: tuple[int, int]) -> np.ndarray:
    """Read a mask file, whose hole is white.

    Args:
        file: Picture of the photo's own size.
        size: Height and width of the photo.

    Returns:
        bool (height, width), True = hole.

    Raises:
        MaskError: If the file cannot be read, is of another size or has no white.
    """
    try:
        pixels = decode_photo(file.read_bytes())
    except PhotoError as error:
        raise MaskError(f"mask {file} cannot be read ({error})") from error
    if pixels.shape[:2] != size:
        raise MaskError(
            f"mask {file} is {pixels.shape[1]}x{pixels.shape[0]}, its photo "
            f"{size[1]}x{size[0]} pixels"
        )
    hole = pixels.max(axis=-1) >= WHITE
    if not hole.any():
        raise MaskError(f"mask {file} has no white pixel, so nothing is missing")
    return np.asarray(hole)
