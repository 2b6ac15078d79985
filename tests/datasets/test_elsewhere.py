"""What lies in fsspec's memory or on a server of S3 is what lies on this machine."""

import base64
import io
import json
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from kedro.io import DataCatalog, DatasetError
from kedro.io.core import Version
from PIL import Image

from facefill.datasets import (
    FigureDataset,
    OptionalReportDataset,
    OptionalTableDataset,
    PageDataset,
    PictureDataset,
    PictureFolderDataset,
    ReportDataset,
    TableDataset,
)
from facefill.errors import DataError, StorageError, find_cause
from facefill.hooks.saved_files import saved_files
from facefill.imaging.pictures import encode_png
from facefill.runtime.tables import as_parquet
from photos import noise
from places import ABSENT, BUCKET, REASON, credentials, in_memory, in_store
from places import object_store as serve

TABLE = pd.DataFrame({"path": ["a", "b"], "box": [[1, 2, 3, 4], None]})
EACH = [
    (TableDataset, "table.parquet", TABLE),
    (ReportDataset, "report.json", {"b": 1.5, "a": {"é": [1, None]}}),
    (FigureDataset, "figure.json", go.Figure(go.Scatter(x=[1, 2], y=[3, 4]))),
    (PageDataset, "page.html", "<p>Zoë\n"),
    (PictureDataset, "picture.png", noise(5, 6)),
]
S3 = pytest.param("s3", marks=pytest.mark.skipif(bool(ABSENT), reason=REASON))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    with serve() as address:
        yield address


@pytest.fixture(params=["memory", S3])
def place(request):
    if request.param == "memory":
        return in_memory()
    return in_store(request.getfixturevalue("server"))


def the_same(one, other):
    if isinstance(one, pd.DataFrame):
        return as_parquet(one) == as_parquet(other)
    if isinstance(one, Image.Image):
        return np.array_equal(np.asarray(one), np.asarray(other))
    return one == other


@pytest.mark.parametrize(("kind", "name", "data"), EACH)
def test_bytes_and_data_are_those_of_this_machine(place, tmp_path, kind, name, data):
    here = kind(filepath=str(tmp_path / "new" / name))
    there = kind(filepath=place.url(f"new/{name}"), credentials=place.credentials)
    assert not there.exists()
    here.save(data)
    there.save(data)

    assert place.content(f"new/{name}") == (tmp_path / "new" / name).read_bytes()
    assert there.exists()
    assert the_same(there.load(), here.load())
    assert place.names() == [f"new/{name}"]


@pytest.mark.parametrize(("kind", "name", "data"), EACH)
def test_what_is_absent_or_damaged_is_named_by_its_url(place, kind, name, data):
    dataset = kind(filepath=place.url(name), credentials=place.credentials)
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    said = str(find_cause(caught.value, DataError))
    assert f"at {place.url(name)}; run the stage" in said
    if kind is PageDataset:  # of which any text is one
        return
    place.files.pipe_file(place.url(name), b"nonsense")
    dataset.release()
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert f"{place.url(name)} is damaged" in str(find_cause(caught.value, DataError))


def test_what_is_optional_is_empty_there_too(place):
    options = {"filepath": place.url("none"), "credentials": place.credentials}

    assert OptionalTableDataset(**options).load().empty
    assert OptionalReportDataset(**options).load() == {}


@pytest.mark.parametrize(("kind", "name", "data"), EACH)
def test_versions_lie_beside_each_other(place, kind, name, data):
    def of(load, save=None):
        return kind(
            filepath=place.url(name),
            credentials=place.credentials,
            version=Version(load, save),
        )

    first, second = "2026-01-01T00.00.00.000Z", "2026-02-01T00.00.00.000Z"
    assert not of(None).exists()
    with pytest.raises(DatasetError) as caught:
        of(None).load()
    assert place.url(name) in str(find_cause(caught.value, DataError))
    for version in (first, second):
        of(None, version).save(data)

    assert place.names() == [f"{name}/{each}/{name}" for each in (first, second)]
    assert of(None).list_versions(full_path=False) == [second, first]
    assert the_same(of(None).load(), of(first).load())
    with pytest.raises(DatasetError, match="must not exist"):
        of(None, first).save(data)


