"""Batches a second from disk, and the memory that a set larger than it takes.

Usage::

    python benchmarks/loader.py [--faces 131072] [--folder /tmp]

Writes a training set of noise in several files and reads it as training does: in
page cache, single-threaded, without a training step. Then it maps a set that is
larger than this machine's memory (sparse files, which cost no disk) and reads from
all over it. The step that is to be fed takes 30 to 100 photos a second on two cores,
and some 60,000 on a large GPU.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from numpy.lib.format import open_memmap

from facefill.parameters import TrainOptions
from facefill.preparation.sharded_array import ImageArray, ShardedArray
from facefill.training.batches import batches

SIZE = 64
ROUNDS = 5
SECONDS_A_ROUND = 1.5


def mapped(folder: Path, num_faces: int, num_files: int, *, noise: bool) -> ImageArray:
    """Write a set in several files and map it; without noise the files are sparse."""
    draw = np.random.default_rng(0)
    paths = [folder / f"{number:04d}.npy" for number in range(num_files)]
    for path in paths:
        shape = (num_faces // num_files, SIZE, SIZE, 3)
        array = open_memmap(path, "w+", np.uint8, shape)
        for begin in range(0, len(array) if noise else 0, 1024):
            rows = array[begin : begin + 1024]
            rows[:] = draw.integers(0, 256, rows.shape, np.uint8)
        array.flush()
    arrays = [np.load(path, mmap_mode="r") for path in paths]
    return arrays[0] if num_files == 1 else ShardedArray(arrays)


def rates(photos: ImageArray, batch_size: int) -> list[float]:
    """Photos a CPU second of each round, after one that does not count."""
    options = TrainOptions(batch_size=batch_size, max_steps=10**9)
    stacks = batches(photos, options, seed=1, first=0)
    next(stacks)
    found = []
    for _ in range(ROUNDS + 1):
        count, started, cpu = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - started < SECONDS_A_ROUND:
            count += next(stacks).flips.size
        found.append(count / (time.process_time() - cpu))
    return found[1:]


def own_memory() -> int:
    """Bytes of this process without the pages of mapped files."""
    memory = psutil.Process().memory_info()
    return int(memory.rss - memory.shared)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=2**17)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    print(f"{'what':<52}{'min':>10}{'median':>10}{'max':>10}")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        for num_files in (1, 4):
            folder = Path(name) / str(num_files)
            folder.mkdir()
            photos = mapped(folder, options.faces, num_files, noise=True)
            np.asarray(photos).sum(dtype=np.uint64)  # into the page cache
            for batch_size in (32, 64, 128):
                found = rates(photos, batch_size)
                what = f"photos/CPU s, {num_files} file(s), batches of {batch_size}"
                spread = (min(found), float(np.median(found)), max(found))
                print(f"{what:<52}" + "".join(f"{rate:>10,.0f}" for rate in spread))
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        memory = psutil.virtual_memory().total
        num_faces = int(1.5 * memory / (SIZE * SIZE * 3)) // 16 * 16
        photos = mapped(Path(name), num_faces, 16, noise=False)
        before = own_memory()
        found = rates(photos, 64)
        grown = own_memory() - before
        print(
            f"{num_faces:,} faces, {num_faces * SIZE * SIZE * 3 / 2**30:.0f} GiB in "
            f"{memory / 2**30:.0f} GiB of memory: {float(np.median(found)):,.0f} "
            f"photos/CPU s; memory of the process grew by {grown / 2**20:.0f} MiB, of "
            f"which the order of an epoch is {num_faces * 8 / 2**20:.0f}"
        )


if __name__ == "__main__":
    main()
