"""Faces of photos in memory, found by another process as by this one."""

import numpy as np
import pytest
import skimage.data

from facefill.errors import ModelError, PhotoError
from facefill.parameters import AlignOptions
from facefill.preparation.extraction import extract
from facefill.preparation.face_finder import FaceFinder
from facefill.runtime.process_pool import ProcessPool
from photos import noise

PHOTO = skimage.data.astronaut()[:220, 110:330].copy()
HOLE = np.zeros(PHOTO.shape[:2], bool)
HOLE[95:115, 70:110] = True
OPTIONS = AlignOptions()


@pytest.mark.slow
def test_another_process_finds_what_this_one_does():
    photos = [(PHOTO, HOLE, None), (noise(60, 60), None, None)]
    with ProcessPool(FaceFinder(OPTIONS, 64), 1, 60.0) as pool:
        (found,) = pool.map([photos])
    for there, (photo, hole, hint) in zip(found, photos, strict=True):
        here = extract(photo, OPTIONS, 64, hole, hint)
        assert (there.num_faces, there.reason) == (here.num_faces, here.reason)
        assert len(there.faces) == len(here.faces)
        for one, other in zip(there.faces, here.faces, strict=True):
            assert np.array_equal(one.pixels, other.pixels)
            assert np.array_equal(one.matrix, other.matrix)
            assert one.box == other.box


def test_what_a_photo_meets_is_its_error_and_none_of_the_others():
    no_model = AlignOptions(landmark_model="nowhere.dat")
    found = FaceFinder(no_model, 64)((PHOTO, None, None))
    assert isinstance(found, ModelError)
    failure = FaceFinder(OPTIONS, 64).failed((PHOTO, None, None), "timeout")
    assert isinstance(failure, PhotoError)
    assert failure.reason == "timeout"
    assert failure.detail.endswith("(220x220 pixels)")