class Half:
    """A figure of which half is written."""

    def write_json(self, stream, **_):
        stream.write("half a figure")
        stream.flush()
        raise ZeroDivisionError


def test_a_write_that_fails_leaves_the_old_file(place, tmp_path):
    old = go.Figure(go.Scatter(x=[1], y=[2]))
    (tmp_path / "figures").mkdir()
    here = FigureDataset(filepath=str(tmp_path / "figures/figure.json"))
    there = FigureDataset(
        filepath=place.url("figure.json"), credentials=place.credentials
    )
    for dataset in (here, there):
        dataset.save(old)
        with pytest.raises(DatasetError) as caught:
            dataset.save(Half())
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert dataset.load() == old
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["figure.json"]
    assert place.names() == ["figure.json"]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (TableDataset, TABLE, pd.DataFrame({"a": [1, object()]})),
        (ReportDataset, {"loss": 1.0}, {"accuracy": 1.0, "loss": float("nan")}),
        (PageDataset, "whole", "half\ud800"),
        (PictureDataset, noise(5, 6), np.zeros((2, 2, 7), np.uint8)),
    ],
)
def test_what_cannot_be_encoded_leaves_the_old_file(place, tmp_path, kind, good, bad):
    here = kind(filepath=str(tmp_path / "old/file.png"))
    there = kind(filepath=place.url("file.png"), credentials=place.credentials)
    for dataset in (here, there):
        dataset.save(good)
        with pytest.raises(DatasetError):
            dataset.save(bad)
        assert the_same(dataset.load(), here.load())
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["file.png"]
    assert place.content("file.png") == (tmp_path / "old/file.png").read_bytes()


SAVE_KILLED = """
import os, signal
from facefill.datasets import FigureDataset
class Half:
    def write_json(self, stream, **_):
        stream.write("half a figure")
        stream.flush()
        os.kill(os.getpid(), signal.SIGKILL)
FigureDataset(filepath="figure.json").save(Half())
"""


def test_a_kill_in_the_middle_of_a_save_leaves_the_old_file(tmp_path):
    (tmp_path / "figure.json").write_bytes(b"the old one")
    killed = subprocess.run(
        [sys.executable, "-c", SAVE_KILLED], cwd=tmp_path, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "figure.json").read_bytes() == b"the old one"


@pytest.mark.skipif(bool(ABSENT), reason=REASON)
@pytest.mark.parametrize(
    ("url", "key"), [(f"s3://{BUCKET}/x", "AKIAOFSOMEBODYELSE00"), ("s3://no/x", None)]
)
def test_a_place_that_lets_nobody_in_is_one_line(server, url, key):
    secrets = credentials(server, key) if key else credentials(server)
    dataset = TableDataset(filepath=url, credentials=secrets)
    actions = [(dataset.save, [TABLE])]
    if key:
        actions.append((dataset.load, []))
    for action, arguments in actions:
        with pytest.raises(DatasetError) as caught:
            action(*arguments)
        said = str(find_cause(caught.value, StorageError))
        assert said.startswith(f"{url} cannot be ")
        assert "credentials in catalog.yml" in said
        assert "\n" not in said
        assert "no secret" not in said


def test_a_catalog_names_credentials_versions_and_arguments(place):
    entries = {
        "table": {
            "type": "facefill.datasets.TableDataset",
            "filepath": place.url("table.parquet"),
            "credentials": "mine",
            "versioned": True,
            "load_args": {"columns": ["path"]},
            "save_args": {"compression": "gzip"},
        },
        "pictures": {
            "type": "facefill.datasets.PictureFolderDataset",
            "path": place.url("pictures"),
            "credentials": "mine",
            "metadata": {"mlflow": "samples"},
        },
        "report": {
            "type": "facefill.datasets.ReportDataset",
            "filepath": place.url("report.json"),
            "credentials": "mine",
            "save_args": {"indent": None},
        },
    }
    version = "2026-01-01T00.00.00.000Z"
    catalog = DataCatalog.from_config(
        entries, {"mine": place.credentials}, save_version=version
    )
    catalog.save("table", TABLE)
    catalog.save("pictures", {"a.png": noise(2, 3)})
    catalog.save("report", {"b": 1, "a": [1, 2]})

    assert catalog.load("table").columns.tolist() == ["path"]
    assert place.content("report.json") == b'{"a": [1, 2], "b": 1}\n'
    assert catalog["pictures"].metadata == {"mlflow": "samples"}
    assert place.names() == [
        "pictures/a.png",
        "report.json",
        f"table.parquet/{version}/table.parquet",
    ]
    again, secrets, *_ = catalog.to_config()
    other = DataCatalog.from_config(again, secrets)
    assert other.load("report") == {"b": 1, "a": [1, 2]}
    assert list(other.load("pictures")) == ["a.png"]


