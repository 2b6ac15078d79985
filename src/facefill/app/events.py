"""What the page does when a photo is dropped, or a button pressed."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import gradio as gr

from facefill.app import messages
from facefill.app.completer import Choices, Completer, Result
from facefill.app.drawing import painted_hole, shown, with_faces, write_mask
from facefill.completion.given import read_pixels
from facefill.errors import FacefillError, MaskError
from facefill.imaging.photo_files import PhotoFile, format_of
from facefill.imaging.photos import Pixels

_Arguments = ParamSpec("_Arguments")
_Outputs = TypeVar("_Outputs")


class Candidate(NamedTuple):
    """A whole photo among those that a search gives.

    Attributes:
        before: The photo as it came, as it is shown.
        after: The photo made whole, as it is shown.
        file: The photo made whole, in full.
        said: What was done.
    """

    before: Pixels
    after: Pixels
    file: str
    said: str


def _with_cure(
    handle: Callable[Concatenate["Events", _Arguments], _Outputs],
) -> Callable[Concatenate["Events", _Arguments], _Outputs]:
    """Show what the user can cure as a message of the page."""

    @wraps(handle)
    def handled(
        self: "Events", *arguments: _Arguments.args, **named: _Arguments.kwargs
    ) -> _Outputs:
        try:
            return handle(self, *arguments, **named)
        except FacefillError as error:
            text = messages.message(error).replace(f"{self.folder}/", "")
            raise gr.Error(
                text, duration=None, title="Not completed", print_exception=False
            ) from error

    return handled


@dataclass(frozen=True)
class Events:
    """Handlers of the page's events.

    Attributes:
        completer: Completes the photos.
        folder: Takes the results, a folder each.
    """

    completer: Completer
    folder: Path

    @_with_cure
    def show_photo(self, photo: str | None) -> list[Any]:
        """Show a photo with its faces, and lay it out for painting."""
        nothing = [None, *_no_result()]
        if photo is None:
            return [None, "", None, *nothing]
        pixels, found = self.completer.find_faces(Path(photo))
        said = messages.what_was_found(found)
        canvas = {"background": shown(pixels), "layers": [], "composite": None}
        return [with_faces(pixels, found), said, canvas, *nothing]

    @_with_cure
    def complete(  # noqa: PLR0913  # the inputs of the page
        self,
        photo: str | None,
        painted: dict[str, Any] | None,
        mask: str | None,
        lam: float | None,
        candidates: int | None,
        is_refined: bool,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # how Gradio finds it
    ) -> list[Any]:
        """Complete the photo, and show what became of it."""
        if photo is None:
            raise gr.Error(messages.NO_PHOTO, title="No photo", print_exception=False)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        hole = Path(mask) if mask else _painted(Path(photo), painted, folder)
        default = Choices()
        chosen = Choices(
            default.lam if lam is None else lam, is_refined, candidates or 1
        )
        result = self.completer.complete(
            Path(photo),
            hole,
            chosen,
            lambda share, doing: progress(share, desc=doing),
        )
        if not result.completion.faces:
            gr.Warning(messages.without_face(), duration=None, title="No face")
        progress(0.95, desc="Writing the photo")
        return _shown(result, _saved(result, Path(photo), folder), hole)

    def choose(self, candidate: int, candidates: Sequence[Candidate]) -> list[Any]:
        """Show another of the candidates."""
        chosen = candidates[candidate - 1]
        download = gr.DownloadButton(value=chosen.file)
        return [(chosen.before, chosen.after), chosen.said, download]


def _painted(photo: Path, painted: dict[str, Any] | None, folder: Path) -> Path:
    """Write what is painted as a mask file.

    Raises:
        gr.Error: If nothing is.
    """
    pixels, _ = read_pixels(photo)
    try:
        layers = painted["layers"] if painted else []
        hole = painted_hole(layers, (pixels.shape[0], pixels.shape[1]))
    except MaskError as error:
        raise gr.Error(
            messages.NO_HOLE, title="No hole", print_exception=False
        ) from error
    return write_mask(hole, folder / f"{photo.stem}-mask.png")


def _saved(result: Result, photo: Path, folder: Path) -> list[Candidate]:
    """Write the completed photos, in the format that the photo came in."""
    original = result.completion.original
    assert original is not None  # for mypy: the photo came from a file
    suffix = _suffix(photo, original)
    before = shown(result.photo)
    candidates = []
    for number, done in enumerate(result.completion.variants, start=1):
        end = f"-{number}" if number > 1 else ""
        file = folder / f"{photo.stem}-whole{end}{suffix}"
        done.save(file)
        candidates.append(Candidate(before, shown(done.photo), str(file), done.summary))
    return candidates


def _suffix(photo: Path, original: PhotoFile) -> str:
    """Ending of the photo's name, or that of its format if the name is wrong."""
    try:
        return photo.suffix if format_of(photo) == original.format else original.suffix
    except FacefillError:
        return original.suffix


def _shown(result: Result, candidates: list[Candidate], hole: Path) -> list[Any]:
    first, count = candidates[0], len(candidates)
    choice = gr.Radio(choices=list(range(1, count + 1)), value=1, visible=count > 1)
    return [
        with_faces(result.photo, result.found, result.completion.hole),
        (first.before, first.after),
        first.said,
        choice,
        gr.DownloadButton(value=first.file, interactive=True),
        gr.DownloadButton(value=str(hole), interactive=True),
        candidates,
    ]


def _no_result() -> list[Any]:
    """What is shown before anything is completed."""
    return [
        None,
        "",
        gr.Radio(choices=[], value=None, visible=False),
        gr.DownloadButton(value=None, interactive=False),
        gr.DownloadButton(value=None, interactive=False),
        [],
    ]
