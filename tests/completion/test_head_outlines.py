"""A turned head is mirrored at its own middle, and as wide as it is turned."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facefill.completion.head_outlines import UPRIGHT, Mirror, find_mirror, mirror_of
from facefill.imaging.geometry import applied, inverted
from facefill.imaging.photos import decode_photo
from facefill.preparation import detection, face_prior
from photos import noise

PORTRAITS = Path(__file__).parents[1] / "portraits"

ACROSS = np.linspace(-1.5, 1.5, 61, dtype=np.float32)
mirrors = st.builds(Mirror, st.floats(-0.2, 0.2), st.floats(0.4, 2.5))


@given(mirrors)
def test_the_mirror_image_of_a_mirror_image_is_the_place_itself(mirror):
    np.testing.assert_allclose(mirror.image(mirror.image(ACROSS)), ACROSS, atol=1e-5)


@given(mirrors)
def test_halves_are_as_wide_as_they_are(mirror):
    left = np.array([mirror.middle - 0.4], np.float32)
    right = mirror.middle + mirror.width * 0.4
    np.testing.assert_allclose(mirror.image(left), right, rtol=1e-4, atol=1e-5)


@given(mirrors)
def test_unturned_mirror_images_lie_as_far_on_either_side(mirror):
    np.testing.assert_allclose(
        mirror.unturned(mirror.image(ACROSS)), -mirror.unturned(ACROSS), atol=1e-5
    )


def test_a_head_that_is_not_turned_is_mirrored_at_the_middle_of_its_crop():
    np.testing.assert_array_equal(UPRIGHT.image(ACROSS), -ACROSS)
    np.testing.assert_array_equal(UPRIGHT.unturned(ACROSS), ACROSS)


@pytest.mark.parametrize("name", [f"face-000{number}.jpg" for number in range(1, 9)])
def test_the_mirror_of_a_mirrored_portrait_is_the_other_way_round(name):
    photo = decode_photo((PORTRAITS / name).read_bytes())
    known, to_square = placed(photo)
    (scale, _, left), vertical = to_square
    flipped = np.array(
        [(scale, 0.0, 1.0 - left - scale * (len(photo[0]) - 1)), vertical]
    )
    one = find_mirror(photo, known, to_square)
    other = find_mirror(np.ascontiguousarray(photo[:, ::-1]), known, flipped)
    assert one is not None
    assert other.width * one.width == pytest.approx(1.0, abs=0.05)
    assert other.middle + one.middle == pytest.approx(0.0, abs=0.01)


def test_a_head_of_which_the_right_half_is_narrower_is_found_narrower_there():
    photo = decode_photo((PORTRAITS / "face-0001.jpg").read_bytes())
    known, to_square = placed(photo)
    intact = find_mirror(photo, known, to_square)
    rows, columns = np.mgrid[: photo.shape[0], : photo.shape[1]].astype(np.float32)
    back = inverted(to_square)
    middle = np.float32(applied(back, np.array([[intact.middle + 0.5, 0.5]]))[0, 0])
    wider = np.where(columns > middle, middle + (columns - middle) / 0.7, columns)
    squeezed = cv2.remap(photo, wider.astype(np.float32), rows, cv2.INTER_LINEAR)
    found = find_mirror(squeezed, known, to_square)
    assert found.width < 0.85 * intact.width


def test_what_is_not_known_of_a_head_is_not_read():
    photo = decode_photo((PORTRAITS / "face-0001.jpg").read_bytes())
    known, to_square = placed(photo)
    known[:, photo.shape[1] // 2 :] = False
    painted = np.where(known[..., None], photo, 255).astype(np.uint8)
    assert find_mirror(painted, known, to_square) == find_mirror(
        photo, known, to_square
    )


def test_where_no_face_is_seen_nothing_is_known_of_a_heads_mirror():
    photo = noise(96, 96)
    to_square = np.array([[1 / 64, 0.0, -0.25], [0.0, 1 / 64, -0.25]])
    assert find_mirror(photo, np.ones((96, 96), bool), to_square) is None


def test_a_profile_has_no_mirror():
    points = np.stack([np.linspace(0.2, 0.6, 68), np.full(68, 0.5)], axis=-1)
    points[[27, 28, 8], 0] = 0.9
    to_square = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert mirror_of(points, to_square) is None


def placed(photo):
    """All of a photo is known; the map of its face to the frame."""
    (box,) = detection.find_faces(photo, 1)[:1]
    return np.ones(photo.shape[:2], bool), face_prior.load().frame_of(box)
