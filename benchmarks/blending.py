"""Time of everything that happens to a completed face once it is found.

Usage::

    python benchmarks/blending.py
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import skimage.data

from facefill.imaging.compositing import paste_back, poisson_blend
from facefill.imaging.geometry import affine, warp
from facefill.imaging.masks import build_mask, mask_from_photo
from facefill.parameters import MaskName
from facefill.preparation.detection import by_size, find_faces, find_landmarks

SIZE = 64
ROUNDS = 15
MASKS: tuple[MaskName, ...] = ("center", "left", "random", "grid")


def median_ms(function: Callable[[], object]) -> float:
    """Time a function in milliseconds; the first round does not count."""
    times = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times[1:]))


def main() -> None:
    """Print the table."""
    photo = skimage.data.astronaut()
    landmarks = find_landmarks(photo, by_size(find_faces(photo))[0])
    print(f"{'what':<44}{'median ms':>10}")
    generated = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    for name in MASKS:
        mask = build_mask(name, SIZE)
        face = warp(photo, affine(landmarks, "innerEyesAndBottomLip", SIZE), SIZE)
        time_ms = median_ms(partial(poisson_blend, face, generated, mask))
        print(f"{f'poisson_blend {name}':<44}{time_ms:>10.1f}")
    for factor in (1, 4, 8):
        large = photo.repeat(factor, axis=0).repeat(factor, axis=1)
        matrix = affine(landmarks * factor, "innerEyesAndBottomLip", SIZE)
        face, mask = warp(large, matrix, SIZE), build_mask("center", SIZE)
        hole = np.zeros(large.shape[:2], bool)
        hole[100 * factor : 150 * factor, 190 * factor : 240 * factor] = True
        side = f"{len(large)}x{len(large)}"
        time_ms = median_ms(partial(paste_back, large, face, mask, matrix))
        print(f"{f'paste_back center, photo {side}':<44}{time_ms:>10.1f}")
        time_ms = median_ms(partial(mask_from_photo, hole, matrix, SIZE))
        print(f"{f'mask_from_photo, photo {side}':<44}{time_ms:>10.1f}")


if __name__ == "__main__":
    main()
