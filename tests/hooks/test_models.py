"""Which model a run uses, decided before its work."""

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from facefill.datasets import KerasModelDataset
from facefill.errors import ModelError
from facefill.hooks.models import ModelHooks
from facefill.models import files as model_files
from facefill.models import pretrained, sources
from facefill.models.pretrained import Manifest
from facefill.models.sources import choose_source, starting_models
from facefill.parameters import TrainOptions


@pytest.fixture
def manifest(monkeypatch):
    """A pretrained model of 64 pixels, as far as its manifest goes."""
    made = Manifest(64, 100, 48, 32, 1, {}, {"generator": "abc"})
    monkeypatch.setattr(pretrained, "read_manifest", lambda: made)
    monkeypatch.setattr(pretrained, "require_manifest", lambda: made)
    return made


@pytest.fixture
def files(tmp_path):
    return [tmp_path / "generator.keras", tmp_path / "discriminator.keras"]


def write(files):
    for path in files:
        path.write_bytes(b"a model")


@pytest.mark.usefixtures("manifest")
def test_auto_is_the_pretrained_model_until_one_is_trained(files):
    assert choose_source("auto", files, 64) == "pretrained"
    write(files)
    assert choose_source("auto", files, 64) == "trained"
    assert choose_source("pretrained", files, 64) == "pretrained"
    assert choose_source("trained", files, 64) == "trained"


@pytest.mark.usefixtures("manifest")
def test_half_of_a_trained_pair_is_never_made_whole_by_the_pretrained_one(files):
    write(files[:1])
    for choice in ("auto", "trained"):
        with pytest.raises(ModelError, match=rf"no model at {files[1]}; run `kedro"):
            choose_source(choice, files, 64)


@pytest.mark.usefixtures("manifest")
def test_trained_without_a_model_says_how_to_get_one(files):
    with pytest.raises(ModelError, match=r"no model at .*run `kedro run --pipeline=tr"):
        choose_source("trained", files, 64)


@pytest.mark.usefixtures("manifest")
def test_a_pretrained_model_of_another_size_is_refused_with_both_sizes(files):
    with pytest.raises(ModelError, match=r"image_size 64, .* 32; set image_size to 64"):
        choose_source("pretrained", files, 32)
    with pytest.raises(ModelError, match=r"no model at .*image_size 64, which is 32"):
        choose_source("auto", files, 32)
    write(files)
    assert choose_source("auto", files, 32) == "trained"


