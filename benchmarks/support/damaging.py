"""Damage painted on whole photos of faces: what people bring, with the truth known."""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Points = NDArray[np.float64]
Line = tuple[tuple[int, int], tuple[int, int]]

COLOURS: dict[str, tuple[int, int, int] | None] = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "magenta": (255, 0, 255),
    "grey": (128, 128, 128),
    "noise": None,
}
_EYES = (slice(36, 42), slice(42, 48))
_BROWS = slice(17, 27)
_NOSE_BRIDGE, _NOSE_BASE, _MOUTH = slice(27, 31), 33, slice(48, 68)


def damage(
    photo: Pixels, landmarks: NDArray[Any], kind: str, colour: str, seed: int
) -> tuple[Pixels, Mask]:
    """Paint over a part of a photo.

    Args:
        photo: uint8 RGB (height, width, 3).
        landmarks: Of its face, (68, 2).
        kind: One of ``DAMAGES``.
        colour: One of ``COLOURS``.
        seed: Of what is drawn.

    Returns:
        The damaged photo and its hole, bool (height, width), True = painted over.
    """
    hole = np.zeros(photo.shape[:2], np.bool_)
    rng = np.random.default_rng(seed)
    DAMAGES[kind](hole, np.asarray(landmarks, np.float64), rng)
    return paint(photo, hole, colour, seed), hole


def paint(photo: Pixels, hole: Mask, colour: str, seed: int = 0) -> Pixels:
    """Paint a hole over in a colour, or with noise."""
    painted = photo.copy()
    value = COLOURS[colour]
    if value is None:
        rng = np.random.default_rng([seed, 1])
        painted[hole] = rng.integers(0, 256, (int(hole.sum()), 3))
    else:
        painted[hole] = value
    return painted


def face_side(landmarks: Points) -> float:
    """Width of the face between the ears, in pixels of the photo."""
    return float(np.ptp(landmarks[:17, 0]))


def _eye(hole: Mask, landmarks: Points, rng: np.random.Generator) -> None:
    chosen = landmarks[_EYES[int(rng.integers(2))]]
    _box(hole, chosen, 0.25 * face_side(landmarks))


def _mouth(hole: Mask, landmarks: Points, rng: np.random.Generator) -> None:
    _box(hole, landmarks[_MOUTH], 0.08 * face_side(landmarks))


def _scratch(hole: Mask, landmarks: Points, rng: np.random.Generator) -> None:
    height, width = hole.shape
    left, right = (0, height - 1) if rng.random() < 0.5 else (height - 1, 0)
    line = ((0, left), (width - 1, right))
    _lines(hole, [line], max(3, round(0.06 * face_side(landmarks))))


def _half(hole: Mask, landmarks: Points, rng: np.random.Generator) -> None:
    middle = round(float(landmarks[_NOSE_BRIDGE, 0].mean()))
    hole[:, slice(middle) if rng.random() < 0.5 else slice(middle, None)] = True


def _torn(hole: Mask, landmarks: Points, rng: np.random.Generator) -> None:
    columns, side = np.arange(hole.shape[1]), face_side(landmarks)
    wave = 0.05 * side * np.sin(columns / (0.11 * side) + rng.uniform(0, 6))
    edge = landmarks[_NOSE_BASE, 1] + 0.05 * side + wave
    hole |= np.arange(hole.shape[0])[:, None] > edge[None]


def _corner(hole: Mask, landmarks: Points, rng: np.random.Generator) -> None:
    side = face_side(landmarks)
    brows = landmarks[_BROWS].mean(axis=0) - (0.0, 0.1 * side)
    rows, columns = np.indices(hole.shape)
    steepness = rng.uniform(0.5, 1.0) * (1 if rng.random() < 0.5 else -1)
    wave = 0.05 * side * np.sin(columns / (0.11 * side) + rng.uniform(0, 6))
    hole |= rows < brows[1] + steepness * (columns - brows[0]) + wave


def _spots(hole: Mask, landmarks: Points, rng: np.random.Generator) -> None:
    _discs(hole, landmarks, rng, 9, (0.04, 0.1))


def _stains(hole: Mask, landmarks: Points, rng: np.random.Generator) -> None:
    _discs(hole, landmarks, rng, 3, (0.14, 0.22))


def _creases(hole: Mask, landmarks: Points, rng: np.random.Generator) -> None:
    height, width = hole.shape
    rows, columns = rng.integers(height, size=2), rng.integers(width, size=2)
    ear, mouth = landmarks[[0, 54]].astype(int).tolist()
    lines = [
        ((0, int(rows[0])), (width - 1, int(rows[1]))),
        ((int(columns[0]), 0), (int(columns[1]), height - 1)),
        ((ear[0], ear[1]), (mouth[0], mouth[1])),
    ]
    _lines(hole, lines, max(2, round(0.025 * face_side(landmarks))))


DAMAGES: dict[str, Callable[[Mask, Points, np.random.Generator], None]] = {
    "eye": _eye,
    "mouth": _mouth,
    "scratch": _scratch,
    "half": _half,
    "torn": _torn,
    "corner": _corner,
    "spots": _spots,
    "stains": _stains,
    "creases": _creases,
}


def _box(hole: Mask, points: Points, margin: float) -> None:
    left, top = (points.min(axis=0) - margin).astype(int).clip(0)
    right, bottom = (points.max(axis=0) + margin).astype(int) + 1
    hole[top:bottom, left:right] = True


def _discs(
    hole: Mask,
    landmarks: Points,
    rng: np.random.Generator,
    count: int,
    radii: tuple[float, float],
) -> None:
    side, drawn = face_side(landmarks), np.zeros(hole.shape, np.uint8)
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    for _ in range(count):
        x, y = rng.uniform(low - 0.3 * side, high + 0.1 * side).astype(int).tolist()
        cv2.circle(drawn, (x, y), round(rng.uniform(*radii) * side), 1, cv2.FILLED)
    hole |= drawn > 0


def _lines(hole: Mask, lines: Sequence[Line], width: int) -> None:
    drawn = np.zeros(hole.shape, np.uint8)
    for begin, end in lines:
        cv2.line(drawn, begin, end, 1, width)
    hole |= drawn > 0
