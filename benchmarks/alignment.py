"""Alignment beside the plainest loop that does the same, and beside OpenFace.

Usage::

    python benchmarks/alignment.py [--folder PHOTOS] [--photos N]

N photos of 250x250 from the folder (the embedded sample by default), and a sixth as
many of 1280x720 made by pasting them, enlarged, into larger ones. Each row is a process
of its own, whose peak memory is its own and that of its largest worker. ``floor`` is
a bare loop of decode, detect, predict, warp and encode; ``OpenFace`` is that of its
``align-dlib.py``, with its own checks and conversions. Ours also decodes strictly,
hashes, measures, writes atomically, and watches its processes.

A photo costs what a run of all costs more than a run of an eighth, divided by the
difference: so the start (processes, models) is apart, in its own column. CPU time is of
all processes together, and says more than the clock on a machine that has other work.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import dlib
import numpy as np

from facefill.alignment import target_points
from facefill.cropping import Job
from facefill.detection import landmark_model_path
from facefill.ingestion import ingest
from facefill.parameters import AlignOptions, IngestOptions
from facefill.preparation import align_photos
from facefill.records import Records
from facefill.scaling import chunk_mapper

SAMPLE = Path(__file__).parents[1] / "data/demo/01_raw/photos"
SIZE = 64
CHUNK = 8
WAYS = {
    "floor": None,
    "OpenFace": None,
    "exact, 1 worker": AlignOptions(workers=1, chunk_size=CHUNK),
    "exact, 2 workers": AlignOptions(workers=2, chunk_size=CHUNK),
    "cascade, 1 worker": AlignOptions(workers=1, chunk_size=CHUNK, detector="cascade"),
    "cascade, 2 workers": AlignOptions(workers=2, chunk_size=CHUNK, detector="cascade"),
}


def floor(photos: list[Path], output: Path) -> None:
    """Do what has to be done, and nothing else."""
    targets = target_points("innerEyesAndBottomLip", SIZE)
    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(str(landmark_model_path()))
    cv2.setNumThreads(1)
    for number, path in enumerate(photos):
        photo = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        boxes = detector(photo, 1)
        if not boxes:
            continue
        box = max(boxes, key=lambda face: face.width() * face.height())
        points = predictor(photo, box)
        chosen = [
            (points.part(index).x, points.part(index).y) for index in (39, 42, 57)
        ]
        matrix = cv2.getAffineTransform(np.float32(chosen), targets)
        face = cv2.warpAffine(photo, matrix, (SIZE, SIZE))
        cv2.imwrite(f"{output}/{number}.png", cv2.cvtColor(face, cv2.COLOR_RGB2BGR))


def openface(photos: list[Path], output: Path) -> None:
    """Do as ``align-dlib.py`` does, in its order."""
    targets = target_points("innerEyesAndBottomLip", SIZE)
    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(str(landmark_model_path()))
    photos = list(photos)
    random.shuffle(photos)
    for path in photos:
        folder = output / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        name = folder / f"{path.stem}.png"
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
        chosen = np.float32(points)[np.array([39, 42, 57])]
        face = cv2.warpAffine(
            rgb, cv2.getAffineTransform(chosen, targets), (SIZE, SIZE)
        )
        cv2.imwrite(str(name), cv2.cvtColor(face, cv2.COLOR_RGB2BGR))


def ours(photos: Path, output: Path, options: AlignOptions) -> tuple[float, float]:
    """Prepare a folder; give when alignment began, by the clock and in CPU seconds."""
    mapper = chunk_mapper(options.workers, None, options.timeout_s)
    manifest = ingest(
        photos,
        Records(output / "known"),
        IngestOptions(),
        options,
        mapper,
    )
    began = time.perf_counter(), cpu_seconds()
    job = Job(photos, output / "faces", SIZE, options)
    align_photos(manifest, job, Records(output / "records"), mapper)
    return began


def cpu_seconds() -> float:
    """CPU time of this process and of its children that have ended."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(
        usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, both)
    )


