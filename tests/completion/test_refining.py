"""Completed faces are refined by their photos, each as if it were alone."""

import threading

import cv2
import numpy as np
import pytest

from facefill.completion import refining
from facefill.completion.faces import face_with_task
from facefill.completion.refining import Unfinished, finished, refined
from facefill.completion.result import completed_face, compose
from facefill.errors import ModelError
from facefill.imaging.geometry import warp
from facefill.imaging.tasks import task_of
from facefill.parameters import CompleteOptions
from restoring import (
    LEFTS,
    MATRIX,
    SIZE,
    WIDE_SHAPE,
    aligned_faces,
    candidate,
    faces_in,
    hole_at,
    noisy_photo,
)

WINDOW = np.s_[12:24, 30:60]


class Recording:
    """A refiner that shows what it is given: the crop with its hole painted."""

    size = 2 * SIZE

    def __init__(self, gives_mean=False):
        self.gives_mean = gives_mean
        self.calls = []

    def refine(self, crops):
        self.calls += crops
        return [
            np.where(known[..., None], crop, np.uint8(200)) for crop, _, known in crops
        ]


def by_shape(photo, mask):
    """Complete the face of a photo of which a shape is hidden."""
    (face,) = aligned_faces(photo)
    task = task_of(mask, SIZE, CompleteOptions())
    placed = face_with_task(face, task, photo.shape[:2])
    return completed_face(placed, [candidate(noisy_photo(7, (SIZE, SIZE, 3)))])


def test_a_refined_face_takes_the_place_of_the_blended_one_in_the_photo_alone():
    photo, hole = noisy_photo(1), hole_at(WINDOW)
    faces = faces_in(photo, hole)
    refiner = Recording()
    plain = compose(photo, hole, faces, "inpaint")
    (finer_faces,) = refined(refiner, [Unfinished(photo, hole, faces)])
    done = compose(photo, hole, finer_faces, "inpaint")
    ((crop, completed, known),) = refiner.calls
    matrix = 2.0 * np.array(MATRIX).reshape(2, 3)
    assert np.array_equal(crop, warp(photo, matrix, 2 * SIZE))
    assert np.array_equal(completed, faces[0].blended)
    assert not known.all()
    assert np.array_equal(done.photo[~hole], photo[~hole])
    assert np.array_equal(done.blended, plain.blended)
    assert not np.array_equal(done.photo[hole], plain.photo[hole])
    assert done.by_face == plain.by_face


def test_a_picture_has_the_photos_grain_and_a_mean_has_none():
    photo, hole = noisy_photo(1), hole_at(WINDOW)
    faces = faces_in(photo, hole)

    def filled(gives_mean):
        given = [Unfinished(photo, hole, faces)]
        (done,) = finished(Recording(gives_mean), given, "inpaint")
        inner = cv2.erode(hole.astype(np.uint8), np.ones((7, 7))) > 0
        return np.std(cv2.Laplacian(done.photo.astype(float), cv2.CV_64F)[inner])

    assert filled(gives_mean=True) < 0.5 * filled(gives_mean=False)


def test_a_refiner_is_not_asked_where_there_is_no_hole_to_see():
    photo = noisy_photo(1)
    done = by_shape(photo, "colorize")
    refiner = Recording()
    assert refined(refiner, [Unfinished(photo, None, [done])]) == [[done]]
    assert refiner.calls == []


def test_a_shape_of_the_face_is_refined_where_the_photo_has_it():
    photo = noisy_photo(1)
    done = by_shape(photo, "center")
    refiner = Recording()
    (finer_faces,) = refined(refiner, [Unfinished(photo, None, [done])])
    whole = compose(photo, None, finer_faces, "inpaint")
    assert np.array_equal(whole.photo[~whole.hole], photo[~whole.hole])
    ((_, _, known),) = refiner.calls
    assert 0.1 < 1.0 - known.mean() < 0.6


def test_photos_of_all_kinds_are_refined_together_as_each_alone():
    wide, hole = noisy_photo(2, WIDE_SHAPE), hole_at(np.s_[14:26, :], WIDE_SHAPE)
    plain = noisy_photo(1)
    photos = [
        Unfinished(wide, hole, faces_in(wide, hole, LEFTS)),
        Unfinished(plain, None, [by_shape(plain, "colorize")]),
        Unfinished(plain, hole_at(np.s_[:3, :3]), []),
        Unfinished(plain, hole_at(WINDOW), faces_in(plain, hole_at(WINDOW))),
        Unfinished(plain, None, [by_shape(plain, "center")]),
    ]

    together = refined(Recording(), photos)

    assert [len(faces) for faces in together] == [2, 1, 0, 1, 1]
    assert [[done.refined is not None for done in faces] for faces in together] == [
        [True, True],
        [False],
        [],
        [True],
        [True],
    ]
    for photo, faces in zip(photos, together, strict=True):
        (alone,) = refined(Recording(), [photo])
        for one, other in zip(alone, faces, strict=True):
            assert one.face is other.face
            assert np.array_equal(one.refined, other.refined)
    whole = [done.photo for done in finished(Recording(), photos, "inpaint")]
    for photo, done in zip(photos, whole, strict=True):
        (alone,) = finished(Recording(), [photo], "inpaint")
        assert np.array_equal(alone.photo, done)


def photos_of(count):
    hole = hole_at(WINDOW)
    return [
        Unfinished(noisy_photo(number), hole, faces_in(noisy_photo(number), hole))
        for number in range(count)
    ]


def test_many_photos_come_back_in_their_order():
    photos = photos_of(11)
    done = list(finished(Recording(), photos, "inpaint"))
    assert len(done) == 11
    for photo, whole in zip(photos, done, strict=True):
        kept = ~photo.hole
        assert np.array_equal(whole.photo[kept], photo.photo[kept])


def test_a_photo_is_put_together_while_the_next_ones_are_refined(monkeypatch):
    composing, refining_again = threading.Event(), threading.Event()

    def waiting(*given):
        composing.set()
        assert refining_again.wait(30)
        return compose(*given)

    class Next(Recording):
        def refine(self, crops):
            if self.calls:
                assert composing.wait(30)
                refining_again.set()
            return super().refine(crops)

    monkeypatch.setattr(refining, "compose", waiting)
    assert len(list(finished(Next(), photos_of(5), "inpaint"))) == 5


def test_an_error_of_one_photo_ends_the_photos_with_it(monkeypatch):
    def failing(photo, *given):
        if np.array_equal(photo, noisy_photo(2)):
            raise ModelError("no")
        return compose(photo, *given)

    monkeypatch.setattr(refining, "compose", failing)
    done = finished(Recording(), photos_of(9), "inpaint")
    next(done), next(done)
    with pytest.raises(ModelError, match="no"):
        next(done)


@pytest.mark.parametrize("outside", ["inpaint", "leave"])
def test_without_a_refiner_faces_are_put_back_as_they_are(outside):
    photo, hole = noisy_photo(1), hole_at(WINDOW)
    faces = faces_in(photo, hole)
    assert refined(None, [Unfinished(photo, hole, faces)]) == [faces]
    (done,) = finished(None, [Unfinished(photo, hole, faces)], outside)
    assert np.array_equal(done.photo, compose(photo, hole, faces, outside).photo)
