"""Sheets of labelled pictures, heat maps, and figures of matplotlib as pixels."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from facefill.imaging.pictures import grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.ImageDraw import ImageDraw
_LABEL_SIZE = 12
_LABEL_GAP = 6
_LABEL_HEIGHT = 16
_CAPTION_HEIGHT = 13
_CAPTION_SIZE = 10
_CELL_GAP = 6


def heat_map(values: np.ndarray, top: float) -> np.ndarray:
    """Draw numbers as colours from black (0) through red to light yellow (``top``).

    Args:
        values: At least 0, (H, W); what is above ``top`` is drawn as it.
        top: Above 0.

    Returns:
        uint8 (H, W, 3).
    """
    from matplotlib import colormaps

    shares = np.clip(values / top, 0.0, 1.0)
    return np.asarray(colormaps["magma"](shares, bytes=True)[..., :3])


def rendered(figure: "Figure") -> np.ndarray:
    """Draw a figure of matplotlib, without a screen; uint8 (height, width, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    rgba = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
    return np.asarray(rgba)[..., :3].copy()


def labelled_rows(rows: Mapping[str, Sequence[np.ndarray]]) -> np.ndarray:
    """Lay pictures out in rows, with the name of each row at its left.

    Args:
        rows: Pictures by name, uint8 (S, S, 3), as many in each row.

    Returns:
        uint8 (height, width, 3).
    """
    from PIL import Image, ImageDraw, ImageFont

    pictures = [picture for row in rows.values() for picture in row]
    sheet = grid(np.stack(pictures), columns=len(pictures) // len(rows))
    font = ImageFont.load_default(_LABEL_SIZE)
    labels = [name.replace("_", " ") for name in rows]
    widest = math.ceil(max(font.getlength(label) for label in labels))
    margin = np.full((len(sheet), widest + 2 * _LABEL_GAP, 3), 255, np.uint8)
    canvas = Image.fromarray(np.concatenate([margin, sheet], axis=1))
    draw = ImageDraw.Draw(canvas)
    pitch = (len(sheet) + 2) / len(rows)
    for place, label in enumerate(labels):
        end = (widest + _LABEL_GAP, (place + 0.5) * pitch)
        draw.text(end, label, "black", font, anchor="rm")
    return np.asarray(canvas).copy()


def labelled_columns(
    labels: Sequence[str], pictures: Sequence[np.ndarray]
) -> np.ndarray:
    """Lay pictures out in a row, with the label of each above it.

    Args:
        labels: One a picture.
        pictures: uint8 (S, S, 3) each.

    Returns:
        uint8 (height, width, 3).
    """
    from PIL import Image, ImageDraw

    row = grid(np.stack(pictures), columns=len(pictures))
    margin = np.full((_LABEL_HEIGHT, row.shape[1], 3), 255, np.uint8)
    canvas = Image.fromarray(np.concatenate([margin, row]))
    draw = ImageDraw.Draw(canvas)
    pitch = (row.shape[1] + 2) / len(pictures)
    for place, label in enumerate(labels):
        middle = (place + 0.5) * pitch - 1.0
        draw.text(
            (middle, _LABEL_HEIGHT / 2), label, "black", anchor="mm", font_size=11
        )
    return np.asarray(canvas).copy()


def captioned_grid(
    pictures: np.ndarray, captions: Sequence[Sequence[str]]
) -> np.ndarray:
    """Lay pictures out as square as possible, with lines of text below each.

    Args:
        pictures: uint8 (N, height, width, 3), N at least 1.
        captions: Lines of each, as many for all; cut where they are too long.

    Returns:
        uint8 (height, width, 3).
    """
    from PIL import Image, ImageDraw

    count, height, width = pictures.shape[:3]
    below = np.full(
        (count, _CAPTION_HEIGHT * len(captions[0]), width, 3), 255, np.uint8
    )
    cells = np.concatenate([pictures, below], axis=1)
    columns = math.ceil(math.sqrt(count))
    canvas = Image.fromarray(grid(cells, columns, gap=_CELL_GAP))
    draw = ImageDraw.Draw(canvas)
    for place, lines in enumerate(captions):
        left = place % columns * (width + _CELL_GAP)
        top = place // columns * (cells.shape[1] + _CELL_GAP) + height
        for line, text in enumerate(lines):
            draw.text(
                (left + 1, top + line * _CAPTION_HEIGHT),
                _shortened(text, width, draw),
                "black",
                font_size=_CAPTION_SIZE,
            )
    return np.asarray(canvas).copy()


def _shortened(text: str, width: int, draw: "ImageDraw") -> str:
    def fits(shown: str) -> bool:
        return draw.textlength(shown, font_size=_CAPTION_SIZE) <= width

    if fits(text):
        return text
    while text and not fits(f"{text}..."):
        text = text[:-1]
    return f"{text}..."
