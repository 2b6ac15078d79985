"""The report of all that there is reads what lies elsewhere as what lies here."""

import numpy as np
import pandas as pd
from kedro.runner import SequentialRunner

from catalogs import catalog_in
from facefill.imaging.pictures import encode_png
from facefill.parameters import (
    AlignOptions,
    CompleteOptions,
    EvaluateOptions,
    TrainOptions,
)
from facefill.pipelines.evaluate import create_pipeline
from facefill.preparation.face_set import FaceSet
from photos import noise
from places import in_memory

PARAMETERS = {
    "params:align": AlignOptions(),
    "params:complete": CompleteOptions(),
    "params:evaluate": EvaluateOptions(),
    "params:train": TrainOptions(),
    "params:image_size": 16,
    "params:lam": 0.1,
    "params:seed": 1,
}
EVALUATION = {
    "model": {"source": "pretrained", "generator_sha256": "ab" * 32},
    "rows": [{"mask": "center", "method": "blended", "hole_psnr": 23.4}],
}
ROW = {"id": "ann.png", "status": "completed", "mask": "file", "faces": 1}
SHARES = {"by_face": 1.0, "by_inpainting": 0.0, "contextual": 1.0, "perceptual": 0.5}


def written(root, place=None, *, completed=True):
    """Fill a project by its catalog, and let the node write the report."""
    pipeline = create_pipeline().only_nodes("write_html_report")
    catalog = catalog_in(root, pipeline, PARAMETERS, place)
    photo = encode_png(np.full((40, 30, 3), 90, np.uint8))
    for name in ("01_raw/incomplete/ann.png", "07_model_output/completed/ann.png"):
        path = root / name
        path.parent.mkdir(parents=True)
        if "completed" in name:
            path.mkdir()
            path /= "photo.png"
        path.write_bytes(photo)
    rows = {"id": ["a"], "source": ["a"], "split": ["train"]}
    catalog.save("training_set", FaceSet(noise(16, 16)[None], pd.DataFrame(rows)))
    catalog.save("evaluation_report", EVALUATION)
    catalog.save("evaluation_figures", {"hole_psnr.png": noise(20, 20)})
    catalog.save("samples", {"grid.png": noise(30, 30), "walk.gif": b"GIF89a"})
    if completed:
        catalog.save("completion_table", pd.DataFrame([ROW | SHARES]))
    SequentialRunner().run(pipeline, catalog)
    return catalog.load("html_report")


def test_it_is_the_same_bytes_wherever_tables_and_pictures_lie(tmp_path):
    place = in_memory()
    here = written(tmp_path / "here")
    there = written(tmp_path / "there", place)

    assert there == here
    assert here.count("data:image/webp;base64,") >= 4
    assert "No photo of this project" not in here
    page = (tmp_path / "here/08_reporting/report.html").read_bytes()
    assert place.content("08_reporting/report.html") == page
    assert not (tmp_path / "there/08_reporting").exists()


def test_it_goes_without_photos_where_none_has_been_completed(tmp_path):
    html = written(tmp_path, completed=False)

    assert "No photo of this project has been completed" in html
    assert "Nothing has been trained in this project" in html
