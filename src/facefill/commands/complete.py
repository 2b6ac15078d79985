"""The command ``facefill complete``: a damaged photo, or a folder, made whole.

Synopsis, in a shell::

    facefill complete photo.jpg --mask mask.png --output whole.jpg
    facefill complete photos/ --mask masks/ --output whole/
"""

import logging
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from facefill.backend.quick_import import without_optional_packages
from facefill.errors import FacefillError, PhotoError

if TYPE_CHECKING:
    from facefill.api import FaceModel
    from facefill.completion.given import GivenPhoto
    from facefill.completion.result import Completion
    from facefill.preparation.extraction import Extraction
    from facefill.runtime.process_pool import ProcessPool


logger = logging.getLogger(__name__)


class _Job(NamedTuple):
    """A photo to complete.

    Attributes:
        photo: Its file.
        mask: Its mask file; None if it has none.
        hint: JSON file that says where the face is, if there is one.
        output: File of the result.
        problem: Why its mask or its hint cannot be used, if it is so.
    """

    photo: Path
    mask: Path | None
    hint: Path | None
    output: Path
    problem: FacefillError | None = None


class _Begun(NamedTuple):
    """A photo that is read, and whose faces another process is looking for."""

    given: "GivenPhoto"
    found: "Future[Extraction | FacefillError]"


