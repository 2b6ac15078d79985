"""Faces of intact photos, of which a part is hidden, to be judged in the photo."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facefill.completion.faces import AlignedFace
from facefill.errors import PhotoError
from facefill.evaluation.held_out import different_people_first
from facefill.imaging.compositing import warped_hole
from facefill.imaging.geometry import enlarged, warp
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels, read_photo
from facefill.inversion.masking import MaskMaker
from facefill.parameters import AlignOptions, IngestOptions
from facefill.preparation.extraction import extract
from facefill.preparation.face_set import FaceSet
from facefill.preparation.naming import face_id, photo_of

CROP = 128
"""Side of what is judged, in pixels: about as many as the photo itself has there."""

_HIDDEN = 128  # grey

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HiddenFace:
    """A face of an intact photo, and the part of it that is to be completed.

    Attributes:
        aligned: The face as it was aligned in the intact photo.
        path: File of the photo. It is read when it is asked for: many photos of today's
            cameras do not fit into memory.
        kept: Pixels of the aligned face that are not hidden, bool (S, S).
        limits: Of the photo.
    """

    aligned: AlignedFace
    path: Path
    kept: Mask
    limits: IngestOptions = field(default_factory=IngestOptions)

    @property
    def photo(self) -> Pixels:
        """The intact photo, uint8 RGB (height, width, 3)."""
        return read_photo(self.path, self.limits.max_pixels, self.limits.max_bytes)

    def hole(self, shape: tuple[int, ...]) -> Mask:
        """What is hidden of the photo, bool (height, width), True = hole."""
        return warped_hole(self.kept, self.aligned.matrix, (shape[0], shape[1]))

    def painted(self) -> tuple[Pixels, Mask]:
        """The photo with its hole painted grey, and the hole."""
        photo = self.photo
        hole = self.hole(photo.shape)
        return np.where(hole[..., None], np.uint8(_HIDDEN), photo), hole

    def crop(self, picture: Pixels) -> Pixels:
        """Cut the face out of a picture of the photo's size: uint8 (128, 128, 3).

        By the map of the intact photo, whatever the picture was completed by.
        """
        factor = CROP / len(self.kept)
        return warp(picture, enlarged(self.aligned.matrix, factor), CROP)

    def mask(self, shape: tuple[int, ...]) -> Mask:
        """Known pixels of the crop, bool (128, 128): those at most half hidden."""
        levels = np.where(self.hole(shape), np.uint8(255), np.uint8(0))
        hidden = self.crop(np.repeat(levels[..., None], 3, axis=-1))
        return np.asarray(hidden[..., 0] < 128, np.bool_)


@dataclass(frozen=True)
class PhotoFinder:
    """Finds the photos that held-out faces of a training set were cut out of.

    Attributes:
        faces: The training set.
        folder: Photos that it was made of.
        alignment: How the faces were aligned.
        masks: Makes what is hidden of each face.
        limits: Of the photos.
    """

    faces: FaceSet
    folder: Path
    alignment: AlignOptions
    masks: MaskMaker
    limits: IngestOptions = field(default_factory=IngestOptions)

    def find(self, side: str, count: int, seed: int) -> list[HiddenFace]:
        """Find photos of different people, as far as there are, that are unchanged.

        Args:
            side: ``test`` or ``validation``.
            count: Faces to find; fewer if fewer are there.
            seed: Of the choice.
        """
        found: list[HiddenFace] = []
        reasons: Counter[str] = Counter()
        for row in different_people_first(self.faces, side, seed):
            if len(found) == count:
                break
            try:
                found.append(self._hidden(int(row)))
            except PhotoError as error:
                reasons[error.reason] += 1
        if reasons:
            counts = ", ".join(f"{reason} {num}" for reason, num in reasons.items())
            logger.warning("photos of held-out faces that cannot be used: %s", counts)
        return found

    def present(self, side: str, count: int, seed: int) -> list[str]:
        """Ids of the faces that ``find`` looks at first, whose photos are there."""
        rows = different_people_first(self.faces, side, seed)
        ids = (str(self.faces.table["id"].iloc[row]) for row in rows)
        there = (key for key in ids if (self.folder / photo_of(key)).is_file())
        return list(islice(there, count))

    def _hidden(self, row: int) -> HiddenFace:
        key = str(self.faces.table["id"].iloc[row])
        pixels = np.asarray(self.faces.images[row])
        path = self._path(key)
        photo = read_photo(path, self.limits.max_pixels, self.limits.max_bytes)
        found = extract(photo, self.alignment, len(pixels))
        for number, face in enumerate(found.faces, start=1):
            name = face_id(path.relative_to(self.folder).as_posix(), number)
            if name == key and face.matrix is not None:
                if not np.array_equal(np.asarray(face.pixels), pixels):
                    break
                is_square = face.landmarks is None
                aligned = AlignedFace(key, pixels, face.matrix, is_square)
                mask = self.masks.task(key, len(pixels)).mask
                return HiddenFace(aligned, path, mask, self.limits)
        raise PhotoError("changed", f"{path} does not show {key} as it was aligned")

    def _path(self, key: str) -> Path:
        path = self.folder / photo_of(key)
        if not path.is_file():
            raise PhotoError("missing", f"no photo of {key} in {self.folder}")
        return path


def crops_of(faces: Iterable[HiddenFace]) -> NDArray[np.uint8]:
    """Cut out the intact faces: uint8 (N, 128, 128, 3)."""
    crops = [face.crop(face.photo) for face in faces]
    return np.stack(crops) if crops else np.empty((0, CROP, CROP, 3), np.uint8)
