"""The training set is what was asked for, and nobody is on both sides of it."""

import numpy as np
import pandas as pd
import pytest

from facefill.errors import DataError
from facefill.imaging.pictures import write_png
from facefill.parameters import PrepareOptions
from facefill.preparation.selection import select_faces
from photos import noise

NUM_PEOPLE = 40


@pytest.fixture
def prepared(tmp_path):
    """Forty people with two photos each; every fifth shares one with the next."""
    photos, faces = [], []
    for person in range(NUM_PEOPLE):
        for number in range(2):
            path = f"{person:02d}/{number}.jpg"
            is_shared = person % 5 == 1 and number == 0
            seed = 2 * (person - is_shared) + number
            sha256 = f"bytes {path}"
            if is_shared and person % 10 == 1:
                sha256 = f"bytes {person - 1:02d}/0.jpg"
            pixels = noise(8, 8, seed)
            digits = pixels.tobytes()[:8].hex()
            photos.append({"path": path, "perceptual_hash": digits})
            write_png(tmp_path / f"{path}.png", pixels)
            faces.append(
                {
                    "id": path,
                    "path": path,
                    "status": "aligned",
                    "reason": "",
                    "face": f"{path}.png",
                    "face_sha256": pixels.tobytes().hex(),
                    "photo_sha256": sha256,
                    "matrix": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                    "height": 8,
                    "width": 8,
                }
            )
    return pd.DataFrame(photos), pd.DataFrame(faces), tmp_path


def select(prepared, fraction=0.5, **options):
    return select_faces(*prepared, PrepareOptions(**options), fraction, seed=1)


def test_people_who_share_a_nearly_equal_photo_are_on_one_side(prepared):
    table = select(prepared).set_index("id")
    assert set(table["split"]) == {"train", "validation", "test"}
    assert table["duplicate"].value_counts().to_dict() == {
        "": 72,
        "near": 4,
        "exact": 4,
    }
    for person in range(0, NUM_PEOPLE, 5):
        sides = table["split"][
            table.index.str[:2].isin([f"{person:02d}", f"{person + 1:02d}"])
        ]
        assert sides.nunique() == 1


