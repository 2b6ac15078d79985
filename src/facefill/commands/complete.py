"""The command ``facefill complete``: a damaged photo, or a folder, made whole.

Synopsis, in a shell::

    facefill complete photo.jpg --mask mask.png --output whole.jpg
    facefill complete photos/ --mask masks/ --output whole/
"""

import logging
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from facefill.errors import FacefillError, PhotoError

if TYPE_CHECKING:
    from facefill.completion.result import Completion


class _Job(NamedTuple):
    """A photo, its mask if a file gives it, its hint, and where the result goes."""

    photo: Path
    mask: Path | None
    hint: Path | None
    output: Path


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("photo", type=click.Path(path_type=Path))
@click.option(
    "--mask",
    type=click.Path(path_type=Path),
    help="Mask file, white where the photo is to be completed; for a folder of photos "
    "a folder, with a mask named after each: ann.png or ann.jpg.png for ann.jpg.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="File of the result, in the format that its ending says; or a folder.",
)
@click.option(
    "--hole-from",
    type=click.Choice(["files", "alpha", "colour"]),
    default="files",
    show_default=True,
    help="Where the hole is given: mask files, transparent pixels of the photo, or the "
    "one colour that it is painted over with.",
)
@click.option(
    "--hint",
    type=click.Path(path_type=Path),
    help="JSON file with the box or the eyes of a face that is not found by itself; "
    "for a folder of photos a folder, with ann.jpg.json for ann.jpg.",
)
@click.option(
    "--lam",
    type=click.FloatRange(min=0.0),
    default=0.1,
    show_default=True,
    help="Weight of the perceptual loss.",
)
@click.option(
    "--candidates",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Completions of the photo; the others are written as whole-2.jpg and so on.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--model",
    default="pretrained",
    show_default=True,
    help="The model that comes with facefill, or a folder that `kedro run "
    "--pipeline=train` has filled, such as data/06_models.",
)
@click.option(
    "--outside",
    type=click.Choice(["inpaint", "leave"]),
    default="inpaint",
    show_default=True,
    help="What becomes of the hole beyond the face.",
)
@click.option(
    "--mask-grow",
    type=click.IntRange(0, 256),
    help="Pixels by which the hole is grown; by default 0, and 4 for JPEG and lossy "
    "WebP, which smear what is painted.",
)
def complete(photo: Path, output: Path, **settings: Any) -> None:
    """Complete the missing part of PHOTO, a file or a folder.

    The photo's own format, depth, colour profile and metadata are kept where the
    result is of the same format; nothing outside the hole changes.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    start_s = time.monotonic()
    try:
        jobs = _jobs(photo, settings["mask"], settings["hint"], output)
        if photo.is_dir():
            _complete_folder(jobs, settings, output)
        else:
            done = _complete(jobs[0], settings)
            _say(jobs[0], done, time.monotonic() - start_s)
    except FacefillError as error:
        click.echo(f"Error: {' '.join(str(error).split())}", err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"Error: {error.filename or output}: {error.strerror}", err=True)
        sys.exit(1)


def _jobs(
    photo: Path, mask: Path | None, hint: Path | None, output: Path
) -> list[_Job]:
    """List the photos with their masks and hints.

    Raises:
        PhotoError: If there is no photo.
    """
    if not photo.is_dir():
        return [_Job(photo, mask, hint, output)]
    from facefill.completion.holes import find_holes
    from facefill.preparation.ingestion import find_files

    names = sorted(file.photo_id for file in find_files(photo) if not file.reason)
    if not names:
        raise PhotoError("no_photos", f"the folder {photo} holds no photos")
    nowhere = photo / "\0"
    table = find_holes(names, mask or nowhere, hint or nowhere, "files")
    columns = (table[name] for name in ("path", "mask_file", "hint_file"))
    return [
        _Job(
            photo / name,
            mask / mask_file if mask and mask_file else None,
            hint / hint_file if hint and hint_file else None,
            output / name,
        )
        for name, mask_file, hint_file in zip(*columns, strict=True)
    ]


def _complete(job: _Job, settings: dict[str, Any]) -> "Completion":
    """Complete a photo, and write the result.

    Raises:
        FacefillError: If it cannot be completed.
    """
    from facefill import api

    if job.mask is None and settings["hole_from"] == "files":
        raise PhotoError(
            "no_mask",
            f"{job.photo} has no mask; name it with --mask, or say with --hole-from "
            "where the hole is given",
        )
    model = api.load_model(settings["model"])
    named = ("candidates", "hole_from", "outside", "mask_grow")
    changes = {name: settings[name] for name in named}
    done = api.complete(
        job.photo,
        job.mask if job.mask is not None else settings["hole_from"],
        settings["lam"],
        model=model,
        seed=settings["seed"],
        options=model.defaults.model_copy(update=changes),
        hint=job.hint,
    )
    done.save(job.output)
    for number, variant in enumerate(done.variants[1:], start=2):
        name = f"{job.output.stem}-{number}{job.output.suffix}"
        variant.save(job.output.with_name(name))
    return done


def _complete_folder(jobs: list[_Job], settings: dict[str, Any], output: Path) -> None:
    reasons: Counter[str] = Counter()
    for number, job in enumerate(jobs, start=1):
        start_s = time.monotonic()
        try:
            done = _complete(job, settings)
        except FacefillError as error:
            reasons[getattr(error, "reason", "mask")] += 1
            click.echo(f"[{number}/{len(jobs)}] not {job.photo.name}: {error}")
        else:
            click.echo(f"[{number}/{len(jobs)}] ", nl=False)
            _say(job, done, time.monotonic() - start_s)
    rejected = sum(reasons.values())
    why = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    click.echo(
        f"{len(jobs) - rejected} completed, {rejected} rejected"
        f"{f' ({why})' if why else ''}; the results are in {output}"
    )
    if rejected == len(jobs):
        sys.exit(1)


def _say(job: _Job, done: "Completion", seconds: float) -> None:
    """Say in a line what was done, and where the result is."""
    faces = {0: "no face in the hole", 1: "1 face"}.get(
        len(done.faces), f"{len(done.faces)} faces"
    )
    click.echo(
        f"completed {job.photo.name}: {faces}, {100 * done.hole.mean():.1f} % of the "
        f"photo filled ({100 * done.by_face:.0f} % of that by the face, "
        f"{100 * done.by_inpainting:.0f} % inpainted), {seconds:.0f} s; {job.output}"
    )
