"""A folder of photos that is aligned in this process."""

import hashlib

import cv2
import numpy as np

from facefill.parameters import AlignOptions, IngestOptions
from facefill.preparation.align_worker import AlignJob
from facefill.preparation.alignment import align_photos
from facefill.preparation.ingestion import ingest
from facefill.runtime.result_cache import ResultCache
from photos import face_photo, map_here, write_photo


class Preparing:
    """A folder of photos, and what preparing it takes."""

    def __init__(self, root):
        self.photos = root / "photos"
        self.faces = root / "faces"
        self.records = ResultCache(root / "records")
        self.ingested = ResultCache(root / "ingested")

    def __call__(self, size=64, map_chunks=None, **options):
        options = AlignOptions(**options)
        manifest = self.ingest(options)
        job = AlignJob(self.photos, self.faces, size, options)
        return align_photos(manifest, job, self.records, map_chunks or map_here)

    def ingest(self, options=None):
        options = options or AlignOptions()
        return ingest(self.photos, self.ingested, IngestOptions(), options, map_here)

    def written(self):
        """Give the hash of every file in the tree of faces."""
        return {
            path.relative_to(self.faces).as_posix(): hashlib.sha256(
                path.read_bytes()
            ).hexdigest()
            for path in self.faces.rglob("*")
            if path.is_file()
        }


class Failing:
    """Maps chunks here, but one photo has the fate of those that others kill."""

    def __init__(self, photo_id, reason):
        self.photo_id, self.reason = photo_id, reason
        self.tried = []

    def __call__(self, work, chunks):
        for chunk in chunks:
            self.tried += [item.photo_id for item in chunk]
            yield [
                work.failed(item, self.reason)
                if item[0] == self.photo_id
                else work(item)
                for item in chunk
            ]


def column(table, name):
    """Map the path of each photo to its value in a column."""
    return dict(zip(table["path"], table[name], strict=True))


def write_two_faces(path):
    """Show the astronaut twice, on the right in one and a half times the size."""
    large = cv2.resize(face_photo(), (330, 330))
    small = np.zeros_like(large)
    small[:220, :220] = face_photo()
    write_photo(path, np.hstack([small, large]))
