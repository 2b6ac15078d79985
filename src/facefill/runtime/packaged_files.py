"""Files that come with facefill, each with its SHA-256 in a JSON file beside it.

Also their arrays of 8 bits, a quarter of the size of float32.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facefill.errors import ModelError

FOLDER = Path(__file__).parents[1] / "pretrained"
"""Where they are."""

_LEVELS = 127.0


def read_description(path: Path) -> dict[str, Any] | None:
    """Read what a file is, ``sha256`` among it; ``None`` if there is none.

    Raises:
        ModelError: If the description is damaged.
    """
    if not path.is_file():
        return None
    try:
        described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return described | {"sha256": described["sha256"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} is damaged ({error}); install facefill again"
        ) from error


def require_description(path: Path) -> dict[str, Any]:
    """Read what a file is, where there has to be one.

    Raises:
        ModelError: If the description is absent or damaged.
    """
    described = read_description(path)
    if described is None:
        raise ModelError(f"{path} is absent; install facefill again")
    return described


def read_packaged(path: Path, sha256: str) -> bytes:
    """Read a file of which the hash is known.

    Raises:
        ModelError: If it is absent, or not the one that was shipped.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"the pretrained {path} cannot be read ({error}); install facefill again"
        ) from error
    actual = hashlib.sha256(content).hexdigest()
    if actual != sha256:
        raise ModelError(
            f"the pretrained {path} has sha256 {actual}, not {sha256}: it is not the "
            "file that was shipped; install facefill again"
        )
    return content


def read_described(path: Path, description: Path) -> bytes:
    """Read a file whose hash stands in its description.

    Raises:
        ModelError: If either is absent or damaged.
    """
    return read_packaged(path, str(require_description(description)["sha256"]))


def to_eight_bits(
    array: NDArray[np.floating],
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round an array to 255 levels about 0, evenly within each entry of its first axis.

    Args:
        array: (N, ...), no entry all 0.

    Returns:
        The levels, of the array's shape, and the largest magnitude of each entry, (N,).
    """
    scales = np.abs(array).max(axis=tuple(range(1, array.ndim))).astype(np.float32)
    levels = np.rint(array / _along_first_axis(scales, array.ndim) * _LEVELS)
    return levels.astype(np.int8), scales


def from_eight_bits(
    levels: NDArray[np.int8], scales: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Give the array, float32, that ``to_eight_bits`` rounded; off by half a level."""
    steps = _along_first_axis(scales, levels.ndim) / np.float32(_LEVELS)
    return np.asarray(levels.astype(np.float32) * steps, np.float32)


def _along_first_axis(
    scales: NDArray[np.float32], num_axes: int
) -> NDArray[np.float32]:
    return scales.reshape(-1, *[1] * (num_axes - 1))
