"""Methods complete whole photos, and no method is shown what is hidden."""

import numpy as np
import pytest

from facefill.completion.faces import AlignedFace
from facefill.evaluation.hidden_faces import HiddenFace
from facefill.evaluation.methods import Baselines
from facefill.evaluation.photo_methods import (
    aligned_damaged,
    aligned_intact,
    by_baselines,
    searched,
)
from facefill.imaging.masks import build_mask
from facefill.imaging.photos import decode_photo
from facefill.parameters import AlignOptions
from facefill.preparation.extraction import extract
from hidden import finder
from photos import face_photo, write_photo
from searching import networks_of, search

BASELINES = ["mean_face", "nearest_face", "telea", "navier_stokes", "biharmonic", "pca"]


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    found = finder(tmp_path_factory.mktemp("photos"), ["train", "test", "test"])
    return found.find("test", 2, seed=1)


def all_methods(faces):
    draw = np.random.default_rng(0)
    train = draw.integers(0, 256, (8, 16, 16, 3), np.uint8)
    baselines = Baselines(train, BASELINES, draw)
    placed = aligned_intact(faces)
    made = list(by_baselines([baselines] * len(faces), faces, placed))
    results = {name: [each[name] for each in made] for name in made[0]}
    results["search"] = list(searched(search(networks_of()), faces, placed))
    square = AlignOptions(method="center_crop")
    damaged = aligned_damaged(faces, square)
    results["damaged"] = list(searched(search(networks_of()), faces, damaged))
    return results


@pytest.fixture(scope="module")
def completed(faces):
    return all_methods(faces)


def test_every_method_fills_the_hole_and_changes_nothing_else(faces, completed):
    assert completed.keys() == {*BASELINES, "search", "damaged"}
    for photos in completed.values():
        for face, photo in zip(faces, photos, strict=True):
            painted, hole = face.painted()
            assert np.array_equal(photo[~hole], painted[~hole])
            assert (photo[hole] != painted[hole]).any(axis=-1).mean() > 0.9


def test_no_method_is_shown_what_is_hidden(faces, completed, tmp_path):
    changed = []
    for number, face in enumerate(faces):
        photo, hole = face.painted()
        noise = np.random.default_rng(number).integers(0, 256, photo.shape, np.uint8)
        path = tmp_path / f"{number}.png"
        write_photo(path, np.where(hole[..., None], noise, photo))
        # The aligned face as well: under its mask it shows something else.
        pixels = np.where(face.kept[..., None], face.aligned.pixels, np.uint8(7))
        aligned = AlignedFace(
            face.aligned.face_id, pixels, face.aligned.matrix, face.aligned.is_square
        )
        changed.append(HiddenFace(aligned, path, face.kept))
    for method, photos in all_methods(changed).items():
        for ours, before in zip(photos, completed[method], strict=True):
            assert np.array_equal(ours, before), method


def test_squares_are_found_in_damaged_photos_where_they_were(faces, completed):
    for ours, before in zip(completed["damaged"], completed["search"], strict=True):
        assert ours.shape == before.shape
    placed = aligned_damaged(faces, AlignOptions(method="center_crop"))
    for face, (found,) in zip(faces, placed, strict=True):
        assert np.array_equal(found.matrix, face.aligned.matrix)


@pytest.fixture
def astronaut(tmp_path):
    path = write_photo(tmp_path / "astronaut.png", face_photo())
    (face,) = extract(face_photo(), AlignOptions(), 64).faces
    aligned = AlignedFace("astronaut", face.pixels, face.matrix, False)
    return HiddenFace(aligned, path, build_mask("center", 64))


def test_a_damaged_photo_is_aligned_without_what_is_hidden(astronaut):
    ((found,),) = aligned_damaged([astronaut], AlignOptions())
    corners = np.array([[90.0, 60.0, 1.0], [150.0, 60.0, 1.0], [120.0, 120.0, 1.0]])
    apart = corners @ found.matrix.T - corners @ astronaut.aligned.matrix.T
    # It is another map, a few pixels of 64 off at most.
    assert 0.05 < np.abs(apart).max() < 6.0


def test_a_photo_whose_face_is_not_found_is_filled_all_the_same(astronaut):
    (photo,) = searched(search(networks_of()), [astronaut], [[]])
    painted, hole = astronaut.painted()
    assert np.array_equal(photo[~hole], painted[~hole])
    assert (photo[hole] != painted[hole]).any(axis=-1).mean() > 0.9
    truth = decode_photo(astronaut.path.read_bytes())
    assert not np.array_equal(photo, truth)