# Of the options of the model, those that the command line sets.
_OPTIONS = ("candidates", "hole_from", "outside", "mask_grow")


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
    help="File of the result, in the format that its ending says; for a folder of "
    "photos a folder. What is there is replaced.",
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
    help="Weight of looking like a face beside fitting the known pixels; below about "
    "100 no change is seen, and 0 is faster.",
)
@click.option(
    "--fidelity",
    type=click.FloatRange(0.0, 1.0),
    help="From 0, the likely mean, soft and nearest on average, to 1, as sharp as a "
    "photo and one of many that fit; by default 0.7.",
)
@click.option(
    "--candidates",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Completions of the photo; the others are written as whole-2.jpg and so on.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Seed of every random number.",
)
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
    help="What becomes of the hole beyond the face: filled from the photo around it, "
    "or left.",
)
@click.option(
    "--mask-grow",
    type=click.IntRange(0, 256),
    help="Pixels by which the hole is grown, for a rim of the damage that stays; by "
    "default 0, and for JPEG and lossy WebP 2, or 4 with --hole-from colour.",
)
def complete(photo: Path, output: Path, **settings: Any) -> None:
    """Complete the missing part of PHOTO, a file or a folder.

    The photo's own format, depth, colour profile and metadata are kept where the
    result is of the same format; nothing outside the hole changes.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        jobs = _jobs(photo, settings["mask"], settings["hint"], output)
        # Found out before any work: whether the results can be written.
        for folder in {job.output.parent for job in jobs}:
            folder.mkdir(parents=True, exist_ok=True)
        completions = _complete_each(jobs, settings)
        if photo.is_dir():
            _report_folder(completions, len(jobs), output)
        else:
            ((_, said),) = completions
            if isinstance(said, FacefillError):
                raise said
            click.echo(said)
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
    from facefill.completion.holes import find_holes, problem_of
    from facefill.preparation.ingestion import find_files

    names = sorted(file.photo_id for file in find_files(photo) if not file.reason)
    if not names:
        raise PhotoError("no_photos", f"the folder {photo} holds no photos")
    table = find_holes(names, mask, hint, "files", "are not completed")
    rows: Iterator[Any] = table.itertuples()
    return [
        _Job(
            photo / row.path,
            mask / row.mask_file if mask and row.mask_file else None,
            hint / row.hint_file if hint and row.hint_file else None,
            output / row.path,
            problem_of(row),
        )
        for row in rows
    ]


def _complete_each(
    jobs: list[_Job], settings: dict[str, Any]
) -> Iterator[tuple[_Job, str | FacefillError]]:
    """Complete photos and write the results; give what to say of each, in a line."""
    start_s = time.monotonic()
    model: FaceModel | None = None
    for job, begun in _begin_each(jobs, settings):
        try:
            if isinstance(begun, FacefillError):
                raise begun
            # Once: a training that ends beside it changes no photo of this command.
            model = model or _load_api().load_model(settings["model"])
            done = _complete(begun, model, settings)
            _save(done, job.output)
            yield job, _line(job, done, time.monotonic() - start_s)
        except OSError:
            raise
        except Exception as error:
            yield job, _refusal(job, error)
        start_s = time.monotonic()


def _begin_each(
    jobs: Iterable[_Job], settings: dict[str, Any]
) -> Iterator[tuple[_Job, _Begun | FacefillError]]:
    """Read photos, and have their faces found, one photo ahead of who completes them.

    The first is given as soon as it is read: TensorFlow is to be loaded meanwhile.
    """
    from facefill.parameters import AlignOptions
    from facefill.preparation.face_finder import FaceFinder
    from facefill.runtime.process_pool import ProcessPool

    options = AlignOptions()
    work = FaceFinder(options, _image_size(settings["model"]))
    waiting: deque[tuple[_Job, _Begun | FacefillError]] = deque()
    with (
        ProcessPool(work, 1, options.timeout_s) as pool,
        ThreadPoolExecutor(1) as thread,
    ):
        for job in jobs:
            waiting.append((job, _begin(job, settings, pool, thread)))
            if len(waiting) > 1:
                yield waiting.popleft()
        yield from waiting


def _image_size(model: str) -> int:
    from facefill.models import pretrained, sources

    if model == sources.PRETRAINED:
        return pretrained.require_manifest().image_size
    size: int = _load_api().load_model(model).image_size
    return size


def _load_api() -> Any:
    """Import what completes, and TensorFlow with it."""
    with without_optional_packages():
        from facefill import api
    return api


def _begin(
    job: _Job, settings: dict[str, Any], pool: "ProcessPool", thread: ThreadPoolExecutor
) -> _Begun | FacefillError:
    """Read a photo, and have its faces found; the error if it cannot be read."""
    from facefill.completion.given import read_given
    from facefill.imaging.photo_files import format_of
    from facefill.parameters import CompleteOptions

    options = CompleteOptions().model_copy(update=_changes(settings))
    try:
        format_of(job.output)
        if job.problem is not None:
            raise job.problem
        if job.mask is None and options.hole_from == "files":
            raise PhotoError(
                "no_mask",
                f"{job.photo} has no mask; name it with --mask, or say with "
                "--hole-from where the hole is given",
            )
        mask = job.mask if job.mask is not None else options.hole_from
        given = read_given(job.photo, mask, options, job.hint)
    except OSError:
        raise
    except Exception as error:
        return _refusal(job, error)
    return _Begun(given, thread.submit(_find, pool, given))


def _refusal(job: _Job, error: Exception) -> FacefillError:
    """Error to say of one photo; of one that nobody has foreseen the log has more."""
    if isinstance(error, FacefillError):
        return error
    logger.error("%s failed; the other photos go on", job.photo, exc_info=error)
    return PhotoError("failed", f"{type(error).__name__}: {error}")


def _find(pool: "ProcessPool", given: "GivenPhoto") -> "Extraction | FacefillError":
    item = given.pixels, given.hole, given.hint
    ((found,),) = pool.map([[item]])
    return found  # type: ignore[no-any-return]  # a pool knows nothing of its work


def _complete(
    begun: _Begun, model: "FaceModel", settings: dict[str, Any]
) -> "Completion":
    """Complete a photo.

    Raises:
        FacefillError: If it cannot be completed.
    """
    found = begun.found.result()
    if isinstance(found, FacefillError):
        raise found
    done: Completion = _load_api().complete_given(
        begun.given,
        found,
        settings["lam"],
        model=model,
        seed=settings["seed"],
        options=model.defaults.model_copy(update=_changes(settings)),
    )
    return done


def _changes(settings: dict[str, Any]) -> dict[str, Any]:
    changes = {name: settings[name] for name in _OPTIONS}
    if settings["fidelity"] is not None:
        changes["fidelity"] = settings["fidelity"]
    return changes


def _save(done: "Completion", output: Path) -> None:
    done.save(output)
    for number, variant in enumerate(done.variants[1:], start=2):
        variant.save(output.with_name(f"{output.stem}-{number}{output.suffix}"))


def _report_folder(
    completions: Iterable[tuple[_Job, str | FacefillError]], count: int, output: Path
) -> None:
    """Say what became of each photo, and at last of all."""
    reasons: Counter[str] = Counter()
    for number, (job, said) in enumerate(completions, start=1):
        failed = isinstance(said, FacefillError)
        if failed:
            reasons[getattr(said, "reason", "mask")] += 1
        line = f"not {job.photo.name}: {said}" if failed else said
        click.echo(f"[{number}/{count}] {line}")
    rejected = sum(reasons.values())
    why = ", ".join(f"{reason} {num}" for reason, num in reasons.most_common())
    click.echo(
        f"{count - rejected} completed, {rejected} rejected"
        f"{f' ({why})' if why else ''}; the results are in {output}"
    )
    if rejected == count:
        sys.exit(1)


def _line(job: _Job, done: "Completion", seconds: float) -> str:
    """Say in a line what was done, and where the result is."""
    return f"completed {job.photo.name}: {done.summary}, {seconds:.0f} s; {job.output}"
