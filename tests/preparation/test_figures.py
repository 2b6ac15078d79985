"""The pictures of a preparation show what is there, unpicked and bounded."""

import cv2
import numpy as np
import pandas as pd
import pytest

from facefill.imaging.pictures import write_png
from facefill.parameters import IngestOptions
from facefill.preparation import figures
from facefill.preparation.figures import (
    contact_sheet,
    draw_preparation,
    evenly_spaced,
    mean_faces,
    mean_panels,
    outcome_bars,
)
from photos import noise, write_photo

SIZE = 32
LIMITS = IngestOptions()


def aligned_row(name, box=(0, 0, 31, 31)):
    return {
        "path": name,
        "status": "aligned",
        "reason": "",
        "face": f"{name}.png",
        "box": None if box is None else list(box),
    }


def rejected_row(name, reason):
    row = aligned_row(name, None)
    return row | {"status": "rejected", "reason": reason, "face": ""}


def prepared(root, photos, faces, box=(0, 0, 31, 31)):
    """Write photos and faces; give their table."""
    for number, (photo, face) in enumerate(zip(photos, faces, strict=True)):
        write_photo(root / f"photos/{number:03d}.png", photo)
        write_png(root / f"faces/{number:03d}.png.png", face)
    return pd.DataFrame(
        [aligned_row(f"{number:03d}.png", box) for number in range(len(photos))]
    )


def flat(level, size=SIZE):
    return np.full((size, size, 3), level, np.uint8)


def test_the_sheet_shows_every_face_in_order_each_pixel_enlarged(tmp_path):
    faces = [noise(SIZE, SIZE, seed) for seed in range(12)]
    table = prepared(tmp_path, faces, faces)

    sheet = contact_sheet(table, tmp_path / "faces")

    pitch = 3 * SIZE + 2
    assert sheet.shape == (2 * pitch - 2, 10 * pitch - 2, 3)
    for number, face in enumerate(faces):
        top, left = number // 10 * pitch, number % 10 * pitch
        shown = sheet[top : top + 3 * SIZE, left : left + 3 * SIZE]
        assert np.array_equal(shown, np.kron(face, np.ones((3, 3, 1), np.uint8)))
    assert (sheet[pitch:, 2 * pitch :] == 255).all()


def test_the_sheet_of_many_faces_is_bounded_and_spans_the_whole_tree(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(figures, "MAX_SHOWN", 3)
    faces = [flat(level) for level in range(9)]
    table = prepared(tmp_path, faces, faces)

    sheet = contact_sheet(table, tmp_path / "faces")

    assert sorted({*sheet[0, :, 0]}) == [0, 4, 8, 255]


@pytest.mark.parametrize(
    ("length", "count", "expected"),
    [
        (1, 5, [0]),
        (3, 3, [0, 1, 2]),
        (2, 9, [0, 1]),
        (10, 4, [0, 3, 6, 9]),
        (101, 3, [0, 50, 100]),
    ],
)
def test_rows_are_taken_at_equal_distances_and_none_twice(length, count, expected):
    table = pd.DataFrame({"place": range(length)})

    assert evenly_spaced(table, count)["place"].tolist() == expected


def test_means_and_spreads_are_those_of_the_pixels(tmp_path):
    faces = [noise(SIZE, SIZE, seed) for seed in range(5)]
    photos = [noise(SIZE, SIZE, seed + 10) for seed in range(5)]
    table = prepared(tmp_path, photos, faces)

    means = mean_faces(table, tmp_path / "photos", tmp_path / "faces", LIMITS)

    # The photo's square and the box are the whole photo here.
    for name, pixels in {
        "centre of the photo": photos,
        "detected box": photos,
        "aligned": faces,
    }.items():
        exact = np.stack(pixels).astype(float)
        assert np.allclose(means[name].picture, exact.mean(axis=0))
        assert means[name].spread == pytest.approx(exact.std(axis=0).mean())
        assert means[name].count == 5


def test_before_is_the_middle_square_and_the_detected_box(tmp_path):
    photo = noise(2 * SIZE, 5 * SIZE, seed=1)
    # Twice the size of a face: its pixels are means of four, for both crops.
    table = prepared(tmp_path, [photo], [flat(7)], box=(10, -4, 73, 59))
    padded = cv2.copyMakeBorder(photo, 8, 8, 8, 8, cv2.BORDER_CONSTANT)

    means = mean_faces(table, tmp_path / "photos", tmp_path / "faces", LIMITS)

    def halved(pixels):
        return pixels.reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))

    middle = photo[:, 48 : 48 + 64]
    box = padded[8 - 4 : 8 - 4 + 64, 8 + 10 : 8 + 10 + 64]
    assert np.abs(means["centre of the photo"].picture - halved(middle)).max() <= 1
    assert np.abs(means["detected box"].picture - halved(box)).max() <= 1
    assert np.array_equal(means["aligned"].picture, flat(7))


def test_photos_without_a_box_have_no_mean_of_boxes(tmp_path):
    table = prepared(tmp_path, [flat(10)], [flat(20)], box=None)

    means = mean_faces(table, tmp_path / "photos", tmp_path / "faces", LIMITS)

    assert list(means) == ["centre of the photo", "aligned"]


def test_a_photo_that_is_gone_is_left_out_of_every_mean(tmp_path):
    table = prepared(tmp_path, [flat(10), flat(30)], [flat(20), flat(40)])
    (tmp_path / "photos/000.png").unlink()

    means = mean_faces(table, tmp_path / "photos", tmp_path / "faces", LIMITS)

    levels = {name: mean.picture.mean() for name, mean in means.items()}
    assert levels == {"centre of the photo": 30, "detected box": 30, "aligned": 40}
    (tmp_path / "photos/001.png").unlink()
    none = mean_faces(table, tmp_path / "photos", tmp_path / "faces", LIMITS)
    assert none == {}
    assert mean_panels(none).ndim == 3


def test_the_means_read_no_more_photos_than_their_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "MAX_AVERAGED", 2)
    levels = [flat(level) for level in (0, 100, 200)]
    table = prepared(tmp_path, levels, levels)

    means = mean_faces(table, tmp_path / "photos", tmp_path / "faces", LIMITS)

    assert means["aligned"].count == 2
    assert means["aligned"].picture.mean() == 100


def test_bars_are_as_long_as_the_counts(tmp_path):
    rows = [aligned_row(f"{n}.png") for n in range(8)]
    rows += [rejected_row(f"x{n}.png", "no_face") for n in range(4)]

    picture = outcome_bars(pd.DataFrame(rows)).astype(int)

    def longest(channel):
        others = np.delete(picture, channel, axis=2).max(axis=2)
        return int((picture[..., channel] - others > 60).sum(axis=1).max())

    green, red = longest(1), longest(0)
    assert green == pytest.approx(2 * red, abs=6)


def test_all_pictures_are_drawn_alike_each_time(tmp_path):
    faces = [noise(SIZE, SIZE, seed) for seed in range(3)]
    table = prepared(tmp_path, faces, faces)

    one, two = (
        draw_preparation(table, tmp_path / "photos", tmp_path / "faces", LIMITS)
        for _ in range(2)
    )

    assert list(one) == ["contact_sheet.png", "mean_faces.png", "outcomes.png"]
    for name, picture in one.items():
        assert picture.dtype == np.uint8
        assert np.array_equal(picture, two[name])
