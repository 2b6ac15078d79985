"""What is saved is what is loaded, and what cannot be loaded says why."""

import base64
import inspect
import io
import json
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from kedro.io import DatasetError
from PIL import Image

from facefill.datasets import (
    FaceArrayDataset,
    FaceStatisticsDataset,
    FigureDataset,
    FolderDataset,
    KerasModelDataset,
    OptionalReportDataset,
    OptionalTableDataset,
    PageDataset,
    PictureDataset,
    PictureFolderDataset,
    ReportDataset,
    TableDataset,
)
from facefill.errors import DataError, ModelError
from facefill.preparation.face_set import FaceSet
from facefill.runtime.files import write_json
from photos import noise
from projects import ROOT

# As in stock Kedro a file has a filepath, and a folder a path.
LOCAL = [
    (FaceArrayDataset, "filepath"),
    (FaceStatisticsDataset, "filepath"),
    (FolderDataset, "path"),
    (KerasModelDataset, "filepath"),
]
ANYWHERE = [
    (FigureDataset, "filepath"),
    (PageDataset, "filepath"),
    (PictureDataset, "filepath"),
    (PictureFolderDataset, "path"),
    (ReportDataset, "filepath"),
    (OptionalReportDataset, "filepath"),
    (TableDataset, "filepath"),
    (OptionalTableDataset, "filepath"),
]


def cause_of(kind, action, *arguments):
    """Give our error, which Kedro wraps in its own."""
    with pytest.raises(DatasetError) as caught:
        action(*arguments)
    assert isinstance(caught.value.__cause__, kind)
    return str(caught.value.__cause__)


@pytest.mark.parametrize(("kind", "argument"), LOCAL + ANYWHERE)
def test_a_dataset_tells_its_path_and_makes_nothing(tmp_path, kind, argument):
    path = str(tmp_path / "new/thing")
    dataset = kind(**{argument: path}, metadata={"mlflow": "models"})
    assert path in repr(dataset)
    if (kind, argument) in LOCAL:
        assert dataset.path == tmp_path / "new/thing"
    assert dataset.metadata == {"mlflow": "models"}
    assert not dataset.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "argument"), LOCAL)
@pytest.mark.parametrize(
    "scheme", ["s3", "S3", "gs", "memory", "https", "simplecache::s3"]
)
def test_an_address_elsewhere_is_refused_in_one_line_and_makes_no_folder(
    kind, argument, scheme, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"^{scheme}://bucket/thing is not on this"):
        kind(**{argument: f"{scheme}://bucket/thing"})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_filled_by_its_node_and_confirmed_by_its_path(tmp_path):
    dataset = FolderDataset(path=str(tmp_path / "new/faces"))
    assert dataset.load() == tmp_path / "new/faces"
    with pytest.raises(DatasetError, match="which should be"):
        dataset.save(tmp_path)
    assert not dataset.exists()
    # A stage that had nothing to write has done its work, too.
    dataset.save(tmp_path / "new/faces")
    assert dataset.exists()
    (tmp_path / "new/faces/a.png").touch()
    dataset.save(tmp_path / "new/faces")
    assert (tmp_path / "new/faces/a.png").exists()


def test_a_table_comes_back_with_its_lists(tmp_path):
    table = pd.DataFrame({"path": ["a", "b"], "box": [[1, 2, 3, 4], None]})
    path = tmp_path / "new/table.parquet"
    dataset = TableDataset(filepath=str(path))
    dataset.save(table)
    table.to_parquet(tmp_path / "plain.parquet", index=False)
    assert path.read_bytes() == (tmp_path / "plain.parquet").read_bytes()
    back = dataset.load()
    assert back["path"].tolist() == ["a", "b"]
    assert list(back["box"][0]) == [1, 2, 3, 4]
    assert back["box"][1] is None


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_table_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "table.parquet"
    if content is not None:
        path.write_bytes(content)
    assert str(path) in cause_of(DataError, TableDataset(filepath=str(path)).load)


def test_a_table_that_is_optional_is_empty_until_there_is_one(tmp_path):
    path = tmp_path / "table.parquet"
    dataset = OptionalTableDataset(filepath=str(path))

    assert dataset.load().empty
    path.write_bytes(b"nonsense")
    cause_of(DataError, dataset.load)


def test_faces_come_back(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 3), np.uint8)
    table = pd.DataFrame(
        {"id": list("abc"), "source": list("abc"), "split": ["train"] * 3}
    )
    dataset = FaceArrayDataset(filepath=str(tmp_path / "faces.npy"))
    dataset.save(FaceSet(images, table))
    assert dataset.exists()
    back = dataset.load()
    assert np.array_equal(back.images, images)
    assert back.table.equals(table)


