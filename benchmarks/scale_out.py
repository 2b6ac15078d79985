"""Memory and time of a preparation as the number of photos grows.

Usage::

    python benchmarks/scale_out.py [--rows 20000] [--workers 2]

Photos are of 8x8 pixels, each another, so that what is measured is everything but
the pixels: walking, hashing, sending, recording, and the tables at the end; 512 of
them are a chunk, since they take so little time. A line
is printed at every tenth of each stage: seconds since its start, and resident
megabytes of this process and of its largest worker.
"""

import argparse
import struct
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import skimage.data
from PIL import Image

from facefill.parameters import AlignOptions, IngestOptions
from facefill.preparation.align_worker import AlignJob
from facefill.preparation.alignment import align_photos
from facefill.preparation.ingestion import ingest
from facefill.runtime.parallel import ChunkMapper, chunk_mapper
from facefill.runtime.process_pool import Work
from facefill.runtime.result_cache import ResultCache

LINES = 10


def memory_mb() -> tuple[float, float]:
    """Give resident megabytes of this process and of its largest child."""
    this = psutil.Process()
    children = [child.memory_info().rss for child in this.children()]
    return this.memory_info().rss / 1e6, max(children, default=0) / 1e6


def show(stage: str, num_rows: int, started: float) -> None:
    """Print a line of the table."""
    main_mb, worker_mb = memory_mb()
    elapsed_s = time.monotonic() - started
    print(
        f"{stage:<22}{num_rows:>10}{elapsed_s:>10.1f}{main_mb:>10.0f}{worker_mb:>10.0f}",
        flush=True,
    )


def observed(map_chunks: ChunkMapper, stage: str, num_rows: int) -> ChunkMapper:
    """Print a line at every tenth of what a mapping does."""

    def mapping(
        work: Work, chunks: Iterable[Sequence[Any]]
    ) -> Generator[list[Any], None, None]:
        started, num_done, num_lines = time.monotonic(), 0, 0
        for results in map_chunks(work, chunks):
            num_done += len(results)
            yield results
            if num_done * LINES >= num_rows * (num_lines + 1):
                num_lines += 1
                show(stage, num_done, started)

    return mapping


def timed(stage: str, num_rows: int, function: Callable[[], Any]) -> Any:
    """Print a line for something done in one go."""
    started = time.monotonic()
    result = function()
    show(stage, num_rows, started)
    return result


def write_photos(folder: Path, num_photos: int) -> None:
    """Write bitmaps of 8x8 pixels, no two alike, and one photo with a face."""
    header = struct.pack("<2sIHHI", b"BM", 54 + 192, 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 24, 0, 192, 0, 0, 0, 0)
    pixels = np.random.default_rng(0)
    for number in range(num_photos):
        if number % 1000 == 0:
            place = folder / f"{number // 1000:05}"
            place.mkdir(parents=True)
        (place / f"{number:08}.bmp").write_bytes(header + pixels.bytes(192))
    Image.fromarray(skimage.data.astronaut()[:220, 110:330]).save(folder / "face.png")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    options = AlignOptions(workers=asked.workers, chunk_size=512)
    map_chunks = chunk_mapper(asked.workers, None, options.timeout_s)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_photos(root / "photos", asked.rows)
        print(f"{'stage':<22}{'rows':>10}{'s':>10}{'MB here':>10}{'MB worker':>10}")
        show("start", 0, time.monotonic())
        job = AlignJob(root / "photos", root / "faces", 64, options)
        records = ResultCache(root / "seen"), ResultCache(root / "aligned")

        def see() -> Any:
            decoding = observed(map_chunks, "  decoding", asked.rows)
            return ingest(job.photos, records[0], IngestOptions(), options, decoding)

        def align(manifest: Any) -> Any:
            aligning = observed(map_chunks, "  aligning", asked.rows)
            return align_photos(manifest, job, records[1], aligning)

        manifest = timed("ingest", asked.rows, see)
        timed("align", asked.rows, lambda: align(manifest))
        manifest = timed("ingest again", asked.rows, see)
        timed("align again", asked.rows, lambda: align(manifest))


if __name__ == "__main__":
    main()
