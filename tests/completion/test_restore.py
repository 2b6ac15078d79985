import errno
import re

import numpy as np
import pandas as pd
import pytest

from facefill.completion.inputs import Folders, TaskReader
from facefill.completion.overview import MAX_PICTURED
from facefill.completion.restore import report, restore
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
from facefill.parameters import HmcOptions, IngestOptions
from facefill.runtime.files import file_sha256
from restoring import OPTIONS, PHOTO_SHAPE, SIZE, contents, place, planned

LIMITS = IngestOptions()


@pytest.fixture(scope="module")
def search():
    architecture = Architecture(SIZE, 8, 4, 4)
    networks = build_generator(architecture, 1), build_discriminator(architecture, 1)
    return LatentSearch(*networks, OPTIONS, lam=0.5, seed=1)


@pytest.fixture
def folders(tmp_path):
    return Folders(
        *(tmp_path / name for name in ("photos", "masks", "faces", "out", "records"))
    )


def rejected(photo_id, reason):
    row = {
        "id": photo_id,
        "path": photo_id,
        "status": "rejected",
        "reason": reason,
        "matrix": [],
    }
    return row | {"photo_sha256": "", "face_sha256": "", "face": ""}


def run(rows, folders, search, mask="center"):
    table = planned(rows, folders, mask)
    return restore(table, folders, search, LIMITS)


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


def test_each_face_of_a_photo_is_completed_on_its_own(folders, search):
    first = place(folders, "a.png")
    second = first | {"id": "a.png#2", "matrix": [0.5, 0.0, 0.0, 0.0, 0.5, -3.0]}
    photo = read_png(folders.photos / "a.png")
    face = photo[6:38:2, 0:32:2]
    second["face"] = "a.png#2.png"
    write_png(folders.faces / second["face"], face)
    second["face_sha256"] = file_sha256(folders.faces / second["face"])
    table = run([first, second], folders, search).table
    assert table["id"].tolist() == ["a.png", "a.png#2"]
    for name, left in (("a.png", 10), ("a.png#2", 0)):
        after = read_png(folders.output / name / "photo.png")
        # The hole is the middle half of the face.
        changed = (after != photo).any(axis=(0, 2)).nonzero()[0]
        assert left + 8 - 1 <= changed.min()
        assert changed.max() <= left + 24


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
    hole = np.zeros(PHOTO_SHAPE, np.uint8)
    hole[6:22, 10:42] = 255  # the upper half of the face
    write_png(folders.masks / "d/a.png", hole)
    table = run(rows, folders, search).table.set_index("id")
    assert table.loc["d/a.png", "mask"] == "file"
    assert table.loc["b.png", "mask"] == "center"
    assert table.loc["d/a.png", "known_share"] == pytest.approx(0.5, abs=1 / SIZE)
    before = read_png(folders.photos / "d/a.png")
    after = read_png(folders.output / "d/a.png" / "photo.png")
    assert np.array_equal(before[hole[..., 0] == 0], after[hole[..., 0] == 0])


def test_a_hole_in_a_photo_that_was_shrunk_hides_all_that_it_is_averaged_into(
    folders, search
):
    photo = np.random.default_rng(0).integers(0, 256, PHOTO_SHAPE, np.uint8)
    face, matrix = square_crop(photo, SIZE)
    row = place(folders, "a.png") | {
        "landmarks": None,
        "matrix": matrix.ravel().tolist(),
    }
    write_png(folders.photos / "a.png", photo)
    write_png(folders.faces / "a.png.png", face)
    hole = np.zeros(PHOTO_SHAPE[:2], np.uint8)
    hole[20:22, 20:22] = 255
    write_png(folders.masks / "a.png", hole)
    restored = run([row], folders, search)
    known = mask_from_square(hole, SIZE)
    assert restored.table["known_share"][0] == known.mean()
    result = read_png(folders.output / "a.png/photo.png")
    assert np.array_equal(result[hole == 0], photo[hole == 0])


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((8, 8, 3), np.uint8), "is 8x8, its photo 48x40"),
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
    hole = np.zeros(PHOTO_SHAPE, np.uint8)
    hole[6:22, 10:42] = 255
    write_png(folders.masks / "a.png", hole)
    table = run(rows, folders, search, mask="colorize").table
    assert table["mask"].tolist() == ["file", "colorize"]
    before = read_png(folders.photos / "a.png")
    after = read_png(folders.output / "a.png/photo.png")
    assert np.array_equal(before[hole[..., 0] == 0], after[hole[..., 0] == 0])


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
    other = Folders(
        folders.photos, folders.masks, folders.faces, tmp_path / "o", tmp_path / "r"
    )
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
    hole = np.zeros(PHOTO_SHAPE, np.uint8)
    hole[6:22, 10:42] = 255
    write_png(folders.masks / "2.png", hole)
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


