"""What is written of a photo is whole, or is not what its row says."""

import io
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from facefill.completion.dispatch import Found
from facefill.completion.inputs import MaskChoice
from facefill.completion.writer import ResultWriter, hole_distances
from facefill.errors import PhotoError
from facefill.imaging.pictures import read_png, write_png
from facefill.runtime.files import file_sha256
from restoring import (
    LIMITS,
    PHOTO_SHAPE,
    SIZE,
    WIDE_SHAPE,
    Project,
    candidate,
    contents,
    noisy_photo,
    place,
    place_two_faces,
    place_without_face,
    reader_of,
    write_hole,
)


@pytest.fixture
def folders(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def writer(folders):
    return ResultWriter(folders.photos, folders.output, LIMITS, "inpaint")


def read(folders, rows, hole=None):
    """Read a photo with a mask file, or else with the middle of its face hidden."""
    mask = MaskChoice("center")
    if hole:
        mask = MaskChoice("file", hole, file_sha256(folders.masks / hole))
    return reader_of(folders).read(
        [SimpleNamespace(**row) for row in rows], mask, "key"
    )


def found(task, *candidates):
    """Find the same for every face of a photo."""
    count = len(task.faces)
    frames = (np.zeros((SIZE, SIZE, 3), np.uint8),) * 2
    return Found(task, (candidates,) * count, (frames,) * count)


def written(writer, *photos):
    """Write what was found for photos; the record, if it is one photo."""
    records = list(writer.write(photos))
    return records[0] if len(records) == 1 else records


def task_of(folders):
    return read(folders, [place(folders, "a.png")])


def test_a_record_has_a_row_and_the_hash_of_every_file(folders, writer):
    record = written(writer, found(task_of(folders), candidate(9)))
    files = {
        path.relative_to(folders.output).as_posix(): file_sha256(path)
        for path in folders.output.rglob("*.*")
        if path.is_file()
    }
    assert record["files"] == files
    assert (record["key"], record["id"]) == ("key", "a.png")
    (row,) = record["rows"]
    assert (row["id"], row["status"], row["mask"]) == ("a.png", "completed", "center")
    assert writer.is_whole(record)


@pytest.mark.parametrize("change", ["damaged", "deleted"])
@pytest.mark.parametrize("name", ["a.png/photo.png", "a.png#2/known.png"])
def test_a_result_that_is_not_as_it_was_written_is_not_whole(
    folders, writer, change, name
):
    task = read(folders, place_two_faces(folders, "a.png"))
    record = written(writer, found(task, candidate(9)))
    path = folders.output / name
    if change == "damaged":
        path.write_bytes(b"damaged")
    else:
        path.unlink()
    assert not writer.is_whole(record)


def test_candidates_of_an_earlier_run_are_deleted(folders, writer):
    task = read(folders, place_two_faces(folders, "a.png"))
    written(writer, found(task, candidate(9), candidate(200)))
    for name in ("a.png", "a.png#2"):
        picture = read_png(folders.output / name / "candidate-2.png")
        assert picture.shape == (SIZE, SIZE, 3)
    written(writer, found(task, candidate(9)))
    for name in ("a.png", "a.png#2"):
        left = [path.name for path in (folders.output / name).glob("candidate*")]
        assert left == ["candidates.parquet"]


def test_faces_of_an_earlier_run_are_deleted_and_other_photos_are_not(folders, writer):
    rows = place_two_faces(folders, "a.png")
    written(writer, found(read(folders, rows), candidate(9)))
    # The folder of the second face of a.png is that of this photo too.
    other = [place(folders, "a.png#2") | {"id": "a.png#2#1"}]
    written(writer, found(read(folders, other), candidate(9)))
    write_hole(folders, "a.png", np.s_[:4, 86:], WIDE_SHAPE)
    written(writer, found(read(folders, rows, "a.png")))
    assert list(contents(folders.output / "a.png")) == ["photo.png"]
    assert list(contents(folders.output / "a.png#2")) == ["photo.png"]
    assert "known.png" in contents(folders.output / "a.png#2#1")


def test_a_photo_without_a_face_is_one_row_and_one_picture(folders, writer):
    rows = [place_without_face(folders, "a.png")]
    write_hole(folders, "a.png", np.s_[10:20, 14:30])
    record = written(writer, found(read(folders, rows, "a.png")))
    (row,) = record["rows"]
    assert (row["id"], row["faces"], row["by_inpainting"]) == ("a.png", 0, 1.0)
    assert list(record["files"]) == ["a.png/photo.png"]


def test_another_photo_in_the_place_of_the_aligned_one_gets_no_face(folders, writer):
    task = task_of(folders)
    write_png(folders.photos / "a.png", np.zeros((80, 96, 3), np.uint8))
    error = written(writer, found(task, candidate(9)))
    assert (type(error), error.reason) == (PhotoError, "changed")
    assert not folders.output.exists()


def encode_jpeg(photo):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=92, exif=exif)
    return stream.getvalue()


def replaced_photo(folders, name, content):
    """Put other content under a photo that has been placed; give its row."""
    row = place(folders, name)
    (folders.photos / name).write_bytes(content)
    return row | {"photo_sha256": file_sha256(folders.photos / name)}


