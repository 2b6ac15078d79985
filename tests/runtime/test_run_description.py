"""A run is called by what it did, and its summary says it."""

import pandas as pd
import pytest

from facefill.runtime.run_description import (
    RunDescription,
    parameters_of,
    typed_command,
    without_addresses,
)

PARAMETERS = {
    "lam": 0.1,
    "mask": "center",
    "image_size": 64,
    "model": "auto",
    "train": {"max_steps": 20000},
    "sample": {"count": 64},
    "evaluate": {"count": 32, "masks": ["center", "left"]},
    "import_checkpoint": {"path": "/old/DCGAN.model-1002"},
}
REPORTS = {
    "preparation_report": {
        "num_files": 30,
        "num_faces": 28,
        "splits": {"train": 24, "validation": 1, "test": 3},
        "rejected": {"no_face": 2},
    },
    "training_report": {
        "steps": 20,
        "model_step": 10,
        "faces": 24,
        "last_scores": {"face_frechet": 0.5},
    },
    "completion_report": {"completed": 25, "photos": 26, "rejected": {"no_face": 1}},
    "evaluation_report": {
        "faces": 2,
        "rows": [
            {
                "mask": "center",
                "method": method,
                "hole_psnr": psnr,
                "hole_psnr_low": psnr - 1,
                "hole_psnr_high": psnr + 1,
            }
            for method, psnr in (("telea", 30), ("completed", 17), ("blended", 18.257))
        ],
    },
}


def described(*pipelines, done=False):
    run = RunDescription(list(pipelines), PARAMETERS, "kedro run")
    if done:
        for name, report in REPORTS.items():
            run.take(name, "reports", report)
    return run


@pytest.mark.parametrize(
    ("pipelines", "before", "after"),
    [
        (["complete"], "complete center lam 0.1", "complete center lam 0.1, 25 photos"),
        (["train"], "train 64 px, 20,000 steps", "train 64 px, 20 steps, 24 faces"),
        (["evaluate"], "evaluate 32 faces, 2 masks", "evaluate 2 faces, 2 masks"),
        (["prepare"], "prepare", "prepare 30 photos"),
        (["sample"], "sample 64", "sample 64"),
        (["import_checkpoint"], "import DCGAN.model-1002", "import DCGAN.model-1002"),
        (
            ["sample", "evaluate"],
            "sample 64 + evaluate 32 faces, 2 masks",
            "sample 64 + evaluate 2 faces, 2 masks",
        ),
        (["of_mine"], "of_mine", "of_mine"),
    ],
)
def test_a_run_is_called_by_what_it_is_for_and_then_by_what_it_did(
    pipelines, before, after
):
    assert described(*pipelines).name() == before
    assert described(*pipelines, done=True).name() == after


def test_a_completion_under_files_of_masks_is_not_called_by_the_parameter():
    run = described("complete", done=True)
    table = pd.DataFrame({"mask": ["file", None], "status": ["completed", "rejected"]})
    run.take("completion_table", "completions", table)

    assert run.name() == "complete mask files lam 0.1, 25 photos"


def test_a_run_of_single_nodes_says_so():
    run = RunDescription(["sample"], PARAMETERS, is_part=True)

    assert run.name() == "sample 64 (part)"


def test_faces_left_out_of_the_training_set_are_not_held_out():
    run, report = described("prepare"), dict(REPORTS["preparation_report"])
    report["splits"] = {"train": 21, "validation": 1, "test": 3, "left_out": 3}
    run.take("preparation_report", "reports", report)
    assert run.lines()[0] == (
        "prepared 30 photos: 28 faces, 21 to train on, 4 held out, 3 not taken; "
        "left out: no_face 2"
    )


def test_the_summary_tells_stages_scores_and_pictures():
    run = described(done=True)
    run.take("completion_pictures", "completions", {"blended.png": 0, "x.gif": 0})
    text = run.markdown("1234")

    assert run.lines()[0] == (
        "prepared 30 photos: 28 faces, 24 to train on, 4 held out; left out: no_face 2"
    )
    assert text.startswith("`kedro run`\n\n| stage | result |\n| --- | --- |\n")
    assert "| completed | 25 of 26 photos; left out: no_face 1 |" in text
    assert "| center | 18.26 | 17.26 to 19.26 |" in text
    assert "telea" not in text
    assert text.endswith(
        "![Photos, completed and blended]"
        "(get-artifact?path=completions/blended.png&run_uuid=1234)"
    )


def test_a_run_that_has_done_nothing_yet_has_the_command_as_its_summary():
    assert described("sample").markdown("1") == "`kedro run`"


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        (
            ["/a/.venv/bin/kedro", "run", "--params=lam:0.1,mask:left"],
            "kedro run --params=lam:0.1,mask:left",
        ),
        (["/a/site/kedro/__main__.py", "run"], "kedro run"),
        (["/a/src/facefill/__main__.py", "--env=x"], "python -m facefill --env=x"),
        (["facefill", "--params=a: b"], "facefill '--params=a: b'"),
    ],
)
def test_the_command_is_as_it_was_typed(arguments, typed):
    assert typed_command(True, arguments) == typed
    assert typed_command(False, arguments) == ""


def test_tags_hold_names_of_classes_and_no_addresses():
    tags = {"runner": "<kedro.runner.X object at 0x7f3a>", "a": "b", "c": "<d>"}

    assert without_addresses(tags) == {"runner": "X"}


@pytest.mark.parametrize(
    ("inputs", "reads_models", "names"),
    [
        ({"params:lam", "params:train", "photos"}, False, ["lam", "train"]),
        ({"params:evaluate.masks", "params:completions.folder"}, False, ["evaluate"]),
        ({"params:lam"}, True, ["lam", "model"]),
    ],
)
def test_the_parameters_of_a_run_are_those_that_its_pipeline_reads(
    inputs, reads_models, names
):
    found = parameters_of(inputs, PARAMETERS, reads_models=reads_models)

    assert found == {name: PARAMETERS[name] for name in names}
