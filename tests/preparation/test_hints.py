import numpy as np
import pytest

from facefill.errors import PhotoError
from facefill.preparation.detection import Box
from facefill.preparation.hints import hint_of, read_hint
from facefill.preparation.hole_alignment import EyePair
from facefill.runtime.incremental import TRANSIENT


def test_boxes_and_eyes_are_read(tmp_path):
    path = tmp_path / "a.jpg.json"
    path.write_text('{"box": [1, 2.4, 30, 40]}')
    assert read_hint(path) == Box(1, 2, 30, 40)
    path.write_text('{"eyes": [[10, 20], [30.5, 21]]}')
    assert read_hint(path) == EyePair((10.0, 20.0), (30.5, 21.0))


def test_numbers_may_be_numpys():
    edges = list(np.array([1, 2, 30, 40]))
    assert hint_of({"box": edges}) == Box(1, 2, 30, 40)
    eyes = [list(eye) for eye in np.array([[1, 2], [3, 4]], np.float32)]
    assert hint_of({"eyes": eyes}) == EyePair((1.0, 2.0), (3.0, 4.0))


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        {"box": [1, 2, 3]},
        {"box": [30, 2, 1, 40]},
        {"box": ["a", 2, 3, 4]},
        {"box": [True, 2, 3, 4]},
        {"eyes": [[1, 2], [1, 2]]},
        {"eyes": [[1, 2], [3]]},
        {"eyes": 7},
        {"box": [0, 0, float("inf"), 40]},
        {"box": [0, 0, 10**400, 40]},
        {"box": [0, 0, 1e300, 40]},
        {"box": [0, 0, float("nan"), 40]},
        {"eyes": [[float("nan"), 2], [3, 4]]},
        {"eyes": [[1, 2], [float("-inf"), 4]]},
    ],
)
def test_anything_else_is_refused_with_the_form_of_a_hint(data):
    with pytest.raises(ValueError, match=r"number of pixels|a hint is"):
        hint_of(data)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b'{"box": null}', b'{"box": [0, 0, 1e999, 9]}']
)
def test_a_file_that_is_no_hint_is_a_reason(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=r"hint: .*cannot be used") as caught:
        read_hint(path)
    assert caught.value.reason == "hint"


def test_a_hint_that_cannot_be_read_may_be_another_time(tmp_path):
    with pytest.raises(PhotoError, match="cannot be read") as caught:
        read_hint(tmp_path / "absent.json")
    assert caught.value.reason in TRANSIENT
