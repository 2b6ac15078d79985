"""Make the damaged photos that the demo completes: two people, six kinds of damage.

Run it in the project's environment; it needs nothing else::

    python tools/make_damaged.py

The photos are those that scikit-image and matplotlib ship, both of the public domain:
Eileen Collins by NASA, Grace Hopper by the US Navy. Damage is painted in a frame of
the face, whose origin is half-way between the eyes and whose unit is their distance,
so that both get the same. What is painted is the mask, white = hole.

The masks are the same on every machine; a JPEG's bytes may differ with the version of
the encoder. Made with numpy 2.4.6, Pillow 13.0.0, OpenCV 5.0.0.93, scikit-image 0.26.0
and matplotlib 3.11.2.
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from matplotlib import cbook
from PIL import Image
from skimage import data

from facefill.imaging.pictures import encode_png
from facefill.runtime.files import write_bytes

QUALITY = 90
OUTPUT = Path(__file__).parents[1] / "data" / "demo" / "01_raw"

Colour = tuple[int, int, int]
PAPER: Colour = (250, 248, 242)
BLACK: Colour = (10, 10, 10)
COFFEE: Colour = (92, 58, 30)
INK: Colour = (24, 40, 150)


class Portrait(NamedTuple):
    """A photo, uint8 RGB (height, width, 3), and the centres of its eyes (x, y)."""

    pixels: np.ndarray
    left_eye: tuple[float, float]
    right_eye: tuple[float, float]

    def point(self, across: float, down: float) -> tuple[int, int]:
        """Pixel of a place in the frame of the face."""
        left, right = np.asarray(self.left_eye), np.asarray(self.right_eye)
        axis = right - left
        x, y = (left + right) / 2 + across * axis + down * np.array([-axis[1], axis[0]])
        return round(float(x)), round(float(y))

    def length(self, units: float) -> int:
        """Pixels of a length in the frame, at least 2."""
        eyes = np.subtract(self.right_eye, self.left_eye)
        return max(2, round(units * float(np.hypot(*eyes))))


class Damage(NamedTuple):
    """What draws 1 where a photo is damaged, and the colour of the damage."""

    draw: Callable[[Portrait, np.ndarray], None]
    colour: Colour


def portraits() -> dict[str, Portrait]:
    """Photos by name."""
    hopper = Image.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    return {
        "collins": Portrait(data.astronaut(), (203, 102), (246, 104)),
        "hopper": Portrait(np.asarray(hopper.convert("RGB")), (224, 192), (305, 189)),
    }


def scratch(portrait: Portrait, hole: np.ndarray) -> None:
    """Three scratches across the whole photo, through the face."""
    height, width = hole.shape
    for begin, middle, end, units in (
        ((0, 0.1 * height), (-0.2, 0.3), (width - 1, 0.75 * height), 0.1),
        ((0.1 * width, height - 1), (0.35, 0.75), (0.75 * width, 0), 0.07),
        ((0.6 * width, 0), (0.15, -0.5), (0.2 * width, height - 1), 0.05),
    ):
        corner = portrait.point(*middle)
        path = np.array([begin, corner, end]).round().astype(np.int32)
        cv2.polylines(hole, [path], False, 1, portrait.length(units))


def torn(portrait: Portrait, hole: np.ndarray) -> None:
    """The upper right corner is gone, and with it hair and a part of the forehead."""
    rng = np.random.default_rng(4)
    edge = [
        portrait.point(across, 0.8 * across - 0.95 + rng.uniform(-0.06, 0.06))
        for across in np.arange(-8.0, 9.0, 0.1)
    ]
    height, width = hole.shape
    beyond = [(10 * width, edge[-1][1]), (10 * width, -height), (edge[0][0], -height)]
    above = np.zeros_like(hole)
    cv2.fillPoly(above, [np.array([*edge, *beyond], np.int32)], 1)
    hole |= above


def spots(portrait: Portrait, hole: np.ndarray) -> None:
    """Drops of coffee, most of them on the face."""
    rng = np.random.default_rng(7)
    for _ in range(26):
        across, down = rng.normal(0.0, 1.1), rng.normal(0.5, 1.1)
        radius = portrait.length(float(rng.uniform(0.05, 0.2)))
        cv2.circle(hole, portrait.point(across, down), radius, 1, cv2.FILLED)


def half(portrait: Portrait, hole: np.ndarray) -> None:
    """Half of the face is blacked out."""
    box(portrait, hole, (0.06, -0.7), (1.05, 1.5))


def eyes(portrait: Portrait, hole: np.ndarray) -> None:
    """A bar over both eyes, as newspapers print it."""
    box(portrait, hole, (-0.9, -0.3), (0.9, 0.3))


def scribble(portrait: Portrait, hole: np.ndarray) -> None:
    """A pen has gone back and forth over nose and mouth."""
    turns = 7
    path = [
        portrait.point((-0.5, 0.55)[turn % 2], 0.5 + 1.0 * turn / turns)
        for turn in range(turns)
    ]
    cv2.polylines(hole, [np.array(path, np.int32)], False, 1, portrait.length(0.07))


def box(
    portrait: Portrait,
    hole: np.ndarray,
    begin: tuple[float, float],
    end: tuple[float, float],
) -> None:
    """Fill the quadrangle between two places in the frame."""
    corners = [begin, (end[0], begin[1]), end, (begin[0], end[1])]
    places = [portrait.point(*corner) for corner in corners]
    cv2.fillPoly(hole, [np.array(places, np.int32)], 1)


DAMAGES = {
    "scratch": Damage(scratch, PAPER),
    "torn": Damage(torn, PAPER),
    "spots": Damage(spots, COFFEE),
    "half": Damage(half, BLACK),
    "eyes": Damage(eyes, BLACK),
    "scribble": Damage(scribble, INK),
}


def damaged(portrait: Portrait, damage: Damage) -> tuple[np.ndarray, np.ndarray]:
    """Paint damage over a photo; with the hole, bool (height, width)."""
    drawn = np.zeros(portrait.pixels.shape[:2], np.uint8)
    damage.draw(portrait, drawn)
    hole = drawn > 0
    painted = portrait.pixels.copy()
    painted[hole] = damage.colour
    return painted, hole


def jpeg(pixels: np.ndarray) -> bytes:
    """Encode a photo."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="JPEG", quality=QUALITY)
    return stream.getvalue()


def main() -> None:
    """Write photos and masks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    output: Path = parser.parse_args().output
    for person, portrait in portraits().items():
        for kind, damage in DAMAGES.items():
            painted, hole = damaged(portrait, damage)
            name = f"{person}-{kind}.jpg"
            write_bytes(output / "incomplete" / name, jpeg(painted))
            mask = encode_png(np.where(hole, 255, 0).astype(np.uint8))
            write_bytes(output / "masks" / f"{name}.png", mask)
            print(name, f"{100 * hole.mean():.1f} % of the photo")


if __name__ == "__main__":
    main()