def test_pictures_are_a_folder_there_too(place, tmp_path):
    options = {"path": place.url("samples"), "credentials": place.credentials}
    there, here = (
        PictureFolderDataset(**options),
        PictureFolderDataset(path=str(tmp_path / "samples")),
    )
    data = {"grid.png": noise(5, 6), "Ann/1.png": noise(5, 6, 1)[:, :, 0]}
    assert not there.exists()
    assert there.load() == {}
    for dataset in (here, there):
        dataset.save(data)
        dataset.save({"walk.gif": b"GIF89a"})

    assert there.exists()
    names = ["Ann/1.png", "grid.png", "walk.gif"]
    assert list(there.load()) == list(here.load()) == names
    assert np.array_equal(np.asarray(there.load()["grid.png"]()), data["grid.png"])
    for name in names:
        expected = (tmp_path / "samples" / name).read_bytes()
        assert place.content(f"samples/{name}") == expected
    assert there.preview("grid.png") == here.preview("grid.png")
    sheet = Image.open(io.BytesIO(base64.b64decode(there.preview())))
    assert sheet.size == (194, 96)
    with pytest.raises(DatasetError, match="is no name of a picture"):
        there.save({"../out.png": b"x"})


def test_pictures_may_have_versions(place):
    for value in (0, 7):
        # A run makes its datasets anew, and they its time.
        dataset = PictureFolderDataset(
            path=place.url("samples"),
            dataset={"type": "facefill.datasets.PictureDataset", "versioned": True},
            credentials=place.credentials,
        )
        data = {"a/grid.png": np.full((2, 3, 3), value, np.uint8)}
        dataset.save(data)
        with saved_files(dataset, data) as files:
            assert files["a/grid.png"].name == "grid.png"
            assert files["a/grid.png"].read_bytes() == encode_png(data["a/grid.png"])

    assert len(place.names()) == 2
    assert set(np.asarray(dataset.load()["a/grid.png"]()).ravel()) == {7}


def test_previews_are_of_what_lies_there(place):
    options = {"credentials": place.credentials}
    table = TableDataset(filepath=place.url("table.parquet"), **options)
    table.save(TABLE)
    report = ReportDataset(filepath=place.url("report.json"), **options)
    report.save({"steps": 20})

    assert table.preview(nrows=1)["data"] == [["a", [1, 2, 3, 4]]]
    assert json.loads(report.preview()) == {"steps": 20}


@pytest.mark.parametrize("version", [None, Version(None, "2026-01-01T00.00.00.000Z")])
def test_what_was_saved_there_is_fetched_to_be_logged(place, version):
    dataset = ReportDataset(
        filepath=place.url("new/report.json"),
        credentials=place.credentials,
        version=version,
    )
    dataset.save({"steps": 20})
    with saved_files(dataset, {"steps": 20}) as files:
        ((name, path),) = files.items()
        assert (name, path.name) == ("report.json", "report.json")
        assert json.loads(path.read_text()) == {"steps": 20}
    assert not path.exists()


def test_of_pictures_there_only_those_that_were_saved_are_fetched(place):
    dataset = PictureFolderDataset(
        path=place.url("samples"), credentials=place.credentials
    )
    dataset.save({"left_by_an_earlier_run.png": noise(2, 2)})
    data = {"grid.png": noise(5, 6), "single/0.png": noise(5, 6)}
    dataset.save(data)
    with saved_files(dataset, data) as files:
        assert {name: path.read_bytes() for name, path in files.items()} == {
            name: place.content(f"samples/{name}") for name in data
        }
        assert files["single/0.png"].name == "0.png"
