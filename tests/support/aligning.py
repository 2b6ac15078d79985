"""A folder of photos that is aligned in this process."""

import hashlib

from facefill.parameters import AlignOptions, IngestOptions
from facefill.preparation.align_worker import AlignJob
from facefill.preparation.alignment import align_photos
from facefill.preparation.ingestion import ingest
from facefill.runtime.result_cache import ResultCache
from photos import map_here


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
