"""Whole completions: from the aligned face and its photo to the refined result.

Usage::

    python benchmarks/completion.py [--photos FOLDER] [--faces 64] [--rounds 3]
        [--batch-sizes 1 8 32 64] [--holes center own] [--iterations N]

Photos of the folder (by default eight portraits of the repository, over and over) are
aligned once, which is not counted. Then every face is completed by the pretrained
model as ``facefill.complete`` does by default: encoder, search, fit, Poisson blending
and refinement, as far as which ``refined faces`` are counted; then the face is put back
into its photo with the photo's grain, as far as which ``photos`` are. ``center`` hides
the middle of every face, as a shape does, so that all have one mask; ``own`` a
rectangle of each photo of its own, as mask files do. ``--iterations`` searches for
fewer or more than by default: 1 is next to what the encoder gives.

Beside it, in the same round and batches, stands the reference's recipe (``preset:
reference``, blended and put back by us). Of its 1,000 iterations as few are taken as
``--reference-iterations`` says, twice and once, and the time of the others is
extrapolated: every iteration costs the same. A batch of each is completed first and
not counted; times are medians over the rounds, and ratios are taken round by round.
CPU seconds are of all threads: on a machine that is busy with something else, too,
they tell more than the clock. Shares are of them.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

import facefill
from facefill.completion import refining, result
from facefill.completion.faces import AlignedFace, FaceInPhoto, face_with_hole
from facefill.completion.refining import (
    PHOTOS_AT_ONCE,
    Unfinished,
    finished,
    refined,
)
from facefill.completion.result import completed_face
from facefill.imaging.compositing import warped_hole
from facefill.imaging.masks import Mask, build_mask
from facefill.imaging.photos import Pixels, read_photo
from facefill.inversion.encoder import Encoder
from facefill.inversion.pca_fit import GaussianFit
from facefill.inversion.search import LatentSearch
from facefill.parameters import AlignOptions, CompleteOptions
from facefill.runtime.algebra_threads import one_algebra_thread
from facefill.runtime.batching import groups

PORTRAITS = Path(__file__).parents[1] / "tests/portraits"
SIZE, SEED, LAM = 64, 1, 0.1
FULL_ITERATIONS = 1000
STAGES = ("encoder", "search", "fit", "blending", "refiner", "grain", "putting back")
HOLES = ("center", "own")
COLUMNS = (
    "batch size",
    "refined faces/s",
    "photos/s",
    "reference, photos/s",
    "times as fast",
    "by CPU time",
    "CPU s a photo",
)

Job = tuple[Pixels, Mask, FaceInPhoto]
Seconds = NDArray[np.float64]


class Stopwatch:
    """Adds up the CPU seconds of stages, each without those that ran inside it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside."""
        started = time.process_time()
        self._inner.append(0.0)
        yield
        elapsed = time.process_time() - started
        self.seconds[name] += elapsed - self._inner.pop()
        self._inner[-1] += elapsed

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Time every call of a function."""

        def timed(*given: Any, **named: Any) -> Any:
            with self.stage(name):
                return function(*given, **named)

        return timed

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Time the stages that are called from inside others."""
        with ExitStack() as stack:
            for owner, attribute, name in (
                (Encoder, "latent", "encoder"),
                (GaussianFit, "fit", "fit"),
                (refining, "refined", "refiner"),
                (refining, "compose", "putting back"),
                (result, "with_grain", "grain"),
            ):
                timed = self.around(name, getattr(owner, attribute))
                stack.enter_context(mock.patch.object(owner, attribute, timed))
            yield


def jobs(folder: Path, count: int, holes: str) -> list[Job]:
    """Align photos and hide a part of each face."""
    found = []
    for path in sorted(folder.rglob("*.jpg"))[:count]:
        photo = read_photo(path)
        for face in facefill.align(photo, options=AlignOptions()):
            if face.pixels is not None and face.matrix is not None:
                found.append((path.stem, photo, face.pixels, face.matrix))
    if not found:
        raise SystemExit(f"no face in {folder}")
    rng = np.random.default_rng(SEED)
    made = []
    for number in range(count):
        name, photo, pixels, matrix = found[number % len(found)]
        kept = build_mask("center", SIZE) if holes == "center" else rectangle(rng)
        hole = warped_hole(kept, matrix, (photo.shape[0], photo.shape[1]))
        key = f"{number} {name}"
        aligned = AlignedFace(key, pixels, matrix, is_square=False)
        placed = face_with_hole(aligned, hole)
        assert placed is not None
        made.append((photo, hole, placed))
    return made


def rectangle(rng: np.random.Generator) -> Mask:
    """Hide a rectangle of a fifth to a half of a face's side, anywhere in it."""
    height, width = rng.integers(SIZE // 5, SIZE // 2, 2)
    top, left = rng.integers(0, SIZE - height), rng.integers(0, SIZE - width)
    kept = np.ones((SIZE, SIZE), np.bool_)
    kept[top : top + height, left : left + width] = False
    return kept


def search_of(**options: Any) -> LatentSearch:
    """Search of the pretrained model by some options."""
    model = facefill.load_model()
    chosen = CompleteOptions.model_validate(options)
    networks = model.generator, model.discriminator
    return LatentSearch(*networks, chosen, LAM, SEED, model.companions)


def unfinished(
    search: LatentSearch, work: Sequence[Job], watch: Stopwatch
) -> Iterator[Unfinished]:
    """Search for faces and blend them."""
    results = search.run(face.measurement for _, _, face in work)
    for photo, hole, face in work:
        with watch.stage("search"):
            candidates = next(results)
        with watch.stage("blending"):
            done = completed_face(face, candidates)
        yield Unfinished(photo, hole, [done])


def complete(search: LatentSearch, work: Sequence[Job], watch: Stopwatch) -> Seconds:
    """Complete photos; seconds of the clock, and of the CPU."""
    started = clocks()
    ready = unfinished(search, work, watch)
    for _ in finished(search.refiner, ready, search.options.outside):
        pass
    return clocks() - started


def refine(search: LatentSearch, work: Sequence[Job]) -> Seconds:
    """Complete and refine faces, and put none back; seconds as of ``complete``."""
    started = clocks()
    for group in groups(unfinished(search, work, Stopwatch()), PHOTOS_AT_ONCE):
        refined(search.refiner, group)
    return clocks() - started


def in_turn(
    function: Callable[[Any], Any], items: Iterable[Any], waiting: int
) -> Iterator[Any]:
    """Stand in for ``overlapped``, so that stages can be told from each other."""
    return map(function, items)


def stages_of(search: LatentSearch, work: Sequence[Job]) -> list[float]:
    """CPU seconds of each stage, one after the other."""
    watch = Stopwatch()
    turn = mock.patch.object(refining, "overlapped", in_turn)
    with watch.attached(), turn:
        complete(search, work, watch)
    return [watch.seconds[name] for name in STAGES]


def clocks() -> Seconds:
    """Seconds of the clock, and of the CPU."""
    return np.array([time.perf_counter(), time.process_time()])


def reference_seconds(
    short: LatentSearch, longer: LatentSearch, work: Sequence[Job]
) -> Seconds:
    """Seconds of the reference's recipe, from two searches of few iterations."""
    first = complete(short, work, Stopwatch())
    second = complete(longer, work, Stopwatch())
    taken = short.options.num_iterations
    an_iteration = (second - first) / (longer.options.num_iterations - taken)
    return first + (FULL_ITERATIONS - taken) * an_iteration


def measure(work: Sequence[Job], batch_size: int, given: argparse.Namespace) -> None:
    """Print a row: rates, beside that of the reference, and the shares of stages."""
    ours = search_of(batch_size=batch_size, iterations=given.iterations)
    taken = given.reference_iterations
    short, longer = (
        search_of(preset="reference", batch_size=batch_size, iterations=number)
        for number in (taken, 2 * taken)
    )
    some = work[: max(batch_size, len(work) // 8)]
    for search in (ours, short, longer):
        complete(search, work[:batch_size], Stopwatch())
    faces, seconds, theirs, stages = [], [], [], []
    for _ in range(given.rounds):
        faces.append(refine(ours, work) / len(work))
        seconds.append(complete(ours, work, Stopwatch()) / len(work))
        theirs.append(reference_seconds(short, longer, some) / len(some))
        stages.append(stages_of(ours, work))
    rate, per_cpu_second = 1.0 / np.median(seconds, axis=0)
    reference, _ = 1.0 / np.median(theirs, axis=0)
    ratios = np.median(np.array(theirs) / np.array(seconds), axis=0)
    shares = np.median(stages, axis=0)
    row = [
        str(batch_size),
        f"{1.0 / np.median(faces, axis=0)[0]:.2f}",
        f"{rate:.2f}",
        f"{reference:.3f}",
        *(f"{ratio:.1f}" for ratio in ratios),
        f"{1.0 / per_cpu_second:.2f}",
        *(f"{share:.0%}" for share in shares / shares.sum()),
    ]
    print("| " + " | ".join(row) + " |", flush=True)


def main() -> None:
    """Print a table for each kind of hole."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=Path, default=PORTRAITS)
    parser.add_argument("--faces", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--holes", nargs="+", choices=HOLES, default=list(HOLES))
    parser.add_argument("--iterations", type=int)
    parser.add_argument("--reference-iterations", type=int, default=20)
    given = parser.parse_args()
    for holes in given.holes:
        work = jobs(given.photos, given.faces, holes)
        print(f"\n{len(work)} faces, holes: {holes}\n")
        print("| " + " | ".join([*COLUMNS, *STAGES]) + " |")
        print("|---" * (len(COLUMNS) + len(STAGES)) + "|")
        for batch_size in given.batch_sizes:
            with one_algebra_thread():
                measure(work, batch_size, given)


if __name__ == "__main__":
    main()
