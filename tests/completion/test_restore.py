"""Every photo is completed, or says why not; nothing is done twice, nothing is lost."""

import errno
import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facefill.completion.inputs import TaskReader
from facefill.completion.overview import MAX_PICTURED
from facefill.completion.restore import COLUMNS, report
from facefill.completion.writer import ResultWriter
from facefill.errors import DataError
from facefill.imaging.colour import grey_picture, luminance
from facefill.imaging.compositing import complete
from facefill.imaging.degradations import Denoising
from facefill.imaging.geometry import square_crop
from facefill.imaging.masks import build_mask, mask_from_square
from facefill.imaging.pictures import grid, read_png, write_png
from facefill.inversion.masking import MaskMaker
from facefill.inversion.search import LatentSearch
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.parameters import HmcOptions
from facefill.runtime import remembered
from facefill.runtime.files import file_sha256
from restoring import (
    LEFTS,
    OPTIONS,
    PHOTO_SHAPE,
    SIZE,
    WIDE_SHAPE,
    Project,
    completed,
    contents,
    place,
    place_two_faces,
    place_without_face,
    planned,
    write_hole,
)

UPPER_HALF = np.s_[6:22, 10:42]


@pytest.fixture(scope="module")
def search():
    architecture = Architecture(SIZE, 8, 4, 4)
    networks = build_generator(architecture, 1), build_discriminator(architecture, 1)
    return LatentSearch(*networks, OPTIONS, lam=0.5, seed=1)


@pytest.fixture
def folders(tmp_path):
    return Project(tmp_path)


def rejected(photo_id, reason):
    row = {
        "id": photo_id,
        "path": photo_id,
        "status": "rejected",
        "reason": reason,
        "matrix": [],
        "landmarks": None,
        "settings": "",
        "width": 0,
        "height": 0,
    }
    return row | {"photo_sha256": "", "face_sha256": "", "face": ""}


def run(rows, folders, search, mask="center"):
    table = planned(rows, folders, mask, search.options)
    return completed(table, folders, search)


def test_65_photos_give_65_results_with_all_their_pictures(folders, search):
    rows = [place(folders, f"p{n % 2}/{n:02d}.png", n) for n in range(65)]
    restored = run(rows, folders, search)
    assert list(restored.table["id"]) == [row["path"] for row in rows]
    assert (restored.table["status"] == "completed").all()
    for row in rows:
        made = {path.name for path in (folders.output / row["path"]).iterdir()}
        assert made == {
            "known.png",
            "generated.png",
            "completed.png",
            "blended.png",
            "photo.png",
            "frames.png",
            "history.parquet",
            "candidates.parquet",
        }
    assert set(restored.pictures) == {
        "before.png",
        "masked.png",
        "completed.png",
        "blended.png",
        "completion.gif",
    }
    pictured = [folders.output / row["path"] for row in rows[:MAX_PICTURED]]
    blended = [read_png(folder / "blended.png") for folder in pictured]
    assert np.array_equal(restored.pictures["blended.png"], grid(np.stack(blended)))


def middle_of_face(shape, left):
    """Where ``center`` hides a face, in its photo, and a pixel around it."""
    hole = np.zeros(shape[:2], np.bool_)
    hole[13:30, left + 7 : left + 24] = True
    return hole


def test_a_shape_hides_a_part_of_each_face_of_a_photo(folders, search):
    rows = place_two_faces(folders, "a.png")
    photo = read_png(folders.photos / "a.png")
    table = run(rows, folders, search).table
    assert table["id"].tolist() == ["a.png", "a.png#2"]
    assert table["faces"].tolist() == [2, 2]
    # One photo, and the pictures of each of its faces.
    after = read_png(folders.output / "a.png/photo.png")
    assert not (folders.output / "a.png#2/photo.png").exists()
    changed = (after != photo).any(axis=2)
    for name, left in zip(("a.png", "a.png#2"), LEFTS, strict=True):
        assert (folders.output / name / "blended.png").is_file()
        middle = middle_of_face(WIDE_SHAPE, left)
        assert changed[middle].mean() > 0.7
        changed[middle] = False
    assert not changed.any()


