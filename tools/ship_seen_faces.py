"""List the faces that the pretrained model has learnt from, by hashes of their pixels.

Run it in the project's environment, with the packed training set, or with several: the
same photos cut out with either ``align.border``, for example::

    python tools/ship_seen_faces.py black/faces.npy mirror/faces.npy
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np

from facefill.evaluation.seen_faces import SEEN, SEEN_MANIFEST, packed, pixel_hashes
from facefill.preparation.face_set import read_face_set
from facefill.preparation.sharded_array import ImageArray
from facefill.runtime.files import write_bytes, write_json
from facefill.runtime.packaged_files import FOLDER


def ship(faces: ImageArray, folder: Path) -> int:
    """Write the list of faces, uint8 (N, S, S, 3), and what it is; how many there are.

    Equal faces are one.
    """
    hashes = pixel_hashes(faces)
    content = packed(hashes)
    write_bytes(folder / SEEN, content)
    sha256, count = hashlib.sha256(content).hexdigest(), len(set(hashes.tolist()))
    write_json(folder / SEEN_MANIFEST, {"sha256": sha256, "faces": count})
    return count


def main() -> None:
    """List the faces of the training split."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    sets = [read_face_set(path).of_split("train") for path in arguments.faces]
    faces = np.concatenate([np.asarray(each) for each in sets])
    print(f"{ship(faces, arguments.output)} faces")


if __name__ == "__main__":
    main()
