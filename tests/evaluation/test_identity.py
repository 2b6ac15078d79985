"""Faces are described by several processes as by one."""

import numpy as np
import pytest

from facefill.evaluation.face_descriptors import describe
from facefill.evaluation.identity import Identify


@pytest.mark.slow
def test_processes_give_the_descriptors_that_one_gives_in_the_order_of_the_faces():
    draw = np.random.default_rng(1)
    coarse = draw.integers(0, 256, (70, 8, 8, 3), np.uint8)
    faces = coarse.repeat(8, axis=1).repeat(8, axis=2)
    found = Identify("innerEyesAndBottomLip")(faces)
    assert np.array_equal(found, describe(faces, "innerEyesAndBottomLip"))
    assert len(np.unique(found, axis=0)) == len(faces)


def test_few_faces_are_described_without_processes(monkeypatch):
    monkeypatch.setattr("facefill.evaluation.identity.chunk_mapper", None)
    faces = np.zeros((2, 64, 64, 3), np.uint8)
    assert Identify("innerEyesAndBottomLip")(faces).shape == (2, 128)