def test_a_hole_across_two_faces_is_completed_from_both_in_one_photo(folders, search):
    rows = place_two_faces(folders, "a.png")
    hole = write_hole(folders, "a.png", np.s_[12:24, 30:60], WIDE_SHAPE)
    table = run(rows, folders, search).table
    assert table["id"].tolist() == ["a.png", "a.png#2"]
    assert table["status"].tolist() == ["completed"] * 2
    assert table["mask"].tolist() == ["file"] * 2
    for column, value in (("faces", 2), ("left", 0.0)):
        assert table[column].tolist() == [value] * 2
    # From 42 to 47 there is no face.
    assert table["by_inpainting"][0] > 6 / 30
    assert table["by_face"][0] + table["by_inpainting"][0] == pytest.approx(1.0)
    before = read_png(folders.photos / "a.png")
    after = read_png(folders.output / "a.png/photo.png")
    assert np.array_equal(after[~hole], before[~hole])
    assert (after != before)[hole].any(axis=1).mean() > 0.95
    assert not (folders.output / "a.png#2/photo.png").exists()


def test_faces_that_a_hole_does_not_touch_are_as_they_were_and_have_no_row(
    folders, search
):
    rows = place_two_faces(folders, "a.png")
    write_hole(folders, "a.png", np.s_[12:24, 30:60], WIDE_SHAPE)
    run(rows, folders, search)
    assert (folders.output / "a.png#2/known.png").is_file()
    hole = write_hole(folders, "a.png", np.s_[12:24, 52:70], WIDE_SHAPE)
    table = run(rows, folders, search).table
    assert table["id"].tolist() == ["a.png#2"]
    assert table["faces"].tolist() == [1]
    before = read_png(folders.photos / "a.png")
    after = read_png(folders.output / "a.png/photo.png")
    assert np.array_equal(after[~hole], before[~hole])
    # What the first run has left of the other face is not there to mislead.
    assert [path.name for path in (folders.output / "a.png").iterdir()] == ["photo.png"]


def test_a_photo_without_a_face_is_inpainted(folders, search):
    rows = [place_without_face(folders, "a.png"), place(folders, "b.png", 1)]
    hole = write_hole(folders, "a.png", np.s_[10:20, 14:30])
    restored = run(rows, folders, search)
    row = restored.table.to_dict("records")[0]
    assert (row["id"], row["status"], row["mask"]) == ("a.png", "completed", "file")
    assert (row["faces"], row["by_face"]) == (0, 0.0)
    assert (row["by_inpainting"], row["left"]) == (1.0, 0.0)
    before = read_png(folders.photos / "a.png")
    after = read_png(folders.output / "a.png/photo.png")
    assert np.array_equal(after[~hole], before[~hole])
    assert not np.array_equal(after[hole], before[hole])
    assert report(restored.table)["completed"] == 2
    assert "known.png" not in contents(folders.output / "a.png")


def test_a_run_may_have_no_face_at_all(folders, search):
    rows = [place_without_face(folders, "a.png")]
    write_hole(folders, "a.png", np.s_[10:20, 14:30])
    restored = run(rows, folders, search)
    assert restored.table["status"].tolist() == ["completed"]
    assert (restored.pictures, restored.curves) == ({}, {})
    assert report(restored.table) == {
        "photos": 1,
        "faces": 0,
        "completed": 1,
        "rejected": {},
        "mean": {},
    }


def test_the_report_counts_photos_and_faces_and_not_rows():
    rows = [
        ("a.png", "completed", "", 2),
        ("a.png#2", "completed", "", 2),
        ("b.png", "completed", "", 0),
        ("c.png", "rejected", "mask", np.nan),
        ("c.png#2", "rejected", "mask", np.nan),
        ("d.png", "completed", "", 1),
        ("d.png#2", "rejected", "hidden", np.nan),
        ("me#2#1", "completed", "", 1),
    ]
    table = pd.DataFrame(rows, columns=["id", "status", "reason", "faces"])
    summary = report(table.reindex(columns=COLUMNS))
    assert (summary["photos"], summary["faces"], summary["completed"]) == (5, 4, 4)
    assert summary["rejected"] == {"mask": 1, "hidden": 1}


