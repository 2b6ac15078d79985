"""Hours of work in one process: memory, descriptors, threads and speed should stay.

Usage::

    python benchmarks/soak.py    # hours; shorter with the options
    python benchmarks/soak.py --alignments 2000 --completions 200 --minutes 10

Each kind of work has a process of its own, and a row for each tenth of it:

* **alignments** of the embedded sample, every second photo with a hole;
* **completions** of the same, each with a hole of its own, as ``facefill.complete``;
* **training** of the default networks, batches included, as ``kedro run`` takes steps.

The first tenth compiles, and fills what is kept on purpose; compare the others.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import psutil

PHOTOS = Path(__file__).parents[1] / "data/demo/01_raw/photos"
PARTS = 10
KINDS = ("alignments", "completions", "training")


def photos() -> list[np.ndarray]:
    """The embedded sample, uint8 RGB."""
    from facefill.imaging.photos import read_photo

    return [read_photo(path) for path in sorted(PHOTOS.glob("*.jpg"))]


def drawn_hole(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A rectangle of a tenth to a third of each side, near the middle."""
    hole = np.zeros(shape[:2], np.bool_)
    height, width = (int(side * rng.uniform(0.1, 0.33)) for side in hole.shape)
    top, left = (int(side * rng.uniform(0.3, 0.5)) for side in hole.shape)
    hole[top : top + height, left : left + width] = True
    return hole


def alignments() -> Iterator[int]:
    """Align one photo after the other."""
    from facefill.parameters import AlignOptions
    from facefill.preparation.extraction import extract

    rng = np.random.default_rng(1)
    for number, photo in enumerate(cycle(photos())):
        hole = drawn_hole(rng, photo.shape) if number % 2 else None
        extract(photo, AlignOptions(), 64, hole)
        yield 1


def completions() -> Iterator[int]:
    """Complete one photo after the other."""
    import facefill

    model = facefill.load_model("pretrained")
    rng = np.random.default_rng(1)
    for photo in cycle(photos()):
        facefill.complete(photo, drawn_hole(rng, photo.shape), model=model)
        yield 1


def training() -> Iterator[int]:
    """Train on noise, a few steps at a time."""
    from facefill.backend.devices import resolve_precision
    from recipes import STEPS, ours

    draw = np.random.default_rng(0)
    faces = draw.integers(0, 256, (2048, 64, 64, 3), np.uint8)
    advance = ours.rounds_of_steps(faces, 64, resolve_precision("auto", "cpu"))
    while True:
        advance()
        yield STEPS


def soak(kind: str, count: int, minutes: float) -> None:
    """Do the work of a kind in this process, and print a row for each part."""
    process = psutil.Process()
    work = globals()[kind]()
    print(f"\n{kind:<12}{'a second':>10}{'MiB':>8}{'descriptors':>13}{'threads':>9}")
    total = 0
    for part in range(1, PARTS + 1):
        began, done = time.monotonic(), 0
        while (
            time.monotonic() - began < 60.0 * minutes / PARTS
            if kind == "training"
            else total + done < count * part // PARTS
        ):
            done += next(work)
        total += done
        rate = done / (time.monotonic() - began)
        resident = process.memory_info().rss / 2**20
        print(
            f"{total:<12,}{rate:>10.2f}{resident:>8,.0f}{process.num_fds():>13}"
            f"{process.num_threads():>9}",
            flush=True,
        )


def main() -> None:
    """Soak every kind, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--alignments", type=int, default=20_000)
    parser.add_argument("--completions", type=int, default=2_000)
    parser.add_argument("--minutes", type=float, default=120.0, help="of training")
    parser.add_argument("--here", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        soak(options.here, getattr(options, options.here, 0), options.minutes)
        return
    for kind in options.kinds.split(","):
        subprocess.run([sys.executable, *sys.argv, "--here", kind], check=True)


if __name__ == "__main__":
    main()
