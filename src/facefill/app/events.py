"""What the page does when a photo is dropped, or a button pressed."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from facefill.app import messages
from facefill.app.completer import Choices, Completer, Result
from facefill.app.drawing import painted_hole, shown, with_faces, write_mask
from facefill.completion.given import read_pixels
from facefill.errors import FacefillError, MaskError
from facefill.imaging.photo_files import PhotoFile, format_of
from facefill.imaging.photos import Pixels


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


@dataclass(frozen=True)
class Events:
    """Handlers of the page's events.

    Attributes:
        completer: Completes the photos.
        folder: Takes the results, a folder each.
    """

    completer: Completer
    folder: Path

    def show_photo(self, photo: str | None) -> list[Any]:
        """Show a photo with its face, and lay it out for painting."""
        if photo is None:
            return [None, None, "", None, None, *_no_result()]
        try:
            pixels, found = self.completer.find_faces(Path(photo))
        except FacefillError as error:
            gr.Warning(messages.message(error), duration=None)
            return self.show_photo(None)
        said = messages.what_was_found(found, hole_is_known=False)
        canvas = {"background": shown(pixels), "layers": [], "composite": None}
        faces = with_faces(pixels, found)
        return [photo, faces, said, canvas, None, *_no_result()]

    def complete(
        self,
        inputs: dict[Any, Any],
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # how Gradio finds it
    ) -> list[Any]:
        """Complete the photo, and show what became of it.

        Args:
            inputs: Values of ``photo``, ``editor``, ``mask`` and of the choices, by
                component.
            progress: Draws the bar.

        Raises:
            gr.Error: With what the user can do about it.
        """
        given = {component.elem_id: value for component, value in inputs.items()}
        if given["photo"] is None:
            raise _refusal(messages.NO_PHOTO)
        photo, mask = Path(given["photo"]), given["mask"]
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            hole = Path(mask) if mask else _painted(photo, given["editor"], folder)
            result = self.completer.complete(
                photo,
                hole,
                _chosen(given),
                lambda share, doing: progress(share, desc=doing),
            )
        except FacefillError as error:
            # Where files of the page are says nothing to whoever dropped them.
            within = rf"{re.escape(str(self.folder))}/(?:\w+/)*"
            raise _refusal(re.sub(within, "", messages.message(error))) from error
        if not result.completion.faces:
            gr.Warning(messages.without_face(), duration=None)
        progress(0.95, desc="Writing the photo")
        return _shown(result, _saved(result, photo, folder), hole)

    def choose(self, candidate: int, candidates: Sequence[Candidate]) -> list[Any]:
        """Show another of the candidates."""
        chosen = candidates[candidate - 1]
        download = gr.DownloadButton(value=chosen.file)
        return [(chosen.before, chosen.after), chosen.said, download]


def _chosen(given: Mapping[str, Any]) -> Choices:
    """What is chosen; a number that was deleted is the default."""
    default, lam = Choices(), given["lam"]
    return Choices(
        default.lam if lam is None else lam,
        given["fidelity"],
        given["candidates"] or default.candidates,
    )


def _refusal(text: str) -> gr.Error:
    return gr.Error(text, duration=None, print_exception=False)


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
        raise _refusal(messages.NO_HOLE) from error
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
        messages.what_was_found(result.found, hole_is_known=True),
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
