"""Where the time of a training step, or of a search, goes, by operation and layer.

Usage::

    python benchmarks/profiles.py [training|search] [--precision float32] [--rows 25]
    TF_ENABLE_ONEDNN_OPTS=0 python benchmarks/profiles.py

The tracer of TensorFlow's profiler watches one call of the graph: STEPS steps of our
training in batches of 64, or ITERATIONS iterations of a search for 8 photos. Operations
run beside one another, so the times of a table add up to more than the call took.
"""

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recipes import ITERATIONS, STEPS
from recipes.ours import rounds_of_steps
from recipes.search_ours import rounds_of_iterations
from training import faces_of

Recipe = Callable[[np.ndarray, int, str], Callable[[], object]]
CASES: dict[str, tuple[Recipe, int, int]] = {
    "training": (rounds_of_steps, 64, STEPS),
    "search": (rounds_of_iterations, 8, ITERATIONS),
}
"""How each is built, its batch size, and the steps of a call."""


def operations(traced: Path, steps: int) -> Counter[tuple[str, str]]:
    """Sum what a trace holds: milliseconds a step by kind and place of an operation."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(next(traced.rglob("*.xplane.pb")).read_bytes())
    found: Counter[tuple[str, str]] = Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                place, _, kind = plane.event_metadata[
                    event.metadata_id
                ].name.rpartition(":")
                # An operation of the loop; what surrounds it holds its time once more.
                if place.startswith("while/body"):
                    where = place.split("/", 3)[-1]
                    found[kind, where] += event.duration_ps * 1e-9 / steps
    return found


def main() -> None:
    """Print the table."""
    import tensorflow as tf

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("case", nargs="?", choices=CASES, default="training")
    parser.add_argument(
        "--precision", choices=("float32", "mixed_bfloat16"), default="float32"
    )
    parser.add_argument("--rows", type=int, default=25)
    given = parser.parse_args()
    build, batch_size, steps = CASES[given.case]
    run = build(faces_of(None), batch_size, given.precision)
    run()
    started = time.perf_counter()
    run()
    spent = (time.perf_counter() - started) / steps
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            run()
        found = operations(Path(folder), steps)
    kinds: Counter[str] = Counter()
    for (kind, _), spent_there in found.items():
        kinds[kind] += spent_there
    print(f"a step: {1000 * spent:.0f} ms, {batch_size / spent:.1f} photos/s")
    for kind, milliseconds in kinds.most_common(given.rows // 3):
        print(f"{milliseconds:9.1f} ms  {kind}")
    print()
    for (kind, where), milliseconds in found.most_common(given.rows):
        print(f"{milliseconds:9.1f} ms  {kind:<32}{where}")


if __name__ == "__main__":
    main()
