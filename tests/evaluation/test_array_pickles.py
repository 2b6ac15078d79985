"""Arrays are read from pickles without unpickling, and nothing else is."""

import os
import pickle

import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.evaluation.array_pickles import read_arrays


def nested():
    draw = np.random.default_rng(0)
    kernel = draw.normal(size=(3, 3, 2, 4)).astype(np.float32)
    bias = draw.normal(size=4).astype(np.float32)
    # The same array twice, so that the pickle refers to what it remembers.
    return {"net": {"kernel": kernel, "bias": bias}, "again": {"bias": bias}}


def pickled(value, protocol=3):
    """As numpy 1 wrote it, and numpy 2 does under another name of its module."""
    content = pickle.dumps(value, protocol)
    return content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def test_the_arrays_are_those_that_were_pickled():
    read = read_arrays(pickled(nested()))
    assert read.keys() == {"net", "again"}
    for name, arrays in nested().items():
        assert read[name].keys() == arrays.keys()
        for part, array in arrays.items():
            assert read[name][part].dtype == np.float32
            assert np.array_equal(read[name][part], array)


class Harmful:
    """Unpickled, it makes a folder."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_no_function_is_called(tmp_path):
    content = pickled({"a": Harmful(tmp_path / "made")})
    with pytest.raises(ModelError, match="mkdir"):
        read_arrays(content)
    assert not (tmp_path / "made").exists()
    pickle.loads(content)  # it would have been
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "value",
    [
        {"a": np.arange(3)},
        {"a": np.asfortranarray(np.ones((2, 3), np.float32))},
        {"a": np.ones(3, ">f4")},
        {"a": np.array([{}], object)},
        {"a": 1},
        {1: np.ones(3, np.float32)},
        np.ones(3, np.float32),
        ["a"],
    ],
)
def test_anything_else_is_refused(value):
    with pytest.raises(ModelError):
        read_arrays(pickled(value))


def test_a_damaged_pickle_is_refused():
    content = pickled(nested())
    for cut in range(0, len(content), 7):
        with pytest.raises(ModelError):
            read_arrays(content[:cut])
