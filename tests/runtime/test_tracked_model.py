"""Models in MLflow: the best is the champion, and what is served completes photos."""

import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from facefill.imaging.photos import decode_photo
from facefill.imaging.pictures import encode_png
from facefill.models.dcgan import Architecture, build_discriminator, build_generator
from facefill.runtime import tracked_model
from facefill.runtime.tracked_model import MEASURED_ON, SCORE, WEIGHTS, is_better
from facefill.runtime.tracking_store import prepare_store
from model_servers import ask, served_model

SCORED = {SCORE: "0.5", MEASURED_ON: "a"}

SMALL = Architecture(
    image_size=16, latent_size=8, generator_width=4, discriminator_width=4
)

pytestmark = [
    pytest.mark.timeout(300),
    # MLflow's own tables warn when SQLAlchemy sets them up.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.mark.parametrize(
    ("new", "champion", "expected"),
    [
        ({}, None, True),
        ({SCORE: "0.5"}, None, True),
        ({}, {}, True),
        ({SCORE: "0.5", MEASURED_ON: "a"}, {SCORE: "0.6", MEASURED_ON: "a"}, True),
        ({SCORE: "0.6", MEASURED_ON: "a"}, {SCORE: "0.5", MEASURED_ON: "a"}, False),
        ({SCORE: "0.5", MEASURED_ON: "a"}, {SCORE: "0.5", MEASURED_ON: "a"}, False),
        ({SCORE: "0.6", MEASURED_ON: "b"}, {SCORE: "0.5", MEASURED_ON: "a"}, True),
        ({}, {SCORE: "0.5", MEASURED_ON: "a"}, False),
        # The same generator, with an encoder or a refiner that is new.
        (SCORED | {WEIGHTS: "w"}, SCORED | {WEIGHTS: "w"}, True),
        (SCORED | {WEIGHTS: "w"}, SCORED | {WEIGHTS: "v"}, False),
    ],
)
def test_the_champion_is_the_one_of_the_smallest_distance(new, champion, expected):
    assert is_better(new, champion) is expected


def test_what_a_model_needs_is_pinned_and_no_workflow_is_among_it():
    pinned = dict(line.split("==") for line in tracked_model.requirements())

    assert {"tensorflow", "keras", "numpy", "mlflow", "dlib-bin"} <= set(pinned)
    assert pinned["numpy"] == np.__version__
    assert not any(name.startswith("kedro") for name in pinned)


@pytest.fixture(scope="module")
def example():
    from skimage.data import astronaut

    photo = astronaut()[0:256, 96:352]
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[125:165, 99:154] = 255
    return tracked_model.Example(encode_png(photo), encode_png(mask))


@pytest.fixture(scope="module")
def registered(tmp_path_factory, example):
    """Small networks as two versions, the first of which is the better one."""
    import mlflow

    folder = tmp_path_factory.mktemp("registry")
    prepare_store(folder / "mlflow.db")
    networks = folder / "networks"
    networks.mkdir()
    build_generator(SMALL, seed=0).save(networks / "generator.keras")
    build_discriminator(SMALL, seed=0).save(networks / "discriminator.keras")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_experiment(
        experiment_id=mlflow.create_experiment("x", (folder / "artifacts").as_uri())
    )
    said = []
    with pytest.MonkeyPatch.context() as patch, mlflow.start_run():
        patch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "false")
        for weights, score in (("a", 0.3), ("b", 0.4), ("b", 0.1)):
            tags = {WEIGHTS: weights, SCORE: str(score), MEASURED_ON: "faces"}
            said.append(tracked_model.log_model("faces", networks, example, tags))
    yield mlflow, said
    mlflow.set_tracking_uri(before)


@pytest.mark.slow
def test_versions_are_registered_once_and_the_best_has_the_alias(registered):
    mlflow, said = registered
    best = mlflow.MlflowClient().get_model_version_by_alias("faces", "champion")

    assert said == [
        "the model is version 1 of faces, the champion",
        "the model is version 2 of faces; its champion is better",
        "the model is version 2 of faces, which is registered",
    ]
    assert int(best.version) == 1
    assert best.tags[SCORE] == "0.3"


@pytest.mark.parametrize("name", ["encoder/encoder.npz", "face_statistics.npz"])
def test_another_encoder_or_other_statistics_are_another_model(tmp_path, name):
    (tmp_path / "encoder").mkdir()
    (tmp_path / "generator.keras").write_bytes(b"weights and the time of saving")
    without = tracked_model.companions_sha256(tmp_path)
    (tmp_path / name).write_bytes(b"one")
    one = tracked_model.companions_sha256(tmp_path)
    (tmp_path / name).write_bytes(b"two")
    assert len({without, one, tracked_model.companions_sha256(tmp_path)}) == 3
    (tmp_path / "generator.keras").write_bytes(b"weights and another time")
    (tmp_path / name).write_bytes(b"one")
    assert tracked_model.companions_sha256(tmp_path) == one


@pytest.mark.slow
def test_what_is_loaded_by_its_alias_completes_photos(registered, example):
    mlflow, _ = registered
    model = mlflow.pyfunc.load_model("models:/faces@champion")
    rows = pd.DataFrame([example, (b"nonsense", example.mask)])
    rows.columns = ["photo", "mask"]
    done = model.predict(rows, params={"iterations": 5})

    assert list(done["reason"].str.partition(":")[0]) == ["", "not_a_picture"]
    large = pd.DataFrame({"photo": [bytes(50_000_001)], "mask": [example.mask]})
    assert model.predict(large)["reason"][0].startswith("too_many_bytes")
    assert_completed(example, done["photo"][0])
    # It carries its code, encoder included, an example, and what it takes.
    assert model.metadata.get_params_schema().to_dict()[0]["name"] == "lam"
    assert model.input_example is not None
    code = Path(mlflow.artifacts.download_artifacts("models:/faces@champion"), "code")
    assert (code / "facefill/pretrained/encoder.npz").is_file()


def assert_completed(example, content):
    photo, hole = decode_photo(example.photo), decode_photo(example.mask)[:, :, 0] > 0
    changed = (decode_photo(content) != photo).any(axis=-1)
    assert not changed[~hole].any()
    assert changed[hole].mean() > 0.5


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_server_on_this_machine_answers_with_a_completed_photo(
    registered, example, tmp_path
):
    mlflow, _ = registered
    store = mlflow.get_tracking_uri()
    with served_model("models:/faces@champion", store, tmp_path) as address:
        photo, reason = ask(address, *example, iterations=5)
        # What a foreign page can send without being asked for more is refused.
        for kind in ("text/plain", "application/x-www-form-urlencoded"):
            foreign = urllib.request.Request(
                f"{address}/invocations",
                b"{}",
                {"Content-Type": kind, "Origin": "http://evil.example"},
            )
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(foreign, timeout=300)
            assert caught.value.code == 415
    assert reason == ""
    assert_completed(example, photo)
