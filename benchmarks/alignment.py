"""Alignment beside the plainest loop that does the same, and beside OpenFace.

Usage::

    python benchmarks/alignment.py [--folder PHOTOS] [--rounds N]

Photos of 250x250 are those of the folder (the embedded sample by default), again and
again; photos of 1280x720 are made by pasting three of them, enlarged, into a larger
one. ``floor`` is a bare loop of decode, detect, predict, warp and encode; ``OpenFace``
is that of its ``align-dlib.py``, with its own checks and conversions. Ours also decodes
strictly, measures, writes atomically, keeps records, and watches its processes.

The speed of a machine drifts by more than the differences that matter here. So all ways
are under way at once, and stopped (SIGSTOP), save one that goes on for some seconds: in
each round every way has its turn, in an order that is drawn. What a way did in its turn
are the faces that it wrote. Ratios are of turns of one round; the table gives their
median, their quartiles, and the ratio of the totals, which no rounding to whole photos
disturbs. A machine that gives two processes less than twice the work of one shows it in
``floor, 2 processes``. CPU time is of all processes of a way, and is what to compare
where the machine has other work.
"""

import argparse
import itertools
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import dlib
import numpy as np
import pandas as pd
import psutil

from facefill.imaging.geometry import target_points
from facefill.parameters import AlignOptions, IngestOptions
from facefill.preparation.align_worker import AlignJob
from facefill.preparation.alignment import align_photos
from facefill.preparation.detection import landmark_model_path
from facefill.preparation.ingestion import ingest
from facefill.runtime.parallel import chunk_mapper
from facefill.runtime.result_cache import ResultCache

SAMPLE = Path(__file__).parents[1] / "data/demo/01_raw/photos"
SIZE = 64
NUM_NAMES = 12_000
"""Names of photos, more than are done, so that no way comes to its end."""

# Turns of other ways count as time of a photo: no deadline may come meanwhile.
PATIENT_S = 86_400.0
WAYS = {
    "floor": None,
    "floor, 2 processes": None,
    "OpenFace": None,
    "exact, 1 worker": AlignOptions(workers=1, timeout_s=PATIENT_S),
    "exact, 2 workers": AlignOptions(workers=2, timeout_s=PATIENT_S),
    "cascade, 1 worker": AlignOptions(
        workers=1, detector="cascade", timeout_s=PATIENT_S
    ),
    "cascade, 2 workers": AlignOptions(
        workers=2, detector="cascade", timeout_s=PATIENT_S
    ),
}
# What takes how many times as long as what.
RATIOS = [
    ("OpenFace", "floor"),
    ("exact, 1 worker", "floor"),
    ("exact, 1 worker", "exact, 2 workers"),
    ("floor", "floor, 2 processes"),
    ("exact, 1 worker", "cascade, 1 worker"),
    ("exact, 2 workers", "cascade, 2 workers"),
    ("cascade, 1 worker", "cascade, 2 workers"),
]


def read_bgr(path: Path) -> np.ndarray:
    """Read a photo as OpenCV has it."""
    photo = cv2.imread(str(path))
    if photo is None:
        sys.exit(f"{path} is no photo that OpenCV reads")
    return photo


def floor(photos: Iterable[Path], output: Path) -> None:
    """Do what has to be done, and nothing else."""
    targets = target_points("innerEyesAndBottomLip", SIZE)
    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(str(landmark_model_path()))
    for path in photos:
        photo = cv2.cvtColor(read_bgr(path), cv2.COLOR_BGR2RGB)
        boxes = detector(photo, 1)
        if not boxes:
            continue
        box = max(boxes, key=lambda face: face.width() * face.height())
        points = predictor(photo, box)
        chosen = [
            (points.part(index).x, points.part(index).y) for index in (39, 42, 57)
        ]
        matrix = cv2.getAffineTransform(np.array(chosen, np.float32), targets)
        face = cv2.warpAffine(photo, matrix, (SIZE, SIZE))
        cv2.imwrite(f"{output}/{path.stem}.png", cv2.cvtColor(face, cv2.COLOR_RGB2BGR))


