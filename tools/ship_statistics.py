"""Measure the statistics of faces that come with facefill.

Run it in the project's environment, with the packed training set::

    python tools/ship_statistics.py data/05_model_input/faces.npy
"""

import argparse
import hashlib
from pathlib import Path

from facefill.models.face_pca import measure
from facefill.models.pretrained import STATISTICS, STATISTICS_MANIFEST
from facefill.preparation.face_set import read_face_set
from facefill.runtime import rng
from facefill.runtime.files import write_bytes, write_json
from facefill.runtime.packaged_files import FOLDER


def main() -> None:
    """Measure the faces of the training split."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("--components", type=int, default=500)
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    faces = read_face_set(arguments.faces).of_split("train")
    draw = rng.keyed_rng(1, rng.Purpose.STATISTICS)
    statistics = measure(faces, arguments.components, draw)
    content = statistics.packed()
    write_bytes(arguments.output / STATISTICS, content)
    described = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "image_size": int(faces.shape[1]),
        "components": arguments.components,
        "faces": statistics.num_faces,
    }
    write_json(arguments.output / STATISTICS_MANIFEST, described)
    print(f"{len(content)} bytes")


if __name__ == "__main__":
    main()