def test_a_copy_of_facefill_without_a_model_asks_for_training(files, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", files[0].parent)
    monkeypatch.setattr(pretrained, "read_manifest", lambda: None)
    with pytest.raises(ModelError, match=r"run `kedro run --pipeline=train` first$"):
        choose_source("auto", files, 64)


NETWORKS = ("generator", "discriminator")


def identity(*_):
    return "drawn"


def catalog_of(folder, choice):
    catalog = DataCatalog()
    for name in NETWORKS:
        path = str(folder / f"{name}.keras")
        catalog[name] = KerasModelDataset(filepath=path, pretrained=name)
    catalog["params:model"] = MemoryDataset(choice)
    catalog["params:image_size"] = MemoryDataset(64)
    ModelHooks().after_catalog_created(catalog)
    return catalog


SAMPLE = Node(identity, "generator", "samples", name="sample")
COMPLETE = Node(identity, ["generator", "discriminator"], "completed", name="complete")
TRAIN = Node(identity, "faces", ["generator", "discriminator"], name="train")


@pytest.mark.usefixtures("manifest")
@pytest.mark.parametrize(
    ("choice", "nodes", "trained", "expected"),
    [
        ("auto", [SAMPLE, COMPLETE], False, "pretrained"),
        ("auto", [SAMPLE, COMPLETE], True, "trained"),
        ("pretrained", [COMPLETE], True, "pretrained"),
        # A run that trains uses what it trains, unless it is told otherwise.
        ("auto", [TRAIN, COMPLETE], False, "trained"),
        ("trained", [TRAIN, SAMPLE, COMPLETE], False, "trained"),
        ("pretrained", [TRAIN, SAMPLE, COMPLETE], False, "pretrained"),
    ],
)
def test_the_datasets_of_a_run_load_from_where_the_parameter_says(
    tmp_path, files, caplog, *, choice, nodes, trained, expected
):
    if trained:
        write(files)
    catalog = catalog_of(tmp_path, choice)
    with caplog.at_level("INFO"):
        ModelHooks().before_pipeline_run(Pipeline(nodes), catalog)
    assert catalog["generator"].source == expected
    if COMPLETE in nodes:
        assert catalog["discriminator"].source == expected
    assert f"Using the {expected} model" in caplog.text


@pytest.mark.usefixtures("manifest")
@pytest.mark.parametrize(
    ("choice", "trained", "expected"),
    [
        ("auto", False, "pretrained"),
        ("auto", True, "trained"),
        ("pretrained", True, "pretrained"),
        ("trained", True, "trained"),
    ],
)
def test_a_catalog_without_a_run_loads_what_the_pipelines_would_use(
    tmp_path, files, monkeypatch, *, choice, trained, expected
):
    if trained:
        write(files)
    monkeypatch.setattr(pretrained, "load", lambda name: f"the pretrained {name}")
    monkeypatch.setattr(model_files, "read_model", lambda path: f"trained {path.name}")
    loaded = [catalog_of(tmp_path, choice).load(name) for name in NETWORKS]
    assert loaded == [
        f"trained {name}.keras" if expected == "trained" else f"the pretrained {name}"
        for name in NETWORKS
    ]


@pytest.mark.usefixtures("manifest")
def test_a_training_that_ends_beside_a_run_does_not_change_its_models(tmp_path, files):
    catalog = catalog_of(tmp_path, "auto")
    ModelHooks().before_pipeline_run(Pipeline([COMPLETE]), catalog)
    write(files)
    assert catalog["generator"].source == "pretrained"
    assert catalog_of(tmp_path, "auto")["generator"].source == "trained"


def test_a_catalog_without_models_needs_no_parameters():
    ModelHooks().after_catalog_created(DataCatalog())


@pytest.mark.usefixtures("manifest")
def test_a_run_without_models_is_asked_nothing(tmp_path):
    catalog = catalog_of(tmp_path, "trained")
    ModelHooks().before_pipeline_run(Pipeline([TRAIN]), catalog)
    with pytest.raises(ModelError, match="no model at"):
        ModelHooks().before_pipeline_run(Pipeline([SAMPLE]), catalog)


def test_a_report_tells_pretrained_weights_by_their_hash(manifest, monkeypatch):
    for sha256, source in (("abc", "pretrained"), ("def", "trained")):
        monkeypatch.setattr(sources, "weights_sha256", lambda _, value=sha256: value)
        said = sources.describe(None)
        assert said == {"source": source, "generator_sha256": sha256}


def test_a_training_starts_at_random_or_from_what_is_there(tmp_path):
    assert starting_models("random") is None
    with pytest.raises(ModelError, match=r"no model at .*train.start_from is random,"):
        starting_models(str(tmp_path))


def test_models_to_start_from_are_missed_before_photos_are_prepared(tmp_path, files):
    catalog = catalog_of(tmp_path, "auto")
    pipeline = Pipeline([Node(identity, "params:train", "generator", name="train")])
    catalog["params:train"] = MemoryDataset(TrainOptions(start_from=str(tmp_path)))
    for number in range(2):
        write(files[:number])
        missing = str(files[number])
        with pytest.raises(ModelError, match=f"no model at {missing}; train.start_"):
            ModelHooks().before_pipeline_run(pipeline, catalog)
    write(files)
    ModelHooks().before_pipeline_run(pipeline, catalog)
    catalog["params:train"] = MemoryDataset(TrainOptions())
    ModelHooks().before_pipeline_run(pipeline, catalog)
