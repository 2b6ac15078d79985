"""Grids and animations of all completed photos."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from facefill.completion import uncertainty
from facefill.completion.result_folders import result_folder
from facefill.imaging.pictures import encode_gif, grid, read_png

MAX_PICTURED = 64
"""Photos in the grids and the animation, which more would make unreadable."""


def overview(
    photos: Sequence[str],
    faces: Mapping[str, str],
    aligned: Path,
    output: Path,
    frames_per_second: float,
) -> dict[str, np.ndarray | bytes]:
    """Draw grids of the photos and animations; of chains too, if there were any.

    Args:
        photos: Ids of completed photos, at most ``MAX_PICTURED``.
        faces: Path of the aligned face below ``aligned``, by id.
        aligned: Folder of the aligned faces.
        output: Folder of the completions.
        frames_per_second: Frame rate of the animations.

    Returns:
        By file name: grids, uint8 (height, width, 3), and bytes of GIF files.
    """
    if not photos:
        return {}

    folders = [output / result_folder(photo) for photo in photos]

    def pictures_of(name: str) -> np.ndarray:
        return np.stack([read_png(folder / name) for folder in folders])

    frames = _frames(pictures_of("frames.png"))
    before = [read_png(aligned / faces[photo]) for photo in photos]
    pictures: dict[str, np.ndarray | bytes] = {
        "before.png": grid(np.stack(before)),
        "masked.png": grid(pictures_of("known.png")),
        "completed.png": frames[-1],
        "blended.png": grid(pictures_of("blended.png")),
        "completion.gif": encode_gif(np.stack(frames), frames_per_second),
    }
    samples = [folder / uncertainty.SAMPLES for folder in folders]
    if all(path.is_file() for path in samples):
        strips = _frames(pictures_of(uncertainty.SAMPLES))
        pictures |= {name: grid(pictures_of(name)) for name in uncertainty.MAPS}
        pictures["mean.png"] = grid(pictures_of("generated.png"))
        pictures["samples.gif"] = encode_gif(np.stack(strips), frames_per_second)
    return pictures


def _frames(strips: np.ndarray) -> list[np.ndarray]:
    """Cut strips of pictures, (photos, S, frames * S, 3), into grids of all photos."""
    size = strips.shape[1]
    return [
        grid(strips[:, :, begin : begin + size])
        for begin in range(0, strips.shape[2], size)
    ]
