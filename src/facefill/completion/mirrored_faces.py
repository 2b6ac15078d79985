"""Detail of completed faces that the other half of the face shows.

A refiner draws what faces have in common: a lens comes without its frame, an eye under
a heavy lid wide open. Where the place of a hidden pixel on the other half of the face
is known, its detail is mirrored instead. Landmarks lie on each other's mirror images,
and a thin-plate spline (Bookstein 1989, "Principal Warps") says what lies between them,
so that a face need not be frontal. Colours and light remain those of the completed
face. Eyes that look to one side are not mirrored: they would squint.
"""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from facefill.completion.face_outlines import crop_as_square, find_landmarks
from facefill.completion.faces import FaceInPhoto
from facefill.completion.head_outlines import mirror_of
from facefill.imaging.geometry import of_window
from facefill.imaging.masks import Mask, bounding_window
from facefill.imaging.photos import Pixels

Floats: TypeAlias = NDArray[np.float32]
Points: TypeAlias = NDArray[np.float64]

_SWAPPED = np.array(
    [
        *range(16, -1, -1),  # jaw
        *range(26, 16, -1),  # brows
        *range(27, 31),  # bridge of the nose
        *range(35, 30, -1),  # its base
        *(45, 44, 43, 42, 47, 46),  # eyes
        *(39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),  # lips
        *(64, 63, 62, 61, 60, 67, 66, 65),
    ]
)
"""Of dlib's 68 landmarks the one on the other half of the face."""
_EYES = (np.arange(36, 42), np.arange(42, 48))
_BROWS = slice(17, 27)

_FOREHEAD = 0.3
"""How far above the brows detail is mirrored, in sides of the crop."""
_DETAIL = 2.0
"""Standard deviation, in face pixels, of the blur that detail is lost in."""
_COARSE_DETAIL = 6.0
"""The same above the brows, where hair and hats begin wherever they do."""
_WIDE_BLUR = 8.0
"""Standard deviation, in pixels, from which on half the pixels show all of a blur."""
_EDGE = 3.0
"""Of the blur of the edges of what is mirrored, in face pixels."""
_TURNED = (1.5, 2.5)
"""Width of a turned face's wide half, in widths of its narrow one, from which on less
of it is mirrored, and from which on nothing."""
_STRAIGHT = (1.2, 1.6)
"""The same above the brows, where no landmarks are."""
_LEAST_HIDDEN = 0.01
"""Share of the face that is hidden and whose mirror image is known at least."""
_MARGIN = 0.4
"""Around the crop, in its sides: the landmark network sees 0.3."""
_THIN = 4.0
"""Face pixels that a hole reaches beside known pixels, next to which all is likely to
go on as it does there; what is mirrored errs more."""
_NODE = 2.0
"""Face pixels between places where the spline is evaluated; it is smooth between."""
_LIDS = 1.5
"""Width of the lids around an eye, in face pixels."""
_STIFF = 100.0
"""How stiff the spline is: landmarks err."""
_AHEAD = (0.45, 0.55)
"""Where the darker half of each eye is on average, from its left corner on."""
_ASIDE = 0.14
"""How far from there it is in an eye that looks to one side; the standard deviation is
0.1."""


