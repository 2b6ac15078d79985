"""A run in words: its name, the command, and a summary of what it did.

Synopsis::

    run = RunDescription(["complete"], parameters)
    run.take("completion_report", "reports", report)
    run.name()  # complete center lam 0.1, 25 photos

What a stage did is read from the reports that the stages save, by their names in the
catalog, so that nothing is counted twice.
"""

import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Report = Mapping[str, Any]

_OBJECT = re.compile(r"<(?:[\w]+\.)*(\w+) object at 0x[0-9a-f]+>")

PICTURES = (
    ("Photos as they came", "completions/before.png"),
    ("Photos, completed and blended", "completions/blended.png"),
    ("Samples", "samples/grid.png"),
    ("Held-out faces, PSNR over the hole", "reports/hole_psnr.png"),
    ("Faces to train on", "reports/preparation/contact_sheet.png"),
)
"""Title and artifact of the pictures that a summary shows, of those that there are."""

MAX_PICTURES = 3


@dataclass
class RunDescription:
    """What is known of a run, which grows while it runs.

    Attributes:
        pipelines: As asked for; empty is the default one.
        parameters: All of them, resolved and nested.
        command: As typed, empty if no command was.
        is_part: Whether single nodes were asked for.
        reports: What the stages have reported, by the names of the catalog.
        artifacts: Paths of pictures that are logged.
        continues: Link to the run whose training it goes on with, as Markdown.
    """

    pipelines: list[str]
    parameters: Report
    command: str = ""
    is_part: bool = False
    reports: dict[str, Report] = field(default_factory=dict)
    artifacts: list[str] = field(default_factory=list)
    continues: str = ""

    def take(self, name: str, folder: str, data: Any) -> None:
        """Take what a stage has saved, if a summary tells of it.

        Args:
            name: In the catalog.
            folder: Of the artifacts that it is copied to; empty if it is not.
            data: A report, pictures by file name, or a table.
        """
        if name == "completion_table":
            masks = data["mask"][data["status"] == "completed"]
            self.reports[name] = {"masks": sorted(set(masks.dropna()))}
        elif name in _DONE:
            self.reports[name] = data
        elif folder and isinstance(data, Mapping):
            self.artifacts += [f"{folder}/{file}" for file in data]

    def name(self) -> str:
        """Name of the run: what it was for, and how many it did as far as known."""
        words = [
            _PURPOSES[pipeline](self.parameters, self.reports)
            if pipeline in _PURPOSES
            else pipeline
            for pipeline in self.pipelines or ["__default__"]
        ]
        return " + ".join(words) + (" (part)" if self.is_part else "")

    def lines(self) -> list[str]:
        """What each stage did, a line a stage, such as ``completed 3 of 3 photos``."""
        return [
            _DONE[name](report)
            for name, report in self.reports.items()
            if name in _DONE
        ]

    def markdown(self, run_id: str) -> str:
        """Summary for the page of the run.

        Args:
            run_id: MLflow's, by which its pages find the pictures.
        """
        done = [line.split(" ", 1) for line in self.lines()]
        parts = [
            f"`{self.command}`" if self.command else "",
            f"continues {self.continues}" if self.continues else "",
            _table(("stage", "result"), done) if done else "",
            _evaluation(self.reports.get("evaluation_report", {})),
            *self._pictures(run_id),
        ]
        return "\n\n".join(part for part in parts if part)

    def _pictures(self, run_id: str) -> list[str]:
        shown = [each for each in PICTURES if each[1] in self.artifacts]
        return [
            f"**{title}** ({path})\n\n"
            f"![{title}](get-artifact?path={path}&run_uuid={run_id})"
            for title, path in shown[:MAX_PICTURES]
        ]


def typed_command(is_command: bool, arguments: list[str] | None = None) -> str:
    """Write the command of this process as it was typed.

    Args:
        is_command: Whether a command runs at all, and not a notebook.
        arguments: Program and arguments; by default those of this process.
    """
    program, *words = arguments or sys.argv
    if not is_command:
        return ""
    path = Path(program)
    module = f"python -m {path.parent.name}" if path.name == "__main__.py" else ""
    name = "kedro" if path.parent.name == "kedro" else module or path.name
    return shlex.join([*name.split(), *words])


