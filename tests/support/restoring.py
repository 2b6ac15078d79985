"""Photos to complete, as alignment would leave them, and options that are quick."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from facefill.completion.faces import AlignedFace, face_with_hole
from facefill.completion.holes import find_holes
from facefill.completion.inputs import Folders, Results, TaskReader
from facefill.completion.plan import plan
from facefill.completion.restore import restore
from facefill.completion.result import completed_face
from facefill.imaging.pictures import write_png
from facefill.inversion.candidates import Candidate
from facefill.parameters import CompleteOptions, IngestOptions
from facefill.preparation.naming import face_id
from facefill.runtime.files import file_sha256

SIZE = 16


OPTIONS = CompleteOptions(
    preset="reference",
    iterations=2,
    iterations_per_call=1,
    batch_size=8,
    precision="float32",
    device="cpu",
)


LIMITS = IngestOptions()

# A photo of 40x48 whose face is 32x32, from (10, 6) on.
MATRIX = [0.5, 0.0, -5.0, 0.0, 0.5, -3.0]


PHOTO_SHAPE = (40, 48, 3)

# A photo of two faces of 32x32: from (10, 6) and from (48, 6) on.
WIDE_SHAPE = (40, 90, 3)
LEFTS = (10, 48)


@dataclass(frozen=True)
class Project:
    """Folders of a completion.

    Attributes:
        root: Folder that holds all of them.
        name: Folder of the results below it.
    """

    root: Path
    name: str = "results"

    @property
    def photos(self):
        return self.root / "photos"

    @property
    def masks(self):
        return self.root / "masks"

    @property
    def faces(self):
        return self.root / "faces"

    @property
    def hints(self):
        return self.root / "hints"

    @property
    def output(self):
        return self.root / self.name / "out"

    @property
    def records(self):
        return self.root / self.name / "records"

    @property
    def read(self):
        return Folders(self.photos, self.masks, self.faces)

    @property
    def written(self):
        return Results(self.output, self.records)


def noisy_photo(seed=0, shape=PHOTO_SHAPE):
    """Draw a photo without any pattern: uint8 RGB."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def matrix_at(left):
    """Map of a photo to its face of 32x32, from (left, 6) on; six numbers."""
    return [0.5, 0.0, -left / 2, 0.0, 0.5, -3.0]


def face_at(photo, left):
    """Sample the face that is 32x32, from (left, 6) on."""
    return photo[6:38:2, left : left + 32 : 2]


def place(folders, photo_id, seed=0, photo=None):
    """Write a photo and its face; return the row that alignment would."""
    photo = noisy_photo(seed) if photo is None else photo
    write_png(folders.photos / photo_id, photo)
    return _row(folders, photo_id, photo, number=1, left=LEFTS[0])


def place_two_faces(folders, photo_id, seed=0):
    """Write a photo and its two faces; return their rows."""
    photo = noisy_photo(seed, WIDE_SHAPE)
    write_png(folders.photos / photo_id, photo)
    return [
        _row(folders, photo_id, photo, number, left)
        for number, left in enumerate(LEFTS, start=1)
    ]


def place_without_face(folders, photo_id, seed=0):
    """Write a photo in which no face is found; return its row."""
    photo = noisy_photo(seed)
    write_png(folders.photos / photo_id, photo)
    return _described(folders, photo_id, photo) | {
        "id": photo_id,
        "status": "rejected",
        "reason": "no_face",
        "landmarks": None,
        "matrix": None,
        "face": "",
        "face_sha256": "",
    }


def _row(folders, photo_id, photo, number, left):
    name = face_id(photo_id, number)
    write_png(folders.faces / f"{name}.png", face_at(photo, left))
    return _described(folders, photo_id, photo) | {
        "id": name,
        "status": "aligned",
        "reason": "",
        "landmarks": [0] * 136,
        "matrix": matrix_at(left),
        "face": f"{name}.png",
        "face_sha256": file_sha256(folders.faces / f"{name}.png"),
    }


def _described(folders, photo_id, photo):
    return {
        "path": photo_id,
        "photo_sha256": file_sha256(folders.photos / photo_id),
        "settings": "",
        "width": photo.shape[1],
        "height": photo.shape[0],
    }


def write_hole(folders, name, window, shape=PHOTO_SHAPE):
    """Write a mask file that is white in a window; return its hole, True = white."""
    hole = np.zeros(shape[:2], np.bool_)
    hole[window] = True
    write_png(folders.masks / name, np.where(hole, 255, 0).astype(np.uint8))
    return hole


def reader_of(folders, options=OPTIONS):
    return TaskReader(folders.read, options, LIMITS, seed=1, size=SIZE)


def holes_of(rows, folders, options=OPTIONS):
    """Find the holes of the photos of rows of an alignment."""
    photos = list(dict.fromkeys(row["path"] for row in rows))
    return find_holes(photos, folders.masks, folders.hints, options.hole_from)


def planned(rows, folders, mask="center", options=OPTIONS):
    """Plan the completion of rows of an alignment."""
    holes = holes_of(rows, folders, options)
    table, _ = plan(pd.DataFrame(rows), holes, reader_of(folders, options), mask)
    return table


def completed(table, folders, search, map_chunks=None):
    """Complete what is planned."""
    return restore(table, folders.read, folders.written, search, LIMITS, map_chunks)


def candidate(grey, size=SIZE):
    """Make a result of a search that is grey in one level, or a given picture."""
    face = np.zeros((size, size, 3), np.uint8) + np.asarray(grey, np.uint8)
    history = np.ones((2, 3), np.float32)
    return Candidate(
        latent=np.zeros(4, np.float32),
        generated=face,
        fitted=face,
        contextual=1.0,
        perceptual=0.5,
        loss=float(np.mean(grey)),
        history=history,
        start=0,
    )


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def hole_at(window, shape=PHOTO_SHAPE):
    """Hole of a photo, bool (height, width)."""
    hole = np.zeros(shape[:2], bool)
    hole[window] = True
    return hole


def aligned_faces(photo, lefts=LEFTS[:1]):
    """Faces of a photo, as alignment gives them."""
    return [
        AlignedFace(
            f"a.png#{number}",
            face_at(photo, left).copy(),
            np.array(matrix_at(left)).reshape(2, 3),
            is_square=False,
        )
        for number, left in enumerate(lefts, start=1)
    ]


def faces_in(photo, hole, lefts=LEFTS[:1], candidates=1):
    """Complete the faces of a photo that a hole touches."""
    drawn = noisy_photo(7, (SIZE, SIZE, 3))
    generated = [candidate(np.roll(drawn, n, 0)) for n in range(candidates)]
    touched = [face_with_hole(face, hole) for face in aligned_faces(photo, lefts)]
    return [completed_face(face, generated) for face in touched if face]
