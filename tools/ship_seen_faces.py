"""List the faces that the pretrained model has learnt from, by hashes of their pixels.

Run it in the project's environment, with the packed training set::

    python tools/ship_seen_faces.py data/05_model_input/faces.npy
"""

import argparse
import hashlib
from pathlib import Path

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
    parser.add_argument("faces", type=Path)
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    faces = read_face_set(arguments.faces).of_split("train")
    print(f"{ship(faces, arguments.output)} faces")


if __name__ == "__main__":
    main()