def test_a_jpeg_comes_back_as_jpeg_with_its_metadata_and_as_png(folders, writer):
    content = encode_jpeg(noisy_photo())
    row = replaced_photo(folders, "d/a.jpeg", content)
    hole = write_hole(folders, "d/a.png", np.s_[10:20, 14:30])
    record = written(writer, found(read(folders, [row], "d/a.png"), candidate(9)))
    assert {"d/a.jpeg/photo.jpg", "d/a.jpeg/photo.png"} <= set(record["files"])
    with Image.open(folders.output / "d/a.jpeg/photo.jpg") as image:
        assert image.format == "JPEG"
        assert image.getexif()[0x010F] == "a camera"
        assert image.size == PHOTO_SHAPE[1::-1]
    with Image.open(io.BytesIO(content)) as image:
        before = np.asarray(image)
    after = read_png(folders.output / "d/a.jpeg/photo.png")
    # JPEG has smeared what was painted, so the hole is grown by 2 pixels.
    grown = cv2.dilate(hole.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert np.array_equal(after[~grown], before[~grown])
    assert not np.array_equal(after[hole], before[hole])


def test_16_bits_stay_16_bits(folders, writer):
    deep = np.random.default_rng(1).integers(0, 65536, PHOTO_SHAPE, np.uint16)
    row = replaced_photo(folders, "a.png", cv2.imencode(".png", deep)[1].tobytes())
    hole = write_hole(folders, "a.png", np.s_[10:20, 14:30])
    record = written(writer, found(read(folders, [row], "a.png"), candidate(9)))
    assert "a.png/photo.png" in record["files"]
    path = folders.output / "a.png/photo.png"
    after = cv2.imdecode(
        np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED
    )
    assert after.dtype == np.uint16
    assert np.array_equal(after[~hole], deep[~hole])
    assert (after[hole] != deep[hole]).any(axis=1).all()


def test_a_photo_whose_file_is_another_format_leaves_none_of_the_first(folders, writer):
    jpeg = replaced_photo(folders, "a.png", encode_jpeg(noisy_photo()))
    written(writer, found(read(folders, [jpeg]), candidate(9)))
    assert (folders.output / "a.png/photo.jpg").is_file()
    written(writer, found(task_of(folders), candidate(9)))
    assert not (folders.output / "a.png/photo.jpg").exists()


def test_distances_are_mean_differences_over_the_hole():
    mask = np.ones((2, 2), np.bool_)
    mask[0, 0] = False
    pictures = [np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 10, np.uint8)]
    pictures[1][1] = 255
    assert hole_distances(pictures, mask).tolist() == [[0.0, 10.0], [10.0, 0.0]]
    everything = np.ones((2, 2), np.bool_)
    assert hole_distances(pictures, everything)[0, 1] == pytest.approx(132.5)


def test_photos_that_cannot_be_finished_leave_the_others_alone(folders, writer):
    rows = [place(folders, name) for name in "abcdef"]
    tasks = [read(folders, [row]) for row in rows]
    (folders.photos / "b").unlink()
    batch = [found(task, candidate(9)) for task in tasks]
    batch[4] = Found(tasks[4], failure="timeout")

    records = written(writer, *batch)

    assert [record["id"] for record in records if isinstance(record, dict)] == [*"acdf"]
    assert [records[1].reason, records[4].reason] == ["unopenable", "timeout"]


def test_photos_that_are_finished_together_are_each_refined_as_alone(folders):
    class Painter:
        """A refiner that paints a hole in the mean level of the completed face."""

        size = 2 * SIZE
        gives_mean = False

        def refine(self, crops):
            return [
                np.where(known[..., None], crop, np.uint8(completed.mean()))
                for crop, completed, known in crops
            ]

    writer = ResultWriter(folders.photos, folders.output, LIMITS, "inpaint", Painter())
    tasks = [
        read(folders, place_two_faces(folders, "a.png")),
        read(folders, [place(folders, "b.png", 1)]),
        read(folders, [place(folders, "c.png", 2)]),
    ]
    batch = [found(task, candidate(9)) for task in tasks]

    together = [record["files"] for record in written(writer, *batch)]
    alone = [written(writer, each)["files"] for each in batch]

    assert together == alone
    plain = ResultWriter(folders.photos, folders.output, LIMITS, "inpaint")
    unrefined = [record["files"] for record in written(plain, *batch)]
    for name, before, after in zip("abc", unrefined, alone, strict=True):
        photo = f"{name}.png/photo.png"
        assert before[photo] != after[photo]


def test_a_photo_whose_face_cannot_be_refined_leaves_the_others_alone(folders):
    class Refusing:
        """A refiner that fails where it sees a white photo."""

        size = 2 * SIZE
        gives_mean = False

        def refine(self, crops):
            if any(crop.crop.mean() > 200 for crop in crops):
                raise ValueError("too bright")
            return [crop.crop for crop in crops]

    writer = ResultWriter(folders.photos, folders.output, LIMITS, "inpaint", Refusing())
    white = np.full(PHOTO_SHAPE, 250, np.uint8)
    photos = (None, white, None)
    tasks = [
        read(folders, [place(folders, f"{number}.png", photo=photo)])
        for number, photo in enumerate(photos)
    ]
    outcomes = written(writer, *[found(task, candidate(9)) for task in tasks])

    assert str(outcomes[1]) == "too bright"
    assert [outcomes[0]["id"], outcomes[2]["id"]] == ["0.png", "2.png"]
