"""Principal components of faces are those of the covariance, and know of how many."""

import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest

from facefill.datasets import FaceStatisticsDataset
from facefill.errors import DataError, ModelError
from facefill.models import face_pca
from facefill.models.face_pca import FacePca, measure

SIZE = 8


def draw(seed=0):
    return np.random.default_rng(seed)


def faces(count=40):
    """A mean face and three ways to differ from it, with a little noise."""
    make = draw()
    ways = make.normal(0.0, 12.0, (3, SIZE, SIZE, 3))
    weights = make.normal(0.0, 1.0, (count, 3))
    made = 128.0 + np.tensordot(weights, ways, axes=1)
    made += make.normal(0.0, 1.0, made.shape)
    return np.clip(np.round(made), 0, 255).astype(np.uint8)


def test_components_and_variances_are_those_of_the_covariance():
    pictures = faces()
    found = measure(pictures, 10, draw())

    flat = pictures.reshape(40, -1).astype(float)
    values, vectors = np.linalg.eigh(np.cov(flat, rowvar=False))
    assert found.mean.ravel() == pytest.approx(flat.mean(axis=0), abs=1e-4)
    assert found.variances == pytest.approx(values[::-1][:10], rel=1e-3)
    ours = found.components.reshape(10, -1)
    overlaps = np.abs((ours[:3] * vectors[:, ::-1][:, :3].T).sum(axis=1))
    assert overlaps == pytest.approx(1.0, abs=1e-3)
    assert ours @ ours.T == pytest.approx(np.eye(10), abs=1e-3)


def many_faces():
    """More faces, of more pixels, than are decomposed exactly."""
    make = draw(3)
    ways = make.normal(0.0, 6.0, (12, 16, 16, 3))
    weights = make.normal(0.0, np.linspace(3.0, 1.0, 12), (900, 12))
    made = 128.0 + np.tensordot(weights, ways, axes=1)
    return np.clip(np.round(made), 0, 255).astype(np.uint8)


def test_components_of_many_faces_are_those_of_the_covariance_too():
    pictures = many_faces()
    found = measure(pictures, 12, draw())

    values, vectors = np.linalg.eigh(np.cov(pictures.reshape(900, -1), rowvar=False))
    assert found.num_faces == 900
    assert found.variances == pytest.approx(values[::-1][:12], rel=1e-3)
    overlaps = found.components.reshape(12, -1) @ vectors[:, ::-1][:, :12]
    assert np.linalg.svd(overlaps)[1] == pytest.approx(1.0, abs=1e-3)
    again = measure(pictures, 12, draw())
    assert again.fingerprint == found.fingerprint


def test_of_more_faces_than_memory_is_meant_for_some_are_measured(monkeypatch):
    monkeypatch.setattr(face_pca, "MAX_BYTES", 4 * 700 * 16 * 16 * 3)
    pictures = many_faces()
    found = measure(pictures, 12, draw())

    assert found.num_faces == 700
    whole = pictures.reshape(900, -1).mean(axis=0)
    apart = np.abs(found.mean.ravel() - whole)
    assert 0.0 < apart.max() < 6.0


def test_no_more_components_are_kept_than_faces_differ_in():
    assert len(measure(faces(6), 10, draw()).variances) == 5
    same = np.repeat(faces(1), 4, axis=0)
    same[0, 0, 0] += 1
    assert len(measure(same, 10, draw()).variances) == 1


def test_too_few_faces_are_refused():
    with pytest.raises(DataError, match="1 faces are too few"):
        measure(faces(1), 3, draw())


def test_equal_faces_are_refused():
    with pytest.raises(DataError, match="all 5 faces are equal"):
        measure(np.repeat(faces(1), 5, axis=0), 3, draw())


def test_the_number_of_faces_is_kept_and_is_that_of_ours_in_older_files():
    statistics = measure(faces(6), 3, draw())
    assert statistics.num_faces == FacePca.unpacked(statistics.packed()).num_faces == 6
    with np.load(io.BytesIO(statistics.packed())) as archive:
        older = {name: archive[name] for name in archive if name != "num_faces"}
    stream = io.BytesIO()
    np.savez(stream, **older)
    found = FacePca.unpacked(stream.getvalue())
    assert found.num_faces == 2048
    # Finished photos, which are known by this hash, stay finished.
    digest = hashlib.sha256()
    for array in (found.mean, found.components, found.variances):
        digest.update(np.ascontiguousarray(array).tobytes())
    assert found.fingerprint == digest.hexdigest()
    assert replace(found, num_faces=6).fingerprint != found.fingerprint


def test_packing_loses_half_a_level_of_127_at_most():
    statistics = measure(faces(), 10, draw())
    again = FacePca.unpacked(statistics.packed())

    assert np.array_equal(again.mean, statistics.mean)
    assert np.array_equal(again.variances, statistics.variances)
    largest = np.abs(statistics.components).max(axis=(1, 2, 3), keepdims=True)
    error = np.abs(again.components - statistics.components)
    assert (error <= 0.501 / 127 * largest).all()
    assert again.fingerprint != statistics.fingerprint


def test_what_is_no_file_of_statistics_is_refused():
    with pytest.raises(ModelError, match="no statistics of faces"):
        FacePca.unpacked(b"something else")


def test_the_dataset_gives_what_was_saved_and_names_a_damaged_file(tmp_path):
    dataset = FaceStatisticsDataset(filepath=str(tmp_path / "a.npz"))
    statistics = measure(faces(), 4, draw())
    dataset.save(statistics)
    assert np.array_equal(dataset.load().mean, statistics.mean)

    (tmp_path / "a.npz").write_bytes(b"damaged")
    with pytest.raises(Exception, match=r"a\.npz is damaged") as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, ModelError)


def test_without_a_file_those_that_come_with_facefill_serve(tmp_path, monkeypatch):
    from facefill.models import pretrained

    dataset = FaceStatisticsDataset(filepath=str(tmp_path / "a.npz"))
    monkeypatch.setattr(pretrained, "load_statistics", lambda: None)
    assert dataset.load() is None
    statistics = measure(faces(), 4, draw())
    monkeypatch.setattr(pretrained, "load_statistics", lambda: statistics)
    assert len(dataset.load().variances) == 4
