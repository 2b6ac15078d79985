"""Training steps: the reference's recipe, ours, PyTorch's, and the machine's limit.

Usage::

    pip install -e '.[bench]'        # PyTorch; without it its rows are left out
    python benchmarks/training.py [--rounds 5] [--faces data/05_model_input/faces.npy]

Each case has a process of its own, which reports the photos a second of each round
and its peak memory. All train the same networks (512-256-128-64-3 and
64-128-256-512), batches included:

* **reference**: the recipe of bamos/dcgan-completion.tensorflow on today's
  TensorFlow, as it is installed: the files of a batch decoded from PNG, then D once, G
  twice on the same latents and three passes for the losses that it prints, a call each;
* **reference-onednn**: the same with oneDNN's kernels, which facefill turns on and
  TensorFlow by itself only on some processors;
* **ours**: as ``kedro run --pipeline=train`` does;
* **alternating**: ours with ``train.preset:reference``, D once and G twice;
* **pytorch**: the same networks and the same rule as ours, channels last.

The limit is the rate of a large matrix product in the same precision. bfloat16 is
measured only where the processor multiplies it.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from recipes import STEPS

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
SIZE = 64
MATRIX_SIZE = 2048
CASES = ("reference", "reference-onednn", "ours", "alternating", "pytorch")
MODULES = {"alternating": "ours", "reference-onednn": "reference"}

# A pass of G or of D is 0.163 G multiply-adds. A lean step has three of G (one
# forward, two back) and seven of D (two forward, four back, one to its input).
GFLOP_A_PHOTO = 2 * 0.163 * 10


def faces_of(path: Path | None) -> np.ndarray:
    """Map a training set, or make one of noise."""
    if path:
        return np.asarray(np.load(path, mmap_mode="r"))
    draw = np.random.default_rng(0)
    return draw.integers(0, 256, (2048, SIZE, SIZE, 3), np.uint8)


def measure(case: str, options: argparse.Namespace) -> None:
    """Run one case in this process and print what it gave as JSON."""
    module = MODULES.get(case, case)
    recipe = import_module(f"recipes.{module}").rounds_of_steps
    more = {"preset": "reference"} if case == "alternating" else {}
    batch_size = options.batch_sizes[0]
    run = recipe(faces_of(options.faces), batch_size, options.precision, **more)
    rates = []
    for _ in range(options.rounds + 1):
        started = time.perf_counter()
        run()
        rates.append(STEPS * batch_size / (time.perf_counter() - started))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rates": rates[1:], "peak_mib": peak}))


def environment(case: str) -> dict[str, str]:
    """Give the environment of a case: what facefill set is not the reference's."""
    own = {key: os.environ[key] for key in os.environ if key != ONEDNN}
    return own | {ONEDNN: "1"} if case == "reference-onednn" else own


def measured_apart(
    case: str, batch_size: int, precision: str, options: argparse.Namespace
) -> tuple[list[float], float]:
    """Run one case in a process of its own: photos a second, and peak MiB."""
    command = [sys.executable, __file__, "--case", case, "--precision", precision]
    command += ["--batch-sizes", str(batch_size), "--rounds", str(options.rounds)]
    command += ["--faces", str(options.faces)] if options.faces else []
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, env=environment(case)
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return found["rates"], found["peak_mib"]


def matrix_rate(dtype: str, rounds: int) -> float:
    """GFLOP a second of a large matrix product, the best of many."""
    import tensorflow as tf

    draw = np.random.default_rng(0)
    matrix = tf.cast(draw.random((MATRIX_SIZE, MATRIX_SIZE), np.float32), dtype)
    product = tf.function(lambda: tf.reduce_sum(tf.cast(matrix @ matrix, "float32")))
    times = []
    for _ in range(10 * rounds + 1):
        started = time.perf_counter()
        float(product())
        times.append(time.perf_counter() - started)
    return 2e-9 * MATRIX_SIZE**3 / min(times[1:])


def table(precision: str, batch_size: int, options: argparse.Namespace) -> None:
    """Print the rows of one precision and batch size."""
    limit = matrix_rate(precision.removeprefix("mixed_"), options.rounds)
    print(f"\n{precision}, batches of {batch_size}; matrix product {limit:.0f} GFLOP/s")
    print(
        f"{'case':<18}{'photos/s':>10}{'min to max':>16}{'to first':>10}"
        f"{'of limit':>10}{'peak MiB':>10}"
    )
    first = None
    for case in options.cases:
        if case == "pytorch" and find_spec("torch") is None:
            continue
        rates, peak = measured_apart(case, batch_size, precision, options)
        rate = float(np.median(rates))
        first = first or rate
        lean = case in ("ours", "pytorch")
        share = f"{rate * GFLOP_A_PHOTO / limit:.0%}" if lean else ""
        print(
            f"{case:<18}{rate:>10.1f}{f'{min(rates):.1f} to {max(rates):.1f}':>16}"
            f"{rate / first:>10.2f}{share:>10}{peak:>10,.0f}",
            flush=True,
        )


def precisions() -> list[str]:
    """Name what is measured: float32, and bfloat16 where the processor has it."""
    from facefill.backend import devices

    if devices.resolve_precision("auto", "cpu") == "mixed_bfloat16":
        return ["float32", "mixed_bfloat16"]
    return ["float32"]


def main() -> None:
    """Print the tables, or measure the one case that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="float32", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        measure(options.case, options)
        return
    for precision in precisions():
        for batch_size in options.batch_sizes:
            table(precision, batch_size, options)


if __name__ == "__main__":
    main()
