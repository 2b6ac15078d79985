"""One HTML file shows all that a project has, and loads nothing from elsewhere."""

import base64
import io
import math
import re
from functools import partial
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from facefill.evaluation.html_report import MAX_PHOTOS, Results, html_report
from facefill.imaging.pictures import encode_png
from facefill.parameters.defaults import MAX_PIXELS
from photos import noise

HOSTILE = "<script>alert('ann')<script>.png"
EVALUATION = {
    "model": {"source": "pretrained", "generator_sha256": "ab" * 32},
    "rows": [
        {
            "mask": "center",
            "method": "blended",
            "hole_psnr": 23.456,
            "hole_psnr_low": 20.0,
            "hole_psnr_high": 25.0,
            "known_l1": 0.0,
        },
        {"mask": "center", "method": "telea", "hole_psnr": 19.0},
    ],
    "in_photo": {"rows": []},
}
TRAINING = {
    "steps": 20,
    "faces": 7,
    "history": {
        "step": [10, 20],
        "loss_real": [1.0, 0.5],
        "loss_fake": [0.9, 0.4],
        "loss_generator": [2.0, 3.0],
        "d_real": [0.5, 0.9],
        "d_fake": [0.5, 0.1],
    },
    "scores": [{"step": 10, "diversity": 0.2}, {"step": 20, "diversity": 0.4}],
}


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(html)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)

    def pictures(self):
        return [attributes["src"] for tag, attributes in self.tags if tag == "img"]


def decoded(uri):
    kind, _, content = uri.partition(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


def project(folder, names, evaluation=EVALUATION, training=None):
    """A project of completed photos, each a grey that was made white."""
    photos, completions = folder / "photos", folder / "completed"
    photos.mkdir()
    rows = []
    for name in names:
        (completions / name).mkdir(parents=True)
        grey, white = np.full((90, 60, 3), 90), np.full((90, 60, 3), 250)
        (photos / name).write_bytes(encode_png(grey.astype(np.uint8)))
        whole = encode_png(white.astype(np.uint8))
        (completions / name / "photo.png").write_bytes(whole)
        (completions / name / "known.png").write_bytes(encode_png(noise(64, 64)))
        row = {"id": name, "status": "completed", "mask": "file", "faces": 1}
        shares = {"by_face": 0.75, "by_inpainting": 0.25}
        rows.append(row | shares | {"contextual": 512.0, "perceptual": np.nan})
    if rows:
        rows.append(rows[0] | {"id": "cut.jpg", "status": "rejected", "faces": 0})
    table = pd.DataFrame(rows)
    return Results(evaluation, {}, training or {}, {}, table, completions, photos)


@pytest.fixture
def full(tmp_path):
    results = project(tmp_path, ["ann.png", HOSTILE], training=TRAINING)
    grid = partial(Image.fromarray, noise(1500, 1500))
    sheets = {"grid.png": grid, "walk.gif": partial(pytest.fail, "no picture")}
    results = Results(
        results.evaluation,
        {"hole_psnr.png": grid},
        results.training,
        sheets,
        results.table,
        results.completions,
        results.photos,
    )
    return html_report(results, {"lam": 0.1, "note": "a < b"}, {"faces": "cd" * 32})


def test_nothing_is_loaded_from_elsewhere(full):
    page = Page(full)

    for _, attributes in page.tags:
        for name in ("src", "href", "action", "data", "srcset"):
            assert attributes.get(name, "data:").startswith("data:")
    (policy,) = [
        attributes["content"]
        for tag, attributes in page.tags
        if tag == "meta" and "http-equiv" in attributes
    ]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert not re.search(r"https?://|@import|url\(", full)


def test_names_of_files_are_text_and_nothing_else(full):
    page = Page(full)

    assert HOSTILE in page.text
    assert "script" not in [tag for tag, _ in page.tags]
    assert "a < b" in page.text


def test_before_and_after_lie_on_each_other(full):
    after, before = (decoded(uri) for uri in Page(full).pictures()[:2])

    assert after.shape == before.shape == (90, 60, 3)
    assert abs(int(before.mean()) - 90) < 3
    assert abs(int(after.mean()) - 250) < 3
    assert [tag for tag, _ in Page(full).tags].count("input") == 2


def test_what_was_done_is_said_in_numbers(full):
    text = Page(full).text

    assert "mask file , faces 1 , filled by the face 75 %" in text.replace(",", " ,")
    assert "contextual loss 512" in text
    assert "perceptual loss" not in text  # none was measured
    assert "23.5 (20 to 25)" in text
    assert "cut.jpg" not in text
    assert "20 steps on 7 faces" in text
    for value in ("ab" * 32, "cd" * 32, "facefill", "tensorflow", "lam: 0.1"):
        assert value in text


def test_a_large_sheet_is_made_smaller_and_what_is_no_picture_left_out(full):
    shapes = [decoded(uri).shape for uri in Page(full).pictures()]

    assert shapes.count((1100, 1100, 3)) == 2  # the samples, and the figure
    assert max(max(shape) for shape in shapes) == 1100


def test_what_is_missing_is_left_out_with_a_line(tmp_path):
    html = html_report(project(tmp_path, []), {}, {})
    text = Page(html).text

    for line in (
        "No photo of this project has been completed",
        "Nothing has been trained in this project",
        "No samples have been drawn",
    ):
        assert line in text
    assert not Page(html).pictures()


def test_a_photo_that_was_deleted_since_is_left_out(tmp_path):
    results = project(tmp_path, ["ann.png", "bob.png"])
    (results.photos / "ann.png").unlink()

    text = Page(html_report(results, {}, {})).text

    assert "bob.png" in text
    assert "ann.png" not in text


def test_a_photo_that_is_larger_than_photos_are_by_default_is_shown(tmp_path):
    results = project(tmp_path, ["ann.png"])
    side = math.isqrt(MAX_PIXELS) + 1
    files = {
        results.photos / "ann.png": 90,
        results.completions / "ann.png/photo.png": 250,
    }
    for path, grey in files.items():
        Image.new("L", (side, side), grey).save(path)

    pictures = Page(html_report(results, {}, {})).pictures()
    after, before = (decoded(uri) for uri in pictures[:2])

    assert after.shape == before.shape == (480, 480, 3)
    assert abs(int(before.mean()) - 90) < 3
    assert abs(int(after.mean()) - 250) < 3


def test_many_photos_make_no_larger_file(tmp_path):
    names = [f"{number:03}.png" for number in range(MAX_PHOTOS + 3)]

    html = html_report(project(tmp_path, names), {}, {})

    assert [tag for tag, _ in Page(html).tags].count("article") == MAX_PHOTOS
    assert len(html) < 5_000_000


def test_the_same_results_give_the_same_bytes_which_are_ascii(tmp_path):
    results = project(tmp_path, ["añn.png"])

    html = html_report(results, {}, {})

    assert html == html_report(results, {}, {})
    assert html.isascii()
    assert "añn.png" in Page(html).text
