"""Completed photos are shown one after another, and handed on in full size."""

import logging

import numpy as np
import pandas as pd

from facefill.completion import gallery
from facefill.imaging.pictures import write_png


class Shown:
    def __init__(self):
        self.pictures, self.files = [], []

    def picture(self, step, name, image):
        self.pictures.append((step, name, image))

    def file(self, path, folder):
        self.files.append((path.name, folder))


def finish(output, photo, *, with_face):
    """Write what a completion leaves."""
    levels = {"known": 10, "completed": 20, "blended": 30} if with_face else {}
    for name, level in (levels | {"photo": 40}).items():
        write_png(output / photo / f"{name}.png", np.full((16, 16, 3), level, np.uint8))
    (output / photo / "photo.jpg").touch()


def table(**statuses):
    return pd.DataFrame({"id": list(statuses), "status": list(statuses.values())})


def test_faces_lie_side_by_side_and_photos_are_whole(tmp_path):
    finish(tmp_path, "a", with_face=True)
    finish(tmp_path, "b", with_face=False)
    shown = Shown()
    rows = table(none="rejected", a="completed", b="completed")
    gallery.show_results(rows, tmp_path, shown)

    ((step, name, image),) = shown.pictures
    assert (step, name, image.shape) == (0, "complete/faces", (256, 768, 3))
    assert image[0, ::256, 0].tolist() == [10, 20, 30]
    assert shown.files == [
        ("photo.jpg", "completions/photos/a"),
        ("photo.png", "completions/photos/a"),
        ("photo.jpg", "completions/photos/b"),
        ("photo.png", "completions/photos/b"),
    ]


def test_thousands_of_photos_are_not_copied(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(gallery, "MAX_RESULTS", 1)
    for photo in "ab":
        finish(tmp_path, photo, with_face=False)
    shown = Shown()
    with caplog.at_level(logging.INFO):
        gallery.show_results(table(a="completed", b="completed"), tmp_path, shown)

    assert {folder for _, folder in shown.files} == {"completions/photos/a"}
    assert "MLflow gets the first 1 of the results" in caplog.text