def openface(photos: Iterable[Path], output: Path) -> None:
    """Do as ``align-dlib.py`` does, in its order."""
    targets = target_points("innerEyesAndBottomLip", SIZE)
    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(str(landmark_model_path()))
    for path in photos:
        name = output / f"{path.stem}.png"
        if name.is_file():
            continue
        bgr = cv2.imread(str(path))
        if bgr is None:
            continue
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        boxes = detector(rgb, 1)
        if len(boxes) == 0:
            continue
        box = max(boxes, key=lambda face: face.width() * face.height())
        points = [(point.x, point.y) for point in predictor(rgb, box).parts()]
        chosen = np.array(points, np.float32)[[39, 42, 57]]
        face = cv2.warpAffine(
            rgb, cv2.getAffineTransform(chosen, targets), (SIZE, SIZE)
        )
        cv2.imwrite(str(name), cv2.cvtColor(face, cv2.COLOR_RGB2BGR))


def ours(folder: Path, output: Path, options: AlignOptions) -> None:
    """Align the photos of a manifest as a run does."""
    manifest = pd.read_parquet(folder / "manifest.parquet")
    mapper = chunk_mapper(options.workers, None, options.timeout_s)
    job = AlignJob(folder / "photos", output, SIZE, options)
    align_photos(manifest, job, ResultCache(folder / "records" / output.name), mapper)


def work(way: str, folder: Path) -> None:
    """Align photo after photo, until somebody ends this process."""
    cv2.setNumThreads(1)
    output = folder / way
    output.mkdir()
    photos = sorted((folder / "photos").iterdir())
    if options := WAYS[way]:
        ours(folder, output, options)
    elif way == "OpenFace":
        openface(photos, output)
    elif way == "floor":
        floor(photos, output)
    else:
        first = os.fork() > 0
        floor(photos[0 if first else 1 :: 2], output)


class Turn(NamedTuple):
    """What a way did in a turn."""

    faces: int
    wall_ms: float
    cpu_ms: float