def test_a_hole_beside_the_face_is_inpainted(folders, search):
    rows = [place(folders, "a.png")]
    hole = write_hole(folders, "a.png", np.s_[:4, :4])
    (row,) = run(rows, folders, search).table.to_dict("records")
    assert (row["faces"], row["by_inpainting"], row["left"]) == (0, 1.0, 0.0)
    before = read_png(folders.photos / "a.png")
    after = read_png(folders.output / "a.png/photo.png")
    assert np.array_equal(after[~hole], before[~hole])


def test_what_a_hole_covers_beyond_the_face_can_be_left(folders):
    rows = [place(folders, "a.png")]
    hole = write_hole(folders, "a.png", np.s_[10:20, 30:48])
    leaving = counting_search(outside="leave")
    (row,) = run(rows, folders, leaving).table.to_dict("records")
    assert row["by_inpainting"] == 0.0
    assert row["by_face"] == pytest.approx(12 / 18, abs=1 / 18)
    assert row["left"] == pytest.approx(1.0 - row["by_face"])
    before = read_png(folders.photos / "a.png")
    after = read_png(folders.output / "a.png/photo.png")
    assert np.array_equal(after[:, 43:], before[:, 43:])
    assert np.array_equal(after[~hole], before[~hole])
    # The same photo, with its hole inpainted, is another result.
    whole = run(rows, folders, counting_search()).table
    assert whole["left"].tolist() == [0.0]
    assert whole["by_inpainting"][0] > 0.2


@pytest.mark.parametrize(
    ("placed", "window", "reason"),
    [
        (place_without_face, UPPER_HALF, "no_face"),
        (place, np.s_[:4, :4], "mask"),
    ],
)
def test_a_hole_that_is_left_and_touches_no_face_is_a_row_with_the_reason(
    folders, placed, window, reason
):
    rows = [placed(folders, "a.png"), place(folders, "b.png", 1)]
    write_hole(folders, "a.png", window)
    table = run(rows, folders, counting_search(outside="leave")).table
    assert table["reason"].tolist() == [reason, ""]
    assert "complete.outside: inpaint" in table["detail"][0]
    assert not (folders.output / "a.png").exists()


def test_a_photo_keeps_its_format_beside_the_png(folders, search):
    rows = [place(folders, "a.jpg")]
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    photo = read_png(folders.photos / "a.jpg")
    Image.fromarray(photo).save(folders.photos / "a.jpg", quality=90, exif=exif)
    rows[0]["photo_sha256"] = file_sha256(folders.photos / "a.jpg")
    write_hole(folders, "a.png", UPPER_HALF)
    assert run(rows, folders, search).table["status"].tolist() == ["completed"]
    files = contents(folders.output / "a.jpg")
    with Image.open(io.BytesIO(files["photo.jpg"])) as image:
        assert image.format == "JPEG"
        assert image.getexif()[0x010F] == "a camera"
    assert files["photo.png"].startswith(b"\x89PNG")


def test_known_pixels_are_the_faces_own_and_the_hole_is_generated(folders, search):
    run([place(folders, "a.png")], folders, search)
    face = read_png(folders.faces / "a.png.png")
    mask = build_mask("center", SIZE)
    pictures = {
        name: read_png(folders.output / "a.png" / f"{name}.png")
        for name in ("generated", "completed", "blended")
    }
    assert np.array_equal(pictures["completed"][mask], face[mask])
    assert np.array_equal(pictures["blended"][mask], face[mask])
    assert np.array_equal(pictures["completed"][~mask], pictures["generated"][~mask])


def test_the_photo_changes_inside_the_warped_hole_alone(folders, search):
    run([place(folders, "a.png")], folders, search)
    before = read_png(folders.photos / "a.png")
    after = read_png(folders.output / "a.png" / "photo.png")
    changed = (before != after).any(axis=-1)
    # The hole is the face's pixels 4 to 11, whose centres are 18 to 32 across and
    # 14 to 28 down in the photo; half a pixel of the face is one of the photo's.
    assert changed[14:29, 18:33].mean() > 0.95
    changed[13:30, 17:34] = False
    assert not changed.any()