def test_a_report_comes_back_and_nan_is_refused(tmp_path):
    path = tmp_path / "new/report.json"
    dataset = ReportDataset(filepath=str(path))
    dataset.save({"b": 1.5, "a": {"é": [1, None]}})
    before = path.read_bytes()
    write_json(tmp_path / "plain.json", {"b": 1.5, "a": {"é": [1, None]}})
    assert before == (tmp_path / "plain.json").read_bytes()
    assert before.startswith(b'{\n  "a": {\n    "\\u00e9": [')
    assert before.endswith(b"}\n")
    cause_of(ValueError, dataset.save, {"loss": float("nan")})
    assert path.read_bytes() == before
    assert dataset.load() == {"b": 1.5, "a": {"é": [1, None]}}


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_a_report_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "report.json"
    if content is not None:
        path.write_bytes(content)
    assert str(path) in cause_of(DataError, ReportDataset(filepath=str(path)).load)


def test_a_report_that_is_optional_is_empty_until_there_is_one(tmp_path):
    path = tmp_path / "report.json"
    dataset = OptionalReportDataset(filepath=str(path))

    assert dataset.load() == {}
    path.write_text("{")
    cause_of(DataError, dataset.load)


def test_pictures_are_png_files_and_bytes_stay_as_they_are(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    dataset = PictureFolderDataset(path=str(tmp_path / "samples"))
    dataset.save({"grid.png": picture, "Ann/1.png": picture[:, :, 0]})
    dataset.save({"walk.gif": b"GIF89a"})
    (tmp_path / "samples/.writing-left-by-a-kill.tmp").touch()
    pictures = dataset.load()
    assert set(pictures) == {"grid.png", "Ann/1.png", "walk.gif"}
    assert np.array_equal(np.asarray(pictures["grid.png"]()), picture)
    assert np.array_equal(np.asarray(pictures["Ann/1.png"]()), picture[:, :, 0])
    assert (tmp_path / "samples/walk.gif").read_bytes() == b"GIF89a"


def test_a_picture_of_pillows_is_saved_by_the_ending_of_its_name(tmp_path):
    picture = Image.new("RGB", (3, 2), "red")
    dataset = PictureDataset(filepath=str(tmp_path / "new/red.webp"))
    dataset.save(picture)

    with Image.open(tmp_path / "new/red.webp") as written:
        assert written.format == "WEBP"
    assert dataset.load().size == (3, 2)


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
@pytest.mark.parametrize("kind", [PictureDataset, FigureDataset])
def test_a_picture_or_figure_that_cannot_be_read_is_named(tmp_path, kind, content):
    path = tmp_path / "thing"
    if content is not None:
        path.write_bytes(content)
    assert str(path) in cause_of(DataError, kind(filepath=str(path)).load)


def test_a_figure_comes_back(tmp_path):
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4]))
    dataset = FigureDataset(filepath=str(tmp_path / "new/figure.json"))
    dataset.save(figure)

    assert dataset.load() == figure
    assert dataset.preview()["data"][0]["y"] == [3, 4]


def test_a_page_is_utf8_with_its_own_line_ends(tmp_path):
    dataset = PageDataset(filepath=str(tmp_path / "new/page.html"))
    dataset.save("<p>Zoë\n")

    assert (tmp_path / "new/page.html").read_bytes() == "<p>Zoë\n".encode()
    assert dataset.load() == "<p>Zoë\n"


@pytest.mark.parametrize("name", ["../out.png", "/tmp/out.png", "a/../../b.png", ""])
def test_a_picture_never_leaves_its_folder(tmp_path, name):
    dataset = PictureFolderDataset(path=str(tmp_path / "samples"))
    cause_of(DataError, dataset.save, {"fine.png": b"", name: b"content"})
    assert list(tmp_path.rglob("*")) == []


def archive(**files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return stream.getvalue()


def damaged_in_the_middle():
    content = bytearray(archive(weights=b"w" * 1000))
    content[500] ^= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no model at .*; run `kedro run --pipeline=train` first"),
        (b"", "damaged"),
        (archive(weights=b"w" * 1000)[:400], "damaged"),
        (damaged_in_the_middle(), "damaged in its weights"),
    ],
)
def test_a_model_that_is_absent_or_damaged_is_named_without_loading_keras(
    tmp_path, content, message
):
    path = tmp_path / "generator.keras"
    if content is not None:
        path.write_bytes(content)
    loaded = "keras" in sys.modules
    with pytest.raises(DatasetError) as caught:
        KerasModelDataset(filepath=str(path)).load()
    with pytest.raises(ModelError, match=message):
        raise caught.value.__cause__
    assert str(path) in str(caught.value.__cause__)
    assert ("keras" in sys.modules) == loaded


