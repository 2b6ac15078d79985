import numpy as np
import pandas as pd
import pytest

from facefill.completion import plan
from facefill.completion.inputs import TaskReader
from facefill.imaging.masks import build_mask, hide
from facefill.imaging.pictures import write_png
from facefill.imaging.sheets import captioned_grid
from facefill.parameters import CompleteOptions
from facefill.pipelines.complete import create_pipeline
from facefill.runtime.files import file_sha256

SIZE = 16
SCALE = 6  # to 96 pixels


@pytest.fixture
def reader(tmp_path):
    folders = tmp_path / "faces", tmp_path / "masks"
    return TaskReader(*folders, CompleteOptions(), seed=1, size=SIZE)


def aligned(folder, name, seed=0):
    face = np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    write_png(folder / "faces" / f"{name}.png", face)
    row = {"id": name, "path": name, "status": "aligned", "reason": ""}
    row |= {
        "photo_sha256": "",
        "landmarks": [0] * 136,
        "matrix": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    }
    return row | {"face": f"{name}.png", "width": SIZE, "height": SIZE}, face


def rejected(name, reason):
    row = {"id": name, "path": name, "status": "rejected", "reason": reason}
    return row | {"landmarks": None, "matrix": [], "face": "", "width": 0, "height": 0}


def test_every_photo_has_its_mask_or_its_problem_in_the_plan(tmp_path, reader):
    first, _ = aligned(tmp_path, "a.jpg")
    second, _ = aligned(tmp_path, "b.jpg", 1)
    third, _ = aligned(tmp_path, "c.jpg", 2)
    hole = np.zeros((SIZE, SIZE), np.uint8)
    hole[:8] = 255
    write_png(tmp_path / "masks/b.png", hole)
    write_png(tmp_path / "masks/c.png", np.zeros((SIZE, SIZE), np.uint8))
    alignment = pd.DataFrame([first, second, third, rejected("d.jpg", "no_face")])
    planned, _ = plan.plan(alignment, reader, "center")
    assert planned["mask"].tolist() == ["center", "file", "", ""]
    assert planned["mask_file"].tolist() == ["", "b.png", "", ""]
    sha256 = file_sha256(tmp_path / "masks/b.png")
    assert planned["mask_sha256"].tolist() == ["", sha256, "", ""]
    assert planned["problem_reason"].tolist() == ["", "", "mask", "no_face"]
    assert planned["problem"].tolist()[:2] == ["", ""]
    assert "no white pixel" in planned["problem"][2]
    assert planned["problem"][3] == "no_face"
    pd.testing.assert_frame_equal(planned[alignment.columns], alignment)


def test_the_sheet_shows_each_face_beside_what_is_known_of_it(tmp_path, reader):
    row, face = aligned(tmp_path, "a.jpg")
    alignment = pd.DataFrame([row, rejected("b.jpg", "no_face")])
    _, sheet = plan.plan(alignment, reader, "center")
    side = SIZE * SCALE
    shown = sheet[:side:SCALE, : 2 * side : SCALE]
    known = hide(face, build_mask("center", SIZE))
    assert np.array_equal(shown, np.concatenate([face, known], axis=1))
    # The name and the mask are written below, and an empty field stands for the
    # photo without a face.
    assert sheet[side:, : 2 * side].min() < 100
    assert len(np.unique(sheet[:side, -2 * side :])) == 1


def test_a_face_whose_mask_cannot_be_used_is_shown_nevertheless(tmp_path, reader):
    row, face = aligned(tmp_path, "a.jpg")
    write_png(tmp_path / "masks/a.png", np.zeros((8, 12), np.uint8))
    planned, sheet = plan.plan(pd.DataFrame([row]), reader, "center")
    assert "is 12x8, its photo 16x16" in planned["problem"][0]
    side = SIZE * SCALE
    assert np.array_equal(sheet[:side:SCALE, :side:SCALE], face)


def test_the_sheet_is_bounded_and_the_plan_is_not(tmp_path, reader, monkeypatch):
    monkeypatch.setattr(plan, "MAX_PREVIEWED", 4)
    rows = [aligned(tmp_path, f"{n}.jpg", n)[0] for n in range(6)]
    planned, sheet = plan.plan(pd.DataFrame(rows), reader, "center")
    assert len(planned) == 6
    _, fewer = plan.plan(pd.DataFrame(rows[:4]), reader, "center")
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
    tmp_path, reader, monkeypatch, caplog
):
    rows = [aligned(tmp_path, f"{n}.jpg", n)[0] for n in range(2)]
    choose = TaskReader.choose

    def broken(self, row, shape):
        if row.id == "0.jpg":
            raise KeyError("unforeseen")
        return choose(self, row, shape)

    monkeypatch.setattr(TaskReader, "choose", broken)
    planned, _ = plan.plan(pd.DataFrame(rows), reader, "center")
    assert planned["mask"].tolist() == ["", "center"]
    assert planned["problem_reason"].tolist() == ["failed", ""]
    assert planned["problem"][0] == "KeyError: 'unforeseen'"
    assert "Traceback" in caplog.text


def test_a_plan_comes_back_from_its_file(tmp_path, reader):
    write_png(tmp_path / "masks/a.png", np.eye(SIZE, dtype=np.uint8) * 255)
    rows = [aligned(tmp_path, "a.jpg")[0], rejected("b.jpg", "no_face")]
    planned, _ = plan.plan(pd.DataFrame(rows), reader, "center")
    planned.to_parquet(tmp_path / "plan.parquet")
    first, second = pd.read_parquet(tmp_path / "plan.parquet").itertuples()
    assert plan.planned_mask(first) == reader.choose(first, "center")
    assert plan.planned_mask(first).name == "file"
    assert (second.problem, second.problem_reason) == ("no_face", "no_face")