def test_a_rejected_photo_is_a_row_with_its_reason(folders, search):
    rows = [
        rejected("no.png", "no_face"),
        place(folders, "a.png"),
        rejected("cut.jpg", "truncated"),
    ]
    table = run(rows, folders, search).table
    assert list(table["status"]) == ["rejected", "completed", "rejected"]
    assert list(table["reason"]) == ["no_face", "", "truncated"]
    summary = report(table)
    assert summary["photos"] == 3
    assert summary["completed"] == 1
    assert summary["rejected"] == {"no_face": 1, "truncated": 1}


def test_no_photo_to_complete_is_an_error_that_counts_the_reasons(folders, search):
    rows = [rejected("a", "no_face"), rejected("b", "no_face"), rejected("c", "cut")]
    with pytest.raises(DataError, match="no_face 2, cut 1"):
        run(rows, folders, search)
    assert not folders.output.exists()


def test_a_mask_file_in_the_photos_size_hides_where_it_is_white(folders, search):
    rows = [place(folders, "d/a.png"), place(folders, "b.png", 1)]
    hole = write_hole(folders, "d/a.png", UPPER_HALF)
    table = run(rows, folders, search).table.set_index("id")
    assert table.loc["d/a.png", "mask"] == "file"
    assert table.loc["b.png", "mask"] == "center"
    assert table.loc["d/a.png", "known_share"] == pytest.approx(0.5, abs=1 / SIZE)
    before = read_png(folders.photos / "d/a.png")
    after = read_png(folders.output / "d/a.png" / "photo.png")
    assert np.array_equal(before[~hole], after[~hole])


def test_a_hole_in_a_photo_that_was_shrunk_hides_all_that_it_is_averaged_into(
    folders, search
):
    row = place(folders, "a.png")
    photo = read_png(folders.photos / "a.png")
    face, matrix = square_crop(photo, SIZE)
    row |= {
        "landmarks": None,
        "matrix": matrix.ravel().tolist(),
    }
    write_png(folders.faces / "a.png.png", face)
    hole = write_hole(folders, "a.png", np.s_[20:22, 20:22])
    restored = run([row], folders, search)
    known = mask_from_square(hole, SIZE)
    assert restored.table["known_share"][0] == known.mean()
    result = read_png(folders.output / "a.png/photo.png")
    assert np.array_equal(result[~hole], photo[~hole])


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((8, 8, 3), 255, np.uint8), "is 8x8, its photo 48x40"),
        (np.zeros(PHOTO_SHAPE, np.uint8), "no white pixel"),
    ],
)
def test_a_mask_file_that_does_not_fit_is_a_row_with_the_reason(
    folders, search, pixels, message
):
    write_png(folders.masks / "a.png", pixels)
    rows = [place(folders, "a.png"), place(folders, "b.png", 1)]
    table = run(rows, folders, search).table
    assert list(table["reason"]) == ["mask", ""]
    assert message in table["detail"][0]


def test_the_loss_is_the_contextual_plus_lam_times_the_perceptual(folders, search):
    table = run([place(folders, "a.png")], folders, search).table
    (row,) = table.to_dict("records")
    assert row["loss"] == pytest.approx(row["contextual"] + 0.5 * row["perceptual"])
    assert row["enlargement"] == pytest.approx(2.0)


def test_full_hides_nothing_and_lowres_everything(folders, search):
    row = place(folders, "a.png")
    face = read_png(folders.faces / "a.png.png")
    run([row], folders, search, mask="full")
    out = folders.output / "a.png"
    assert np.array_equal(read_png(out / "completed.png"), face)
    assert np.array_equal(
        read_png(out / "photo.png"), read_png(folders.photos / "a.png")
    )
    restored = run([row], folders, search, mask="lowres")
    assert np.array_equal(
        read_png(out / "completed.png"), read_png(out / "generated.png")
    )
    assert "known_error" not in report(restored.table)["mean"]


