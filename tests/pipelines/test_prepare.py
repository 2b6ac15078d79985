"""The pipeline runs from photos to training set, and serves other photos too."""

import json

import numpy as np
import pytest
from kedro.io import DatasetError
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from catalogs import catalog_in
from facefill.errors import DataError
from facefill.parameters import (
    AlignOptions,
    FlattenOptions,
    IngestOptions,
    PrepareOptions,
)
from facefill.pipelines.prepare import create_pipeline, create_preparation
from photos import faces_tree, noise, write_photo
from places import ABSENT, REASON, in_memory, in_store, object_store

PARAMETERS = {
    "params:prepare": PrepareOptions(),
    "params:ingest": IngestOptions(),
    "params:align": AlignOptions(),
    "params:flatten": FlattenOptions(held_out_fraction=0.5),
    "params:seed": 1,
    "params:image_size": 32,
}


def run(root, pipeline, place=None):
    catalog = catalog_in(root, pipeline, PARAMETERS, place)
    SequentialRunner().run(pipeline, catalog)
    return catalog


def test_photos_become_a_training_set(tmp_path):
    photos = tmp_path / "01_raw/photos"
    names = [f"{person}/0001.png" for person in ("Ann", "Bob", "Cid", "Dan")]
    faces_tree(photos, names, ["Ann/0002.png"])
    catalog = run(tmp_path, create_pipeline())
    faces = catalog["training_set"].load()
    assert faces.images.shape == (4, 32, 32, 3)
    assert sorted(faces.table["id"]) == names
    assert set(faces.table["split"]) == {"train", "test"}
    report = json.loads((tmp_path / "08_reporting/preparation.json").read_text())
    assert report["num_files"] == 5
    assert report["rejected"] == {"no_face": 1}
    assert np.load(tmp_path / "05_model_input/faces.npy").shape == (4, 32, 32, 3)
    flat = {path.name for path in (tmp_path / "04_feature/faces").glob("*.png")}
    assert flat == {name.replace("/", "%2F") + ".png" for name in names}


def test_a_second_run_gives_the_same_bytes(tmp_path):
    faces_tree(tmp_path / "01_raw/photos", ["Ann/1.png", "Bob/1.png"])
    contents = []
    for _ in range(2):
        run(tmp_path, create_pipeline())
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        contents.append({path: path.read_bytes() for path in files})
    assert contents[0] == contents[1]


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.slow)])
def place(request):
    if request.param == "memory":
        yield in_memory()
    elif ABSENT:
        pytest.skip(REASON)
    else:
        with object_store() as address:
            yield in_store(address)


def test_tables_reports_and_pictures_elsewhere_are_those_of_this_machine(
    tmp_path, place
):
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        faces_tree(root / "01_raw/photos", ["Ann/1.png", "Bob/1.png"], ["Cid/1.png"])
    run(here, create_pipeline())
    catalog = run(there, create_pipeline(), place)

    everything = {
        path.relative_to(here).as_posix(): path.read_bytes()
        for path in here.rglob("*")
        if path.is_file()
    }
    elsewhere = {name: place.content(name) for name in place.names()}
    assert {"02_intermediate/photos.parquet", "08_reporting/preparation.json"} < set(
        elsewhere
    )
    assert "08_reporting/preparation/contact_sheet.png" in elsewhere
    local = {
        path.relative_to(there).as_posix(): path.read_bytes()
        for path in there.rglob("*")
        if path.is_file()
    }
    assert not set(local) & set(elsewhere)
    assert local | elsewhere == everything
    assert len(catalog.load("training_set").images) == 2


def test_photos_to_complete_are_prepared_by_the_same_nodes(tmp_path):
    pipeline = Pipeline(
        create_preparation(),
        namespace="incomplete",
        inputs={"photos": "incomplete_photos"},
        parameters={"ingest", "align", "image_size"},
    )
    assert [node.name for node in pipeline.nodes] == [
        "incomplete.ingest_photos",
        "incomplete.align_faces",
    ]
    faces_tree(tmp_path / "01_raw/incomplete", ["holiday/me.png"])
    catalog = run(tmp_path, pipeline)
    manifest = catalog["incomplete.alignment_manifest"].load()
    assert manifest["path"].tolist() == ["holiday/me.png"]
    assert (tmp_path / "03_primary/incomplete/holiday/me.png.png").is_file()


def test_a_run_without_photos_names_the_folder(tmp_path):
    with pytest.raises((DataError, DatasetError), match="01_raw/photos does not exist"):
        run(tmp_path, create_pipeline())


def test_nodes_have_the_names_that_users_type():
    names = [node.name for node in create_pipeline().nodes]
    assert names == [
        "ingest_photos",
        "align_faces",
        "draw_preparation",
        "select_faces",
        "flatten_faces",
        "report_preparation",
    ]


def test_pictures_that_are_aligned_already_are_taken_whole(tmp_path, monkeypatch):
    monkeypatch.setitem(PARAMETERS, "params:align", AlignOptions(method="none"))
    pictures = {f"{number}.png": noise(32, 32, number) for number in range(4)}
    for name, pixels in pictures.items():
        write_photo(tmp_path / "01_raw/photos" / name, pixels)
    write_photo(tmp_path / "01_raw/photos/wide.png", noise(32, 33))
    catalog = run(tmp_path, create_pipeline())
    faces = catalog["training_set"].load()
    for name, face in zip(faces.table["id"], faces.images, strict=True):
        assert np.array_equal(face, pictures.pop(name))
    assert not pictures
    report = json.loads((tmp_path / "08_reporting/preparation.json").read_text())
    assert report["rejected"] == {"not_square": 1}


def test_a_run_of_too_few_faces_makes_no_training_set(tmp_path, monkeypatch):
    strict = PrepareOptions(min_aligned_fraction=0.9)
    monkeypatch.setitem(PARAMETERS, "params:prepare", strict)
    faces_tree(tmp_path / "01_raw/photos", ["1.png"], ["2.png"])
    with pytest.raises(DataError, match=r"1 of 2 photos .*no_face 1"):
        run(tmp_path, create_pipeline())
    assert not (tmp_path / "05_model_input").exists()
    assert not (tmp_path / "04_feature").exists()
