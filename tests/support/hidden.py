"""A folder of photos of faces, each in its place, and a training set cut from them."""

import numpy as np
import pandas as pd

from facefill.evaluation.hidden_faces import PhotoFinder
from facefill.imaging.geometry import square_crop
from facefill.inversion.masking import MaskMaker
from facefill.parameters import AlignOptions, CompleteOptions
from facefill.preparation.face_set import FaceSet
from photos import face_photo, write_photo

SIZE = 16


def finder(folder, splits, size=SIZE):
    """Photos that are squares already, so that no face is looked for.

    Every one shows the astronaut at another place and brightness.
    """
    ids, images = [], []
    for number, _ in enumerate(splits):
        moved = np.roll(face_photo(), 3 * number, axis=1)[4 * (number % 5) :]
        photo = (moved * (0.6 + 0.02 * (number % 20))).astype(np.uint8)
        ids.append(f"person{number:02d}/1.png")
        write_photo(folder / ids[-1], photo)
        images.append(square_crop(photo, size)[0])
    table = pd.DataFrame({"id": ids, "source": ids, "split": splits})
    options = CompleteOptions()
    return PhotoFinder(
        FaceSet(np.stack(images), table),
        folder,
        AlignOptions(method="center_crop"),
        MaskMaker("center", options, 1),
    )
