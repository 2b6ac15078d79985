"""Where a training step's time goes, by kind of operation and layer.

Usage::

    python benchmarks/profiles.py [--rows 25]
    TF_ENABLE_ONEDNN_OPTS=0 python benchmarks/profiles.py

The tracer of TensorFlow's profiler watches one call of STEPS steps of our training, in
batches of 64 and float32. Operations run beside one another, so the times of a table
add up to more than the call took.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

from recipes import STEPS
from recipes.ours import rounds_of_steps
from training import faces_of

BATCH_SIZE = 64


def operations(traced: Path) -> Counter[tuple[str, str]]:
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
                    found[kind, where] += event.duration_ps * 1e-9 / STEPS
    return found


def main() -> None:
    """Print the table."""
    import tensorflow as tf

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=25)
    rows = parser.parse_args().rows
    run = rounds_of_steps(faces_of(None), BATCH_SIZE, "float32")
    run()
    started = time.perf_counter()
    run()
    spent = (time.perf_counter() - started) / STEPS
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            run()
        found = operations(Path(folder))
    kinds: Counter[str] = Counter()
    for (kind, _), spent_there in found.items():
        kinds[kind] += spent_there
    print(f"a step: {1000 * spent:.0f} ms, {BATCH_SIZE / spent:.1f} photos/s")
    for kind, milliseconds in kinds.most_common(rows // 3):
        print(f"{milliseconds:9.1f} ms  {kind}")
    print()
    for (kind, where), milliseconds in found.most_common(rows):
        print(f"{milliseconds:9.1f} ms  {kind:<32}{where}")


if __name__ == "__main__":
    main()
