"""Faces that are blurred, grey or beyond their photo are told apart."""

import numpy as np
import pandas as pd
import pytest

from facefill.errors import DataError
from facefill.imaging.pictures import write_png
from facefill.parameters import PrepareOptions
from facefill.preparation.gates import gate_faces
from photos import noise

SIZE = 32


def rows_of(folder, faces, shifts):
    """Write faces; a row each, moved to the right in its photo's frame."""
    rows = []
    for number, (face, shift) in enumerate(zip(faces, shifts, strict=True)):
        write_png(folder / f"{number}.png", face)
        rows.append({"face": f"{number}.png", "matrix": [1, 0, shift, 0, 1, 0]})
    return pd.DataFrame(rows).assign(height=SIZE, width=SIZE)


def grey(face):
    return face[..., :1].repeat(3, axis=-1)


@pytest.fixture
def rows(tmp_path):
    sharp = noise(SIZE, SIZE)
    flat = np.full_like(sharp, 90) + np.uint8([60, 0, 0])
    faces = [sharp, flat, grey(sharp), sharp, grey(flat)]
    # A quarter of the fourth lies beyond the photo.
    return rows_of(tmp_path, faces, [0, 0, 0, SIZE / 4, SIZE / 4])


@pytest.mark.parametrize(
    ("limits", "reasons"),
    [
        ({}, ["", "", "", "", ""]),
        ({"min_sharpness": 25.0}, ["", "blurred", "", "", "blurred"]),
        ({"min_colourfulness": 8.0}, ["", "", "grey", "", "grey"]),
        ({"min_inside": 0.74}, ["", "", "", "", ""]),
        ({"min_inside": 0.76}, ["", "", "", "beyond_edge", "beyond_edge"]),
        (
            {"min_inside": 0.76, "min_sharpness": 25.0, "min_colourfulness": 8.0},
            ["", "blurred", "grey", "beyond_edge", "beyond_edge"],
        ),
    ],
)
def test_each_gate_leaves_out_its_own(rows, tmp_path, limits, reasons):
    assert gate_faces(rows, tmp_path, PrepareOptions(**limits)).tolist() == reasons


def test_without_a_gate_no_face_is_read(rows, tmp_path):
    nowhere = tmp_path / "nowhere"
    assert gate_faces(rows, nowhere, PrepareOptions()).tolist() == [""] * 5
    with pytest.raises(DataError, match=r"0\.png cannot be read .*--pipeline=prepare"):
        gate_faces(rows, nowhere, PrepareOptions(min_sharpness=25.0))
