"""All that a project has, as one HTML file that can be sent to anybody.

Pictures are within it, and nothing is loaded from elsewhere: it opens without a
network, and tells nobody that it was opened. What the project lacks is left out with a
line that says so. There is no date in it, so that the same results give the same bytes.
"""

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL.Image import Image

from facefill.completion.result_folders import result_folder
from facefill.errors import PhotoError
from facefill.evaluation.embedding import picture_uri, picture_uri_of_file
from facefill.evaluation.line_charts import Chart, charts_of_training
from facefill.imaging.photos import decode_photo, read_content
from facefill.imaging.pictures import read_png
from facefill.preparation.naming import photo_of

MAX_PHOTOS = 12
"""Completions that are shown: more would make the file too large to be sent."""

_LIBRARIES = ("tensorflow", "keras", "numpy", "pillow", "dlib-bin", "mlflow", "kedro")
_PHOTO_SIDE, _SHEET_SIDE = 480, 1100
_STAGES = ("known", "generated", "blended")
_SAMPLES = ("grid.png", "arithmetic.png")
_INTERVAL = ("_low", "_high")


@dataclass(frozen=True)
class Results:
    """What a project has.

    Attributes:
        evaluation: Report of the evaluation.
        figures: What loads its pictures, by file name.
        training: Report of the training; empty if there was none.
        samples: What loads pictures of the generator, by file name; may lack any.
        table: A row for each face that was completed; empty if there is none.
        completions: Folder of the completed photos.
        photos: Folder of the photos as they came.
    """

    evaluation: Mapping[str, Any]
    figures: Mapping[str, Callable[[], Image]]
    training: Mapping[str, Any]
    samples: Mapping[str, Callable[[], Image]]
    table: pd.DataFrame
    completions: Path
    photos: Path


class CompletedPhoto(NamedTuple):
    """A photo to compare with what it was.

    Attributes:
        name: Path of the photo.
        before: The photo as it came, as a ``data:`` URI.
        after: The same made whole.
        stages: URIs of the face: known, generated, blended.
        facts: What was done, by name.
    """

    name: str
    before: str
    after: str
    stages: Mapping[str, str]
    facts: Mapping[str, str]


class Table(NamedTuple):
    """Rows of texts.

    Attributes:
        title: What it shows.
        columns: Name of each column.
        rows: Cells.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def html_report(
    results: Results, parameters: Mapping[str, Any], hashes: Mapping[str, str]
) -> str:
    """Write the report.

    Args:
        results: What the project has.
        parameters: Of the run, as YAML can hold them.
        hashes: Of the data, by what they are of.

    Returns:
        HTML in ASCII, so that it can be read whatever its reader takes it for.
    """
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    model = results.evaluation["model"]
    html = environment.get_template("report.html").render(
        model=model,
        charts=_charts(results.training),
        training=results.training,
        samples=_pictures(results.samples, _SAMPLES),
        photos=list(_completed_photos(results)),
        tables=_tables(results.evaluation),
        num_seen=results.evaluation.get("seen_in_training", 0),
        figures=_pictures(results.figures, sorted(results.figures)),
        parameters=yaml.safe_dump(dict(parameters), sort_keys=False),
        hashes={"generator (weights)": model["generator_sha256"], **hashes},
        versions=_versions(),
    )
    return html.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _charts(training: Mapping[str, Any]) -> list[Chart]:
    return charts_of_training(training) if training else []


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("facefill", *_LIBRARIES)}
    return packages | {"Python": platform.python_version()}


def _pictures(
    pictures: Mapping[str, Callable[[], Image]], names: Sequence[str]
) -> list[tuple[str, str]]:
    """Embed pictures, of those that there are: title and URI."""
    return [
        (Path(name).stem.replace("_", " "), _embedded(load()))
        for name in names
        if name.endswith(".png") and (load := pictures.get(name)) is not None
    ]


def _embedded(picture: Image) -> str:
    return picture_uri(np.array(picture.convert("RGB")), _SHEET_SIDE)


def _completed_photos(results: Results) -> Iterator[CompletedPhoto]:
    if results.table.empty:
        return
    completed = results.table[results.table["status"] == "completed"]
    first = completed.assign(photo=completed["id"].map(photo_of))
    first = first.drop_duplicates("photo")
    # Those with a face come first: they are what was searched for.
    ordered = first.sort_values("faces", ascending=False, kind="stable")
    shown: Iterator[Any] = ordered.head(MAX_PHOTOS).itertuples()
    for row in shown:
        try:
            yield _completed_photo(row._asdict(), results)
        except (PhotoError, OSError):  # deleted since it was completed
            continue


def _completed_photo(row: Mapping[str, Any], results: Results) -> CompletedPhoto:
    name = str(row["photo"])
    folder, of_face = (
        results.completions / result_folder(str(row[column]))
        for column in ("photo", "id")
    )
    after = read_png(folder / "photo.png")
    # As large as its result may be: what a run takes is a parameter of that run.
    num_pixels = after.shape[0] * after.shape[1]
    before = decode_photo(read_content(results.photos / name), num_pixels)
    stages = {
        stage: picture_uri_of_file(path, _PHOTO_SIDE)
        for stage in _STAGES
        if (path := of_face / f"{stage}.png").is_file()
    }
    return CompletedPhoto(
        name,
        picture_uri(before, _PHOTO_SIDE),
        picture_uri(after, _PHOTO_SIDE),
        stages,
        _facts(row),
    )


def _facts(row: Mapping[str, Any]) -> dict[str, str]:
    shares = {"by_face": "filled by the face", "by_inpainting": "inpainted"}
    losses = {"contextual": "contextual loss", "perceptual": "perceptual loss"}
    return {
        "mask": str(row["mask"]),
        "faces": str(row["faces"]),
        **{text: f"{100 * row[name]:.0f} %" for name, text in shares.items()},
        **{
            text: f"{row[name]:.3g}"
            for name, text in losses.items()
            if pd.notna(row[name])
        },
    }


def _tables(evaluation: Mapping[str, Any]) -> list[Table]:
    in_photo = evaluation.get("in_photo", {}).get("rows", [])
    titled = {
        "Held-out faces, in the aligned face": evaluation["rows"],
        "Held-out faces, in their photo": in_photo,
    }
    return [_table(title, rows) for title, rows in titled.items() if rows]


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Lay rows out, each average with its interval beside it."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    # What the row is of stands before what was measured.
    texts = [name for name in ("mask", "method") if name in names]
    numbers = [
        name for name in names if name not in texts and not name.endswith(_INTERVAL)
    ]
    cells = [
        [*(str(row[name]) for name in texts), *(_number(row, name) for name in numbers)]
        for row in rows
    ]
    return Table(title, [name.replace("_", " ") for name in texts + numbers], cells)


def _number(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, float | int):
        return "" if value is None else str(value)
    low, high = (row.get(f"{name}{end}") for end in _INTERVAL)
    # All faces alike: an interval of no width says nothing.
    interval = "" if low is None or low == high else f" ({low:.3g} to {high:.3g})"
    return f"{value:.3g}{interval}"
