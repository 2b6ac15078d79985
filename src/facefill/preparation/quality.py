"""Quality checks of an alignment: eye distance, stretch, share inside the photo.

All of it is geometry of the landmarks and the map; no pixel is looked at.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from facefill.parameters import AlignOptions


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


def _corners(height: int, width: int) -> NDArray[np.float64]:
    """List the outer corners of a picture, whose pixels are at whole numbers.

    Returns:
        float64 of shape (4, 3): x, y and 1, the first the least and the third the
        greatest of both.
    """
    right, bottom = width - 0.5, height - 0.5
    corners = [(-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom)]
    return np.array([(x, y, 1.0) for x, y in corners])
