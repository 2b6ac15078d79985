"""A photo is inspected in any process, and what it lacks is a reason."""

import pickle

import pytest

from facefill.imaging.photos import hash_file, perceptual_hash, read_photo
from facefill.parameters import IngestOptions
from facefill.preparation.inspection import InspectPhoto, content_key
from photos import noise, write_photo

OPTIONS = IngestOptions()


@pytest.fixture
def inspect(tmp_path):
    work = pickle.loads(pickle.dumps(InspectPhoto(tmp_path, OPTIONS, timeout_s=5.0)))
    work.start()

    def of(name, sha256=None):
        path = tmp_path / name
        return work((name, sha256 or hash_file(path, OPTIONS.max_bytes)))

    return of


def test_a_photo_is_known_by_its_size_and_what_it_looks_like(tmp_path, inspect):
    path = write_photo(tmp_path / "1.png", noise(24, 32))
    row = inspect("1.png")
    sha256 = hash_file(path, OPTIONS.max_bytes)
    assert row == {
        "key": content_key(sha256, OPTIONS),
        "status": "ok",
        "reason": "",
        "width": 32,
        "height": 24,
        "perceptual_hash": perceptual_hash(read_photo(path)),
    }


def test_what_is_smaller_than_five_pixels_shows_nothing(tmp_path, inspect):
    write_photo(tmp_path / "thin.png", noise(4, 40))
    write_photo(tmp_path / "least.png", noise(5, 5))
    assert inspect("thin.png")["reason"] == "too_small"
    assert inspect("least.png")["reason"] == ""


def test_another_content_than_the_one_that_was_hashed_is_refused(tmp_path, inspect):
    write_photo(tmp_path / "1.png", noise())
    assert inspect("1.png", "0" * 64)["reason"] == "changed"


def test_a_timeout_says_how_long_it_was(tmp_path):
    work = InspectPhoto(tmp_path, OPTIONS, timeout_s=5.0)
    assert work.failed(("1.png", "ab"), "timeout")["timeout_s"] == 5.0
    assert "timeout_s" not in work.failed(("1.png", "ab"), "crashed")


def test_the_limit_of_pixels_is_part_of_what_a_row_depends_on():
    other = IngestOptions(max_pixels=OPTIONS.max_pixels - 1)
    assert content_key("ab", OPTIONS) != content_key("ab", other)
