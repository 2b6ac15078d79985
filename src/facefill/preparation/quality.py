"""Quality of an aligned face: of its geometry, and of its pixels.

Eye distance, stretch and the share inside the photo are geometry of the landmarks and
the map. Sharpness and colourfulness are of the crop's pixels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.imaging.photos import Pixels
from facefill.parameters import AlignOptions

BLUR_SIGMA = 1.5
"""Of the Gaussian that detail is what is above of, in pixels of the crop."""


def fault(
    corners: NDArray[np.float64],
    matrix: NDArray[np.float64],
    shape: tuple[int, int],
    size: int,
    options: AlignOptions,
) -> str:
    """Find why an aligned face is unusable.

    Args:
        corners: Corners of the eyes, shape (4, 2), two of an eye and two of the
            other, x and y in pixels of the photo.
        matrix: From photo to crop, shape (2, 3).
        shape: Height and width of the photo.
        size: Side of the crop in pixels.
        options: The limits.

    Returns:
        ``too_small``, ``stretched`` or ``beyond_edge``; empty if nothing is wrong.
    """
    if eye_distance(corners) < options.min_eye_distance:
        return "too_small"
    if stretch(matrix) > options.max_stretch:
        return "stretched"
    if share_inside(matrix, shape, size) < options.min_inside:
        return "beyond_edge"
    return ""


def is_singular(matrix: NDArray[np.float64]) -> bool:
    """Whether a map is none: of landmarks on one line, it has no inverse."""
    return not (np.isfinite(matrix).all() and abs(np.linalg.det(matrix[:, :2])) >= 1e-9)


def eye_distance(corners: NDArray[np.float64]) -> float:
    """Measure from the middle of one eye to that of the other, in pixels."""
    middles = corners[:2].mean(axis=0), corners[2:].mean(axis=0)
    return float(np.linalg.norm(middles[0] - middles[1]))


def stretch(matrix: NDArray[np.float64]) -> float:
    """Measure how much more a map enlarges in one direction than in another.

    It is the condition number of the map's linear part: 1 for a turn or a change
    of scale, infinite for a map onto a line.

    Example:
        >>> stretch(np.array([[3.0, 0.0, 7.0], [0.0, 2.0, 5.0]]))
        1.5
    """
    return float(np.linalg.cond(matrix[:, :2]))


def share_inside(
    matrix: NDArray[np.float64], shape: tuple[int, int], size: int
) -> float:
    """Measure the share of a crop that shows the photo and not what is beyond it.

    Args:
        matrix: From photo to crop, shape (2, 3); it has an inverse.
        shape: Height and width of the photo.
        size: Side of the crop in pixels.

    Returns:
        Share of the crop's area, 0 to 1.
    """
    crop = _corners(size, size) @ cv2.invertAffineTransform(matrix).T
    photo = _corners(*shape)[:, :2]
    if (crop >= photo[0]).all() and (crop <= photo[2]).all():
        return 1.0
    # Around the crop's first corner, since OpenCV cuts in float32.
    area, _ = cv2.intersectConvexConvex(
        (crop - crop[0]).astype(np.float32), (photo - crop[0]).astype(np.float32)
    )
    return float(area * abs(np.linalg.det(matrix[:, :2])) / size**2)


def sharpness(crop: Pixels) -> float:
    """Measure fine detail in the middle of a crop.

    It is the energy above a Gaussian: the mean square of what a blur of 1.5 pixels
    takes away, over the inner five eighths of each side and the three channels, so that
    neither background nor border counts. It is for crops of one resolution: the same
    face has about five times as much at 64 pixels as at 128.

    Args:
        crop: uint8 RGB (size, size, 3), 8 pixels at least.

    Returns:
        Squared grey levels; 0 if all pixels are equal.
    """
    values = crop.astype(np.float32)
    detail = values - cv2.GaussianBlur(values, (0, 0), BLUR_SIGMA)
    edge = len(crop) * 3 // 16
    return float(np.square(detail[edge:-edge, edge:-edge]).mean())


def colourfulness(crop: Pixels) -> float:
    """Measure how colourful a crop is (Hasler and Suesstrunk 2003).

    With rg = R - G and yb = (R + G) / 2 - B it is the length of the vector of both
    standard deviations, and 0.3 times that of both means.

    Args:
        crop: uint8 RGB (height, width, 3).

    Returns:
        Grey levels; 0 if every pixel is grey.
    """
    red, green, blue = np.moveaxis(crop.astype(np.float64), -1, 0)
    opponents = red - green, (red + green) / 2.0 - blue
    spread = np.hypot(*(each.std() for each in opponents))
    return float(spread + 0.3 * np.hypot(*(each.mean() for each in opponents)))


def _corners(height: int, width: int) -> NDArray[np.float64]:
    """List the outer corners of a picture, whose pixels are at whole numbers.

    Returns:
        float64 of shape (4, 3): x, y and 1, the first the least and the third the
        greatest of both.
    """
    right, bottom = width - 0.5, height - 0.5
    corners = [(-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom)]
    return np.array([(x, y, 1.0) for x, y in corners])