def measure(way: str, photos: Path) -> None:
    """Print as JSON what a way costs for a folder, and nothing else."""
    files = sorted(photos.iterdir())
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter(), cpu_seconds()
        if options := WAYS[way]:
            began = ours(photos, Path(folder), options)
        else:
            {"floor": floor, "OpenFace": openface}[way](files, Path(folder))
        ended = time.perf_counter(), cpu_seconds()
        num_faces = sum(1 for _ in Path(folder).rglob("*.png"))
    peaks = [
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    wall, cpu = (after - before for after, before in zip(ended, began, strict=True))
    print(json.dumps({"wall": wall, "cpu": cpu, "peaks": peaks, "faces": num_faces}))


def measured(way: str, photos: Path) -> dict:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--measure", way, "--folder", str(photos)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    return json.loads(run.stdout.splitlines()[-1])


def write_small(files: list[Path], folder: Path, size: int = 250) -> None:
    """Put photos of 250x250 into a folder."""
    for number, path in enumerate(files):
        photo = cv2.imread(str(path))
        if photo.shape[:2] == (size, size):
            (folder / f"{number:05d}{path.suffix}").write_bytes(path.read_bytes())
        else:
            photo = cv2.resize(photo, (size, size), interpolation=cv2.INTER_AREA)
            cv2.imwrite(f"{folder}/{number:05d}.jpg", photo)


def write_large(files: list[Path], folder: Path) -> None:
    """Put photos of 1280x720 into a folder: three faces beside each other."""
    for number in range(0, len(files) - 2, 3):
        large = np.zeros((720, 1280, 3), np.uint8)
        for place, side in enumerate((400, 500, 380)):
            photo = cv2.imread(str(files[number + place]))
            left = (0, 400, 900)[place]
            large[100 : 100 + side, left : left + side] = cv2.resize(
                photo, (side, side), interpolation=cv2.INTER_CUBIC
            )
        cv2.imwrite(f"{folder}/{number:05d}.jpg", large)


def compare(title: str, folders: tuple[Path, Path]) -> None:
    """Print a table for photos of one size."""
    few, many = (len(list(folder.iterdir())) for folder in folders)
    print(f"\n{title}: {many} photos, in ms a photo")
    print(
        f"{'':<20}{'wall':>8}{'/floor':>8}{'CPU':>8}{'/floor':>8}{'start s':>9}"
        f"{'MB':>6}{'worker MB':>11}{'faces':>7}"
    )
    floor_ms: tuple[float, float] | None = None
    for way, options in WAYS.items():
        start, whole = (measured(way, folder) for folder in folders)
        wall, cpu = (
            1000 * (whole[kind] - start[kind]) / (many - few)
            for kind in ("wall", "cpu")
        )
        floor_ms = floor_ms or (wall, cpu)
        peaks = whole["peaks"] if options else [whole["peaks"][0], 0.0]
        seconds = max(whole["wall"] - wall * many / 1000, 0.0)
        print(
            f"{way:<20}{wall:>8.1f}{wall / floor_ms[0]:>8.2f}{cpu:>8.1f}"
            f"{cpu / floor_ms[1]:>8.2f}{seconds:>9.1f}{peaks[0]:>6.0f}"
            f"{peaks[1]:>11.0f}{whole['faces']:>7}",
            flush=True,
        )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=SAMPLE)
    parser.add_argument("--photos", type=int, default=240)
    parser.add_argument("--measure", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.folder)
        return
    files = sorted(path for path in arguments.folder.rglob("*") if path.is_file())
    chosen = files[:: max(1, len(files) // arguments.photos)][: arguments.photos]
    for title, write, few in (
        ("250x250", write_small, len(chosen) // 8),
        ("1280x720", write_large, len(chosen) // 16),
    ):
        with (
            tempfile.TemporaryDirectory() as one,
            tempfile.TemporaryDirectory() as all_,
        ):
            write(chosen[:few], Path(one))
            write(
                chosen if write is write_small else chosen[: len(chosen) // 2],
                Path(all_),
            )
            compare(title, (Path(one), Path(all_)))


if __name__ == "__main__":
    main()
