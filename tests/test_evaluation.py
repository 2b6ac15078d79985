import numpy as np
import pandas as pd
import pytest

from facefill.completion import Search
from facefill.errors import DataError
from facefill.evaluation import HeldOut, hold_out, report, score
from facefill.face_sets import FaceSet
from facefill.figures import labelled_rows, score_bars, training_curves
from facefill.images import to_uint8
from facefill.masking import MaskMaker
from facefill.networks import Architecture, build_discriminator, build_generator
from facefill.parameters import CompleteOptions

SIZE = 16


def face_set(num_train, num_held_out):
    total = num_train + num_held_out
    images = np.random.default_rng(0).integers(0, 256, (total, SIZE, SIZE, 3), np.uint8)
    splits = ["train"] * num_train + ["held_out"] * num_held_out
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
    mean = faces.images[:6].astype(float).mean(axis=0)
    assert np.abs(chosen.mean - mean).max() <= 0.51
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


@pytest.fixture(scope="module")
def scores():
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
    held_out = HeldOut(["a", "b", "c", "d"], faces, np.full_like(faces[0], 128))
    search = Search(
        generator, build_discriminator(architecture, 1), options, lam=0.0, seed=1
    )
    makers = [MaskMaker(mask, options, 1) for mask in ("center", "lowres")]
    return score(held_out, makers, search)


def test_every_method_is_scored_under_every_mask(scores):
    methods = {one.mask: set(one.values) for one in scores}
    assert methods == {
        "center": {"mean_face", "telea", "navier_stokes", "completed", "blended"},
        "lowres": {"mean_face", "bicubic", "completed"},
    }
    assert all(
        len(found) == 4
        for one in scores
        for values in one.values.values()
        for found in values.values()
    )


def test_a_generator_that_can_make_the_faces_beats_the_mean_face(scores):
    rows = {(row["mask"], row["method"]): row for row in report(scores)["rows"]}
    ours, mean = rows["center", "completed"], rows["center", "mean_face"]
    assert ours["hole_psnr"] > mean["hole_psnr"] + 3.0
    # A quarter is hidden: copying the rest adds 6.02 dB exactly.
    assert ours["psnr"] - ours["hole_psnr"] == pytest.approx(6.02, abs=0.01)


def test_the_report_gives_means_and_standard_errors(scores):
    found = scores[0].values["telea"]["ssim"]
    row = next(row for row in report(scores)["rows"] if row["method"] == "telea")
    assert row["ssim"] == pytest.approx(found.mean())
    assert row["ssim_error"] == pytest.approx(found.std(ddof=1) / 2.0)
    assert report(scores)["faces"] == 4


def test_the_figures_are_drawn(scores):
    bars = score_bars(report(scores)["rows"])
    assert bars.ndim == 3
    assert bars.std() > 10.0
    curves = training_curves(
        {
            "step": list(range(1, 3001)),
            **{
                name: [1.0, 3.0] * 1500
                for name in (
                    "loss_real",
                    "loss_fake",
                    "loss_generator",
                    "d_real",
                    "d_fake",
                )
            },
        }
    )
    assert len(curves.data) == 5
    assert len(curves.data[0].x) == 1000
    assert curves.data[0].x[-1] == 3000


def test_every_row_of_a_sheet_has_its_name_beside_it():
    picture = np.zeros((20, 20, 3), np.uint8)
    sheet = labelled_rows({"mean_face": [picture] * 3, "truth": [picture] * 3})
    margin = sheet[:, :-64]
    assert np.array_equal(sheet[:20, -64:-44], picture)
    assert all(part.min() < 100 for part in (margin[:20], margin[22:]))
    assert margin[20:22].min() == 255
