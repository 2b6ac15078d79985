import json

import numpy as np
import pandas as pd
import pytest

from facefill.errors import DataError
from facefill.evaluation.baselines import nearest_face, non_local_means, telea
from facefill.evaluation.bootstrap import bootstrap_interval
from facefill.evaluation.completions import (
    METRICS,
    Evaluation,
    HeldOut,
    every_row,
    hold_out,
    report,
)
from facefill.evaluation.figures import score_bars
from facefill.evaluation.metrics import hole_psnr, psnr, seam_score
from facefill.imaging.colour import grey_picture
from facefill.imaging.masks import build_mask
from facefill.imaging.pictures import to_uint8
from facefill.imaging.sheets import labelled_rows
from facefill.inversion.masking import MaskMaker
from facefill.inversion.search import LatentSearch
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.parameters import CompleteOptions, EvaluateOptions
from facefill.preparation.face_set import FaceSet

SIZE = 16


def face_set(num_train, num_held_out):
    total = num_train + num_held_out
    images = np.random.default_rng(0).integers(0, 256, (total, SIZE, SIZE, 3), np.uint8)
    splits = ["train"] * num_train + ["test"] * num_held_out
    table = pd.DataFrame(
        {"id": [f"{n}.jpg" for n in range(total)], "source": "", "split": splits}
    )
    return FaceSet(images, table)


def test_only_held_out_faces_are_chosen_and_only_the_others_make_the_mean():
    faces = face_set(6, 10)
    chosen = hold_out(faces, 4, seed=1)
    assert len(chosen.keys) == 4
    assert all(int(key.split(".")[0]) >= 6 for key in chosen.keys)
    assert np.array_equal(chosen.faces[0], faces.images[int(chosen.keys[0][:-4])])
    assert np.array_equal(chosen.train, faces.images[:6])
    assert hold_out(faces, 4, seed=1).keys == chosen.keys
    assert len(hold_out(faces, 99, seed=1).keys) == 10


def test_every_person_comes_once_before_anybody_comes_twice():
    faces = face_set(2, 9)
    names = [
        "t/1",
        "u/1",
        "a/1",
        "a/2",
        "a/3",
        "a/4",
        "a/5",
        "a/6",
        "b/1",
        "b/2",
        "c/1",
    ]
    faces = FaceSet(faces.images, faces.table.assign(id=names))
    people = [key[0] for key in hold_out(faces, 3, seed=1).keys]
    assert people == ["a", "b", "c"]
    assert len(set(hold_out(faces, 5, seed=1).keys)) == 5


def test_nothing_held_out_is_an_error():
    with pytest.raises(DataError, match="no face is held out"):
        hold_out(face_set(6, 0), 4, seed=1)


METHODS = ["mean_face", "nearest_face", "telea", "navier_stokes", "biharmonic", "pca"]