def test_colour_comes_into_the_photo_and_its_luminance_stays(folders, search):
    restored = run([place(folders, "a.png")], folders, search, mask="colorize")
    assert restored.table["known_share"][0] == 0.0
    out, face = folders.output / "a.png", read_png(folders.faces / "a.png.png")
    assert np.array_equal(read_png(out / "known.png"), grey_picture(face))
    completed = read_png(out / "completed.png")
    assert np.abs(luminance(completed) - luminance(face)).max() <= 0.51
    assert np.array_equal(read_png(out / "blended.png"), completed)
    before, after = read_png(folders.photos / "a.png"), read_png(out / "photo.png")
    assert np.abs(luminance(after) - luminance(before)).max() <= 0.51
    changed = (after != before).any(axis=2)
    assert changed[6:38, 10:42].mean() > 0.9
    changed[5:39, 9:43] = False
    assert not changed.any()


def test_a_noisy_photo_is_mixed_with_what_was_generated_for_it(folders, search):
    run([place(folders, "a.png")], folders, search, mask="denoise")
    out, face = folders.output / "a.png", read_png(folders.faces / "a.png.png")
    assert np.array_equal(read_png(out / "known.png"), face)
    generated = read_png(out / "generated.png")
    nothing = np.zeros((SIZE, SIZE), bool)
    mixed = complete(Denoising(OPTIONS.noise), face, generated, nothing)
    assert np.array_equal(read_png(out / "completed.png"), mixed)


def test_a_mask_file_hides_pixels_whatever_the_others_lack(folders, search):
    rows = [place(folders, "a.png"), place(folders, "b.png", 1)]
    hole = write_hole(folders, "a.png", UPPER_HALF)
    table = run(rows, folders, search, mask="colorize").table
    assert table["mask"].tolist() == ["file", "colorize"]
    before = read_png(folders.photos / "a.png")
    after = read_png(folders.output / "a.png/photo.png")
    assert np.array_equal(before[~hole], after[~hole])


def test_random_masks_differ_from_photo_to_photo_and_not_from_run_to_run():
    maker = MaskMaker("random", OPTIONS, seed=1)
    again = MaskMaker("random", OPTIONS, seed=1)
    assert np.array_equal(maker.task("a", SIZE).mask, again.task("a", SIZE).mask)
    other = maker.task("b", SIZE).mask
    assert not np.array_equal(maker.task("a", SIZE).mask, other)


class Counting(LatentSearch):
    """Counts the faces that it searches for, and dies after some if told to."""

    def __init__(self, *arguments, die_after=10**9, **named):
        super().__init__(*arguments, **named)
        self.searched = []
        self.die_after = die_after

    def run(self, targets, watch=None, advance=None):
        if len(self.searched) >= self.die_after:
            raise KeyboardInterrupt
        self.searched += [target.key for target in targets]
        return super().run(targets, watch, advance)


def counting_search(die_after=10**9, seed=1, lam=0.5, **changes):
    architecture = Architecture(SIZE, 8, 4, 4)
    networks = build_generator(architecture, 1), build_discriminator(architecture, 1)
    options = OPTIONS.model_copy(update=changes)
    return Counting(*networks, options, lam=lam, seed=seed, die_after=die_after)


def test_a_killed_run_goes_on_with_the_photos_that_are_left(folders, tmp_path):
    rows = [place(folders, f"{n}.png", n) for n in range(20)]
    with pytest.raises(KeyboardInterrupt):
        run(rows, folders, counting_search(die_after=9))
    done = counting_search()
    restored = run(rows, folders, done)
    assert len(done.searched) == 4
    other = Project(tmp_path, "undisturbed")
    undisturbed = run(rows, other, counting_search())
    assert contents(folders.output) == contents(other.output)
    pd.testing.assert_frame_equal(restored.table, undisturbed.table)
    assert restored.pictures.keys() == undisturbed.pictures.keys()
    for name, picture in restored.pictures.items():
        assert np.array_equal(picture, undisturbed.pictures[name])
    for name, curve in restored.curves.items():
        assert np.array_equal(curve, undisturbed.curves[name])


def test_what_changed_is_completed_again_and_nothing_else(folders):
    rows = [place(folders, f"{n}.png", n) for n in range(4)]
    run(rows, folders, counting_search())
    again = counting_search()
    run(rows, folders, again)
    assert again.searched == []

    rows[1] = place(folders, "1.png", seed=9)
    write_hole(folders, "2.png", UPPER_HALF)
    (folders.output / "3.png" / "blended.png").write_bytes(b"damaged")
    run(rows, folders, again)
    assert again.searched == ["1.png", "2.png", "3.png"]


