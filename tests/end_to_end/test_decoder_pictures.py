"""The pictures of a decoder's own test suite, as photos and as damaged photos.

They are what has broken decoders over the years. Those of Pillow are in its source
distribution: ``pip download --no-binary pillow --no-deps pillow``, unpacked;
``FACEFILL_PICTURES`` names the folder ``Tests/images`` in it.
"""

import json
import os
import shutil
import sys
import warnings
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image, ImageOps

from commands import kedro
from facefill.completion.result_folders import result_folder
from facefill.imaging.photos import read_photo
from facefill.preparation.naming import photo_of

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        "FACEFILL_PICTURES" not in os.environ,
        reason="FACEFILL_PICTURES names no folder with the pictures of a decoder",
    ),
]

# What a decoder that met a damaged file says is a reason; what ends a process is none.
DEFECTS = {"failed", "crashed", "timeout", "out_of_memory"}


run = partial(kedro, timeout=3000)  # the pictures of a decoder are many


def copied(target):
    """Copy the pictures; return the path of each below the folder."""
    source = Path(os.environ["FACEFILL_PICTURES"])
    shutil.copytree(source, target)
    files = [path for path in target.rglob("*") if path.is_file()]
    assert len(files) >= 700
    return {path.relative_to(target).as_posix() for path in files}


def size_of(path):
    """Width and height as one sees them; None of what is not to be opened."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            return ImageOps.exif_transpose(image).size
    except Exception:  # whatever Pillow makes of its own damaged files
        return None


def hide_the_middle(photos, masks, files):
    """Give every fourth picture a mask file of its own size."""
    for file in sorted(files)[::4]:
        size = size_of(photos / file)
        if size is None or min(size) < 3 or max(size) > 5000:
            continue
        width, height = size
        hole = Image.new("1", size)
        hole.paste(1, (width // 3, height // 3, width - width // 3, height * 2 // 3))
        mask = masks / f"{file}.png"
        mask.parent.mkdir(parents=True, exist_ok=True)
        hole.save(mask)


def test_as_photos_each_is_a_face_or_a_row_with_its_reason(tmp_path):
    files = copied(tmp_path / "01_raw/photos")
    done = run(
        tmp_path, "--pipeline=prepare", "--params=prepare.min_aligned_fraction:0"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = pd.read_parquet(tmp_path / "02_intermediate/photos.parquet")
    alignment = pd.read_parquet(tmp_path / "03_primary/alignment.parquet")
    assert sorted(manifest["path"]) == sorted(files)
    assert sorted(alignment["path"]) == sorted(files)
    counted = alignment["reason"].value_counts().to_dict()
    print(json.dumps(counted))  # noqa: T201  # the figure for the documentation
    assert not DEFECTS & counted.keys()
    assert (alignment["status"] == "aligned").sum() > 10


@pytest.mark.parametrize("method", ["openface", "center_crop"])
def test_as_damaged_photos_each_is_completed_or_a_row_with_its_reason(tmp_path, method):
    photos = tmp_path / "01_raw/incomplete"
    files = copied(photos)
    hide_the_middle(photos, tmp_path / "01_raw/masks", files)
    # With center_crop every picture that can be decoded has a part to complete.
    options = f"align.method:{method},align.upsample:0,complete.iterations:2"
    done = run(tmp_path, "--pipeline=complete", f"--params=image_size:64,{options}")
    assert done.returncode == 0, done.stdout + done.stderr
    results = tmp_path / "07_model_output/completed"
    table = pd.read_parquet(results / "completions.parquet")
    assert sorted(table["id"].map(photo_of)) == sorted(files)
    counted = table["reason"].value_counts().to_dict()
    print(json.dumps(counted | table["status"].value_counts().to_dict()))  # noqa: T201
    assert not DEFECTS & counted.keys()
    completed = table[table["status"] == "completed"]
    assert len(completed) > 30
    for file in completed["id"]:
        written = list((results / result_folder(photo_of(file))).glob("photo.*"))
        assert written, file
        size = read_photo(photos / photo_of(file)).shape
        assert {read_photo(path, sys.maxsize).shape for path in written} == {size}, file
