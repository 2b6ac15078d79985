"""Iterations of the search: the reference's loop, ours, PyTorch's, and the limit.

Usage::

    pip install -e '.[bench]'        # PyTorch; without it its rows are left out
    python benchmarks/search.py [--rounds 5] [--batch-sizes 8 64]
    python benchmarks/search.py --until-reference faces.npy --count 8

Each case has a process of its own, and all have the same networks (512-256-128-64-3
and 64-128-256-512) in inference mode, the same loss and the same rule. The rounds of
the cases alternate, so that a machine whose speed drifts is as fast for one as for
the other:

* **reference**: the loop of bamos/dcgan-completion.tensorflow on today's TensorFlow, as
  it is installed: a call an iteration that brings the generated faces along, Adam in
  numpy, and every latent appended to a text file;
* **reference-onednn**: the same with oneDNN's kernels, which facefill turns on and
  TensorFlow by itself only on some processors;
* **ours**: in the graph, as ``kedro run --pipeline=complete`` does;
* **pytorch**: in PyTorch, channels last.

The limit is the rate of a large matrix product in the same precision. With
``--until-reference`` the pretrained model completes aligned faces (uint8 of shape
(N, 64, 64, 3)) by both presets, and it is said after how many iterations the default
fits the known pixels as well as the reference does at its end.
"""

import argparse
import json
import subprocess
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from recipes import ITERATIONS, LAM
from training import (
    MATRIX_SIZE,
    MODULES,
    SIZE,
    environment,
    matrix_rate,
    precisions,
)

CASES = ("reference", "reference-onednn", "ours", "pytorch")

# A pass of G or of D is 0.163 G multiply-adds; an iteration has one forward and one
# back to the inputs of each.
GFLOP_AN_ITERATION = 2 * 0.163 * 4


def serve(case: str, batch_size: int, precision: str) -> None:
    """Take a round whenever a line comes in, and print how long it took."""
    recipe = import_module(
        f"recipes.search_{MODULES.get(case, case)}"
    ).rounds_of_iterations
    draw = np.random.default_rng(0)
    faces = draw.integers(0, 256, (batch_size, SIZE, SIZE, 3), np.uint8)
    run = recipe(faces, batch_size, precision)
    run()
    for _ in sys.stdin:
        started = time.perf_counter()
        run()
        print(json.dumps(time.perf_counter() - started), flush=True)


def seconds_of_rounds(
    cases: list[str], batch_size: int, precision: str, rounds: int
) -> dict[str, list[float]]:
    """Run the cases in turn, each in a process of its own."""
    servers = {}
    for case in cases:
        command = [sys.executable, __file__, "--case", case, "--precision", precision]
        command += ["--batch-sizes", str(batch_size)]
        servers[case] = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(case),
        )
    seconds: dict[str, list[float]] = {case: [] for case in cases}
    # The first round of all is not counted: it waits for the others to be built.
    for number in range(rounds + 1):
        for case, server in servers.items():
            # Both are pipes.
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write("\n")
            server.stdin.flush()
            found = json.loads(server.stdout.readline())
            if number > 0:
                seconds[case].append(found)
    for server in servers.values():
        server.communicate()
    return seconds


def table(precision: str, batch_size: int, rounds: int) -> None:
    """Print the rows of one precision and batch size."""
    limit = matrix_rate(precision.removeprefix("mixed_"), rounds)
    cases = [case for case in CASES if case != "pytorch" or find_spec("torch")]
    print(
        f"\n{precision}, batches of {batch_size}; product of {MATRIX_SIZE} squared "
        f"matrices {limit:.0f} GFLOP/s"
    )
    print(
        f"{'case':<18}{'photos x iterations/s':>23}{'of reference':>14}{'of limit':>10}"
    )
    found = seconds_of_rounds(cases, batch_size, precision, rounds)
    first = np.array(found["reference"])
    for case, seconds in found.items():
        rate = ITERATIONS * batch_size / float(np.median(seconds))
        # Round by round, since these were taken next to each other.
        ratio = float(np.median(first / np.array(seconds)))
        share = rate * GFLOP_AN_ITERATION / limit
        print(f"{case:<18}{rate:>23.1f}{ratio:>14.2f}{share:>10.0%}", flush=True)


def until_reference(faces: np.ndarray) -> None:
    """Complete faces by both presets and compare how their known pixels come out."""
    from facefill.imaging.masks import build_mask
    from facefill.inversion.measurement import Measurement
    from facefill.inversion.search import LatentSearch
    from facefill.models import pretrained
    from facefill.parameters import CompleteOptions

    mask = build_mask("center", SIZE)
    targets = [
        Measurement(str(number), face, mask) for number, face in enumerate(faces)
    ]
    networks = pretrained.load_pair()
    print(f"{'preset':<11}{'contextual loss':>16}{'iterations':>12}{'s a face':>10}")
    end = 0.0
    for preset in ("reference", "default"):
        options = CompleteOptions.model_validate({"preset": preset, "fit": "none"})
        search = LatentSearch(*networks, options, LAM, seed=1)
        started = time.perf_counter()
        best = [candidates[0] for candidates in search.run(targets)]
        seconds = (time.perf_counter() - started) / len(faces)
        curve = np.mean([one.history[0] for one in best], axis=0)
        end = end or curve[-1]
        reached = np.flatnonzero(curve <= end)[:1].tolist()
        print(
            f"{preset:<11}{curve[-1]:>16.1f}{search.options.num_iterations:>12}{seconds:>10.2f}"
        )
        print(f"           as low as the reference's last after {reached} iterations")


def main() -> None:
    """Print the tables, or do what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--until-reference", type=Path, metavar="FACES")
    parser.add_argument("--count", type=int, default=8, help="faces to complete")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="float32", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        serve(options.case, options.batch_sizes[0], options.precision)
        return
    if options.until_reference:
        until_reference(np.load(options.until_reference)[: options.count])
        return
    for precision in precisions():
        for batch_size in options.batch_sizes:
            table(precision, batch_size, options.rounds)


if __name__ == "__main__":
    main()
