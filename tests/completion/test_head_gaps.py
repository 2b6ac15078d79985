"""What neither half of a head shows is filled with hair, and with what is behind."""

import numpy as np

from facefill.completion.head_gaps import fill_gap
from photos import noise

SIDE, CROP = 120, 40
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
DOWN, ACROSS = (
    ((places - 59.5) / CROP).astype(np.float32) for places in (ROWS, COLUMNS)
)


def test_what_is_copied_is_not_of_the_face():
    photo = np.full((SIDE, SIDE, 3), 30, np.uint8)
    is_face = (np.abs(ACROSS) < 0.5) & (DOWN > -0.4) & (DOWN < 0.5)
    photo[is_face, 0] = noise(SIDE, SIDE)[is_face, 0] // 2 + 128
    gap = (np.abs(ACROSS) < 0.7) & (DOWN > -1.2) & ~is_face & (DOWN < -0.4)
    filled = fill_gap(photo, gap, np.zeros_like(gap), ACROSS, DOWN)
    red = filled[..., 0].astype(int) - filled[..., 1]
    away = gap & (DOWN < -0.55)  # from the face by a patch
    assert away.sum() > 1000
    assert red[away].max() < 60


def test_nothing_but_the_gap_is_filled_and_nothing_unknown_is_copied():
    photo = noise(SIDE, SIDE) // 4
    gap = (np.abs(ACROSS) < 0.3) & (DOWN < -0.6)
    unknown = (ACROSS > 0.4) | gap
    shown = np.where(unknown[..., None], np.uint8(255), photo)
    filled = fill_gap(shown, gap, unknown, ACROSS, DOWN)
    assert np.array_equal(filled[~gap], shown[~gap])
    assert filled[gap].max() < 90


def test_without_a_gap_the_photo_is_the_same():
    photo = noise(SIDE, SIDE)
    nothing = np.zeros((SIDE, SIDE), bool)
    assert fill_gap(photo, nothing, nothing, ACROSS, DOWN) is photo
