"""What the landmark network is trained on: faces, shifted and partly hidden."""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from training_faces import TrainingFace

from facefill.imaging import geometry
from facefill.imaging.geometry import applied, composed
from facefill.preparation import face_prior
from facefill.preparation.face_prior import View
from facefill.preparation.landmark_network import (
    HIGH,
    LOW,
    MIRRORED,
    SIDE,
    frame_to_input,
    network_input,
)

# Faces are kept with the crop this large, in the middle of a picture of that size.
CROP, KEPT = 70, 192
NUM_HOLES = 16_000
NOT_FACES = 0.15
"""Share of the samples that show no face in the middle."""
LEAST_LEVEL = 0.06
"""The smallest errors of a map, as a factor of the largest."""
NUM_NOISES = 96
UNIT = SIDE / (HIGH - LOW)
MIDDLE = (0.5 - LOW) * UNIT
DAMAGES = ("none", "half", "box", "ellipse", "strokes", "spots", "two", "corner")
SHARES = (0.06, 0.26, 0.16, 0.14, 0.12, 0.10, 0.10, 0.06)


class Sample(NamedTuple):
    """A sample, or a batch of them with one more axis each.

    Attributes:
        inputs: float32 (4, S, S), what the network sees.
        points: float32 (68, 2), in the frame.
        is_face: 1.0, or 0.0 where no face is in the middle; float32.
    """

    inputs: np.ndarray
    points: np.ndarray
    is_face: np.ndarray


class Faces:
    """Training faces, each cut out of its photo.

    Attributes:
        pictures: uint8 RGB (N, 192, 192, 3), black beyond the photo's edge.
        points: float64 (N, 68, 2), x and y in pixels of the picture.
        bounds: float64 (N, 4), the photo's left, top, right and bottom edge there.
        maps: float64 (N, 2, 3), from picture to frame.
    """

    def __init__(self, faces: Iterable[TrainingFace]) -> None:
        """Cut the faces out."""
        mean = face_prior.load().mean_points
        cuts = [_cut_out(face, mean) for face in faces]
        self.pictures = np.stack([picture for picture, _, _ in cuts])
        self.points = np.stack([points for _, points, _ in cuts])
        self.bounds = np.stack([bounds for _, _, bounds in cuts])
        self.maps = np.stack(
            [geometry.similarity(points, mean) for points in self.points]
        )


