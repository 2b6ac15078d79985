"""Measure the joint statistics of landmarks and grey pictures that facefill ships.

Run it in the project's environment, with the folder ``data`` of a project whose photos
are prepared as by default, one subfolder a person::

    kedro run --pipeline=prepare
    python tools/ship_face_prior.py data/

At most two photos of each training person are used.
"""

import argparse
import hashlib
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from scipy.linalg import eigh
from training_faces import training_faces

from facefill.imaging import geometry
from facefill.preparation.detection import Box
from facefill.preparation.face_prior import DESCRIPTION, FILE, FacePrior
from facefill.preparation.landmark_network import MIRRORED
from facefill.runtime.files import write_bytes, write_json
from facefill.runtime.packaged_files import FOLDER

SIDE = 48
PER_PERSON = 2
# Weight of the landmarks' variance beside that of the pixels, as a factor of scale.
LANDMARK_SHARE = 0.7


class Face(NamedTuple):
    """A face to measure: its grey picture, landmarks and box."""

    grey: np.ndarray
    landmarks: np.ndarray
    box: Box


def main() -> None:
    """Measure photos of the training side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--components", type=int, default=256)
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    faces = [
        Face(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32), landmarks, box)
        for photo, landmarks, box in training_faces(arguments.data, PER_PERSON)
    ]
    prior = _measured(faces, arguments.components)
    content = prior.packed()
    write_bytes(arguments.output / FILE, content)
    described = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "components": arguments.components,
        "faces": len(faces),
    }
    write_json(arguments.output / DESCRIPTION, described)
    print(f"{len(faces)} faces, {len(content)} bytes")


def _measured(faces: list[Face], num_components: int) -> FacePrior:
    mean = _mean_shape([landmarks for _, landmarks, _ in faces])
    empty = FacePrior(
        mean_pixels=np.zeros((SIDE, SIDE), np.float32),
        mean_points=mean,
        pixels=np.zeros((1, SIDE, SIDE), np.float32),
        points=np.zeros((1, 68, 2)),
        variances=np.ones(1),
        box=(0.5, 0.5, 1.0),
    )
    pixels, points, boxes = [], [], []
    for grey, landmarks, box in faces:
        frame = geometry.similarity(landmarks, mean)
        seen = empty.view(grey, np.ones_like(grey), frame)
        if seen.known.mean() < 0.985:
            continue
        pixels.append(np.where(seen.known, seen.pixels, np.median(seen.pixels)))
        points.append(geometry.applied(frame, landmarks) - mean)
        low, high = geometry.applied(frame, np.reshape(box, (2, 2)).astype(float))
        boxes.append([*(low + high) / 2.0, np.mean(high - low)])
    return _components(
        np.array(pixels), np.array(points), mean, num_components, np.median(boxes, 0)
    )


def _mean_shape(shapes: list[np.ndarray]) -> np.ndarray:
    """Give the mean of faces and their mirror images; the crop is the unit square."""
    indices = geometry.LANDMARK_INDICES["innerEyesAndBottomLip"]
    target = geometry.target_points("innerEyesAndBottomLip", 1).astype(np.float64)
    first = shapes[0]
    mean = geometry.applied(geometry.similarity(first[indices], target), first)
    for _ in range(4):
        moved = [
            geometry.applied(geometry.similarity(shape, mean), shape)
            for shape in shapes
        ]
        mean = np.mean(moved, axis=0)
        mirrored = (mean * (-1.0, 1.0))[MIRRORED] + (1.0, 0.0)
        mean = (mean + mirrored) / 2.0
        mean = geometry.applied(geometry.similarity(mean[indices], target), mean)
    return mean - (mean[:, 0].mean() - 0.5, 0.0)


def _components(
    pixels: np.ndarray,
    points: np.ndarray,
    mean_points: np.ndarray,
    num_components: int,
    box: np.ndarray,
) -> FacePrior:
    """Give the principal components of faces and their mirror images."""
    count = len(pixels)
    flat = pixels.reshape(count, -1).astype(np.float32)
    mean = flat.mean(axis=0, dtype=np.float64).reshape(SIDE, SIDE)
    mean = ((mean + mean[:, ::-1]) / 2.0).astype(np.float32)
    flat -= mean.ravel()
    offsets = points.reshape(count, -1)
    spread = float(
        np.sqrt(np.square(flat, dtype=np.float64).sum() / np.sum(offsets**2))
    )
    scale = LANDMARK_SHARE * spread
    both = np.hstack([flat, (scale * offsets).astype(np.float32)])
    covariance = (both.T @ both).astype(np.float64) / count
    size = SIDE * SIDE
    order = np.arange(size).reshape(SIDE, SIDE)[:, ::-1].ravel()
    landmarks = size + np.stack([2 * MIRRORED, 2 * MIRRORED + 1], axis=1).ravel()
    mirror = np.concatenate([order, landmarks])
    sign = np.ones(len(mirror))
    sign[size::2] = -1.0
    mirrored = sign[:, None] * covariance[np.ix_(mirror, mirror)] * sign
    last = len(covariance) - 1
    variances, vectors = eigh(
        (covariance + mirrored) / 2.0,
        subset_by_index=(last - num_components + 1, last),
    )
    vectors = vectors[:, ::-1].T
    across, down, side = box.tolist()
    return FacePrior(
        mean_pixels=mean,
        mean_points=mean_points,
        pixels=vectors[:, :size].reshape(-1, SIDE, SIDE).astype(np.float32),
        points=vectors[:, size:].reshape(-1, 68, 2) / scale,
        variances=variances[::-1],
        box=(across, down, side),
    )


if __name__ == "__main__":
    main()
