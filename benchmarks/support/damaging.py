"""Damage painted on whole photos of faces: what people bring, with the truth known."""

import cv2
import numpy as np

LEFT_EYE, RIGHT_EYE, NOSE_BASE, MOUTH = slice(36, 42), slice(42, 48), 33, slice(48, 68)
COLOURS = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "magenta": (255, 0, 255),
    "grey": (128, 128, 128),
    "noise": None,
}


def _box(hole, points, margin):
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    left, right = left - margin, right + margin
    top, bottom = top - margin, bottom + margin
    hole[max(int(top), 0) : int(bottom) + 1, max(int(left), 0) : int(right) + 1] = True


def eye(hole, landmarks, rng):
    chosen = landmarks[LEFT_EYE if rng.random() < 0.5 else RIGHT_EYE]
    _box(hole, chosen, 0.25 * face_side(landmarks))


def mouth(hole, landmarks, rng):
    _box(hole, landmarks[MOUTH], 0.08 * face_side(landmarks))


def scratch(hole, landmarks, rng):
    height, width = hole.shape
    ends = [(0, 0), (width - 1, height - 1)]
    if rng.random() < 0.5:
        ends = [(width - 1, 0), (0, height - 1)]
    _lines(hole, [ends], max(3, round(0.06 * face_side(landmarks))))


def half(hole, landmarks, rng):
    middle = round(landmarks[27:31, 0].mean())
    if rng.random() < 0.5:
        hole[:, :middle] = True
    else:
        hole[:, middle:] = True


def torn(hole, landmarks, rng):
    x = np.arange(hole.shape[1])
    side = face_side(landmarks)
    wave = 0.05 * side * np.sin(x / (0.11 * side) + rng.uniform(0, 6))
    edge = landmarks[NOSE_BASE, 1] + 0.05 * side + wave
    hole[np.arange(hole.shape[0])[:, None] > edge[None]] = True


def spots(hole, landmarks, rng):
    _discs(hole, landmarks, rng, 9, (0.04, 0.1))


def stains(hole, landmarks, rng):
    _discs(hole, landmarks, rng, 3, (0.14, 0.22))


def creases(hole, landmarks, rng):
    height, width = hole.shape
    lines = [
        [(0, int(rng.integers(height))), (width - 1, int(rng.integers(height)))],
        [(int(rng.integers(width)), 0), (int(rng.integers(width)), height - 1)],
        [tuple(landmarks[0].astype(int)), tuple(landmarks[54].astype(int))],
    ]
    _lines(hole, lines, max(2, round(0.025 * face_side(landmarks))))


DAMAGES = {
    damage.__name__: damage
    for damage in (eye, mouth, scratch, half, torn, spots, stains, creases)
}


def face_side(landmarks):
    """Width of the face between the ears, in pixels of the photo."""
    return float(np.ptp(landmarks[:17, 0]))


def _discs(hole, landmarks, rng, count, radii):
    side = face_side(landmarks)
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    drawn = hole.astype(np.uint8)
    for _ in range(count):
        x, y = rng.uniform(low - 0.3 * side, high + 0.1 * side)
        cv2.circle(drawn, (int(x), int(y)), round(rng.uniform(*radii) * side), 1, -1)
    hole |= drawn > 0


def _lines(hole, lines, width):
    drawn = hole.astype(np.uint8)
    for begin, end in lines:
        cv2.line(drawn, begin, end, 1, width)
    hole |= drawn > 0


def damage(photo, landmarks, kind, colour, seed):
    """Paint over a part of a photo.

    Returns:
        The damaged photo and its hole, bool (height, width), True = painted over.
    """
    rng = np.random.default_rng(seed)
    hole = np.zeros(photo.shape[:2], bool)
    DAMAGES[kind](hole, np.asarray(landmarks, float), rng)
    return paint(photo, hole, colour, seed), hole


def paint(photo, hole, colour, seed=0):
    painted = photo.copy()
    value = COLOURS[colour]
    if value is None:
        rng = np.random.default_rng([seed, 1])
        painted[hole] = rng.integers(0, 256, (int(hole.sum()), 3))
    else:
        painted[hole] = value
    return painted