def test_a_mask_may_be_white_where_the_photo_is_known(folders):
    row = place(folders, "a.png")
    hole = np.zeros(PHOTO_SHAPE, np.uint8)
    hole[6:22, 10:42] = 255
    write_png(folders.masks / "a.png", hole)
    one, two = (
        restore(
            planned([row], folders, options=search.options), folders, search, LIMITS
        )
        for search in (counting_search(), counting_search(mask_files="white_is_known"))
    )
    first, second = (made.table["known_share"][0] for made in (one, two))
    # Pixels at the border of the two read both.
    assert first + second == pytest.approx(1.0, abs=3 / SIZE)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (np.s_[:, :], "hides the whole face.*polarity"),
        (np.s_[:4, :4], "beside the face"),
    ],
)
def test_a_hole_that_is_all_of_the_face_or_none_of_it_is_a_row_with_the_reason(
    folders, search, window, message
):
    hole = np.zeros(PHOTO_SHAPE, np.uint8)
    hole[window] = 255
    write_png(folders.masks / "a.png", hole)
    rows = [place(folders, "a.png"), place(folders, "b.png", 1)]
    table = run(rows, folders, search).table
    assert list(table["reason"]) == ["mask", ""]
    assert re.search(message, table["detail"][0])


def write_hole(folders, name, height, width, rows=np.s_[6:22]):
    hole = np.zeros((height, width, 3), np.uint8)
    hole[rows, 10:42] = 255
    write_png(folders.masks / name, hole)


@pytest.mark.parametrize("change", ["other pixels", "another size", "deleted"])
def test_a_mask_that_changed_since_the_plan_is_a_row_with_the_reason(
    folders, search, change
):
    rows = [place(folders, "a.png"), place(folders, "b.png", 1)]
    write_hole(folders, "a.png", *PHOTO_SHAPE[:2])
    table = planned(rows, folders)
    if change == "deleted":
        (folders.masks / "a.png").unlink()
    elif change == "another size":
        write_hole(folders, "a.png", 80, 64)
    else:
        write_hole(folders, "a.png", *PHOTO_SHAPE[:2], np.s_[10:22])
    made = restore(table, folders, search, LIMITS).table
    assert made["reason"].tolist() == ["mask", ""]
    assert "changed since the plan was made" in made["detail"][0]
    again = run(rows, folders, search).table
    assert (again["reason"] == "mask").sum() == (change == "another size")


def test_the_plan_is_what_is_completed(folders, search):
    rows = [place(folders, f"{n}.png", n) for n in range(3)]
    table = planned(rows, folders, "left")
    table.loc[1, ["problem", "problem_reason"]] = ["not this one", "mask"]
    # Too late: the plan was made without it.
    write_hole(folders, "2.png", *PHOTO_SHAPE[:2])
    made = restore(table, folders, search, LIMITS).table
    assert made["mask"].tolist()[::2] == ["left", "left"]
    assert made["detail"][1] == "not this one"
    known = read_png(folders.output / "0.png/known.png")
    face = read_png(folders.faces / "0.png.png")
    mask = build_mask("left", SIZE)
    assert np.array_equal(known[mask], face[mask])


def test_a_plan_of_another_version_is_refused_in_one_line(folders, search):
    table = planned([place(folders, "a.png")], folders)
    with pytest.raises(DataError, match="plan of the completion is of another version"):
        restore(table.drop(columns="mask_sha256"), folders, search, LIMITS)


def test_a_photo_that_changed_since_its_alignment_is_a_row_with_the_reason(
    folders, search
):
    rows = [place(folders, "a.png"), place(folders, "b.png", 1)]
    write_hole(folders, "a.png", *PHOTO_SHAPE[:2])
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
        name = getattr(subject, "face_id", None) or subject.id
        if name == key:
            raise error
        return function(self, subject, *arguments)

    return wrapped


@pytest.mark.parametrize(
    ("kind", "method"), [(TaskReader, "read"), (ResultWriter, "write")]
)
def test_a_defect_met_by_one_photo_is_its_row_and_keeps_its_traceback(
    folders, search, monkeypatch, caplog, kind, method
):
    rows = [place(folders, f"{n}.png", n) for n in range(3)]
    table = planned(rows, folders)
    broken = raising(UnforeseenError("unforeseen"), getattr(kind, method), "1.png")
    monkeypatch.setattr(kind, method, broken)
    made = restore(table, folders, search, LIMITS).table
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
    ("kind", "method"), [(TaskReader, "read"), (ResultWriter, "write")]
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
        restore(table, folders, search, LIMITS)
    monkeypatch.undo()
    again = counting_search()
    run(rows, folders, again)
    assert again.searched == ["08.png", "09.png"]
