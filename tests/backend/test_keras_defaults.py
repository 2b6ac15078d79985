"""What a file in the home folder says of Keras changes no byte."""

import json
import os
import subprocess
import sys

import pytest

from projects import ROOT

HOSTILE = {
    "floatx": "float64",
    "image_data_format": "channels_first",
    "epsilon": 0.1,
    "backend": "torch",
}

# A training, a search with what it has made, and the bytes of both.
WORK = """
import hashlib, sys
import numpy as np
from facefill.parameters import TrainOptions
from facefill.training.batches import batches
from facefill.training.trainer import Trainer

options = TrainOptions(
    batch_size=4, max_steps=2, latent_size=8, generator_width=4, discriminator_width=4,
    precision="float32", device="cpu",
)
photos = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)
trainer = Trainer(options, 16, 1)
state = trainer.initial_state()
for batch in batches(photos, options, 1, 0):
    state, _ = trainer.advance(state, batch)
networks = trainer.models(state)
from searching import run, search, targets
(found,) = run(search(networks, preset="default", bank_size=32), targets(1))
digest = hashlib.sha256(found.generated.tobytes() + found.latent.tobytes())
for network in networks:
    for weights in network.get_weights():
        assert weights.dtype == np.float32
        digest.update(weights.tobytes())
print("digest", digest.hexdigest())
"""


def worked(home, **variables):
    support = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests/support")])
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("KERAS_BACKEND", "KERAS_HOME")
    }
    environment |= {"KERAS_HOME": str(home), "PYTHONPATH": support, **variables}
    done = subprocess.run(
        [sys.executable, "-c", WORK],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hostile_file_of_keras_changes_no_byte(tmp_path):
    (tmp_path / "hostile").mkdir()
    (tmp_path / "hostile/keras.json").write_text(json.dumps(HOSTILE))
    plain = worked(tmp_path / "plain")
    assert plain.startswith("digest ")
    assert worked(tmp_path / "hostile") == plain


@pytest.mark.parametrize("command", [["complete", "a.jpg", "--output=b.jpg"], ["app"]])
def test_a_backend_that_we_do_not_know_is_one_line(command):
    done = subprocess.run(
        [sys.executable, "-m", "facefill", *command],
        env=os.environ | {"KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "Error: KERAS_BACKEND is 'torch', but facefill runs on tensorflow or jax; "
        "unset it\n"
    )
