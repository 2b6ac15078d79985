"""A photo made whole: nothing outside its hole changes, nothing under it matters."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from facefill.completion.faces import (
    AlignedFace,
    face_with_task,
    nearest_faces,
)
from facefill.completion.inputs import MaskChoice
from facefill.completion.result import completed_face, compose
from facefill.errors import PhotoError
from facefill.imaging.geometry import warp
from facefill.imaging.photo_files import PhotoFile
from facefill.imaging.photos import read_photo
from facefill.imaging.pictures import write_png
from facefill.imaging.tasks import task_of
from facefill.parameters import CompleteOptions
from facefill.runtime.files import file_sha256
from photos import face_photo
from restoring import (
    LEFTS,
    MATRIX,
    PHOTO_SHAPE,
    SIZE,
    WIDE_SHAPE,
    Project,
    candidate,
    face_at,
    faces_in,
    hole_at,
    matrix_at,
    noisy_photo,
    place,
    place_two_faces,
    place_without_face,
    reader_of,
    write_hole,
)

GENERATED = noisy_photo(7, (SIZE, SIZE, 3))
WINDOW = np.s_[12:24, 30:60]


def whole(photo, hole, outside="inpaint", lefts=LEFTS[:1]):
    return compose(photo, hole, faces_in(photo, hole, lefts), outside)


@pytest.mark.parametrize("paint", [0, 255, "noise"])
@pytest.mark.parametrize(
    ("placed", "name", "shape"),
    [
        (lambda folders: [place(folders, "a.png")], "a.png", PHOTO_SHAPE),
        (lambda folders: place_two_faces(folders, "a.png"), "a.png", WIDE_SHAPE),
        (lambda folders: [place_without_face(folders, "a.png")], "a.png", PHOTO_SHAPE),
    ],
)
def test_photos_that_are_equal_outside_of_their_hole_come_out_equal(
    tmp_path, paint, placed, name, shape
):
    folders = Project(tmp_path)
    rows = [SimpleNamespace(**row) for row in placed(folders)]
    # With a part in the corner that no face reaches.
    hole = write_hole(folders, name, np.s_[12:24, 20:48], shape)
    hole |= write_hole(folders, name, np.s_[:7, :9], shape)
    write_png(folders.masks / name, np.where(hole, 255, 0).astype(np.uint8))
    mask = MaskChoice("file", name, file_sha256(folders.masks / name))

    def result():
        task = reader_of(folders).read(rows, mask, "key")
        photo = read_photo(folders.photos / name)
        faces = [completed_face(face, [candidate(GENERATED)]) for face in task.faces]
        measured = [
            np.where(face.measurement.mask[..., None], face.measurement.face, 0)
            for face in task.faces
        ]
        done = compose(photo, task.hole, faces, "inpaint")
        pictures = [face.completed for face in faces] + [face.known for face in faces]
        return [done.photo, *measured, *pictures]

    first, before = result(), read_photo(folders.photos / name)
    painted = before.copy()
    painted[hole] = noisy_photo(3, shape)[hole] if paint == "noise" else paint
    write_png(folders.photos / name, painted)
    for row in rows:
        row.photo_sha256 = file_sha256(folders.photos / name)
        if row.status == "aligned":
            left = LEFTS[row.id.endswith("#2")]
            write_png(folders.faces / row.face, face_at(painted, left))
    second = result()
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(second[0][~hole], before[~hole])


def test_a_hole_within_the_face_is_filled_by_the_face_alone():
    photo, hole = noisy_photo(), hole_at(np.s_[12:24, 16:30])
    done = whole(photo, hole)
    assert (done.by_face, done.by_inpainting, done.left) == (1.0, 0.0, 0.0)
    assert np.array_equal(done.hole, hole)
    assert np.array_equal(done.photo[~hole], photo[~hole])
    assert (done.photo != photo)[hole].any(axis=1).mean() > 0.95


def test_the_rest_of_a_hole_is_inpainted_or_left():
    photo, hole = noisy_photo(), hole_at(np.s_[12:24, 30:48])
    done = whole(photo, hole)
    assert done.by_face + done.by_inpainting == pytest.approx(1.0)
    assert done.by_inpainting > 5 / 18
    assert done.left == 0.0
    assert np.array_equal(done.hole, hole)
    assert np.array_equal(done.photo[~hole], photo[~hole])

    left = whole(photo, hole, "leave")
    # The last pixel of the face is that of columns 39.5 to 41.5.
    assert left.by_face == pytest.approx(12 / 18, abs=1 / 18)
    assert left.by_inpainting == 0.0
    assert left.left == pytest.approx(1.0 - left.by_face)
    assert left.hole.sum() == pytest.approx(left.by_face * hole.sum())
    assert np.array_equal(left.photo[~left.hole], photo[~left.hole])


def test_a_hole_that_touches_no_face_is_inpainted():
    photo, hole = noisy_photo(), hole_at(np.s_[:5, :8])
    done = whole(photo, hole)
    assert done.faces == ()
    assert (done.by_face, done.by_inpainting, done.left) == (0.0, 1.0, 0.0)
    assert np.array_equal(done.photo[~hole], photo[~hole])
    with pytest.raises(PhotoError, match="touches no face, and was inpainted"):
        done.known  # noqa: B018


def test_a_hole_across_two_faces_is_filled_from_both():
    photo, hole = noisy_photo(shape=WIDE_SHAPE), hole_at(WINDOW, WIDE_SHAPE)
    done = whole(photo, hole, "leave", LEFTS)
    assert [face.face.face_id for face in done.faces] == ["a.png#1", "a.png#2"]
    alone = [
        compose(photo, hole, [face], "leave").photo
        for face in faces_in(photo, hole, LEFTS)
    ]
    assert np.array_equal(done.photo[:, :43], alone[0][:, :43])
    assert np.array_equal(done.photo[:, 46:], alone[1][:, 46:])
    assert 0.7 < done.by_face < 1.0
    assert whole(photo, hole, "inpaint", LEFTS).left == 0.0


@pytest.mark.parametrize("window", [np.s_[12:24, 16:30], np.s_[12:24, 30:48], None])
@pytest.mark.parametrize("tone", [(1.0, 1.0, 1.0), (1.0, 0.8, 0.6)])
def test_a_photo_of_one_tone_keeps_it_where_it_is_filled(window, tone):
    grey = np.random.default_rng(0).integers(0, 256, (*PHOTO_SHAPE[:2], 1))
    photo = np.round(grey * tone).astype(np.uint8)
    if window is None:
        task = task_of("center", SIZE, CompleteOptions())
        matrix = np.array(MATRIX).reshape(2, 3)
        face = AlignedFace("a", face_at(photo, 10).copy(), matrix, is_square=False)
        placed = face_with_task(face, task, PHOTO_SHAPE[:2])
        done = compose(
            photo, None, [completed_face(placed, [candidate(GENERATED)])], "inpaint"
        )
    else:
        photo[window] = (255, 0, 255)
        done = whole(photo, hole_at(window))
    inside = done.photo[done.hole].astype(float)
    assert len(inside) > 100
    exactly = np.abs(inside - inside[:, :1] * tone).max()
    assert exactly <= (0.0 if tone == (1.0, 1.0, 1.0) else 1.5)


def test_colour_that_is_asked_for_stays():
    photo = np.repeat(noisy_photo()[..., :1], 3, axis=2)
    task = task_of("colorize", SIZE, CompleteOptions())
    matrix = np.array(MATRIX).reshape(2, 3)
    face = AlignedFace("a", face_at(photo, 10).copy(), matrix, is_square=False)
    placed = face_with_task(face, task, PHOTO_SHAPE[:2])
    found = [completed_face(placed, [candidate((200, 90, 30))])]
    coloured = compose(photo, None, found, "inpaint").photo
    assert np.ptp(coloured, axis=2).max() > 20


@pytest.mark.parametrize("name", ["full", "top", "center"])
def test_a_shape_over_a_face_at_the_photos_edge_changes_its_hole_alone(name):
    photo = noisy_photo()
    # Four pixels of the face, eight of the photo, are beyond its left edge.
    matrix = np.array(matrix_at(-8)).reshape(2, 3)
    face = AlignedFace("a", warp(photo, matrix, SIZE), matrix, is_square=False)
    task = task_of(name, SIZE, CompleteOptions())
    placed = face_with_task(face, task, PHOTO_SHAPE[:2])
    assert not placed.measurement.mask[:, :4].any()
    done = compose(
        photo, None, [completed_face(placed, [candidate(GENERATED)])], "inpaint"
    )
    assert np.array_equal(done.photo[~done.hole], photo[~done.hole])
    assert np.array_equal(done.hole, placed.hole(PHOTO_SHAPE[:2]))
    assert done.hole.any() == (name != "full")
    # The lower half of the face is known, from row 21 on.
    assert not done.hole[22:].any() or name == "center"


def test_pictures_of_a_face_are_those_of_its_candidates():
    photo, hole = noisy_photo(), hole_at(np.s_[12:24, 16:30])
    (face,) = faces_in(photo, hole, candidates=3)
    mask = face.face.measurement.mask
    assert np.array_equal(face.generated, GENERATED)
    assert np.array_equal(face.completed[~mask], GENERATED[~mask])
    assert np.array_equal(face.completed[mask], face_at(photo, 10)[mask])
    assert (face.known[~mask] == 128).all()
    assert len(face.alternatives) == len(face.candidates) == 3
    assert face.alternatives[0] is face.blended
    done = compose(photo, hole, [face], "inpaint")
    assert done.blended is face.blended
    assert done.loss == face.candidates[0].loss


def test_a_face_by_another_candidate_is_that_of_a_search_that_found_it_first():
    photo, hole = noisy_photo(), hole_at(np.s_[12:24, 16:30])
    (face,) = faces_in(photo, hole, candidates=3)
    for number in range(3):
        other = face.by_candidate(number)
        expected = completed_face(face.face, face.candidates[number:])
        for name in ("known", "generated", "completed", "blended"):
            assert np.array_equal(getattr(other, name), getattr(expected, name))
        assert np.array_equal(other.alternatives, expected.alternatives)
        assert other.candidates == expected.candidates


@pytest.mark.parametrize(
    ("name", "kind"),
    [("whole.png", "PNG"), ("new/whole.jpg", "JPEG"), ("w.tif", "TIFF")],
)
def test_a_result_is_saved_in_the_format_of_its_name(tmp_path, name, kind):
    pixels = np.array(Image.fromarray(face_photo()).resize((48, 40)))
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    original = PhotoFile((tmp_path / "a.png").read_bytes())
    hole = hole_at(np.s_[12:24, 30:48])
    done = compose(pixels, hole, faces_in(pixels, hole), "inpaint", original)
    done.save(tmp_path / name)
    with Image.open(tmp_path / name) as image:
        assert image.format == kind
        after = np.asarray(image)
        # What the file says beside its pixels goes with its own format only.
        assert (image.getexif().get(0x010F) == "a camera") == (kind == "PNG")
    if kind != "JPEG":
        assert np.array_equal(after, done.photo)
    # What Pillow reads and does not write, or not in colour, is refused as well.
    for other in ("whole", "whole.psd", "whole.wmf", "whole.xbm"):
        with pytest.raises(PhotoError, match="unsupported"):
            done.save(tmp_path / other)
        assert not (tmp_path / other).exists()


def test_where_two_crops_overlap_each_pixel_is_of_the_nearer_face():
    left, right = (30, 46)  # two crops of 16 face pixels that share a part
    photo = noisy_photo(3, WIDE_SHAPE)
    hole = hole_at(np.s_[14:30, :], WIDE_SHAPE)
    alone = [
        compose(photo, hole, faces_in(photo, hole, [at]), "leave").photo
        for at in (left, right)
    ]
    both = [
        compose(photo, hole, faces_in(photo, hole, lefts), "leave")
        for lefts in ((left, right), (right, left))
    ]
    assert np.array_equal(both[0].hole, both[1].hole)
    numbers = nearest_faces([done.face for done in both[0].faces], WIDE_SHAPE[:2])
    for number, single in enumerate(alone):
        own = both[0].hole & (numbers == number)
        assert own.any()
        assert np.array_equal(both[0].photo[own], single[own])
    # Equally near pixels aside, it does not matter which is the larger.
    differ = (both[0].photo != both[1].photo).any(axis=-1)
    assert differ.mean() < 0.02
