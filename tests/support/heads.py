"""The astronaut's head: aligned, and torn off below her mouth."""

import cv2
import numpy as np
import skimage.data

from facefill.completion.head_pictures import head_map, head_picture

SIZE = 64
_MIDDLE, _SCALE = (224.0, 118.0), 0.6
_TORN = 150


def astronaut():
    """Photo, and the map from it to the crop of her face, of 64 pixels."""
    to_crop = cv2.getRotationMatrix2D(_MIDDLE, 0.0, _SCALE)
    to_crop[:, 2] += (SIZE - 1) / 2 - np.array(_MIDDLE)
    return skimage.data.astronaut(), to_crop


def torn_photo():
    """Photo, its known pixels, and the map to her face: all below her mouth is gone."""
    photo, to_crop = astronaut()
    known = np.ones(photo.shape[:2], np.bool_)
    known[_TORN:] = False
    return photo, known, to_crop


def torn_head():
    """Picture of her head, and its known pixels."""
    photo, known, to_crop = torn_photo()
    to_head = head_map(to_crop, SIZE)
    whole, _ = head_picture(photo, np.ones_like(known), to_head)
    _, seen = head_picture(photo, known, to_head)
    return whole, seen