class Racer:
    """A way under way, in a process group of its own."""

    def __init__(self, way: str, folder: Path) -> None:
        self.way, self._output = way, folder / way
        self.turns: list[Turn] = []
        self._process = psutil.Popen(
            [sys.executable, __file__, "--work", way, "--folder", str(folder)],
            start_new_session=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        started = time.monotonic()
        while self._num_faces() < 4:
            if self._process.poll() is not None:
                sys.exit(f"{way} ended with exit code {self._process.returncode}")
            time.sleep(0.02)
        self.start_s = time.monotonic() - started
        self._signal(signal.SIGSTOP)

    def race(self, seconds: float) -> None:
        """Have a turn."""
        faces, cpu = self._num_faces(), self._cpu_s()
        began = time.perf_counter()
        self._signal(signal.SIGCONT)
        time.sleep(seconds)
        self._signal(signal.SIGSTOP)
        wall = time.perf_counter() - began
        if self._process.status() == psutil.STATUS_ZOMBIE:
            sys.exit(f"{self.way} has come to its end")
        self.turns.append(
            Turn(self._num_faces() - faces, 1000 * wall, 1000 * (self._cpu_s() - cpu))
        )

    def ms(self, kind: str) -> float:
        """Give the ``wall_ms`` or ``cpu_ms`` of a photo in all turns."""
        faces = sum(turn.faces for turn in self.turns)
        return float(sum(getattr(turn, kind) for turn in self.turns) / max(faces, 1))

    def peaks_mb(self) -> tuple[float, float]:
        """Give the peak of the process, and of its largest child."""
        of_children = [_peak_mb(child.pid) for child in self._process.children()]
        return _peak_mb(self._process.pid), max(of_children, default=0.0)

    def end(self) -> None:
        """Kill all its processes."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        os.killpg(self._process.pid, number)

    def _num_faces(self) -> int:
        if not self._output.is_dir():
            return 0
        with os.scandir(self._output) as entries:
            return sum(entry.name.endswith(".png") for entry in entries)

    def _cpu_s(self) -> float:
        times = [
            process.cpu_times()
            for process in (self._process, *self._process.children(recursive=True))
        ]
        return float(sum(time.user + time.system for time in times))


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if "VmHWM" in line).split()[1]) / 1024


def write_photos(folder: Path, pictures: Iterator[bytes]) -> None:
    """Fill a folder with photos under many names, and say what is in it."""
    photos = folder / "photos"
    photos.mkdir()
    known = []
    for number, content in enumerate(pictures):
        known.append(photos / f"{number:06}.jpg")
        known[-1].write_bytes(content)
    for number in range(len(known), NUM_NAMES):
        os.link(known[number % len(known)], photos / f"{number:06}.jpg")
    options = AlignOptions()
    mapper = chunk_mapper(None, None, options.timeout_s)
    manifest = ingest(
        photos, ResultCache(folder / "ingested"), IngestOptions(), options, mapper
    )
    manifest.to_parquet(folder / "manifest.parquet")


def small(files: list[Path], size: int = 250) -> Iterator[bytes]:
    """Give photos of 250x250."""
    for path in files:
        photo = read_bgr(path)
        if photo.shape[:2] == (size, size):
            yield path.read_bytes()
        else:
            photo = cv2.resize(photo, (size, size), interpolation=cv2.INTER_AREA)
            yield cv2.imencode(".jpg", photo)[1].tobytes()


def large(files: list[Path]) -> Iterator[bytes]:
    """Give photos of 1280x720: three faces beside each other."""
    for number in range(0, len(files) - 2, 3):
        picture = np.zeros((720, 1280, 3), np.uint8)
        for place, side in enumerate((400, 500, 380)):
            photo = read_bgr(files[number + place])
            left = (0, 400, 900)[place]
            picture[100 : 100 + side, left : left + side] = cv2.resize(
                photo, (side, side), interpolation=cv2.INTER_CUBIC
            )
        yield cv2.imencode(".jpg", picture)[1].tobytes()


@contextmanager
def racers(folder: Path) -> Generator[list[Racer], Any, None]:
    """Start every way; they are stopped, and ended in any case."""
    started: list[Racer] = []
    try:
        for way in WAYS:
            started.append(Racer(way, folder))
        yield started
    finally:
        for racer in started:
            racer.end()


def show_ways(every: list[Racer]) -> None:
    """Print what a photo costs, way by way."""
    print(
        f"{'':<20}{'photos':>7}{'wall':>8}{'/floor':>8}{'CPU':>8}{'/floor':>8}"
        f"{'start s':>9}{'MB':>6}{'worker MB':>11}"
    )
    bare = every[0]
    for racer in every:
        wall, cpu = racer.ms("wall_ms"), racer.ms("cpu_ms")
        main_mb, worker_mb = racer.peaks_mb()
        print(
            f"{racer.way:<20}{sum(turn.faces for turn in racer.turns):>7}{wall:>8.1f}"
            f"{wall / bare.ms('wall_ms'):>8.3f}{cpu:>8.1f}"
            f"{cpu / bare.ms('cpu_ms'):>8.3f}{racer.start_s:>9.1f}{main_mb:>6.0f}"
            f"{worker_mb:>11.0f}"
        )


def show_ratios(every: list[Racer]) -> None:
    """Print how many times as long one way takes as another, round by round."""
    of_way = {racer.way: racer for racer in every}
    print(f"\n{'':<42}{'median':>8}{'quartiles':>16}{'of totals':>11}")
    for (one, other), kind in itertools.product(RATIOS, ("wall_ms", "cpu_ms")):
        pairs = zip(of_way[one].turns, of_way[other].turns, strict=True)
        ratios = [
            getattr(a, kind) * b.faces / (getattr(b, kind) * a.faces)
            for a, b in pairs
            if a.faces and b.faces and getattr(b, kind)
        ]
        if len(ratios) < 2:
            continue
        low, middle, high = statistics.quantiles(ratios, n=4)
        total = of_way[one].ms(kind) / of_way[other].ms(kind)
        name = f"{kind[:-3]:<5}{one} / {other}"
        print(f"{name:<42}{middle:>8.3f}{low:>8.3f}{high:>8.3f}{total:>11.3f}")


def main() -> None:
    """Print both tables for photos of either size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=SAMPLE)
    parser.add_argument("--photos", type=int, default=480)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--work", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.folder)
        return
    files = sorted(path for path in arguments.folder.rglob("*") if path.is_file())
    chosen = files[:: max(1, len(files) // arguments.photos)][: arguments.photos]
    draw = np.random.default_rng(0)
    for title, pictures, longer in (("250x250", small, 1), ("1280x720", large, 3)):
        with tempfile.TemporaryDirectory() as folder:
            write_photos(Path(folder), pictures(chosen))
            seconds = arguments.seconds * longer
            with racers(Path(folder)) as every:
                for number in range(arguments.rounds):
                    for place in draw.permutation(len(every)):
                        every[place].race(seconds)
                    print(f"{title}: round {number + 1} is done", file=sys.stderr)
                print(f"\n{title}, in ms a photo; turns of {seconds:g} s")
                show_ways(every)
                show_ratios(every)


if __name__ == "__main__":
    main()
