"""TensorFlow and JAX take the same steps, and continue each other's trainings.

They need a Python that has both: this one after ``pip install -e '.[jax]'``, or the
one that ``FACEFILL_JAX_PYTHON`` names.
"""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from crossing_backends import STEPS, VARIANTS
from projects import ROOT

PYTHON = os.environ.get("FACEFILL_JAX_PYTHON", sys.executable)

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        sys.executable == PYTHON and importlib.util.find_spec("jax") is None,
        reason="JAX is not installed: pip install -e '.[jax]'",
    ),
]


def python(backend, *arguments):
    return subprocess.run(
        [PYTHON, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ
        | {
            "KERAS_BACKEND": backend,
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests/support'}",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def histories(tmp_path_factory):
    """Metrics by step of every variant, by who made its steps."""
    folder = tmp_path_factory.mktemp("crossing")
    found = {name: {} for name in VARIANTS}
    for backend, act in (
        ("tensorflow", "begin"),
        ("jax", "other"),
        ("tensorflow", "end"),
    ):
        finished = python(backend, "tests/support/crossing_backends.py", folder, act)
        assert finished.returncode == 0, finished.stderr
        for name, histories in json.loads(finished.stdout).items():
            found[name] |= histories
    return found


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("who", ["their own", "ours, theirs", "theirs, ours"])
def test_the_losses_are_the_same_whichever_backend_makes_the_steps(
    histories, variant, who
):
    own, other = histories[variant]["own"], histories[variant][who]
    assert own["step"] == other["step"] == list(range(1, STEPS + 1))
    losses = [name for name in own if name.startswith("loss")]
    assert losses == ["loss_real", "loss_fake", "loss_generator"]
    for name in losses:
        assert np.array(other[name]) == pytest.approx(np.array(own[name]), rel=1e-3)


@pytest.mark.parametrize("distribute", ["mirrored", "multi_worker"])
def test_jax_refuses_what_only_tensorflow_can_distribute(distribute):
    refused = python(
        "jax",
        "-c",
        "from facefill.training.distribution import choose_strategy\n"
        f"choose_strategy({distribute!r}, 'cpu')",
    )
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].endswith(
        f"TrainingError: train.distribute is '{distribute}', which needs TensorFlow, "
        "but Keras runs on jax; set it to none, or unset KERAS_BACKEND"
    )
