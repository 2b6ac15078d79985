"""Inspection of one photo in any process: size and perceptual hash."""

from dataclasses import dataclass
from pathlib import Path

import cv2

from facefill.errors import PhotoError
from facefill.imaging.photos import decode_photo, perceptual_hash, read_known
from facefill.parameters import IngestOptions
from facefill.runtime.result_cache import Row

Item = tuple[str, str]
"""A photo's id and the SHA-256 of its content."""

MIN_SIDE = 5
"""Least height and width: smaller ones show nothing, as single pixels of web pages."""


def content_key(sha256: str, options: IngestOptions) -> str:
    """Name the row of a content by all that it depends on."""
    return f"{sha256} {options.max_pixels}"


@dataclass(frozen=True)
class InspectPhoto:
    """Decodes photos of a folder: an object that any process can be sent.

    Attributes:
        photos: Folder that the photos' ids are relative to.
        options: Limits.
        timeout_s: Seconds that a photo may take.
    """

    photos: Path
    options: IngestOptions
    timeout_s: float

    def start(self) -> None:
        """Leave the other cores to the other processes."""
        cv2.setNumThreads(1)

    def __call__(self, item: Item) -> Row:
        """Find out what a photo is: usable and of what size, or rejected and why."""
        photo_id, sha256 = item
        try:
            content = read_known(self.photos / photo_id, sha256)
            photo = decode_photo(content, self.options.max_pixels)
            if min(photo.shape[:2]) < MIN_SIDE:
                raise PhotoError("too_small")
        except PhotoError as error:
            return self.failed(item, error.reason)
        height, width = photo.shape[:2]
        return {
            "key": content_key(sha256, self.options),
            "status": "ok",
            "reason": "",
            "width": width,
            "height": height,
            "perceptual_hash": perceptual_hash(photo),
        }

    def failed(self, item: Item, reason: str) -> Row:
        """Reject a photo."""
        row = {
            "key": content_key(item[1], self.options),
            "status": "rejected",
            "reason": reason,
        }
        return row | ({"timeout_s": self.timeout_s} if reason == "timeout" else {})
