"""Transfer of fine detail from the visible half of a face to its completed half.

A refiner draws what faces have in common: a lens comes without its frame, an eye under
a heavy lid wide open. Where the place of a hidden pixel on the other half of the face
is known, its detail is mirrored instead. Landmarks lie on each other's mirror images,
and a thin-plate spline (Bookstein 1989, "Principal Warps") says what lies between them,
so that a face need not be frontal. Colours and light remain those of the completed
face. Eyes that look to one side are not mirrored: they would squint.

Thresholds were chosen on halves, eyes and torn corners of 40 people to choose by.
"""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from facefill.completion.face_outlines import place_face
from facefill.completion.faces import FaceInPhoto
from facefill.completion.head_outlines import Mirror, mirror_of
from facefill.completion.mirrored_heads import pixels_at
from facefill.imaging.masks import Mask
from facefill.imaging.photos import Pixels
from facefill.preparation.landmark_network import MIRRORED

Floats: TypeAlias = NDArray[np.float32]
Points: TypeAlias = NDArray[np.float64]

# Of dlib's 68 landmarks; an eye begins with its left corner, the fourth is its right.
_EYES = (np.arange(36, 42), np.arange(42, 48))
_BROWS = slice(17, 27)

_FOREHEAD = 0.3
"""How far above the brows detail is mirrored, in sides of the crop."""
_DETAIL = 2.0
"""Standard deviation, in face pixels, of the blur that detail is lost in: what is
coarser has the light of its own half."""
_FOREHEAD_DETAIL = 6.0
"""The same above the brows, where hair and hats begin wherever they do."""
_SOFTNESS = 3.0
"""Standard deviation, in face pixels, of the blur of the mask of what is mirrored."""
_FADE = 1.0
"""Standard deviation, in face pixels, of the blur by which mirrored detail fades out
next to hidden pixels that get none."""
_TURNS = (1.5, 2.5)
"""``Mirror.turn`` from which on less of a face is mirrored, and up to which any is."""
_FOREHEAD_TURNS = (1.2, 1.6)
"""The same above the brows, where there are no landmarks."""
_LEAST_HIDDEN = 0.01
"""Share of the face that is hidden and whose mirror image is known at least."""
_THIN = 4.0
"""Radius, in face pixels, of a circle that fits into holes that are mirrored into: a
scratch is better continued from either side."""
_NODE = 2.0
"""Face pixels between places where the spline is evaluated; it is smooth between."""
_SPLINE_SMOOTHING = 100.0
"""Of SciPy's spline, in pixels of the photo: landmarks err."""
_LIDS = 1.5
"""Width of the lids around an eye, in face pixels."""
_IRIS_PLACES = (0.45, 0.55)
"""Median place of the darker part of a left and of a right eye, from its left corner to
its right one; over people its standard deviation is 0.1."""
_ASIDE = 0.14
"""How far from there it is in an eye that looks to one side."""
_WIDE_BLUR = 8.0
"""Standard deviation, in pixels, above which blurs are made at a lower resolution."""


def with_mirrored_detail(
    photo: Pixels, lost: Mask, filled: Mask, face: FaceInPhoto
) -> Pixels:
    """Give a completed face the detail that its other half shows.

    Args:
        photo: uint8 RGB (height, width, 3), completed.
        lost: Pixels that were hidden, bool (height, width).
        filled: Those of them that may be changed, bool (height, width); what is hidden
            and not filled is not read.
        face: The face.

    Returns:
        uint8 RGB (height, width, 3); changed is only what was filled of the face, up to
        its forehead. Of faces turned far, and of holes on both halves, nothing is.

    Raises:
        ModelError: If the packaged network of landmarks cannot be used.
    """
    known = face.measurement.mask
    if (~known & known[:, ::-1]).mean() < _LEAST_HIDDEN:
        return photo
    placed = place_face(photo, ~lost | filled, face)
    if placed is None or placed.points is None:
        return photo
    window, to_square, points = placed.window, placed.to_square, placed.points
    mirror = mirror_of(points, to_square)
    if mirror is None or mirror.turn > _TURNS[1]:
        return photo
    part, seen, scale = photo[window], ~lost[window], face.enlargement
    picture, shown = _mirrored(part, seen, points, scale)
    reach = face.crop((photo.shape[0], photo.shape[1]), 1.0 + 2.0 * _FOREHEAD)
    up = np.linalg.solve(face.matrix[:, :2], (0.0, -_FOREHEAD * len(known)))
    within = reach[window] & _hull(np.concatenate([points, points[_BROWS] + up]), seen)
    if _looks_aside(part, seen, points):
        within &= ~_eyes(points, seen, scale)
    wanted = filled[window] & within & shown & _wide_parts(~seen, scale)
    # Known pixels whose mirror images are hidden count as equal to them: next to the
    # middle of the face they are, and its seam has no step.
    compared = wanted | (seen & shown)
    difference = np.where(compared[..., None], part.astype(np.float32) - picture, 0.0)
    features = _blurred(_hull(points, seen).astype(np.float32), _DETAIL * scale)
    shown_at_all = wanted | seen
    light = _light(difference, shown_at_all, features, scale)
    inside = wanted.astype(np.float32)
    weight = inside * _blurred(inside, _SOFTNESS * scale) * _shares(features, mirror)
    weight *= _fading(shown_at_all, scale)
    photo = photo.copy()
    changed = part + weight[..., None] * (light - difference)
    photo[window] = np.clip(np.round(changed), 0, 255)
    return photo


