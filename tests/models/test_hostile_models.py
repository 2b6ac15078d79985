"""A model is data: whatever is in its file, nothing of it is run."""

import io
import json
import os
import pickle
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import pytest

from facefill.errors import ModelError
from facefill.models.dcgan import Architecture, build_generator
from facefill.models.files import read_model, write_model

pytestmark = [
    # Keras's own warning, when it writes an array.
    pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


class Harmful:
    """Unpickled, it makes a folder."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.fixture
def canary(tmp_path):
    """A path that exists only if something of the model was run."""
    return tmp_path / "made"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The members of a file of ours."""
    path = tmp_path_factory.mktemp("whole") / "generator.keras"
    write_model(build_generator(Architecture(16, 6, 2, 2), seed=1), path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def refused(path):
    with pytest.raises(ModelError) as caught:
        read_model(path)
    assert str(path) in str(caught.value)


def with_lambda(path, canary):
    """A model with a layer that makes a folder, saved by Keras itself."""
    code = (
        f"lambda x: (__import__('os').makedirs({str(canary)!r}, exist_ok=True), x)[1]"
    )
    layer = keras.layers.Lambda(eval(code), output_shape=(3,))
    model = keras.Sequential([keras.Input((3,)), layer])
    model.save(path)
    if canary.exists():
        canary.rmdir()


def test_a_layer_of_code_is_not_run(tmp_path, canary):
    path = tmp_path / "generator.keras"
    with_lambda(path, canary)

    refused(path)

    assert not canary.exists()
    model = keras.saving.load_model(path, safe_mode=False)
    model(np.ones((1, 3), np.float32))
    assert canary.exists()  # it would have been


CALLS = [
    ("builtins", "exec"),
    ("builtins", "eval"),
    ("os", "system"),
    ("subprocess", "check_output"),
    ("os", "makedirs"),
    ("keras.utils", "get_file"),
    ("pickle", "loads"),
    ("importlib", "import_module"),
]


@pytest.mark.parametrize(("module", "name"), CALLS)
@pytest.mark.parametrize("kind", ["class", "function"])
def test_names_of_code_are_not_called(tmp_path, canary, whole, module, name, kind):
    argument = f"__import__('os').makedirs({str(canary)!r})"
    if name in ("system", "check_output"):
        argument = f"mkdir {canary}"
    elif name == "makedirs":
        argument = str(canary)
    called = {
        "module": module,
        "class_name": name if kind == "class" else "function",
        "config": name
        if kind == "function"
        else {"name": argument, "args": [argument]},
        "registered_name": name,
        "build_config": {"input_shape": [argument]},
    }
    config = json.loads(whole["config.json"])
    paths = {"whole": called, "layer": config | {}}
    paths["layer"]["config"] = config["config"] | {
        "layers": [*config["config"]["layers"], called | {"inbound_nodes": []}]
    }
    for number, changed in enumerate(paths.values()):
        path = tmp_path / f"{number}.keras"
        write(path, whole | {"config.json": json.dumps(changed)})
        refused(path)
    assert not canary.exists()


def test_a_saved_graph_in_a_layer_is_not_loaded(tmp_path, canary, whole):
    config = {
        "module": "keras.layers",
        "class_name": "TFSMLayer",
        "config": {"filepath": str(tmp_path / "graph"), "call_endpoint": "serve"},
    }
    path = tmp_path / "generator.keras"
    write(path, whole | {"config.json": json.dumps(config)})
    refused(path)
    assert not canary.exists()


def test_a_pickle_by_the_name_of_a_model_is_not_unpickled(tmp_path, canary, whole):
    path = tmp_path / "generator.keras"
    content = pickle.dumps(Harmful(canary))
    path.write_bytes(content)
    refused(path)
    for name in ("config.json", "model.weights.h5"):
        write(path, whole | {name: content})
        refused(path)
    # Nothing reads this one.
    write(path, whole | {"metadata.json": content})
    assert read_model(path).count_params() > 0
    assert not canary.exists()


def test_weights_of_objects_are_not_unpickled(tmp_path, canary, whole):
    stream = io.BytesIO()
    np.savez(stream, vars=np.array([Harmful(canary)], object))
    members = whole | {"model.weights.npz": stream.getvalue()}
    del members["model.weights.h5"]
    path = tmp_path / "generator.keras"
    write(path, members)
    refused(path)
    assert not canary.exists()


def test_a_file_of_an_older_keras_is_not_read(tmp_path, canary):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.save(tmp_path / "old.h5")
    path = tmp_path / "generator.keras"
    (tmp_path / "old.h5").rename(path)
    refused(path)


@pytest.mark.parametrize("name", ["../made", "assets/../../made", "/made-by-keras"])
def test_members_that_lead_out_of_the_file_are_written_nowhere(
    tmp_path, canary, whole, name
):
    path = tmp_path / "inner" / "generator.keras"
    path.parent.mkdir()
    write(path, whole | {name: b"from the model"})
    before = sorted(tmp_path.rglob("*"))
    # What is not of the model may be ignored or refused, and is nowhere afterwards.
    with suppress(ModelError):
        assert read_model(path).count_params() > 0
    assert sorted(tmp_path.rglob("*")) == before
    assert not canary.exists()
    assert not Path("/made-by-keras").exists()


def test_a_file_that_unpacks_to_far_more_than_it_holds_is_refused_at_once(
    tmp_path, whole
):
    path = tmp_path / "generator.keras"
    bomb = bytes(400_000_000)
    write(path, whole | {"model.weights.h5": bomb}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1_000_000
    started = time.process_time()
    with pytest.raises(ModelError, match="unpacks to"):
        read_model(path)
    assert time.process_time() - started < 0.5