@pytest.mark.parametrize(
    "changes", [{"seed": 2}, {"lam": 0.1}, {"iterations": 3}, {"keep": "best"}]
)
def test_other_settings_complete_every_photo_again(folders, changes):
    rows = [place(folders, f"{n}.png", n) for n in range(2)]
    run(rows, folders, counting_search())
    again = counting_search(**changes)
    run(rows, folders, again)
    assert len(again.searched) == 2
    faster = counting_search(**changes, batch_size=4)
    run(rows, folders, faster)
    assert faster.searched == []


def test_candidates_are_saved_beside_each_other_with_their_distances(folders):
    rows = [place(folders, "a.png")]
    table = run(rows, folders, counting_search(candidates=3)).table
    out = folders.output / "a.png"
    pictures = [read_png(out / f"candidate-{number}.png") for number in (1, 2, 3)]
    assert np.array_equal(pictures[0], read_png(out / "blended.png"))
    saved = pd.read_parquet(out / "candidates.parquet")
    assert saved["loss"].is_monotonic_increasing
    hole = ~build_mask("center", SIZE)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        apart = np.abs(pictures[one].astype(int) - pictures[other])[hole].mean()
        assert saved["distances"][one][other] == pytest.approx(apart)
        assert apart > 0
    mean = np.mean(
        [saved["distances"][0][1], saved["distances"][0][2], saved["distances"][1][2]]
    )
    assert table["candidate_distance"][0] == pytest.approx(mean)
    sheet = read_png(out / "candidates.png")
    assert sheet.shape[1] == 4 * SIZE + 6
    history = pd.read_parquet(out / "history.parquet")
    assert len(history) == 3 * OPTIONS.iterations

    run(rows, folders, counting_search())
    assert not list(out.glob("candidate-*.png"))
    assert not (out / "candidates.png").exists()


CHAINS = {
    "method": "hmc",
    "hmc": HmcOptions(chains=2, warm_up=10, draws=6, leapfrogs=2, noise=60.0),
}


def test_chains_leave_maps_draws_and_figures_and_are_forgotten_with_them(folders):
    rows = [place(folders, "a.png"), place(folders, "b.png", 1)]
    restored = run(rows, folders, counting_search(**CHAINS))
    out, mask = folders.output / "a.png", build_mask("center", SIZE)
    face = read_png(folders.faces / "a.png.png")
    low, high = (read_png(out / f"{name}.png") for name in ("low", "high"))
    assert np.array_equal(low[mask], face[mask])
    assert np.array_equal(high[mask], face[mask])
    assert (low[~mask] < high[~mask]).all()
    assert read_png(out / "deviation.png").shape == face.shape
    strip = read_png(out / "samples.png")
    assert strip.shape == (SIZE, 12 * SIZE, 3)
    draws = pd.read_parquet(out / "samples.parquet")
    assert draws.groupby("chain")["draw"].count().tolist() == [6, 6]
    assert len(draws["variables"][0]) == 8

    assert {"mean.png", "deviation.png", "low.png", "high.png", "samples.gif"} <= set(
        restored.pictures
    )
    (one, _) = restored.table.to_dict("records")
    assert 0.0 <= one["acceptance"] <= 1.0
    assert one["r_hat"] > 0.9
    assert one["effective_size"] > 0.0
    assert one["deviation"] > 0.0
    summary = report(restored.table)["hmc"]
    assert set(summary["photos"]) == {"a.png", "b.png"}
    assert summary["photos"]["a.png"]["r_hat"] == one["r_hat"]
    assert summary["r_hat"] == restored.table["r_hat"].max()

    again = run(rows, folders, counting_search(**CHAINS))
    assert again.pictures["samples.gif"] == restored.pictures["samples.gif"]
    plain = run(rows, folders, counting_search())
    assert not (out / "samples.png").exists()
    assert "samples.gif" not in plain.pictures
    assert plain.table["r_hat"].isna().all()
    assert "hmc" not in report(plain.table)


