"""Photos that tests make: pixels of known values, and one of a real face."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image


def noise(height=24, width=32, seed=0):
    """Draw pixels without any pattern: uint8 RGB."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@cache
def face_photo():
    """Show an astronaut, public domain, cut to 220x220: one frontal face."""
    import skimage.data

    photo = skimage.data.astronaut()[:220, 110:330]
    photo.setflags(write=False)
    return photo


def write_photo(path, pixels, **options):
    """Save pixels in the format that the name's ending says."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def faces_tree(folder, names, faceless=()):
    """Write the astronaut under each name, a little different each time."""
    for number, name in enumerate([*names, *faceless]):
        pixels = noise(40, 40, number) if name in faceless else face_photo().copy()
        pixels[-1, -1] = number
        write_photo(folder / name, pixels)
    return folder


def map_here(work, chunks):
    """Do chunks in this process, as ``parallel.chunk_mapper`` does in others."""
    for chunk in chunks:
        yield [work(item) for item in chunk]