def without_addresses(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags that hold an object's address, with the name of its class instead."""
    return {
        key: _OBJECT.sub(r"\1", value)
        for key, value in tags.items()
        if _OBJECT.search(value)
    }


def parameters_of(
    inputs: Iterable[str], parameters: Report, *, reads_models: bool
) -> dict[str, Any]:
    """Select the parameters, or blocks of them, that a pipeline reads.

    Args:
        inputs: Names of the pipeline's inputs, such as ``params:lam``.
        parameters: All, nested.
        reads_models: Whether it reads networks, which ``model`` selects.
    """
    names = {
        name.removeprefix("params:").partition(".")[0]
        for name in inputs
        if name.startswith("params:")
    } | ({"model"} if reads_models else set())
    return {name: parameters[name] for name in parameters if name in names}


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _complete(parameters: Report, reports: Mapping[str, Report]) -> str:
    masks = reports.get("completion_table", {}).get("masks") or [parameters["mask"]]
    mask = masks[0] if len(masks) == 1 else _number(len(masks), "mask")
    mask = "mask files" if mask == "file" else mask
    words = f"complete {mask} lam {parameters['lam']:g}"
    report = reports.get("completion_report")
    return f"{words}, {_number(report['completed'], 'photo')}" if report else words


def _train(parameters: Report, reports: Mapping[str, Report]) -> str:
    report = reports.get("training_report")
    steps = report["steps"] if report else parameters["train"]["max_steps"]
    words = f"train {parameters['image_size']} px, {_number(steps, 'step')}"
    return f"{words}, {_number(report['faces'], 'face')}" if report else words


def _evaluate(parameters: Report, reports: Mapping[str, Report]) -> str:
    report = reports.get("evaluation_report")
    count = report["faces"] if report else parameters["evaluate"]["count"]
    masks = len(parameters["evaluate"]["masks"])
    return f"evaluate {_number(count, 'face')}, {_number(masks, 'mask')}"


def _prepare(_: Report, reports: Mapping[str, Report]) -> str:
    report = reports.get("preparation_report")
    return f"prepare {_number(report['num_files'], 'photo')}" if report else "prepare"


def _everything(parameters: Report, reports: Mapping[str, Report]) -> str:
    stages = [_train(parameters, reports), _complete(parameters, reports)]
    return f"everything: {'; '.join(stages)}"


def _import(parameters: Report, _: Mapping[str, Report]) -> str:
    return f"import {Path(str(parameters['import_checkpoint']['path'])).name}"


_PURPOSES: dict[str, Callable[[Report, Mapping[str, Report]], str]] = {
    "__default__": _everything,
    "prepare": _prepare,
    "train": _train,
    "sample": lambda parameters, _: f"sample {parameters['sample']['count']}",
    "complete": _complete,
    "evaluate": _evaluate,
    "import_checkpoint": _import,
}


def _prepared(report: Report) -> str:
    splits = report["splits"]
    num_trained_on, num_left_out = splits.get("train", 0), splits.get("left_out", 0)
    held_out = sum(splits.values()) - num_trained_on - num_left_out
    not_taken = f", {num_left_out:,} not taken" if num_left_out else ""
    rejected = _reasons(report["rejected"])
    return (
        f"prepared {_number(report['num_files'], 'photo')}: "
        f"{_number(report['num_faces'], 'face')}, {num_trained_on:,} to train on, "
        f"{held_out:,} held out{not_taken}{rejected}"
    )


def _trained(report: Report) -> str:
    distance = report["last_scores"].get("face_frechet")
    score = "" if distance is None else f", face distance {distance:.3g}"
    return (
        f"trained {_number(report['steps'], 'step')} on "
        f"{_number(report['faces'], 'face')}; the model is of step "
        f"{report['model_step']:,}{score}"
    )


def _completed(report: Report) -> str:
    rejected = _reasons(report["rejected"])
    return (
        f"completed {report['completed']:,} of {_number(report['photos'], 'photo')}"
        f"{rejected}"
    )


def _evaluated(report: Report) -> str:
    masks = {row["mask"] for row in report["rows"]}
    return (
        f"evaluated {_number(report['faces'], 'held-out face')} under "
        f"{_number(len(masks), 'mask')}"
    )


def _reasons(counts: Mapping[str, int]) -> str:
    if not counts:
        return ""
    words = ", ".join(f"{reason} {count}" for reason, count in counts.items())
    return f"; left out: {words}"


_DONE: dict[str, Callable[[Report], str]] = {
    "preparation_report": _prepared,
    "training_report": _trained,
    "completion_report": _completed,
    "evaluation_report": _evaluated,
}


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(heads), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _evaluation(report: Report) -> str:
    """Table of the completions: how far from the photo under each mask."""
    ours: dict[str, Report] = {}
    for method in ("completed", "blended"):  # the second, where there is one
        for row in report.get("rows", ()):
            if row["method"] == method and "hole_psnr" in row:
                ours[row["mask"]] = row
    rows = list(ours.values())
    if not rows:
        return ""
    return _table(
        ("mask", "PSNR over the hole, dB", "95 % interval"),
        (
            (
                row["mask"],
                f"{row['hole_psnr']:.2f}",
                f"{row['hole_psnr_low']:.2f} to {row['hole_psnr_high']:.2f}",
            )
            for row in rows
        ),
    )
