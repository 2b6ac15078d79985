r"""Variants of training on the same faces for the same time: a table, and samples.

Usage::

    python benchmarks/ablation.py data/05_model_input/faces.npy ablation/ \
        --minutes 60 --width 32 --seeds 1 2 [--variants default reference] [--report]
    python benchmarks/ablation.py faces.npy ablation/ --photos 250000 500000 ...

Each variant and seed trains in a process of its own until it has used its minutes of
CPU, evaluations of samples not counted; what was done is kept in the folder, so the
same command continues after an interruption. With ``--photos`` each trains until it has
seen as many, whatever the time, and is measured at each number. Then every generator
is compared with held-out faces by the same numbers, and ``table.md``, ``results.json``
and a grid of 64 unpicked samples for each are written. ``--report`` only writes these
from what is there. The trainings run one after the other: run nothing else beside them.
"""

import argparse
import contextlib
import json
import math
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "reference": {"preset": "reference"},
    "no average": {"average_decay": 0.0},
    "average 0.99": {"average_decay": 0.99},
    "no flips": {"flip": False},
    "batches of 64": {"batch_size": 64},
    "R1": {"r1_weight": 1.0},
    "R1, no batch norm in D": {"r1_weight": 10.0, "discriminator_norm": "none"},
    "spectral norm": {"discriminator_norm": "spectral"},
    "spectral norm, D rate x4": {
        "discriminator_norm": "spectral",
        "discriminator_learning_rate": 8e-4,
    },
    "D rate / 2": {"discriminator_learning_rate": 1e-4},
    "DiffAugment": {"augment": ["colour", "translation", "cutout"]},
    "DiffAugment, translation": {"augment": ["translation"]},
    "DiffAugment, R1, no batch norm in D": {
        "augment": ["colour", "translation", "cutout"],
        "r1_weight": 0.5,
        "discriminator_norm": "none",
    },
    "DiffAugment, spectral norm": {
        "augment": ["colour", "translation", "cutout"],
        "discriminator_norm": "spectral",
    },
    "labels 0.9": {"real_label": 0.9},
    "two updates of G": {"generator_updates": 2},
}
"""What is set beside the defaults, which are those of the parameters."""

NUM_PAINTED = 512
COLUMNS = ("face_frechet", "face_kernel", "face_diversity", "diversity")


class OutOfTimeError(BaseException):
    """The CPU time of a training is used up."""