def _cut_out(
    face: TrainingFace, mean: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    to_frame = geometry.similarity(face.landmarks, mean)
    scale = CROP * float(np.hypot(to_frame[0, 0], to_frame[1, 0]))
    shift = KEPT / 2.0 - scale * face.landmarks.mean(axis=0)
    matrix = np.hstack([scale * np.eye(2), shift[:, None]])
    height, width = face.photo.shape[:2]
    edges = np.array([(-0.5, -0.5), (width - 0.5, height - 0.5)])
    bounds, points = applied(matrix, edges).ravel(), applied(matrix, face.landmarks)
    photo = face.photo
    if scale < 0.6:
        size = (round(1.2 * scale * width), round(1.2 * scale * height))
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        factor = np.array([width, height]) / size
        back = np.column_stack([np.diag(factor), factor / 2.0 - 0.5])
        matrix = composed(matrix, back)
    picture = cv2.warpAffine(photo, matrix, (KEPT, KEPT), flags=cv2.INTER_LINEAR)
    return picture, points, bounds


class Sampler:
    """Draws samples of faces."""

    def __init__(self, faces: Faces, seed: int) -> None:
        """Draw the holes and the noise that samples share."""
        self._faces = faces
        self._draw = np.random.default_rng(seed)
        self._holes = np.stack([draw_hole(self._draw) for _ in range(NUM_HOLES)])
        shape = (NUM_NOISES, SIDE + 32, SIDE + 32, 3)
        self._noises = self._draw.standard_normal(shape, np.float32)

    def batch(self, size: int) -> Sample:
        """Draw a batch."""
        samples = [self._sample() for _ in range(size)]
        return Sample(*(np.stack(parts) for parts in zip(*samples, strict=True)))

    def _sample(self) -> Sample:
        """Draw until enough of the face is known."""
        while True:
            is_face = self._draw.random() >= NOT_FACES
            index = int(self._draw.integers(len(self._faces.points)))
            matrix, mirrored = self._matrix(index, is_face)
            known = self._known(matrix, self._faces.bounds[index])
            points = applied(matrix, self._faces.points[index])
            if known.mean() >= 0.05 and (not is_face or _shows(known, points)):
                break
        if mirrored:
            points = points[MIRRORED]
        picture = self._faces.pictures[index]
        scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        if scale < 0.5:
            picture = cv2.blur(picture, (2, 2) if scale > 0.33 else (3, 3))
        cut = cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
        return Sample(
            network_input(View(self._altered(cut), known)),
            np.asarray((points + 0.5) / UNIT + LOW, np.float32),
            np.asarray(is_face, np.float32),
        )

    def _matrix(self, index: int, is_face: bool) -> tuple[np.ndarray, bool]:
        """Draw a map from picture to input that misses the face a little, or far."""
        draw = self._draw
        if is_face:
            level = np.exp(draw.uniform(np.log(LEAST_LEVEL), 0.0))
            shift = level * draw.normal(0.0, 0.16, 2)
            logarithm, turn = level * draw.normal(0.0, (0.17, np.radians(14.0)))
        else:
            shift, logarithm, turn = np.zeros(2), 0.0, draw.normal(0.0, 0.3)
            while np.abs(shift).max() < 0.55 and abs(logarithm) < 0.75:
                shift, logarithm = draw.uniform(-1.2, 1.2, 2), draw.uniform(-1.2, 1.2)
        cosine, sine = np.exp(logarithm) * np.array([np.cos(turn), np.sin(turn)])
        turned = np.array([[cosine, -sine], [sine, cosine]])
        centre = np.full(2, 0.5)
        missed = np.column_stack([turned, centre - turned @ centre + shift])
        matrix = composed(frame_to_input(), composed(missed, self._faces.maps[index]))
        mirrored = bool(draw.random() < 0.5)
        if mirrored:
            matrix[0] *= -1.0
            matrix[0, 2] += SIDE - 1
        return matrix, mirrored

    def _known(self, matrix: np.ndarray, bounds: np.ndarray) -> np.ndarray:
        """Draw a hole; what lies beyond the photo's edge is not known either."""
        hole = self._holes[self._draw.integers(NUM_HOLES)]
        if self._draw.random() < 0.5:
            hole = hole[:, ::-1]
        rows, columns = np.mgrid[:SIDE, :SIDE]
        places = np.stack([columns, rows], axis=-1).reshape(-1, 2).astype(float)
        x, y = applied(np.asarray(cv2.invertAffineTransform(matrix)), places).T
        left, top = np.maximum(bounds[:2] + 0.5, 0.0)
        right, bottom = np.minimum(bounds[2:] - 0.5, KEPT - 1)
        within = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
        return np.asarray(within.reshape(SIDE, SIDE) & ~hole)

    def _altered(self, picture: np.ndarray) -> np.ndarray:
        """Change brightness, colours and sharpness, and add noise; float32."""
        draw = self._draw
        coloured, grey, blurred, noisy = draw.random(4) < (0.7, 0.15, 0.25, 0.3)
        if coloured:
            levels = np.arange(256.0)[:, None] / 255.0 + 1e-4
            levels = levels ** np.exp(draw.normal(0.0, 0.25))
            levels = 255.0 * levels * np.exp(draw.normal(0.0, 0.08, 3)) + 0.5
            table = np.clip(levels, 0.0, 255.0).astype(np.uint8)
            picture = cv2.LUT(picture, table[:, None, :])
        if grey:
            picture = cv2.cvtColor(
                cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB
            )
        if blurred:
            share = draw.uniform(0.3, 1.0)
            soft = cv2.blur(picture, (3, 3))
            picture = cv2.addWeighted(picture, 1.0 - share, soft, share, 0.0)
        picture = picture.astype(np.float32)
        if noisy:
            top, left = draw.integers(0, 32, 2)
            noise = self._noises[draw.integers(NUM_NOISES)]
            strength = np.float32(7.0 * draw.random())
            picture += strength * noise[top : top + SIDE, left : left + SIDE]
        return picture


def _shows(known: np.ndarray, points: np.ndarray) -> bool:
    """Tell whether more than next to nothing within the jaw is known."""
    inner = points[17:]
    column, row = np.rint(inner).astype(int).clip(0, SIDE - 1).T
    within = ((inner >= 0.0) & (inner < SIDE)).all(axis=1)
    return bool((known[row, column] & within).mean() >= 0.12)


def draw_hole(draw: np.random.Generator) -> np.ndarray:
    """Draw a hole in what the network sees: bool (S, S), True = hidden."""
    hole = np.zeros((SIDE, SIDE), np.uint8)
    match draw.choice(DAMAGES, p=SHARES):
        case "none":
            kinds: list[str] = []
        case "two":
            kinds = list(draw.choice(["box", "ellipse", "half", "strokes", "spots"], 2))
        case "corner":
            kinds = ["half", "box"]
        case kind:
            kinds = [kind]
    for kind in kinds:
        _PAINTERS[kind](hole, draw)
    return hole.astype(np.bool_)


def _paint_box(hole: np.ndarray, draw: np.random.Generator) -> None:
    centre = MIDDLE + UNIT * draw.uniform(-0.5, 0.5, 2)
    sides = 2.0 * UNIT * draw.uniform(0.08, 0.5, 2)
    turn = draw.choice([0.0, draw.uniform(0.0, 180.0)])
    corners = cv2.boxPoints((centre.tolist(), sides.tolist(), float(turn)))
    cv2.fillPoly(hole, [corners.astype(np.int32)], 1)


def _paint_ellipse(hole: np.ndarray, draw: np.random.Generator) -> None:
    centre = MIDDLE + UNIT * draw.uniform(-0.5, 0.5, 2)
    axes = np.maximum(UNIT * draw.uniform(0.08, 0.5, 2), 1.0)
    _fill_ellipse(hole, centre, axes, draw)


def _fill_ellipse(
    hole: np.ndarray, centre: np.ndarray, axes: np.ndarray, draw: np.random.Generator
) -> None:
    turn = draw.uniform(0.0, 180.0)
    place, size = centre.astype(int).tolist(), axes.astype(int).tolist()
    cv2.ellipse(hole, place, size, turn, 0, 360, 1, -1)


def _paint_half(hole: np.ndarray, draw: np.random.Generator) -> None:
    """Hide what lies beyond a straight or wavy line, mostly an upright or level one."""
    upright = draw.random() < 0.8
    turn = draw.choice([0, 90, 180, 270]) + draw.normal(0, 8)
    turn = np.radians(turn if upright else draw.uniform(0, 360))
    rows, columns = np.mgrid[:SIDE, :SIDE] - MIDDLE
    across = columns * np.cos(turn) + rows * np.sin(turn)
    if draw.random() < 0.4:
        along = rows * np.cos(turn) - columns * np.sin(turn)
        wave = np.sin(along * draw.uniform(4.0, 32.0) / UNIT + draw.uniform(0.0, 6.0))
        across += draw.uniform(0.0, 0.075) * UNIT * wave
    hole[across > UNIT * draw.uniform(-0.12, 0.45)] = 1


def _paint_strokes(hole: np.ndarray, draw: np.random.Generator) -> None:
    for _ in range(draw.integers(1, 4)):
        if draw.random() < 0.5:
            ends = draw.uniform(0, SIDE, (2, 2))
        else:
            sides = np.column_stack([(0, SIDE), draw.uniform(0, SIDE, 2)])
            ends = sides[:, :: draw.choice([1, -1])]
        one, other = ends.astype(int).tolist()
        cv2.line(hole, one, other, 1, int(draw.integers(1, 12)))


def _paint_spots(hole: np.ndarray, draw: np.random.Generator) -> None:
    for _ in range(draw.integers(3, 18)):
        centre, axes = draw.uniform(0, SIDE, 2), draw.uniform(0.025, 0.15, 2) * UNIT
        _fill_ellipse(hole, centre, axes, draw)


_PAINTERS = {
    "box": _paint_box,
    "ellipse": _paint_ellipse,
    "half": _paint_half,
    "strokes": _paint_strokes,
    "spots": _paint_spots,
}
