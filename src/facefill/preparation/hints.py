"""Hints: where a face is, given by whoever knows, for faces that no detector finds.

A hint is a JSON file with ``{"box": [left, top, right, bottom]}``, or with the middles
of both eyes, ``{"eyes": [[x, y], [x, y]]}``, in pixels of the upright photo.
"""

import json
from numbers import Real
from pathlib import Path
from typing import Any

from facefill.errors import PhotoError
from facefill.preparation.detection import Box
from facefill.preparation.hole_alignment import EyePair, Hint

_FURTHEST = 1e8
"""Pixels that a photo has along a side at most; numbers beyond are of nothing in it."""

_FORM = '{"box": [left, top, right, bottom]} or {"eyes": [[x, y], [x, y]]}'


def read_hint(path: Path) -> Hint:
    """Read a hint.

    Raises:
        PhotoError: ``hint``, if the file holds anything else; ``unopenable``, if it
            cannot be read.
    """
    try:
        return hint_of(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise PhotoError("unopenable", f"{path} cannot be read ({error})") from error
    except ValueError as error:
        raise PhotoError("hint", f"{path} cannot be used ({error})") from error


def hint_of(data: Any) -> Hint:
    """Make a hint of what JSON, or a caller, says.

    Raises:
        ValueError: If it is anything else.
    """
    match data:
        case {"box": [left, top, right, bottom]}:
            box = Box(*(round(_number(edge)) for edge in (left, top, right, bottom)))
            if box.right > box.left and box.bottom > box.top:
                return box
        case {"eyes": [[x, y], [other_x, other_y]]}:
            eyes = EyePair(
                (_number(x), _number(y)), (_number(other_x), _number(other_y))
            )
            if eyes.one != eyes.other:
                return eyes
    raise ValueError(f"a hint is {_FORM}, not {data!r}")


def _number(value: Any) -> float:
    # Real, since NumPy's whole numbers are no int.
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    # JSON may say NaN, infinity, and integers that no float can hold.
    if not (is_number and abs(value) < _FURTHEST):
        raise ValueError(f"{value!r} is no number of pixels")
    return float(value)
