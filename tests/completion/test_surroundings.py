"""What no face fills is inpainted; nothing outside the hole changes."""

import numpy as np
import pytest

from facefill.completion.surroundings import fill_surroundings, keep_tone
from photos import noise

SHAPE = (120, 100)


def box(window, shape=SHAPE):
    mask = np.zeros(shape, bool)
    mask[window] = True
    return mask


# Too wide to be continued with its slope: beyond the face it is filled by patches.
HOLE = box(np.s_[10:110, 20:80])
CROP = box(np.s_[10:110, 5:40])
DONE = HOLE & CROP
NOTHING = np.zeros(SHAPE, bool)


@pytest.mark.parametrize("fade", [0, 4, 30])
@pytest.mark.parametrize("done", [DONE, NOTHING, HOLE])
def test_shares_of_the_hole_are_one_in_all_and_the_rest_is_untouched(fade, done):
    photo = noise(*SHAPE)
    filled = fill_surroundings(photo, HOLE, done, CROP, fade)
    assert filled.by_face + filled.by_inpainting == pytest.approx(1.0)
    assert filled.left == pytest.approx(0.0)
    assert np.array_equal(filled.photo[~HOLE], photo[~HOLE])
    assert filled.by_face <= done.sum() / HOLE.sum() + 1e-12
    if fade == 0:
        assert filled.by_face == pytest.approx(done.sum() / HOLE.sum())


def test_a_hole_that_faces_have_filled_stays_as_they_filled_it():
    photo = noise(*SHAPE)
    filled = fill_surroundings(photo, HOLE, HOLE, CROP, 4)
    assert filled == (photo, 1.0, 0.0)


def test_nothing_depends_on_what_is_under_the_rest_of_the_hole():
    photo = noise(*SHAPE)
    other = np.where((HOLE & ~DONE)[..., None], ~photo, photo)
    one, two = (fill_surroundings(each, HOLE, DONE, CROP, 4) for each in (photo, other))
    assert np.array_equal(one.photo, two.photo)


def test_a_face_fades_into_what_is_inpainted_and_beyond_the_band_is_its_own():
    photo = np.full((*SHAPE, 3), 40, np.uint8)
    photo[DONE] = 200
    filled = fill_surroundings(photo, HOLE, DONE, CROP, 2).photo
    row = filled[30, 30:60, 0].astype(int)
    assert (np.diff(row) <= 0).all()
    assert (row[:7] == 200).all()
    # Its level is carried on beyond the crop's edge, in steps and not at once, and
    # neither far nor onto what is known.
    assert row[10] > 60
    assert np.abs(np.diff(row)).max() < 60
    assert (filled[20:40, 52:60] == 40).all()
    assert (filled[~HOLE] == photo[~HOLE]).all()


def test_no_corner_of_a_crop_is_seen():
    photo = np.full((*SHAPE, 3), 40, np.uint8)
    done = box(np.s_[30:45, 20:45])
    photo[done] = 200
    hole = box(np.s_[15:60, 5:75])
    filled = fill_surroundings(photo, hole, done, done, 3).photo[..., 0].astype(int)
    at_once = np.zeros(SHAPE, int)
    at_once[done] = 160
    for axis in (0, 1):
        steps = np.abs(np.diff(filled, axis=axis))
        assert (
            steps[18:57, 10:70].max() < 0.4 * np.abs(np.diff(at_once, axis=axis)).max()
        )


def test_detail_of_a_face_is_not_carried_on():
    photo = np.full((*SHAPE, 3), 120, np.uint8)
    stripes = np.where(np.arange(SHAPE[1]) % 2, 160, 80)[None, :, None]
    photo[DONE] = np.broadcast_to(stripes, photo.shape)[DONE]
    filled = fill_surroundings(photo, HOLE, DONE, CROP, 3).photo
    assert np.abs(filled[HOLE & ~DONE].astype(int) - 120).max() <= 12


def test_a_face_is_not_copied_from():
    photo = np.full((*SHAPE, 3), 40, np.uint8)
    photo[CROP] = (250, 0, 0)
    hole = box(np.s_[20:40, 50:75])
    filled = fill_surroundings(photo, hole, NOTHING, CROP, 4).photo
    assert (filled[hole] == 40).all()


@pytest.mark.parametrize("sepia", [False, True])
def test_a_photo_of_one_tone_keeps_it(sepia):
    grey = np.random.default_rng(0).integers(0, 256, (*SHAPE, 1))
    tone = np.array([1.0, 0.8, 0.6]) if sepia else np.ones(3)
    photo = np.round(grey * tone).astype(np.uint8)
    photo[HOLE] = noise(*SHAPE)[HOLE]
    toned = keep_tone(photo, HOLE, DONE)
    assert np.array_equal(toned[~DONE], photo[~DONE])
    inside = toned[DONE].astype(float)
    assert np.abs(inside - inside[:, :1] * tone).max() <= (1.5 if sepia else 0.0)
    assert inside.std() > 10.0


def test_a_photo_in_colour_is_left_in_colour():
    photo = noise(*SHAPE)
    assert keep_tone(photo, HOLE, DONE) is photo
    assert keep_tone(photo, ~NOTHING, ~NOTHING) is photo