def describe(faces):
    """Stands for dlib's descriptors: the mean colour of the lower half."""
    return faces[:, SIZE // 2 :].mean(axis=(1, 2))


@pytest.fixture(scope="module")
def evaluated():
    """Faces that the generator can make itself, so that it must win."""
    options = CompleteOptions(
        preset="reference",
        iterations=150,
        learning_rate=0.1,
        batch_size=4,
        precision="float32",
        device="cpu",
    )
    architecture = Architecture(SIZE, 4, 8, 4)
    generator = build_generator(architecture, 1)
    latents = np.random.default_rng(2).uniform(-1, 1, (4, 4)).astype(np.float32)
    faces = to_uint8(np.asarray(generator(latents, training=False)))
    train = np.random.default_rng(3).integers(0, 256, (8, SIZE, SIZE, 3), np.uint8)
    held_out = HeldOut(["a", "b", "c", "d"], faces, train)
    discriminator = build_discriminator(architecture, 1)
    search = LatentSearch(generator, discriminator, options, lam=0.0, seed=1)
    evaluation = Evaluation(
        held_out,
        EvaluateOptions(methods=[*METHODS, "default", "reference"]),
        {"default": search, "reference": search},
        describe,
        seed=1,
    )
    names = ("center", "lowres", "denoise", "colorize")
    makers = [MaskMaker(mask, options, 1) for mask in names]
    return held_out, list(evaluation.run(makers))


@pytest.fixture(scope="module")
def scores(evaluated):
    return evaluated[1]


SEARCHED = {"generated", "completed", "reference_generated", "reference_completed"}


def test_every_method_is_scored_under_every_mask_for_every_face(scores):
    table = every_row(scores)
    assert list(table.columns) == ["mask", "method", "id", *METRICS]
    methods = table.groupby("mask")["method"].agg(set)
    blended = {"blended", "reference_blended"}
    assert methods["center"] == {*METHODS, *SEARCHED, *blended}
    assert methods["lowres"] == {"mean_face", "bicubic", "pca", *SEARCHED}
    assert methods["denoise"] == {"non_local_means", "pca", *SEARCHED}
    assert methods["colorize"] == {"mean_face", "grey", "pca", *SEARCHED}
    assert (table.groupby(["mask", "method"])["id"].nunique() == 4).all()
    assert table[table["mask"] == "center"].notna().all(axis=None)


def test_the_metrics_are_those_of_the_faces(evaluated):
    held_out, scores = evaluated
    table = scores[0].table.set_index(["method", "id"])
    mask = build_mask("center", SIZE)
    filled = np.stack([telea(face, mask) for face in held_out.faces])
    distances = np.linalg.norm(describe(filled) - describe(held_out.faces), axis=1)
    for place, key in enumerate(held_out.keys):
        row, face = table.loc[("telea", key)], held_out.faces[place]
        assert row["hole_psnr"] == hole_psnr(face, filled[place], mask)
        assert row["seam"] == seam_score(filled[place], mask)
        assert row["identity"] == pytest.approx(distances[place])
        assert row["known_l1"] == 0.0
        assert table.loc[("generated", key), "known_l1"] > 0.0
    nearest = nearest_face(held_out.faces[0], mask, held_out.train)
    expected = hole_psnr(held_out.faces[0], nearest, mask)
    assert table.loc[("nearest_face", "a"), "hole_psnr"] == expected


def test_a_damaged_face_is_measured_against_the_true_one(evaluated):
    held_out, scores = evaluated
    tables = {one.mask: one.table.set_index(["method", "id"]) for one in scores}
    options = CompleteOptions()
    maker = MaskMaker("denoise", options, 1)
    for key, face in zip(held_out.keys, held_out.faces, strict=True):
        noisy = maker.degraded(key, face).face
        cleaned = psnr(face, non_local_means(noisy, options.noise))
        assert tables["denoise"].loc[("non_local_means", key), "psnr"] == cleaned
        grey = psnr(face, grey_picture(face))
        assert tables["colorize"].loc[("grey", key), "psnr"] == grey


def test_a_generator_that_can_make_the_faces_beats_the_mean_face(scores):
    rows = {(row["mask"], row["method"]): row for row in report(scores, 200, 1)["rows"]}
    ours, mean = rows["center", "completed"], rows["center", "mean_face"]
    assert ours["hole_psnr"] > mean["hole_psnr"] + 3.0
    # A quarter is hidden: copying the rest adds 6.02 dB exactly.
    assert ours["psnr"] - ours["hole_psnr"] == pytest.approx(6.02, abs=0.01)


def test_the_report_gives_means_with_intervals_and_gains_face_by_face(scores):
    summary = report(scores, 200, 1)
    table = scores[0].table
    found = {name: part["ssim"].to_numpy() for name, part in table.groupby("method")}
    row = next(row for row in summary["rows"] if row["method"] == "telea")
    assert row["ssim"] == pytest.approx(found["telea"].mean())
    assert row["ssim_low"] <= row["ssim"] <= row["ssim_high"]
    gain = next(row for row in summary["gains"] if row["method"] == "telea")
    difference = found["blended"] - found["telea"]
    assert gain["ssim"] == pytest.approx(difference.mean())
    low, high = bootstrap_interval(difference, 200, 1)
    assert (gain["ssim_low"], gain["ssim_high"]) == pytest.approx((low, high))
    assert summary["faces"] == 4
    assert set(summary["seconds_per_face"]["center"]) == {"default", "reference"}
    lowres = next(row for row in summary["rows"] if row["mask"] == "lowres")
    assert "known_l1" not in lowres  # no pixel is known
    json.dumps(summary, allow_nan=False)


def test_the_sheet_goes_from_the_best_to_the_worst(evaluated):
    held_out, scores = evaluated
    table = scores[0].table
    ours = table[table["method"] == "blended"].set_index("id")["hole_psnr"]
    truth = scores[0].sheet[-SIZE:, -(4 * SIZE + 6) :]
    for column, key in enumerate(ours.sort_values(ascending=False).index):
        face = held_out.faces[held_out.keys.index(key)]
        left = column * (SIZE + 2)
        assert np.array_equal(truth[:, left : left + SIZE], face)


def test_the_reference_is_compared_with_the_same_masks_and_machine():
    options = CompleteOptions(iterations=77, batch_size=3, center_scale=0.3)
    compared = options.compared(["pca", "default", "reference"])
    assert compared["default"] == options
    reference = compared["reference"]
    assert reference == CompleteOptions(
        preset="reference", batch_size=3, center_scale=0.3
    )
    assert set(options.compared(["reference"])) == {"reference"}


def test_the_figures_are_drawn(scores):
    rows = report(scores, 200, 1)["rows"]
    psnr, identity = (
        score_bars(rows, name, name) for name in ("hole_psnr", "identity")
    )
    assert psnr.ndim == 3
    assert min(psnr.std(), identity.std()) > 10.0
    assert not np.array_equal(psnr, identity)


def test_every_row_of_a_sheet_has_its_name_beside_it():
    picture = np.zeros((20, 20, 3), np.uint8)
    sheet = labelled_rows({"mean_face": [picture] * 3, "truth": [picture] * 3})
    margin = sheet[:, :-64]
    assert np.array_equal(sheet[:20, -64:-44], picture)
    assert all(part.min() < 100 for part in (margin[:20], margin[22:]))
    assert margin[20:22].min() == 255


@pytest.mark.parametrize("name", ["a", "a name longer than any of our own methods has"])
def test_no_name_beside_a_sheet_is_cut(name):
    picture = np.zeros((20, 20, 3), np.uint8)
    margin = labelled_rows({name: [picture]})[:, :-20]
    inked = (margin.min(axis=(0, 2)) < 255).nonzero()[0]
    assert 5 <= inked[0] <= 8
    assert margin.shape[1] - 9 <= inked[-1] <= margin.shape[1] - 6