def test_people_who_share_nothing_are_split_apart(prepared):
    # 4 standard deviations of 24 people who are in no group.
    held_out = select(prepared).groupby(lambda row: row // 2)["split"].first()
    assert 0.1 < (held_out != "train").mean() < 0.9


@pytest.mark.parametrize(("drop", "left"), [("none", 80), ("exact", 76), ("near", 72)])
def test_duplicates_are_left_out_if_asked_and_told_of_always(prepared, drop, left):
    table = select(prepared, drop_duplicates=drop)
    assert len(table) == 80
    assert (table["split"] != "").sum() == left
    assert (table["duplicate"] != "").sum() == 8
    dropped = table[table["split"] == ""]
    assert (dropped["duplicate_of"] != "").all()
    assert (dropped["reason"] == "duplicate").all()
    assert (table["reason"][table["split"] != ""] == "").all()


def test_dropping_duplicates_moves_nobody_to_the_other_side(prepared):
    before, after = select(prepared), select(prepared, drop_duplicates="near")
    kept = after["split"] != ""
    assert (before["split"][kept] == after["split"][kept]).all()


def test_gates_leave_out_faces_of_the_training_side_alone(prepared):
    _, faces, folder = prepared
    for number, path in enumerate(faces["face"]):
        if number % 4 == 0:
            flat = np.full((8, 8, 3), number, np.uint8)
            write_png(folder / path, flat)
    before = select(prepared, drop_duplicates="exact").set_index("id")
    after = select(
        prepared, drop_duplicates="exact", min_sharpness=1.0, min_inside=0.5
    ).set_index("id")
    blurred = after["reason"] == "blurred"
    is_flat = np.arange(len(faces)) % 4 == 0
    expected = is_flat & (before["split"] == "train")
    assert expected.sum() > 5
    assert (blurred == expected).all()
    assert (after["split"][blurred] == "").all()
    assert (after["split"][~blurred] == before["split"][~blurred]).all()
    assert (is_flat & (after["split"] == "test")).any()


def test_gates_that_leave_nothing_to_train_on_end_the_run(prepared):
    with pytest.raises(DataError, match=r"\(blurred 3\d\).*prepare\.min_sharpness"):
        select(prepared, min_sharpness=1e9)


def rejected(prepared, count, reason="no_face"):
    photos, faces, folder = prepared
    faces = faces.copy()
    faces.loc[: count - 1, ["status", "reason"]] = ["rejected", reason]
    return photos, faces, folder


def test_too_few_faces_end_the_run_with_the_reasons_counted(prepared):
    bad = rejected(prepared, 32)
    assert len(select(bad, min_aligned_fraction=0.6)) == 48
    with pytest.raises(DataError, match=r"48 of 80 .*no_face 32") as caught:
        select(bad, min_aligned_fraction=0.61)
    assert "prepare.min_aligned_fraction" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hidden_files_do_not_count_as_photos(prepared):
    assert len(select(rejected(prepared, 32, "hidden"), min_aligned_fraction=1.0)) == 48


def test_a_photo_of_several_faces_counts_once(prepared):
    photos, faces, folder = prepared
    second = faces.iloc[[0]].assign(id="00/0.jpg#2", status="rejected")
    both = photos, pd.concat([faces, second]), folder
    assert len(select(both, min_aligned_fraction=1.0)) == 80


def test_faces_of_one_photo_are_on_one_side(prepared):
    photos, faces, folder = prepared
    flat = {path: f"{number}.jpg" for number, path in enumerate(photos["path"])}
    photos = photos.assign(path=photos["path"].map(flat))
    faces = faces.assign(path=faces["path"].map(flat), id=faces["id"].map(flat))
    pixels = noise(8, 8, 999)
    write_png(folder / "second.png", pixels)
    seconds = faces.assign(
        id=faces["id"] + "#2", face="second.png", face_sha256=faces["id"]
    )
    table = select((photos, pd.concat([faces, seconds]), folder))
    assert len(table) == 160
    assert (table.groupby("path")["split"].nunique() == 1).all()
    assert set(table["split"]) == {"train", "validation", "test"}


def test_faces_are_in_the_order_of_their_ids(prepared):
    photos, faces, folder = prepared
    table = select((photos, faces.iloc[::-1], folder))
    assert table["id"].tolist() == sorted(faces["id"])
    assert np.array_equal(table["face"], table["path"] + ".png")


def test_some_are_held_out_even_if_all_faces_are_alike(prepared, caplog):
    near = {"near_duplicate_bits": 16, "near_duplicate_difference": 255.0}
    photos, faces, folder = prepared
    same = photos.assign(perceptual_hash="0" * 16), faces, folder
    table = select(same, **near)
    assert set(table["split"]) == {"train", "validation", "test"}
    assert "near duplicates of each other" in caplog.text
    assert set(select(same, fraction=0.0, **near)["split"]) == {"train"}


def test_photos_that_another_training_set_held_out_are_said_to_be_held_out(
    prepared, caplog
):
    """The same names with the same seed fall on the same side, and few are left."""
    photos, faces, folder = prepared
    table = select(prepared, fraction=0.3).set_index("id")
    assert "are held out" not in caplog.text
    outside = table[table["split"] != "train"].index
    few = faces["id"].isin([*outside, table[table["split"] == "train"].index[0]])
    again = select_faces(
        photos[few.to_numpy()], faces[few], folder, PrepareOptions(), 0.3, seed=1
    )
    held_out = (again["split"] != "train").sum()
    assert held_out > 0.9 * len(again)
    assert f"{held_out} of {len(again)} faces are held out" in caplog.text
    assert "0.3 of the people" in caplog.text
    assert "seed:2" in caplog.text


@pytest.mark.parametrize("fraction", [0.2, 0.75])
def test_it_is_not_said_where_as_many_were_asked_for(prepared, fraction, caplog):
    table = select(prepared, fraction=fraction)
    share = (table["split"] != "train").mean()
    assert fraction / 2 < share < min(1.5 * fraction, 1.0)
    assert "are held out" not in caplog.text
