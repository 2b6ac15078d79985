"""Photos to complete, as alignment would leave them, and options that are quick."""

import numpy as np
import pandas as pd

from facefill.completion.inputs import TaskReader
from facefill.completion.plan import plan
from facefill.imaging.pictures import write_png
from facefill.parameters import CompleteOptions
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


# A photo of 40x48 whose face is 32x32, from (10, 6) on.
MATRIX = [0.5, 0.0, -5.0, 0.0, 0.5, -3.0]


PHOTO_SHAPE = (40, 48, 3)


def place(folders, photo_id, seed=0):
    """Write a photo and its face; return the row that alignment would."""
    photo = np.random.default_rng(seed).integers(0, 256, PHOTO_SHAPE, np.uint8)
    write_png(folders.photos / photo_id, photo)
    face = photo[6:38:2, 10:42:2]
    write_png(folders.faces / f"{photo_id}.png", face)
    return {
        "id": photo_id,
        "path": photo_id,
        "photo_sha256": file_sha256(folders.photos / photo_id),
        "face_sha256": file_sha256(folders.faces / f"{photo_id}.png"),
        "status": "aligned",
        "reason": "",
        "landmarks": [0] * 136,
        "matrix": MATRIX,
        "face": f"{photo_id}.png",
        "width": PHOTO_SHAPE[1],
        "height": PHOTO_SHAPE[0],
    }


def planned(rows, folders, mask="center", options=OPTIONS):
    """Plan the completion of rows of an alignment."""
    reader = TaskReader(folders.faces, folders.masks, options, seed=1, size=SIZE)
    table, _ = plan(pd.DataFrame(rows), reader, mask)
    return table


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
