"""Photos may be called like files of ours, and lose nothing by it."""

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from facefill.completion.overview import overview
from facefill.completion.result_folders import OWN_FILES, result_folder
from facefill.completion.uncertainty import MAPS, SAMPLES
from facefill.datasets import PictureFolderDataset, TableDataset
from facefill.imaging.pictures import read_png, write_png
from facefill.inversion.search import LatentSearch
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.preparation.naming import face_id
from projects import ROOT
from restoring import OPTIONS, SIZE, Project, completed, place, planned

NAMES = st.builds(
    "{}{}{}".format,
    st.sampled_from([*sorted(OWN_FILES), "Preview.PNG", "ann.jpg", "a/preview.png"]),
    st.sampled_from(["", "_", "__"]),
    st.sampled_from(["", "#2", "/x.jpg"]),
)


def test_all_files_of_a_completion_are_known(tmp_path):
    catalog = yaml.safe_load((ROOT / "conf/base/catalog.yml").read_text("utf-8"))
    entries = [entry for entry in catalog.values() if isinstance(entry, dict)]
    paths = [entry.get("filepath", "") for entry in entries]
    inside = "07_model_output/completed/"
    tables = {path.partition(inside)[2] for path in paths if inside in path}
    assert len(tables) == 2
    for name in ("known.png", "blended.png", "generated.png", "frames.png", SAMPLES):
        write_png(tmp_path / "a" / name, np.zeros((4, 4, 3), np.uint8))
    for name in MAPS:
        write_png(tmp_path / "a" / name, np.zeros((4, 4, 3), np.uint8))
    write_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    drawn = overview(["a"], {"a": "a.png"}, tmp_path, tmp_path, 10.0)
    assert tables | set(drawn) | {"preview.png"} == OWN_FILES


@given(NAMES, NAMES)
def test_no_two_photos_share_a_folder_and_none_is_a_file_of_ours(one, other):
    folder = result_folder(one)
    assert folder.partition("/")[0].partition("#")[0].lower() not in OWN_FILES
    assert (folder == result_folder(other)) == (one == other)
    # Further faces are beside the first, as the writer names them.
    if "#" not in one:
        assert result_folder(face_id(one, 2)) == f"{folder}#2"


@pytest.fixture(scope="module")
def search():
    architecture = Architecture(SIZE, 8, 4, 4)
    networks = build_generator(architecture, 1), build_discriminator(architecture, 1)
    return LatentSearch(*networks, OPTIONS, lam=0.5, seed=1)


def test_photos_called_like_files_of_ours_are_completed_beside_them(tmp_path, search):
    folders = Project(tmp_path)
    names = ["preview.png", "completed.png", "masked.png", "plan.parquet", "ann.png"]
    rows = [place(folders, name, seed) for seed, name in enumerate(names)]
    table = planned(rows, folders)
    for _ in range(2):  # the second time nothing is left to do
        done = completed(table, folders, search)
        PictureFolderDataset(path=str(folders.output)).save(done.pictures)
        for name in ("plan", "completions"):
            path = str(folders.output / f"{name}.parquet")
            TableDataset(filepath=path).save(done.table)
        assert done.table["status"].tolist() == ["completed"] * len(names)
        assert read_png(folders.output / "completed.png").ndim == 3
        for name in names:
            assert (folders.output / result_folder(name) / "photo.png").is_file()
    assert (folders.output / "ann.png/photo.png").is_file()