class Clock:
    """A reporter that stops a training once its CPU time is used up."""

    def __init__(self, file: Path, minutes: float) -> None:
        """Continue from the seconds that the file says were used before."""
        self._file = file
        self._limit_s = 60.0 * minutes
        before_s = json.loads(file.read_text())["cpu_s"] if file.exists() else 0.0
        self._begin_s = time.process_time() - before_s

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Note the time, and end the training when it is up."""
        del values
        used_s = time.process_time() - self._begin_s
        self._file.write_text(json.dumps({"cpu_s": used_s, "step": step}))
        if used_s >= self._limit_s:
            raise OutOfTimeError

    def picture(self, step: int, name: str, image: Any) -> None:
        """Keep nothing."""


def train_for(
    minutes: float, faces: Path, folder: Path, options: Mapping[str, Any], seed: int
) -> None:
    """Train one variant with one seed until its time is up, and write its samples."""
    from facefill.training.loop import train

    photos, trainer, store = prepare(faces, folder, options, seed, checkpoint_every=50)
    with contextlib.suppress(OutOfTimeError):
        train(photos, trainer, store, Clock(folder / "clock.json", minutes))
    write_result(folder, photos, trainer, store, folder / "clock.json")


def train_until(
    counts: Sequence[int],
    faces: Path,
    folder: Path,
    options: Mapping[str, Any],
    seed: int,
) -> None:
    """Train one until it has seen so many photos, with samples at each number."""
    from facefill.training.loop import train

    photos, trainer, store = prepare(
        faces, folder, options, seed, checkpoint_every=2000
    )
    clock = Clock(folder / "clock.json", math.inf)
    for count in sorted(counts):
        steps = {"max_steps": count // trainer.options.batch_size}
        trainer.options = trainer.options.model_copy(update=steps)
        train(photos, trainer, store, clock)
        there = folder.with_name(f"{folder.name}-photos-{count}")
        write_result(there, photos, trainer, store, folder / "clock.json")


def prepare(
    faces: Path,
    folder: Path,
    options: Mapping[str, Any],
    seed: int,
    checkpoint_every: int,
) -> tuple[Any, Any, Any]:
    """Give photos, networks and where their states are kept."""
    from facefill.parameters import TrainOptions
    from facefill.preparation.face_set import read_face_set
    from facefill.training.checkpoints import CheckpointStore
    from facefill.training.trainer import Trainer

    photos = read_face_set(faces).of_split("train")
    # Every checkpoint is a call, so that a short time is met well.
    values = {"max_steps": 10**7, "evaluate_every": 0, "sample_every": 10**7}
    values |= {"checkpoint_every": checkpoint_every, "keep_checkpoints": 1}
    chosen = TrainOptions.model_validate(values | dict(options))
    trainer = Trainer(chosen, photos.shape[1], seed)
    return photos, trainer, CheckpointStore(folder, keep=1)


def write_result(
    folder: Path, photos: Any, trainer: Any, store: Any, clock: Path
) -> None:
    """Write samples of the newest checkpoint, and what it took."""
    import numpy as np

    from facefill.evaluation.sample_quality import pixel_diversity
    from facefill.imaging.pictures import grid, write_png
    from facefill.training.fingerprint import fingerprint_of
    from facefill.training.loop import fixed_samples
    from facefill.training.run import Run

    folder.mkdir(parents=True, exist_ok=True)
    run = Run.restore(fingerprint_of(photos, trainer), trainer, store)
    samples = fixed_samples(trainer, run.state, NUM_PAINTED)
    np.save(folder / "samples.npy", samples)
    write_png(folder / "grid.png", grid(samples[:64]))
    result = {
        "steps": run.done,
        "images": run.done * trainer.options.batch_size,
        "cpu_minutes": json.loads(clock.read_text())["cpu_s"] / 60.0,
        "diversity": pixel_diversity(samples[:64], photos),
        "history": [row.tolist() for row in run.history],
    }
    (folder / "result.json").write_text(json.dumps(result))


def compare(faces: Path, folders: Sequence[Path], count: int) -> dict[str, Any]:
    """Compare as many samples of every result with the same held-out faces."""
    import numpy as np

    from facefill.evaluation.sample_quality import assessor
    from facefill.parameters import AlignOptions, TrainOptions
    from facefill.preparation.face_set import read_face_set

    options = TrainOptions(evaluate_samples=count)
    cache = folders[0].parent / "descriptors"
    judge = assessor(read_face_set(faces), options, AlignOptions(), 1, cache)
    if judge is None:
        raise SystemExit(f"{faces} has too few held-out faces to compare with")
    found = {}
    for folder in folders:
        scores = folder / f"scores-{judge.count}.json"
        if not scores.exists():
            samples = np.load(folder / "samples.npy")[: judge.count]
            scores.write_text(json.dumps(judge.assess(samples)))
        result = json.loads((folder / "result.json").read_text())
        found[folder.name] = result | json.loads(scores.read_text())
    return found


def table(
    found: Mapping[str, Mapping[str, Any]], seeds: Sequence[int], count: int = 0
) -> str:
    """Write the results in Markdown, the best variant first, the floor last."""
    rows = []
    for name in VARIANTS:
        keys = [folder_name(name, seed, count) for seed in seeds]
        results = [found[key] for key in keys if key in found]
        if not results:
            continue
        values = {column: [result[column] for result in results] for column in COLUMNS}
        means = {column: sum(each) / len(each) for column, each in values.items()}
        images = sum(result["images"] for result in results) / len(results)
        each = ", ".join(f"{value:.4f}" for value in values["face_frechet"])
        rows.append(
            (
                means["face_frechet"],
                f"| {name} | {images:,.0f} | {means['face_frechet']:.4f} ({each}) "
                f"| {1000 * means['face_kernel']:.2f} | {means['face_diversity']:.2f} "
                f"| {means['diversity']:.2f} |",
            )
        )
    any_result = next(iter(found.values()))
    lines = [
        "| variant | photos seen | face Frechet: mean (each seed) | face kernel x 1000 "
        "| diversity of faces | of pixels |",
        "|---|---|---|---|---|---|",
        *(line for _, line in sorted(rows)),
        f"| real faces, the floor | | {any_result['face_frechet_floor']:.4f} "
        f"| {1000 * any_result['face_kernel_floor']:.2f} | 1 | 1 |",
    ]
    return "\n".join(lines) + "\n"


def folder_name(variant: str, seed: int, count: int = 0) -> str:
    """Name the folder of a training, or of what it was after so many photos."""
    letters = "".join(
        letter if letter.isalnum() or letter == "." else "-" for letter in variant
    )
    return f"{letters}-seed-{seed}" + (f"-photos-{count}" if count else "")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces", type=Path, help="faces.npy of a prepared project")
    parser.add_argument("folder", type=Path, help="where results are kept")
    parser.add_argument("--minutes", type=float, default=60.0, help="CPU of each")
    parser.add_argument("--photos", type=int, nargs="+", help="instead of minutes")
    parser.add_argument("--options", type=json.loads, default={}, help="of all, JSON")
    parser.add_argument("--width", type=int, default=32, help="of both networks")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS))
    parser.add_argument("--samples", type=int, default=256, help="compared, to 512")
    parser.add_argument("--report", action="store_true", help="train nothing")
    given = parser.parse_args()
    for name in given.variants:
        if name not in VARIANTS:
            parser.error(f"no variant {name!r}; there are {', '.join(VARIANTS)}")
    return given


def main() -> None:
    """Train what is not done yet, then compare and write."""
    given = arguments()
    counts = given.photos or [0]
    if not given.report:
        # A seed of all variants before the next: a study cut short compares equals.
        for seed in given.seeds:
            for name in given.variants:
                train_apart(given, name, seed)
    for count in counts:
        names = [
            folder_name(name, seed, count)
            for seed in given.seeds
            for name in given.variants
        ]
        folders = [given.folder / name for name in names]
        folders = [folder for folder in folders if (folder / "result.json").exists()]
        if not folders:
            raise SystemExit("there is nothing to report")
        found = compare(given.faces, folders, given.samples)
        suffix = f"-{count}" if count else ""
        (given.folder / f"results{suffix}.json").write_text(json.dumps(found))
        text = table(found, given.seeds, count)
        (given.folder / f"table{suffix}.md").write_text(text)
        print(text)


def train_apart(given: argparse.Namespace, name: str, seed: int) -> None:
    """Train one in a process of its own, unless that was done before."""
    folder = given.folder / folder_name(name, seed)
    done = given.folder / folder_name(name, seed, max(given.photos or [0]))
    if (done / "result.json").exists():
        return
    print(f"{name}, seed {seed}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    widths = {"generator_width": given.width, "discriminator_width": given.width}
    options = widths | given.options | VARIANTS[name]
    worker = multiprocessing.get_context("spawn").Process(
        target=train_until if given.photos else train_for,
        args=(given.photos or given.minutes, given.faces, folder, options, seed),
    )
    worker.start()
    worker.join()
    if worker.exitcode != 0:
        print(f"{name}, seed {seed} failed with {worker.exitcode}")


if __name__ == "__main__":
    main()
