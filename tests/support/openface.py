"""What OpenFace's ``align-dlib.py`` makes of a photo, with dlib and OpenCV alone.

Written from the reference's description, with nothing of facefill's, to be
compared with it pixel by pixel.
"""

from functools import cache
from pathlib import Path

import cv2
import dlib
import face_recognition_models
import numpy as np

INNER_EYES_AND_BOTTOM_LIP = [39, 42, 57]
OUTER_EYES_AND_NOSE = [36, 45, 33]
# Points of OpenFace's mean face, by number; 0, 8, 16 and 24 are its extremes.
MEAN_FACE = {
    0: (0.0792396913815, 0.339223741112),
    8: (0.531777802068, 1.06080371126),
    16: (0.971193274221, 0.322118743967),
    24: (0.737466449096, 0.182360984545),
    33: (0.520712933176, 0.634268222208),
    36: (0.252418718401, 0.331052263829),
    39: (0.403718978315, 0.33867711083),
    42: (0.631326076346, 0.334136672344),
    45: (0.782865376271, 0.321305281656),
    57: (0.525398405766, 0.841706377792),
}


@cache
def models():
    folder = Path(face_recognition_models.__file__).parent / "models"
    predictor = dlib.shape_predictor(
        str(folder / "shape_predictor_68_face_landmarks.dat")
    )
    return dlib.get_frontal_face_detector(), predictor


@cache
def targets(indices):
    every = np.float32(list(MEAN_FACE.values()))
    unit = (every - every.min(axis=0)) / (every.max(axis=0) - every.min(axis=0))
    return np.float32([unit[list(MEAN_FACE).index(index)] for index in indices])


def align(path, sizes_and_landmarks):
    """Read a photo and give a crop for each (size, three landmarks); None if faceless.

    Crops are RGB; the photo is searched once.
    """
    rgb = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    detector, predictor = models()
    faces = detector(rgb, 1)
    if len(faces) == 0:
        return None
    box = max(faces, key=lambda face: face.width() * face.height())
    points = np.float32([(point.x, point.y) for point in predictor(rgb, box).parts()])
    crops = []
    for size, indices in sizes_and_landmarks:
        matrix = cv2.getAffineTransform(points[indices], size * targets(tuple(indices)))
        crops.append(cv2.warpAffine(rgb, matrix, (size, size)))
    return crops
