"""Training steps and search iterations against the limit of this machine.

Usage::

    python benchmarks/networks.py [--rounds 3]

The limit is the rate of a large matrix product in the same precision, measured in
the same call. The preset ``reference`` updates as bamos/dcgan-completion.tensorflow
(D once, then G twice), within our graph and without that code's three further
passes for the losses that it prints, so it flatters the original.
"""

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np

from facefill.backend import graph
from facefill.imaging.masks import build_mask
from facefill.inversion.measurement import Measurement
from facefill.inversion.search import LatentSearch
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.parameters import CompleteOptions, TrainOptions
from facefill.training.state import Batch
from facefill.training.trainer import Trainer

STEPS = 4
ITERATIONS = 10
MATRIX_SIZE = 2048

# Arithmetic of one picture at the default sizes. A pass of G (512-256-128-64-3) or of
# D is 0.163 G multiply-adds; a step has 3 of G and 7 of D (photos and pictures
# forward, both backward to weights and inputs, and D's inputs once more for G), an
# iteration of the search 2 of each.
GFLOP_PASS = 2 * 0.163
GFLOP_LEAN_STEP = 10 * GFLOP_PASS
GFLOP_ITERATION = 4 * GFLOP_PASS


def rate(work: float, function: Callable[[], object], rounds: int) -> float:
    """Work a second, the median over rounds after one that does not count."""
    function()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return work / float(np.median(times))


def matrix_rate(dtype: str, rounds: int) -> float:
    """GFLOP a second of a large matrix product."""
    # Not above: what facefill says to TensorFlow has to come before TensorFlow.
    from keras import ops

    draw = np.random.default_rng(0)
    matrix = ops.cast(draw.random((MATRIX_SIZE, MATRIX_SIZE), np.float32), dtype)
    product = graph.compiled(
        lambda a: ops.sum(ops.cast(ops.matmul(a, a), "float32")), "auto"
    )
    work = 2e-9 * MATRIX_SIZE**3
    return rate(work, lambda: float(product(matrix)), 5 * rounds)


def training_rate(options: TrainOptions, rounds: int) -> float:
    """Photos a second of training."""
    trainer = Trainer(options, 64, seed=1)
    draw, size = np.random.default_rng(0), (STEPS, options.batch_size)
    batches = Batch(
        images=draw.integers(0, 256, (*size, 64, 64, 3), np.uint8),
        latents=draw.uniform(-1, 1, (*size, 100)).astype(np.float32),
        flips=draw.random(size) < 0.5,
    )
    state = trainer.initial_state()
    work = float(np.prod(size))
    return rate(work, lambda: trainer.advance(state, batches), rounds)


def search_rate(precision: str, batch_size: int, rounds: int) -> float:
    """Pictures times iterations a second of the search."""
    options = CompleteOptions.model_validate(
        {
            "iterations": ITERATIONS,
            "iterations_per_call": ITERATIONS,
            "precision": precision,
            "batch_size": batch_size,
        }
    )
    networks = (
        build_generator(Architecture(), 1),
        build_discriminator(Architecture(), 1),
    )
    search = LatentSearch(*networks, options, lam=0.1, seed=1)
    faces = np.random.default_rng(0).integers(0, 256, (batch_size, 64, 64, 3), np.uint8)
    mask = build_mask("center", 64)
    targets = [
        Measurement(str(number), face, mask) for number, face in enumerate(faces)
    ]
    work = float(batch_size * ITERATIONS)
    return rate(work, lambda: list(search.run(targets)), rounds)


def rows(rounds: int) -> Iterator[tuple[str, str, float, float]]:
    """Measure everything: what, precision, rate, share of the limit (or NaN)."""
    for precision, dtype in (("float32", "float32"), ("mixed_bfloat16", "bfloat16")):
        limit = matrix_rate(dtype, rounds)
        yield "matrix product, GFLOP/s", dtype, limit, 1.0
        for preset in ("default", "reference"):
            options = TrainOptions.model_validate(
                {"preset": preset, "batch_size": 64, "precision": precision}
            )
            found = training_rate(options, rounds)
            share = found * GFLOP_LEAN_STEP / limit if preset == "default" else np.nan
            yield f"training, {preset}, batch 64, photos/s", dtype, found, share
        for batch_size in (1, 8, 64):
            found = search_rate(precision, batch_size, rounds)
            what = f"search, batch {batch_size}, photos x iterations/s"
            yield what, dtype, found, found * GFLOP_ITERATION / limit


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    print(f"{'what':<44}{'precision':>10}{'rate':>9}{'of limit':>10}")
    for what, dtype, found, share in rows(parser.parse_args().rounds):
        print(f"{what:<44}{dtype:>10}{found:>9.1f}{share:>10.0%}", flush=True)


if __name__ == "__main__":
    main()
