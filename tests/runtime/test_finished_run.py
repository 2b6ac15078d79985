"""A finished run holds until an input, an output or a setting is another."""

import os

import pytest

from facefill.runtime.finished_run import FinishedRun, contents_of


@pytest.fixture
def folder(tmp_path):
    for name in ("photos/a/1.jpg", "model.keras", "made/1/photo.png", "report.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


INPUTS = ("photos", "masks", "model.keras")
OUTPUTS = ("made", "report.json")


def finished(folder, key="k"):
    record = FinishedRun(folder / "record/complete.json", key)
    inputs = contents_of([folder / name for name in INPUTS])
    record.write(inputs, [folder / name for name in OUTPUTS])
    return record


def test_a_run_that_never_finished_does_not_hold(folder):
    assert not FinishedRun(folder / "none.json", "k").holds()


def test_a_run_holds_while_all_is_as_it_was(folder):
    assert finished(folder).holds()


def test_inputs_count_by_what_is_in_them(folder):
    record = finished(folder)
    photo = folder / "photos/a/1.jpg"
    os.utime(photo, (1, 1))
    assert record.holds()

    state = photo.stat()
    photo.write_bytes(b"another photo!")  # as long
    os.utime(photo, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert photo.stat().st_size == state.st_size
    assert not record.holds()


@pytest.mark.parametrize("name", ["photos/2.jpg", "masks/1.png", "made/1/another.png"])
def test_a_new_file_among_inputs_or_outputs_ends_it(folder, name):
    record = finished(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    assert not record.holds()


@pytest.mark.parametrize("name", ["photos/a/1.jpg", "model.keras", "report.json"])
def test_a_deleted_file_ends_it(folder, name):
    record = finished(folder)
    (folder / name).unlink()
    assert not record.holds()


def test_an_output_that_was_written_again_ends_it(folder):
    record = finished(folder)
    (folder / "made/1/photo.png").write_bytes(b"touched by hand")
    assert not record.holds()


def test_another_setting_is_another_run(folder):
    finished(folder, "lam 0.1")
    assert not FinishedRun(folder / "record/complete.json", "lam 1.0").holds()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"key": "k"}'])
def test_a_damaged_record_is_none(folder, content):
    record = finished(folder)
    (folder / "record/complete.json").write_bytes(content)
    assert not record.holds()
