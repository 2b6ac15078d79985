"""Measure the statistics of heads and shoulders that come with facefill.

Run it in the project's environment, after ``kedro run --pipeline=prepare``::

    python tools/ship_head_statistics.py data/
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
from training_heads import Head, training_heads

from facefill.completion.expected_heads import DESCRIPTION, EXPECTED_SIDE, FILE
from facefill.completion.head_pictures import shrunk
from facefill.models.face_pca import measure
from facefill.runtime import rng
from facefill.runtime.files import write_bytes, write_json
from facefill.runtime.packaged_files import FOLDER


def main() -> None:
    """Measure heads of the training split."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--components", type=int, default=200)
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    draw = rng.keyed_rng(1, rng.Purpose.STATISTICS)
    heads = np.asarray([small(head) for head in training_heads(arguments.data)])
    content = measure(heads, arguments.components, draw).packed()
    write_bytes(arguments.output / FILE, content)
    described = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "heads": len(heads),
        "components": arguments.components,
    }
    write_json(arguments.output / DESCRIPTION, described)
    print(f"{len(heads)} heads, {len(content)} bytes")


def small(head: Head) -> np.ndarray:
    """Give a head as one is expected, uint8 RGB; beyond its photo its mean colour."""
    pixels, known = shrunk(head.picture, head.seen, EXPECTED_SIDE)
    return np.where(known[..., None], pixels, pixels[known].mean(axis=0)).astype("u1")


if __name__ == "__main__":
    main()
