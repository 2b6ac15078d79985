"""The affine map from a photo to an aligned face, as OpenFace makes it.

Landmarks are taken to fixed places of a square crop. The places are those of
OpenFace's mean face, stretched per axis so that the 68 points of it span the unit
square (``MINMAX_TEMPLATE`` of ``openface/align_dlib.py``). Three points determine
the map, so it may shear; that is the reference's behaviour. The five points of
dlib's smaller model have a set of their own, for which a similarity is fitted.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.parameters.choices import CropBorder, LandmarkSet

# By their numbers among the 68; five_point has them in the order of dlib's model:
# outer and inner corner of one eye, of the other, and the base of the nose.
LANDMARK_INDICES: dict[LandmarkSet, list[int]] = {
    "innerEyesAndBottomLip": [39, 42, 57],
    "outerEyesAndNose": [36, 45, 33],
    "five_point": [45, 42, 36, 39, 33],
}
NUM_LANDMARKS: dict[LandmarkSet, int] = {
    "innerEyesAndBottomLip": 68,
    "outerEyesAndNose": 68,
    "five_point": 5,
}
_BORDER_MODES: dict[CropBorder, int] = {
    "black": cv2.BORDER_CONSTANT,
    "mirror": cv2.BORDER_REFLECT_101,
}
_EYE_CORNERS = [36, 39, 42, 45]
# Pixels of a photo for one of the face, along a side, that sampling leaves few out of.
_MOST_SAMPLED = 2
# Points of OpenFace's TEMPLATE, and the extremes of all its 68. They are float32
# there, and the arithmetic below is too: results are equal to the last bit.
_TEMPLATE = {
    33: (0.520712933176, 0.634268222208),
    36: (0.252418718401, 0.331052263829),
    39: (0.403718978315, 0.33867711083),
    42: (0.631326076346, 0.334136672344),
    45: (0.782865376271, 0.321305281656),
    57: (0.525398405766, 0.841706377792),
}
_TEMPLATE_MIN = np.array((0.0792396913815, 0.182360984545), np.float32)
_TEMPLATE_MAX = np.array((0.971193274221, 1.06080371126), np.float32)


def target_points(landmark_set: LandmarkSet, size: int) -> NDArray[np.float32]:
    """Give the places in the crop of a set's landmarks.

    Returns:
        float32 of shape (3, 2), or (5, 2): x and y in pixels of a crop of
        ``size`` x ``size``.
    """
    chosen = [_TEMPLATE[index] for index in LANDMARK_INDICES[landmark_set]]
    points = np.array(chosen, np.float32)
    unit = (points - _TEMPLATE_MIN) / (_TEMPLATE_MAX - _TEMPLATE_MIN)
    return np.asarray(size * unit, np.float32)


def affine(
    landmarks: NDArray[Any] | Sequence[Sequence[float]],
    landmark_set: LandmarkSet,
    size: int,
) -> NDArray[np.float64]:
    """Map a photo's pixels to those of its aligned face.

    Args:
        landmarks: The points of dlib's model, shape (68, 2), or (5, 2) for
            ``five_point``; x and y in pixels of the photo.
        landmark_set: Which of them go to fixed places.
        size: Side of the crop in pixels.

    Returns:
        float64 of shape (2, 3): ``matrix @ (x, y, 1)`` is a place in the crop.

    Raises:
        ValueError: If the landmarks have another shape.
    """
    points = np.asarray(landmarks, np.float32)
    expected = (NUM_LANDMARKS[landmark_set], 2)
    if points.shape != expected:
        raise ValueError(f"landmarks of shape {points.shape}, not {expected}")
    if landmark_set != "five_point":
        points = points[LANDMARK_INDICES[landmark_set]]
    return fit(points, target_points(landmark_set, size))


def fit(
    source: NDArray[np.float32], target: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Map points to others: exactly if there are three, else by least squares.

    More than three are fitted with a similarity (turn, scale and shift): eye
    corners are almost on a line, so that an affine map would stretch the face by
    the error of the one point that is not.

    Args:
        source: Points of shape (N, 2), three at least.
        target: Where each should come.

    Returns:
        float64 of shape (2, 3); not finite if the points are all one.
    """
    if len(source) == 3:
        matrix = cv2.getAffineTransform(np.ascontiguousarray(source), target)
        return np.asarray(matrix, np.float64)
    # As complex numbers z -> a z + b, where a turns and scales and b shifts.
    z, w = (points.astype(np.float64) @ (1.0, 1.0j) for points in (source, target))
    centred = z - z.mean()
    spread = np.vdot(centred, centred).real
    a = np.vdot(centred, w - w.mean()) / spread if spread else complex("nan")
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def similarity(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Fit the turn, scale and shift that takes points to others by least squares.

    Args:
        source: Points of shape (N, 2), two at least.
        target: Where each should come, (N, 2).
        weights: How much each counts, (N,), at least 0; equally if ``None``.

    Returns:
        float64 of shape (2, 3); not finite if the points are all one.
    """
    shares = np.ones(len(source)) if weights is None else weights
    shares = shares / shares.sum()
    z, w = source @ (1.0, 1.0j), target @ (1.0, 1.0j)
    middle, goal = shares @ z, shares @ w
    turned = shares @ ((z - middle).conj() * (w - goal))
    spread = float(shares @ np.abs(z - middle) ** 2)
    a = turned / spread if spread else complex("nan")
    b = goal - a * middle
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def composed(
    outer: NDArray[np.float64], inner: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compose two affine maps, each (2, 3): first ``inner``, then ``outer``."""
    return np.hstack(
        [
            outer[:, :2] @ inner[:, :2],
            (outer[:, :2] @ inner[:, 2] + outer[:, 2])[:, None],
        ]
    )


def inverted(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the inverse of an affine map (2, 3)."""
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)


def of_window(
    matrix: NDArray[np.float64], window: tuple[slice, slice]
) -> NDArray[np.float64]:
    """Affine map of a window of a photo, (2, 3), by that of the photo.

    Args:
        matrix: Map from the photo, (2, 3).
        window: Rows and columns.
    """
    begin = np.array([[1.0, 0.0, window[1].start], [0.0, 1.0, window[0].start]])
    return composed(matrix, begin)


def applied(
    matrix: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Map points (N, 2) by an affine map (2, 3)."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def eye_corners(
    landmarks: NDArray[Any], landmark_set: LandmarkSet
) -> NDArray[np.float64]:
    """Select the corners of the eyes, two of one eye and two of the other: (4, 2)."""
    indices = _EYE_CORNERS
    if landmark_set == "five_point":
        order = LANDMARK_INDICES["five_point"]
        indices = [order.index(corner) for corner in _EYE_CORNERS]
    return np.asarray(landmarks[indices], np.float64)


def square_crop(
    photo: NDArray[np.uint8], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Cut the largest square out of the middle of a photo, in the size of a face.

    It is shrunk by averaging the pixels that a new one covers, so that fine
    patterns turn grey and not into coarse ones; enlarged bilinearly.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        size: Side of the crop in pixels.

    Returns:
        uint8 RGB of shape (size, size, 3), and the map from photo to crop, float64
        of shape (2, 3).
    """
    square, left, top = _middle_square(photo)
    crop = _resized(square, size)
    scale = size / len(square)
    # The outer edges meet; pixels are half a pixel from theirs.
    shift = [scale * (0.5 - left) - 0.5, scale * (0.5 - top) - 0.5]
    matrix = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    return np.asarray(crop, np.uint8), matrix


def share_of_square(hidden: NDArray[np.bool_], size: int) -> NDArray[np.float32]:
    """Tell how much of each pixel of ``square_crop`` comes from hidden pixels.

    Args:
        hidden: Of the photo, bool of shape (height, width).
        size: Side of the crop in pixels.

    Returns:
        float32 of shape (size, size), 0 to 1, and 0 only if nothing does.
    """
    square, _, _ = _middle_square(hidden)
    return np.asarray(_resized(square.astype(np.float32), size), np.float32)


def _middle_square(picture: NDArray[Any]) -> tuple[NDArray[Any], int, int]:
    """Give the largest square in the middle, and how far it is from left and top."""
    height, width = picture.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    return picture[top : top + side, left : left + side], left, top


def _resized(square: NDArray[Any], size: int) -> NDArray[Any]:
    shrinks = size < len(square)
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(square), (size, size), interpolation=method)


def enlarged(matrix: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Map from a photo to a larger crop that shows the same as a smaller one.

    The outer edges of both crops meet. Their pixels are half a pixel from these, so
    that numbers of pixels are not just multiplied.

    Args:
        matrix: From the photo to the smaller crop, (2, 3).
        factor: Pixels of the larger crop for one of the smaller, along a side.
    """
    larger = matrix * factor
    larger[:, 2] += (factor - 1.0) / 2.0
    return larger


def shrinking(
    matrix: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[int, NDArray[np.float64]]:
    """Factor by which a photo is shrunk before a face is cut out, and the map then.

    Bilinear sampling reads four pixels of the photo for one of the face. From four
    pixels of the photo on, along a side, it would leave out so many that grain and
    stubble come out as coarse patterns (aliasing), so that blocks are averaged first,
    until it is two to four. Below that the crop is OpenFace's to the last bit.

    Args:
        matrix: From the photo to the face, (2, 3).
        shape: Height and width of the photo, which is not shrunk to less than a pixel.

    Returns:
        Side of the blocks in pixels, 1 for none, and the map from the shrunk photo to
        the face, float64 (2, 3).
    """
    # The least pixels of the photo for one of the face, of all directions.
    ratio = 1.0 / float(np.linalg.norm(matrix[:, :2], 2))
    if ratio < 2 * _MOST_SAMPLED:
        return 1, matrix
    factor = int(min(ratio / _MOST_SAMPLED, max(shape[:2])))
    shrunk = matrix.copy()
    # The middle of the first block is the middle of the first pixel.
    shrunk[:, 2] += shrunk[:, :2].sum(axis=1) * (factor - 1) / 2.0
    shrunk[:, :2] *= factor
    return factor, shrunk


def shrink(photo: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Average blocks of a photo; incomplete ones are filled up by its last pixels.

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        factor: Side of a block in pixels.

    Returns:
        uint8 RGB of shape (ceil(height / factor), ceil(width / factor), 3).
    """
    height, width = photo.shape[:2]
    below, right = -height % factor, -width % factor
    whole: NDArray[Any] = photo
    if below or right:
        whole = cv2.copyMakeBorder(photo, 0, below, 0, right, cv2.BORDER_REPLICATE)
    size = whole.shape[1] // factor, whole.shape[0] // factor
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))


def warp(
    photo: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    size: int,
    border: CropBorder = "black",
) -> NDArray[np.uint8]:
    """Cut the aligned face out of a photo.

    Bilinear, black outside the photo, as in OpenFace; photos of faces much larger than
    the crop are shrunk first (``shrinking``).

    Args:
        photo: uint8 RGB of shape (height, width, 3).
        matrix: From ``affine``.
        size: Side of the crop in pixels.
        border: Outside the photo there is ``black``, or the photo mirrored about the
            middle of its outermost pixels (``mirror``), as often as needed.

    Returns:
        uint8 RGB of shape (size, size, 3).
    """
    factor, matrix = shrinking(matrix, photo.shape)
    face = cv2.warpAffine(
        photo if factor == 1 else shrink(photo, factor),
        matrix,
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=_BORDER_MODES[border],
        borderValue=0,
    )
    return np.asarray(face, np.uint8)
