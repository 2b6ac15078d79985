"""Each photo gets the mask file that is named after it, and nothing is silent."""

import subprocess
import sys

import pandas as pd
import pytest

from disturbing import AS_ROOT, WITHOUT_PRIVILEGE
from facefill.completion import holes
from facefill.completion.holes import COLUMNS, find_holes, problem_of
from facefill.errors import PhotoError
from facefill.runtime.files import file_sha256


@pytest.fixture
def folders(tmp_path):
    masks, hints = tmp_path / "masks", tmp_path / "hints"
    return masks, hints


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def warnings(caplog):
    return [record.getMessage() for record in caplog.records]


def test_a_photo_has_the_paths_and_the_hashes_of_its_mask_and_its_hint(folders):
    masks, hints = folders
    write(masks, "ann.png", "d/bob.jpg.png")
    write(hints, "ann.jpg.json")
    table = find_holes(["ann.jpg", "d/bob.jpg", "eve.jpg"], masks, hints, "files")
    assert tuple(table.columns) == COLUMNS
    assert table["path"].tolist() == ["ann.jpg", "d/bob.jpg", "eve.jpg"]
    assert table["mask_file"].tolist() == ["ann.png", "d/bob.jpg.png", ""]
    assert table["mask_sha256"].tolist() == [
        file_sha256(masks / "ann.png"),
        file_sha256(masks / "d/bob.jpg.png"),
        "",
    ]
    assert table["hint_file"].tolist() == ["ann.jpg.json", "", ""]
    assert table["hint_sha256"][0] == file_sha256(hints / "ann.jpg.json")
    assert table["problem"].tolist() == [""] * 3


def test_without_folders_no_photo_has_anything_and_nothing_is_said(folders, caplog):
    table = find_holes(["ann.jpg", "bob.jpg"], *folders, "files")
    assert (table.drop(columns="path") == "").all(axis=None)
    assert warnings(caplog) == []
    assert find_holes([], *folders, "files").columns.tolist() == list(COLUMNS)


def test_mask_files_of_no_photo_are_warned_of_in_one_line(folders, caplog):
    masks, hints = folders
    write(masks, "ann.png", "bob_mask.png", "readme.txt", "x/ann.png", ".DS_Store")
    find_holes(["ann.jpg", "bob.jpg"], masks, hints, "files")
    (unused,) = [text for text in warnings(caplog) if "no photo for" in text]
    assert "no photo for 3 of the mask files" in unused
    assert "bob_mask.png (did you mean bob.jpg.png?)" in unused
    assert "readme.txt" in unused
    assert "DS_Store" not in unused
    assert "\n" not in unused


def test_photos_without_a_mask_are_warned_of_if_others_have_one(folders, caplog):
    masks, hints = folders
    write(masks, "0.png", "1.png", "1.webp")
    find_holes([f"{n}.jpg" for n in range(9)], masks, hints, "files")
    (warning,) = warnings(caplog)
    # That of 1.jpg is a problem of its own, and it will get no shape.
    assert warning.startswith("7 of 9 photos have no mask file, and get the shape")
    assert warning.endswith("2.jpg, 3.jpg, 4.jpg, 5.jpg, 6.jpg and 2 more")


def test_masks_that_fit_equally_are_a_problem_that_names_them(folders):
    masks, hints = folders
    write(masks, "ann.png", "ann.webp", "bob.png", "bob.jpg.png")
    table = find_holes(["ann.jpg", "bob.jpg"], masks, hints, "files")
    assert table["mask_file"].tolist() == ["", "bob.jpg.png"]
    assert table["problem"].tolist() == [
        "several mask files fit it (ann.png, ann.webp); keep one",
        "",
    ]


@pytest.mark.parametrize("source", ["alpha", "colour"])
def test_mask_files_are_not_looked_for_where_photos_show_their_holes(
    folders, caplog, source
):
    masks, hints = folders
    write(masks, "ann.png", "nobody.png")
    write(hints, "ann.jpg.json")
    table = find_holes(["ann.jpg"], masks, hints, source)
    assert table["mask_file"].tolist() == [""]
    assert table["hint_file"].tolist() == ["ann.jpg.json"]
    assert warnings(caplog) == []


def test_a_mask_that_leads_nowhere_is_a_problem_of_its_photo(folders):
    masks, hints = folders
    write(masks, "bob.png")
    (masks / "ann.png").symlink_to("nowhere.png")
    table = find_holes(["ann.jpg", "bob.jpg"], masks, hints, "files")
    assert "ann.png cannot be read (No such file or directory)" in table["problem"][0]
    assert table["problem"][1] == ""


def test_a_hint_that_leads_nowhere_is_a_problem_of_the_hint(folders, monkeypatch):
    masks, hints = folders
    write(masks, "ann.png", "bob.png")
    write(hints, "ann.jpg.json")
    hash_file = holes.file_sha256

    def unreadable(path):
        if path.suffix == ".json":
            raise PermissionError(13, "Permission denied", str(path))
        return hash_file(path)

    monkeypatch.setattr(holes, "file_sha256", unreadable)
    table = find_holes(["ann.jpg", "bob.jpg"], masks, hints, "files")
    assert table["problem_reason"].tolist() == ["hint", ""]
    one, other = map(problem_of, table.itertuples())
    assert isinstance(one, PhotoError)
    assert one.reason == "hint"
    assert "ann.jpg.json cannot be read (Permission denied)" in str(one)
    assert other is None


def test_neither_folder_has_to_be_given():
    table = find_holes(["ann.jpg"], None, None, "files")
    assert table.to_dict("records") == [
        dict.fromkeys(COLUMNS, "") | {"path": "ann.jpg"}
    ]


def test_the_table_comes_back_from_its_file(folders, tmp_path):
    table = find_holes(["ann.jpg"], *folders, "files")
    table.to_parquet(tmp_path / "holes.parquet")
    back = pd.read_parquet(tmp_path / "holes.parquet")
    assert back.to_dict("records") == table.to_dict("records")


def test_a_folder_of_masks_without_permission_is_warned_of(tmp_path):
    write(tmp_path, "ann.png", "closed/bob.png", ".closed/eve.png")
    closed = [tmp_path / "closed", tmp_path / ".closed"]
    for folder in closed:
        folder.chmod(0)
    script = (
        "import logging, pathlib, sys\n"
        "from facefill.completion.holes import find_holes\n"
        "logging.basicConfig(format='%(message)s')\n"
        "table = find_holes(['ann.jpg', 'closed/bob.jpg'], pathlib.Path(sys.argv[1]),"
        " None, 'files')\nprint(*table['mask_file'], sep=',')"
    )
    prefix = WITHOUT_PRIVILEGE if AS_ROOT else []
    finished = subprocess.run(
        [*prefix, sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    for folder in closed:
        folder.chmod(0o755)
    assert finished.stdout == "ann.png,\n"
    said = f"{tmp_path / 'closed'} cannot be read (Permission denied)"
    assert [line for line in finished.stderr.splitlines() if "cannot be" in line] == [
        f"{said}: masks in it are not seen"
    ]
