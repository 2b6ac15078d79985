"""Measure the statistics of heads and shoulders that come with facefill.

Run it in the project's environment, after ``kedro run --pipeline=prepare``::

    python tools/ship_head_statistics.py data/

Photos of the training side are measured whose face is small enough for head and
shoulders to be on them.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from facefill.completion.expected_heads import (
    DESCRIPTION,
    FIELD,
    FILE,
    head_map,
    head_picture,
)
from facefill.imaging.photos import read_photo
from facefill.models.face_pca import measure
from facefill.runtime import rng
from facefill.runtime.files import write_bytes, write_json
from facefill.runtime.packaged_files import FOLDER

LEAST_SEEN = 0.95
"""Share of the picture that lies within its photo."""


def main() -> None:
    """Measure heads of the training split."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--components", type=int, default=200)
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    draw = rng.keyed_rng(1, rng.Purpose.STATISTICS)
    heads = training_heads(arguments.data)
    content = measure(heads, arguments.components, draw).packed()
    write_bytes(arguments.output / FILE, content)
    described = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "heads": len(heads),
        "components": arguments.components,
    }
    write_json(arguments.output / DESCRIPTION, described)
    print(f"{len(heads)} heads, {len(content)} bytes")


def training_heads(data: Path) -> np.ndarray:
    """Give pictures of heads, uint8 RGB (N, SIDE, SIDE, 3)."""
    aligned = pd.read_parquet(data / "03_primary/alignment.parquet")
    faces = pd.read_parquet(data / "05_model_input/faces.parquet")
    chosen = aligned[aligned["id"].isin(faces.loc[faces["split"] == "train", "id"])]
    size = len_of_crop(data)
    heads: list[np.ndarray] = []
    for _, photo in chosen.iterrows():
        matrix = np.asarray(photo["matrix"], np.float64).reshape(2, 3)
        scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
        if min(photo["width"], photo["height"]) < 0.9 * FIELD * size / scale:
            continue
        pixels = read_photo(data / "01_raw/photos" / photo["path"])
        whole = np.ones(pixels.shape[:2], np.bool_)
        picture, seen = head_picture(pixels, whole, head_map(matrix, size))
        if seen.mean() >= LEAST_SEEN:
            heads.append(np.where(seen[..., None], picture, picture[seen].mean(0)))
    return np.asarray(heads, np.uint8)


def len_of_crop(data: Path) -> int:
    """Side of the crops that the maps lead to, in pixels."""
    return int(np.load(data / "05_model_input/faces.npy", mmap_mode="r").shape[1])


if __name__ == "__main__":
    main()
