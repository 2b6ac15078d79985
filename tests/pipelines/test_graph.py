"""The graph of all pipelines tells what is made from what."""

import importlib
import pkgutil

import pytest
import yaml
from kedro.pipeline import Pipeline

import facefill.pipelines
from projects import ROOT

RAW = {"photos", "incomplete_photos", "masks", "hints"}

pytestmark = pytest.mark.filterwarnings(
    # A node that belongs to no namespace reads what the namespace ``incomplete`` makes.
    "ignore:One or more dataset names contain:UserWarning"
)


def pipelines():
    names = [
        module.name
        for module in pkgutil.iter_modules(facefill.pipelines.__path__)
        if module.ispkg
    ]
    modules = {name: f"facefill.pipelines.{name}" for name in names}
    return {
        name: importlib.import_module(module).create_pipeline()
        for name, module in modules.items()
    }


def whole():
    """What ``kedro run`` runs."""
    stages = pipelines()
    del stages["import_checkpoint"]
    return sum(stages.values(), Pipeline([]))


def entries():
    text = (ROOT / "conf/base/catalog.yml").read_text(encoding="utf-8")
    catalog = yaml.safe_load(text.replace("${_data}", "data"))
    return {name: entry for name, entry in catalog.items() if name[0] != "_"}


def datasets(names):
    return {name for name in names if not name.startswith("params:")}


def test_everything_but_raw_photos_is_made_by_a_node():
    pipeline = whole()

    assert datasets(pipeline.inputs()) == RAW
    # MLflow has the champion, and another pipeline makes the other.
    made = datasets(pipeline.all_outputs()) | {"import_report", "champion"}
    assert made == set(entries()) - RAW


def test_every_entry_has_the_layer_of_its_folder():
    for name, entry in entries().items():
        layer = entry["metadata"]["kedro-viz"]["layer"]
        path = entry.get("path") or entry.get("filepath") or "data/06_models"

        assert path.split("/")[1] == layer, name


def test_every_node_is_tagged_with_the_pipeline_that_it_is_for():
    tags = {node.name: node.tags for node in whole().nodes}

    assert tags["ingest_photos"] == tags["draw_preparation"] == {"prepare"}
    assert tags["incomplete.align_faces"] == tags["complete_photos"] == {"complete"}
    assert tags["train_networks"] == {"train"}
    assert all(len(named) == 1 for name, named in tags.items() if "ingest" not in name)


def test_a_node_takes_the_path_of_a_folder_only_to_fill_it():
    for node in whole().nodes:
        folders = {
            name.removeprefix("params:").removesuffix(".folder")
            for name in node.inputs
            if name.startswith("params:") and name.endswith(".folder")
        }
        filled = {
            name
            for name in datasets(node.outputs)
            if entries()[name]["type"] == "facefill.datasets.FolderDataset"
        }

        assert folders == filled, node.name


def test_the_faces_that_are_selected_are_those_that_were_aligned():
    nodes = {node.name: node for node in whole().nodes}

    assert "aligned_faces" in nodes["align_faces"].outputs
    assert "aligned_faces" in nodes["select_faces"].inputs
    assert "training_grids" in nodes["train_networks"].outputs
    assert "training_grids" in nodes["sample_generator"].inputs


@pytest.mark.parametrize(
    ("outputs", "last"),
    [
        ("completions", "complete_photos"),
        ("aligned_faces", "align_faces"),
        ("faces", "flatten_faces"),
        ("checkpoints", "train_networks"),
        ("completion_records", "complete_photos"),
    ],
)
def test_folders_can_be_asked_for(outputs, last):
    names = [node.name for node in whole().to_outputs(outputs).nodes]

    assert names[-1] == last


def test_completions_alone_draw_no_samples():
    pipeline = pipelines()["complete"].to_outputs("completions")

    assert [node.name for node in pipeline.nodes] == [
        "incomplete.ingest_photos",
        "incomplete.find_holes",
        "incomplete.align_faces",
        "plan_completion",
        "complete_photos",
    ]


def test_a_run_from_a_node_on_goes_on_with_all_that_depends_on_it():
    names = {node.name for node in whole().from_nodes("train_networks").nodes}

    assert names == {
        "train_networks",
        "draw_training_curves",
        "train_encoder",
        "train_refiner",
        "sample_generator",
        "complete_photos",
        "evaluate_completion",
        "write_html_report",
    }


# Whoever asks for missing outputs only is answered by what exists: the output that is
# saved last must not be there before the others.
@pytest.mark.parametrize(
    ("node", "last"),
    [
        ("ingest_photos", "photo_manifest"),
        ("incomplete.find_holes", "hole_manifest"),
        ("align_faces", "alignment_manifest"),
        ("flatten_faces", "training_set"),
        ("train_networks", "training_report"),
        ("train_encoder", "encoder_report"),
        ("train_refiner", "refiner_report"),
        ("plan_completion", "completion_plan"),
        ("complete_photos", "completion_table"),
    ],
)
def test_the_table_of_a_node_is_saved_last(node, last):
    nodes = {each.name: each for each in whole().nodes}

    assert nodes[node].outputs[-1] == last
