"""The plan says for each photo what is missing, or why it will not be completed."""

import re

import numpy as np
import pandas as pd
import pytest

from facefill.completion import plan
from facefill.completion.inputs import MaskChoice, TaskReader
from facefill.imaging.masks import build_mask, hide
from facefill.imaging.pictures import read_png, write_png
from facefill.imaging.sheets import captioned_grid
from facefill.pipelines.complete import create_pipeline
from facefill.runtime.files import file_sha256
from restoring import (
    OPTIONS,
    PHOTO_SHAPE,
    SIZE,
    WIDE_SHAPE,
    Project,
    holes_of,
    place,
    place_two_faces,
    place_without_face,
    planned,
    reader_of,
    write_hole,
)

SCALE = 6  # to 96 pixels


@pytest.fixture
def folders(tmp_path):
    return Project(tmp_path)


def planned_with_sheet(rows, folders):
    holes = holes_of(rows, folders)
    return plan.plan(pd.DataFrame(rows), holes, reader_of(folders), "center")


def test_every_photo_has_its_mask_or_its_problem_in_the_plan(folders):
    rows = [place(folders, f"{name}.jpg", n) for n, name in enumerate("abc")]
    rows.append(place_without_face(folders, "d.jpg"))
    write_hole(folders, "b.png", np.s_[6:22, 10:42])
    write_png(folders.masks / "c.png", np.zeros(PHOTO_SHAPE, np.uint8))
    table = planned(rows, folders)
    assert table["mask"].tolist() == ["center", "file", "", ""]
    assert table["mask_file"].tolist() == ["", "b.png", "", ""]
    sha256 = file_sha256(folders.masks / "b.png")
    assert table["mask_sha256"].tolist() == ["", sha256, "", ""]
    assert table["problem_reason"].tolist() == ["", "", "mask", "no_face"]
    assert table["problem"].tolist()[:2] == ["", ""]
    assert "no white pixel" in table["problem"][2]
    assert table["problem"][3] == "no_face"
    alignment = pd.DataFrame(rows)
    pd.testing.assert_frame_equal(table[alignment.columns], alignment)


def test_a_photo_without_a_face_is_planned_if_it_has_a_hole(folders):
    rows = [place_without_face(folders, "a.jpg"), place(folders, "b.jpg", 1)]
    write_hole(folders, "a.png", np.s_[6:22, 10:42])
    table = planned(rows, folders)
    assert table["mask"].tolist() == ["file", "center"]
    assert table["problem"].tolist() == ["", ""]
    leaving = OPTIONS.model_copy(update={"outside": "leave"})
    table = planned(rows, folders, options=leaving)
    assert table["mask"].tolist() == ["", "center"]
    assert table["problem_reason"].tolist() == ["no_face", ""]
    assert "complete.outside" in table["problem"][0]


@pytest.mark.parametrize(
    ("window", "ids"),
    [
        (np.s_[10:20, 30:60], ["a.png", "a.png#2"]),
        (np.s_[10:20, 60:70], ["a.png#2"]),
        (np.s_[0:4, 84:90], ["a.png"]),
    ],
)
def test_the_faces_of_a_photo_are_rows_if_its_hole_touches_them(folders, window, ids):
    rows = place_two_faces(folders, "a.png")
    write_hole(folders, "a.png", window, WIDE_SHAPE)
    table = planned(rows, folders)
    assert table["id"].tolist() == ids
    assert set(table["mask"]) == {"file"}
    everything = planned(rows, folders, "left")
    assert everything["id"].tolist() == ids


def test_a_shape_hides_a_part_of_every_face_that_was_aligned(folders):
    first, second = place_two_faces(folders, "a.png")
    table = planned([first, second], folders)
    assert table["id"].tolist() == ["a.png", "a.png#2"]
    assert table["mask"].tolist() == ["center", "center"]
    first |= {"status": "rejected", "reason": "too_small"}
    table = planned([first, second], folders)
    assert table["mask"].tolist() == ["", "center"]
    assert table["problem_reason"].tolist() == ["too_small", ""]


def test_masks_that_fit_a_photo_equally_are_its_problem(folders):
    rows = [place(folders, "a.jpg"), place(folders, "b.jpg", 1)]
    for name in ("a.png", "a.webp"):
        write_hole(folders, name, np.s_[6:22, 10:42])
    table = planned(rows, folders)
    assert table["problem_reason"].tolist() == ["mask", ""]
    assert "several mask files fit it (a.png, a.webp)" in table["problem"][0]


@pytest.mark.parametrize("bottom", [22, 24])
def test_a_hole_over_most_of_a_face_is_warned_of_with_the_cure(folders, caplog, bottom):
    rows = [place(folders, "a.png")]
    write_hole(folders, "a.png", np.s_[6:bottom, :])
    assert planned(rows, folders)["mask"].tolist() == ["file"]
    warning = r"\d\d % of the face of a\.png are missing.*complete\.mask_files"
    # Every second row of the photo is one of the face: 9 of 16 of them, or 10.
    assert bool(re.search(warning, caplog.text)) == (bottom == 24)