def with_mirrored_detail(
    photo: Pixels, lost: Mask, filled: Mask, face: FaceInPhoto
) -> Pixels:
    """Give a completed face the detail that its other half shows.

    Args:
        photo: uint8 RGB (height, width, 3), completed.
        lost: Pixels that were hidden, bool (height, width).
        filled: Those of them that have been filled since; the others are not read.
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
    shape, size = (photo.shape[0], photo.shape[1]), len(known)
    margin = round(_MARGIN * size * face.enlargement)
    window = bounding_window(face.crop(shape), margin)
    part, hidden, done = photo[window], lost[window], filled[window]
    to_square = of_window(crop_as_square(face.matrix, size), window)
    points = find_landmarks(part, ~hidden | done, to_square)
    if points is None:
        return photo
    width = mirror_of(points, to_square).width
    amount, above = (_share_of_turned(width, bounds) for bounds in (_TURNED, _STRAIGHT))
    if amount == 0.0:
        return photo
    up = np.linalg.solve(face.matrix[:, :2], (0.0, -_FOREHEAD * size))
    within = _hull(np.concatenate([points, points[_BROWS] + up]), done)
    if _looks_aside(part, hidden, points):
        within &= ~_eyes(points, done, face.enlargement)
    mirrored, shown = _mirrored(part, hidden, points, face.enlargement)
    wanted = done & within & shown & _wide_parts(hidden, face.enlargement)
    # Known pixels whose mirror images are hidden lie next to the middle, or far away.
    compared = wanted | (~hidden & shown)
    difference = np.where(compared[..., None], part - mirrored, 0.0)
    features = _hull(points, done).astype(np.float32)
    features = _blurred(features, _DETAIL * face.enlargement)[..., None]
    light = _light(difference, wanted | ~hidden, features, face.enlargement)
    inside = wanted.astype(np.float32)
    weight = inside * _blurred(inside, _EDGE * face.enlargement)
    weight = weight[..., None] * (above + features * (amount - above))
    photo = photo.copy()
    photo[window] = np.clip(np.round(part + weight * (mirrored + light - part)), 0, 255)
    return photo


def _share_of_turned(width: float, bounds: tuple[float, float]) -> float:
    """Share of the detail that a face takes over whose halves differ in width."""
    begin, end = np.log(bounds)
    return float(np.clip((end - abs(np.log(width))) / (end - begin), 0.0, 1.0))


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
    """Pixels of both eyes, and a little beyond, of the shape of a mask."""
    eyes = _hull(points[_EYES[0]], like) | _hull(points[_EYES[1]], like)
    away = cv2.distanceTransform((~eyes).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(away < _LIDS * scale)


def _mirrored(
    photo: Pixels, hidden: Mask, points: Points, scale: float
) -> tuple[Floats, Mask]:
    """Mirror a photo at the middle of a face, and say what of it is known there.

    Args:
        photo: uint8 RGB (height, width, 3), with the face completed.
        hidden: Pixels that were hidden, bool (height, width).
        points: Landmarks of the face, (68, 2), in pixels of the photo.
        scale: Pixels of the photo for each of the face.
    """
    spline = RBFInterpolator(
        points, points[_SWAPPED], kernel="thin_plate_spline", smoothing=_STIFF
    )
    height, width = hidden.shape
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
    image = cv2.remap(at_nodes, across, down, cv2.INTER_LINEAR)
    # A pixel is sampled from four each way.
    inner = cv2.erode((~hidden).astype(np.uint8), np.ones((3, 3), np.uint8))
    shares = cv2.remap(
        inner.astype(np.float32), image[..., 0], image[..., 1], cv2.INTER_LINEAR
    )
    picture = cv2.remap(photo, image[..., 0], image[..., 1], cv2.INTER_CUBIC)
    return picture.astype(np.float32), np.asarray(shares > 0.999)


def _looks_aside(photo: Pixels, hidden: Mask, points: Points) -> bool:
    """Tell whether a known eye looks to one side: mirrored, it would squint."""
    for eye, ahead in zip(_EYES, _AHEAD, strict=True):
        within = _hull(points[eye], hidden)
        if not within.any() or (within & hidden).any():
            continue
        rows, columns = np.nonzero(within)
        grey = photo[within].mean(axis=-1)
        dark = grey < grey.mean()
        left, right = points[eye[[0, 3]]]
        axis = (right - left) / np.square(right - left).sum()
        along = (np.stack([columns, rows], axis=-1)[dark] - left) @ axis
        if abs(np.median(along) - ahead) > _ASIDE:
            return True
    return False


def _light(difference: Floats, known: Mask, features: Floats, scale: float) -> Floats:
    """How much lighter a face is than its mirror image, but for detail.

    Args:
        difference: Of both, float32 (height, width, 3).
        known: Where it is known, bool (height, width); elsewhere it is 0.
        features: 1 between brows and chin, 0 elsewhere, float32 (height, width, 1).
        scale: Pixels of the photo for each of the face.
    """
    weight = known.astype(np.float32)
    fine, coarse = (
        _blurred(difference, deviation * scale)
        / np.maximum(_blurred(weight, deviation * scale), 1e-3)[..., None]
        for deviation in (_DETAIL, _COARSE_DETAIL)
    )
    return np.asarray(coarse + features * (fine - coarse), np.float32)


def _blurred(picture: Floats, deviation: float) -> Floats:
    """Blur by a Gaussian, a wide one at a lower resolution."""
    shrunk = max(1.0, deviation / _WIDE_BLUR)
    height, width = picture.shape[:2]
    size = (max(1, round(width / shrunk)), max(1, round(height / shrunk)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), deviation / shrunk)
    return np.asarray(cv2.resize(small, (width, height)), np.float32)