def test_another_version_of_facefill_completes_every_photo_anew(folders, monkeypatch):
    rows = [place(folders, f"{n}.png", n) for n in range(2)]
    run(rows, folders, counting_search())
    again = counting_search()
    run(rows, folders, again)
    assert not again.searched
    monkeypatch.setattr(remembered, "_package_sha256", lambda: "of another version")
    anew = counting_search()
    run(rows, folders, anew)
    assert len(anew.searched) == 2


def test_a_photo_whose_first_face_is_rejected_is_completed_once_for_each_shape(folders):
    first, second = place_two_faces(folders, "a.png")
    rows = [first | {"status": "rejected", "reason": "beyond_edge"}, second]
    one = run(rows, folders, counting_search())
    assert one.table["reason"].tolist() == ["beyond_edge", ""]
    again = counting_search()
    pd.testing.assert_frame_equal(run(rows, folders, again).table, one.table)
    assert not again.searched
    other = run(rows, folders, counting_search(), mask="left")
    assert other.table["mask"][1] == "left"
    assert other.table["known_share"][1] != one.table["known_share"][1]


def test_a_mask_may_be_white_where_the_photo_is_known(folders):
    row = place(folders, "a.png")
    write_hole(folders, "a.png", UPPER_HALF)
    one, two = (
        run([row], folders, counting_search(mask_files=polarity))
        for polarity in ("white_is_hole", "white_is_known")
    )
    first, second = (made.table["known_share"][0] for made in (one, two))
    # Pixels at the border of the two read both.
    assert first + second == pytest.approx(1.0, abs=3 / SIZE)


@pytest.mark.parametrize(
    ("window", "whole"), [(np.s_[5:39, 9:43], "face"), (np.s_[:, :], "photo")]
)
def test_a_hole_over_all_of_the_face_is_a_row_with_the_reason(
    folders, search, window, whole
):
    write_hole(folders, "a.png", window)
    rows = [place(folders, "a.png"), place(folders, "b.png", 1)]
    table = run(rows, folders, search).table
    assert list(table["reason"]) == ["mask", ""]
    assert re.search(f"hides the whole {whole}.*wrong way round", table["detail"][0])


def test_mask_files_that_fit_a_photo_equally_are_a_row_with_the_reason(folders, search):
    rows = [place(folders, "a.png"), place(folders, "b.png", 1)]
    for name in ("a.png", "a.bmp"):
        write_hole(folders, name, UPPER_HALF)
    table = run(rows, folders, search).table
    assert list(table["reason"]) == ["mask", ""]
    assert "several mask files fit it (a.bmp, a.png)" in table["detail"][0]


@pytest.mark.parametrize("change", ["other pixels", "another size", "deleted"])
def test_a_mask_that_changed_since_the_plan_is_a_row_with_the_reason(
    folders, search, change
):
    rows = [place(folders, "a.png"), place(folders, "b.png", 1)]
    write_hole(folders, "a.png", UPPER_HALF)
    table = planned(rows, folders)
    if change == "deleted":
        (folders.masks / "a.png").unlink()
    elif change == "another size":
        write_hole(folders, "a.png", UPPER_HALF, (60, 48))
    else:
        write_hole(folders, "a.png", np.s_[10:22, 10:42])
    made = completed(table, folders, search).table
    assert made["reason"].tolist() == ["mask", ""]
    assert "changed since the plan was made" in made["detail"][0]
    again = run(rows, folders, search).table
    assert (again["reason"] == "mask").sum() == (change == "another size")


def test_the_plan_is_what_is_completed(folders, search):
    rows = [place(folders, f"{n}.png", n) for n in range(3)]
    table = planned(rows, folders, "left")
    table.loc[1, ["problem", "problem_reason"]] = ["not this one", "mask"]
    # Too late: the plan was made without it.
    write_hole(folders, "2.png", UPPER_HALF)
    made = completed(table, folders, search).table
    assert made["mask"].tolist()[::2] == ["left", "left"]
    assert made["detail"][1] == "not this one"
    known = read_png(folders.output / "0.png/known.png")
    face = read_png(folders.faces / "0.png.png")
    mask = build_mask("left", SIZE)
    assert np.array_equal(known[mask], face[mask])


