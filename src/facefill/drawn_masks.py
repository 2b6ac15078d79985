"""Masks drawn at random: blobs and strokes, whatever the size of the face.

Masks are bool (size, size), True = known. Each leaves a known pixel and hides one.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

_STROKE_VERTICES = 5


def draw_pattern(
    draw: np.random.Generator, size: int, fraction: float
) -> NDArray[np.bool_]:
    """Hide ellipses until a share of the pixels is hidden.

    Args:
        draw: Of places, axes and angles.
        size: Side of the face in pixels.
        fraction: Share at which the blobs end; each hides up to a twentieth of the
            face, by which the last may go beyond.
    """
    hidden = np.zeros((size, size), np.uint8)
    while True:
        before = hidden.copy()
        center = draw.integers(size, size=2).tolist()
        axes = np.ceil(draw.uniform(size / 32, size / 8, 2)).astype(int).tolist()
        angle = draw.uniform(0.0, 180.0)
        cv2.ellipse(hidden, center, axes, angle, 0.0, 360.0, 1, cv2.FILLED)
        if hidden.all():
            return np.asarray(before == 0)
        if hidden.mean() >= fraction:
            return np.asarray(hidden == 0)


def draw_strokes(draw: np.random.Generator, size: int, count: int) -> NDArray[np.bool_]:
    """Hide strokes of a round pen that turns back and forth as it goes.

    Args:
        draw: Of places, directions and widths.
        size: Side of the face in pixels.
        count: Strokes, at least 1. One that would hide the last known pixel is left
            out.
    """
    hidden = np.zeros((size, size), np.uint8)
    for _ in range(count):
        before = hidden.copy()
        place = draw.uniform(0.0, size - 1.0, 2)
        width = max(1, round(draw.uniform(size / 32, size / 8)))
        direction = draw.uniform(0.0, 2.0 * math.pi)
        for vertex in range(_STROKE_VERTICES):
            # Every second turn goes back, so that a stroke stays about its place.
            turned = direction + draw.uniform(-0.9, 0.9) + math.pi * (vertex % 2)
            step = draw.uniform(size / 8, size / 3)
            way = step * np.array([math.cos(turned), math.sin(turned)])
            following = np.clip(place + way, 0.0, size - 1.0)
            ends = [np.rint(end).astype(int).tolist() for end in (place, following)]
            cv2.line(hidden, ends[0], ends[1], 1, width)
            cv2.circle(hidden, ends[1], width // 2, 1, cv2.FILLED)
            place = following
        if hidden.all():
            hidden = before
    return np.asarray(hidden == 0)