def test_a_hole_over_most_of_a_photo_without_a_face_is_warned_of_too(folders, caplog):
    rows = [place_without_face(folders, "a.png"), place_without_face(folders, "b.png")]
    write_hole(folders, "a.png", np.s_[:30])
    write_hole(folders, "b.png", np.s_[:20])
    assert planned(rows, folders)["mask"].tolist() == ["file"] * 2
    assert re.search(r"75 % of a\.png are missing.*complete\.mask_files", caplog.text)
    assert "of b.png are missing" not in caplog.text


def test_the_sheet_shows_each_face_beside_what_is_known_of_it(folders):
    rows = [place(folders, "a.jpg"), place_without_face(folders, "b.jpg")]
    _, sheet = planned_with_sheet(rows, folders)
    face = read_png(folders.faces / "a.jpg.png")
    side = SIZE * SCALE
    shown = sheet[:side:SCALE, : 2 * side : SCALE]
    known = hide(face, build_mask("center", SIZE))
    assert np.array_equal(shown, np.concatenate([face, known], axis=1))
    # The name and the mask are written below, and an empty field stands for the
    # photo without a face.
    assert sheet[side:, : 2 * side].min() < 100
    assert len(np.unique(sheet[:side, -2 * side :])) == 1


@pytest.mark.parametrize("window", [None, np.s_[:4, :4]])
def test_a_face_of_which_nothing_is_completed_is_shown_nevertheless(folders, window):
    row = place(folders, "a.jpg")
    write_png(folders.masks / "a.png", np.zeros((8, 8), np.uint8))
    if window:
        write_hole(folders, "a.png", window)
    table, sheet = planned_with_sheet([row], folders)
    problem = "" if window else "is 8x8, its photo 48x40"
    assert problem in table["problem"][0]
    side = SIZE * SCALE
    face = read_png(folders.faces / "a.jpg.png")
    assert np.array_equal(sheet[:side:SCALE, :side:SCALE], face)
    assert len(np.unique(sheet[:side, side:])) == 1


def test_the_sheet_is_bounded_and_the_plan_is_not(folders, monkeypatch):
    monkeypatch.setattr(plan, "MAX_PREVIEWED", 4)
    rows = [place(folders, f"{n}.jpg", n) for n in range(6)]
    table, sheet = planned_with_sheet(rows, folders)
    assert len(table) == 6
    _, fewer = planned_with_sheet(rows[:4], folders)
    assert np.array_equal(sheet, fewer)


def test_a_caption_that_is_too_long_is_cut_within_its_picture():
    picture = np.zeros((1, 20, 60, 3), np.uint8)
    sheet = captioned_grid(picture, [("a name that is far too long", "center")])
    assert sheet.shape[1] == 60
    assert np.array_equal(sheet[:20], picture[0])
    assert sheet[20:].min() < 100


# A node that belongs to no namespace reads what the namespace ``incomplete`` makes.
@pytest.mark.filterwarnings("ignore:One or more dataset names contain:UserWarning")
def test_the_search_reads_the_plan_so_that_the_preview_is_there_before():
    nodes = {node.name: node for node in create_pipeline().nodes}
    assert "completion_preview" in nodes["plan_completion"].outputs
    assert "completion_plan" in nodes["plan_completion"].outputs
    assert "completion_plan" in nodes["complete_photos"].inputs


def test_a_defect_met_by_one_photo_is_its_problem_and_the_others_are_planned(
    folders, monkeypatch, caplog
):
    rows = [place(folders, f"{n}.jpg", n) for n in range(2)]
    read = TaskReader.read

    def broken(self, rows, mask, key):
        if rows[0].id == "0.jpg":
            raise KeyError("unforeseen")
        return read(self, rows, mask, key)

    monkeypatch.setattr(TaskReader, "read", broken)
    table = planned(rows, folders)
    assert table["mask"].tolist() == ["", "center"]
    assert table["problem_reason"].tolist() == ["failed", ""]
    assert table["problem"][0] == "KeyError: 'unforeseen'"
    assert "Traceback" in caplog.text


def test_a_plan_comes_back_from_its_file(folders):
    write_hole(folders, "a.png", np.s_[6:22, 10:42])
    rows = [place(folders, "a.jpg"), place_without_face(folders, "b.jpg")]
    planned(rows, folders).to_parquet(folders.root / "plan.parquet")
    first, second = pd.read_parquet(folders.root / "plan.parquet").itertuples()
    sha256 = file_sha256(folders.masks / "a.png")
    assert plan.planned_mask(first) == MaskChoice("file", "a.png", sha256)
    assert (second.problem, second.problem_reason) == ("no_face", "no_face")
    task = reader_of(folders).read([first], plan.planned_mask(first), "key")
    assert task.ids == ["a.jpg"]