def _shares(features: Floats, mirror: Mirror) -> Floats:
    """Share of the detail that is taken over, less of faces that are turned.

    Args:
        features: 1 between brows and chin, 0 elsewhere, float32 (height, width).
        mirror: Of the face.
    """
    below, above = (
        np.interp(np.log(mirror.turn), np.log(turns), (1.0, 0.0))
        for turns in (_TURNS, _FOREHEAD_TURNS)
    )
    return np.asarray(above + features * (below - above), np.float32)


def _fading(shown: Mask, scale: float) -> Floats:
    """Weight from 1 down to 0 next to pixels neither known nor mirrored into."""
    soft = _blurred(shown.astype(np.float32), _FADE * scale)
    return np.asarray(np.clip(2.0 * soft - 1.0, 0.0, 1.0), np.float32)


def _wide_parts(hole: Mask, scale: float) -> Mask:
    """Those parts of a hole into which a circle fits; scratches are none."""
    radius = _THIN * scale
    inside = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5) >= radius
    away = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(hole & (away < radius))


def _hull(points: Points, like: Mask) -> Mask:
    """Pixels in the convex hull of points, of the shape of a mask."""
    drawn = np.zeros(like.shape, np.uint8)
    cv2.fillConvexPoly(drawn, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    return drawn > 0


def _eyes(points: Points, like: Mask, scale: float) -> Mask:
    """Pixels of both eyes and their lids, of the shape of a mask."""
    eyes = _hull(points[_EYES[0]], like) | _hull(points[_EYES[1]], like)
    away = cv2.distanceTransform((~eyes).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(away < _LIDS * scale)


def _looks_aside(photo: Pixels, known: Mask, points: Points) -> bool:
    """Tell whether a known eye looks to one side: mirrored, it would squint."""
    for eye, ahead in zip(_EYES, _IRIS_PLACES, strict=True):
        within = _hull(points[eye], known)
        if not within.any() or (within & ~known).any():
            continue
        rows, columns = np.nonzero(within)
        grey = photo[within].mean(axis=-1)
        dark = grey < grey.mean()
        if not dark.any():  # of one level, such as dark glasses
            continue
        left, right = points[eye[[0, 3]]]
        axis = (right - left) / np.square(right - left).sum()
        along = (np.stack([columns, rows], axis=-1)[dark] - left) @ axis
        if abs(np.median(along) - ahead) > _ASIDE:
            return True
    return False


def _mirrored(
    photo: Pixels, known: Mask, points: Points, scale: float
) -> tuple[Pixels, Mask]:
    """Mirror a photo at the middle of a face.

    Args:
        photo: uint8 RGB (height, width, 3).
        known: Pixels that are known, bool (height, width).
        points: Landmarks of the face, (68, 2), in pixels of the photo.
        scale: Pixels of the photo for each of the face.

    Returns:
        uint8 RGB (height, width, 3), and where it is known, bool (height, width).
    """
    spline = RBFInterpolator(
        points,
        points[MIRRORED],
        kernel="thin_plate_spline",
        smoothing=_SPLINE_SMOOTHING,
    )
    height, width = known.shape
    rows, columns = (
        np.linspace(0.0, side - 1.0, max(2, round(side / (_NODE * scale))))
        for side in (height, width)
    )
    nodes = np.stack(np.meshgrid(columns, rows), axis=-1)
    at_nodes = spline(nodes.reshape(-1, 2)).reshape(nodes.shape).astype(np.float32)
    across, down = np.meshgrid(
        np.linspace(0.0, len(columns) - 1.0, width, dtype=np.float32),
        np.linspace(0.0, len(rows) - 1.0, height, dtype=np.float32),
    )
    # Of two channels at once OpenCV rounds places to the 32nd part of a node.
    image_columns, image_rows = (
        np.asarray(
            cv2.remap(
                np.ascontiguousarray(at_nodes[..., axis]),
                across,
                down,
                cv2.INTER_LINEAR,
            ),
            np.float32,
        )
        for axis in (0, 1)
    )
    return pixels_at(photo, known, image_columns, image_rows)


def _light(difference: Floats, counted: Mask, features: Floats, scale: float) -> Floats:
    """How much lighter a face is than its mirror image, but for detail.

    Args:
        difference: Of both, float32 (height, width, 3).
        counted: Where it counts, bool (height, width); elsewhere it is 0.
        features: 1 between brows and chin, 0 elsewhere, float32 (height, width).
        scale: Pixels of the photo for each of the face.
    """
    weight = counted.astype(np.float32)
    fine, coarse = (
        _blurred(difference, deviation * scale)
        / np.maximum(_blurred(weight, deviation * scale), 1e-3)[..., None]
        for deviation in (_DETAIL, _FOREHEAD_DETAIL)
    )
    return np.asarray(coarse + features[..., None] * (fine - coarse), np.float32)


def _blurred(picture: Floats, deviation: float) -> Floats:
    """Blur by a Gaussian, a wide one at a lower resolution."""
    shrunk = max(1.0, deviation / _WIDE_BLUR)
    height, width = picture.shape[:2]
    size = (max(1, round(width / shrunk)), max(1, round(height / shrunk)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), deviation / shrunk)
    return np.asarray(cv2.resize(small, (width, height)), np.float32)