def test_photos_are_completed_anew_by_another_refiner(folders, search, monkeypatch):
    class Painter:
        """A refiner of faces of this size; none ships."""

        size = 2 * SIZE
        gives_mean = False

        def __init__(self, level):
            self.level = level
            self.fingerprint = str(level)

        def refine(self, crops):
            ((crop, _, known),) = crops
            refined = np.where(known[..., None], crop, np.uint8(128))
            refined[10:14, 10:20] = self.level  # a spot, whose edges stay
            return [refined]

    rows = [place(folders, "a.png")]
    write_hole(folders, "a.png", UPPER_HALF)
    levels = []
    for level in (60, 60, 190):
        monkeypatch.setattr(search, "refiner", Painter(level))
        run(rows, folders, search)
        path = folders.output / "a.png/photo.png"
        spot = read_png(path)[14:22, 20:32]
        levels.append((path.stat().st_mtime_ns, np.ptp(spot.mean(axis=(1, 2)))))
    assert levels[0] == levels[1]
    assert levels[2][0] != levels[1][0]
    assert levels[2][1] != levels[1][1]


def test_a_plan_of_another_version_is_refused_in_one_line(folders, search):
    table = planned([place(folders, "a.png")], folders)
    with pytest.raises(DataError, match="plan of the completion is of another version"):
        completed(table.drop(columns="mask_sha256"), folders, search)


def test_a_photo_that_changed_since_its_alignment_is_a_row_with_the_reason(
    folders, search
):
    rows = [place(folders, "a.png"), place(folders, "b.png", 1)]
    write_hole(folders, "a.png", UPPER_HALF)
    write_png(folders.photos / "a.png", np.zeros((80, 96, 3), np.uint8))
    (folders.photos / "b.png").unlink()
    rows.append(place(folders, "c.png", 2))
    table = run(rows, folders, search).table
    assert table["reason"].tolist() == ["changed", "unopenable", ""]


class UnforeseenError(Exception):
    pass


def raising(error, function, key):
    """Wrap a method so that it raises for one photo."""

    def wrapped(self, subject, *arguments):
        # Rows of a photo are read, what was found for it is written.
        is_read = isinstance(subject, list)
        if key == (subject[0].path if is_read else subject.task.photo_id):
            raise error
        return function(self, subject, *arguments)

    return wrapped


@pytest.mark.parametrize(
    ("kind", "method"), [(TaskReader, "read"), (ResultWriter, "_opened")]
)
def test_a_defect_met_by_one_photo_is_its_row_and_keeps_its_traceback(
    folders, search, monkeypatch, caplog, kind, method
):
    rows = [place(folders, f"{n}.png", n) for n in range(3)]
    table = planned(rows, folders)
    broken = raising(UnforeseenError("unforeseen"), getattr(kind, method), "1.png")
    monkeypatch.setattr(kind, method, broken)
    made = completed(table, folders, search).table
    assert made["status"].tolist() == ["completed", "rejected", "completed"]
    assert made["reason"].tolist() == ["", "failed", ""]
    assert made["detail"][1] == "UnforeseenError: unforeseen"
    assert "1.png failed" in caplog.text
    assert "Traceback" in caplog.text
    monkeypatch.undo()
    again = counting_search()
    assert run(rows, folders, again).table["status"].tolist() == ["completed"] * 3
    assert again.searched == ["1.png"]


@pytest.mark.parametrize(
    ("kind", "method"), [(TaskReader, "read"), (ResultWriter, "_opened")]
)
def test_a_full_disk_ends_the_run_and_finished_photos_stay(
    folders, search, monkeypatch, kind, method
):
    rows = [place(folders, f"{n:02d}.png", n) for n in range(10)]
    table = planned(rows, folders)
    full = OSError(errno.ENOSPC, "No space left on device")
    broken = raising(full, getattr(kind, method), "09.png")
    monkeypatch.setattr(kind, method, broken)
    with pytest.raises(OSError, match="No space left"):
        completed(table, folders, search)
    monkeypatch.undo()
    again = counting_search()
    run(rows, folders, again)
    assert again.searched == ["08.png", "09.png"]