SAVE_KILLED = """
import os, signal
from facefill.datasets import KerasModelDataset
class Model:
    def save(self, path):
        path.write_bytes(b"half a model")
        assert path.suffix == ".keras"
        os.kill(os.getpid(), signal.SIGKILL)
KerasModelDataset(filepath="generator.keras").save(Model())
"""


def test_a_kill_in_the_middle_of_a_save_leaves_the_old_model(tmp_path):
    path = tmp_path / "generator.keras"
    path.write_bytes(b"the old one")
    killed = subprocess.run(
        [sys.executable, "-c", SAVE_KILLED], cwd=tmp_path, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"the old one"


def test_the_catalogs_datasets_import_nothing_heavy():
    script = (
        "import sys, facefill.datasets, facefill.pipelines.prepare\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'dlib', 'cv2', 'distributed'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_making_every_entry_of_the_catalog_imports_no_network_and_no_detector():
    """A run makes all of them, whatever it needs."""
    script = (
        "import sys, yaml\n"
        "from kedro.io import DataCatalog\n"
        f"text = open({str(ROOT / 'conf/base/catalog.yml')!r}).read()\n"
        "entries = yaml.safe_load(text.replace('${_data}', 'data'))\n"
        "del entries['_data'], entries['champion']\n"
        "catalog = DataCatalog.from_config(entries)\n"
        "assert len([catalog[name] for name in entries]) > 40\n"
        "heavy = {'tensorflow', 'keras', 'dlib', 'cv2', 'distributed', 'mlflow'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def picture_in(preview):
    """Decode a preview as Kedro-Viz's page does."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(preview))))


def test_a_folder_is_previewed_by_its_pictures_whatever_else_is_in_it(tmp_path):
    for name, shape in (("a.png", (40, 20)), ("b.jpg", (500, 900))):
        Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    sheet = picture_in(FolderDataset(path=str(tmp_path)).preview())

    assert sheet.shape == (96, 194, 3)
    # Each is fitted into a square, with its proportions.
    assert {tuple(sheet[48, 48]), tuple(sheet[48, 146])} == {(0, 0, 0)}
    dark = (sheet == 0).all(axis=-1)
    assert sorted((dark[:, :96].sum(), dark[:, 98:].sum())) == [48 * 96, 53 * 96]
    with pytest.raises(ValueError, match="at least"):
        FolderDataset(path=str(tmp_path / "none")).preview()


def test_a_preview_is_small_however_large_its_picture(tmp_path):
    dataset = PictureFolderDataset(path=str(tmp_path))
    dataset.save({"grid.png": np.zeros((3000, 1500, 3), np.uint8)})

    assert picture_in(dataset.preview("grid.png")).shape == (600, 300, 3)
    assert picture_in(dataset.preview()).shape == (96, 96, 3)


def test_a_picture_as_thin_as_a_line_has_a_preview(tmp_path):
    dataset = PictureFolderDataset(path=str(tmp_path))
    dataset.save({"line.png": noise(1, 1500)})
    assert picture_in(dataset.preview("line.png")).shape == (1, 600, 3)


def test_faces_are_previewed_as_a_sheet(tmp_path):
    images = np.full((100, 4, 4, 3), 7, np.uint8)
    rows = {"id": "a", "source": "a", "split": "train"}
    dataset = FaceArrayDataset(filepath=str(tmp_path / "faces.npy"))
    dataset.save(FaceSet(images, pd.DataFrame([rows] * 100)))
    sheet = picture_in(dataset.preview())

    # 64 of them, with two pixels between.
    assert sheet.shape == (8 * 6 - 2, 8 * 6 - 2, 3)


def test_a_table_is_previewed_by_its_first_rows(tmp_path):
    dataset = TableDataset(filepath=str(tmp_path / "table.parquet"))
    box = [np.arange(4), None] * 5
    dataset.save(pd.DataFrame({"path": list("abcdefghij"), "box": box}))
    preview = dataset.preview(nrows=2)

    assert preview["columns"] == ["path", "box"]
    assert preview["data"] == [["a", [0, 1, 2, 3]], ["b", None]]


def test_a_report_is_previewed_without_its_long_lists(tmp_path):
    dataset = ReportDataset(filepath=str(tmp_path / "report.json"))
    dataset.save({"steps": 20, "history": [0.5] * 10_000})

    assert json.loads(dataset.preview()) == {"steps": 20}


@pytest.mark.parametrize(
    ("kind", "preview"),
    [
        (FaceArrayDataset, "ImagePreview"),
        (FolderDataset, "ImagePreview"),
        (PictureFolderDataset, "ImagePreview"),
        (TableDataset, "TablePreview"),
        (ReportDataset, "JSONPreview"),
    ],
)
def test_kedro_viz_knows_the_kind_of_a_preview_by_its_annotation(kind, preview):
    assert inspect.signature(kind.preview).return_annotation == preview
