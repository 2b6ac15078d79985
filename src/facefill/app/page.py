"""The page itself: three steps on one screen, in Gradio.

What it does when something is dropped or pressed is in ``events``.
"""

from pathlib import Path
from typing import Any

import gradio as gr

from facefill.app.completer import Completer
from facefill.app.events import Events
from facefill.app.messages import MAX_UPLOAD_MB
from facefill.imaging.photo_files import SUFFIXES
from facefill.parameters.defaults import FIDELITY

TITLE = "facefill"

_PHOTOS = [*SUFFIXES.values(), ".jpeg", ".tiff", ".jpe", ".dib"]
_FONT = ["system-ui", "Segoe UI", "Helvetica", "Arial", "sans-serif"]
_MONO = ["ui-monospace", "Menlo", "Consolas", "monospace"]
_PAINT = "rgb(255, 0, 140)"
_CSS = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
_HEAD = (
    "<header id='title'><h1>facefill</h1><p>Completes the missing part of a photo "
    "of a face. Everything stays on this machine.</p></header>"
)


def application(completer: Completer, folder: Path) -> Any:
    """Make the page's ASGI application.

    Args:
        completer: Completes the photos.
        folder: Takes the results.
    """
    from fastapi import FastAPI

    theme = gr.themes.Default(
        primary_hue="teal",
        neutral_hue="slate",
        font=[gr.themes.Font(name) for name in _FONT],
        font_mono=[gr.themes.Font(name) for name in _MONO],
    )
    return gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        _blocks(Events(completer, folder)),
        path="/",
        footer_links=[],
        run_history=False,
        max_file_size=f"{MAX_UPLOAD_MB}mb",
        ssr_mode=False,
        enable_monitoring=False,
        theme=theme,
        css=_CSS,
    )


def _blocks(events: Events) -> gr.Blocks:
    page = gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True)
    with page:
        gr.HTML(_HEAD, padding=False)
        with gr.Row(equal_height=False):
            with gr.Column(min_width=300):
                photo, faces, found = _photo_step()
            with gr.Column(min_width=300):
                editor, mask = _hole_step()
            with gr.Column(min_width=300):
                choices, button = _choices()
                slider, said, candidate, downloads = _result()
        results = gr.State([])
        shown = [slider, said, candidate, *downloads, results]
        quiet = {"api_visibility": "private", "show_progress": "hidden"}
        gr.on(
            [photo.upload, photo.clear],
            events.show_photo,
            photo,
            [photo, faces, found, editor, mask, *shown],
            **quiet,
        )
        button.click(
            events.complete,
            {photo, editor, mask, *choices},
            [faces, found, *shown],
            show_progress_on=slider,
            concurrency_limit=1,
            api_visibility="private",
        )
        candidate.input(
            events.choose, [candidate, results], [slider, said, downloads[0]], **quiet
        )
    return page


def _step(number: int, title: str) -> None:
    gr.HTML(f"<h2 class='step'><span>{number}</span>{title}</h2>", padding=False)


def _photo_step() -> tuple[gr.File, gr.Image, gr.Markdown]:
    _step(1, "Drop the photo")
    photo = gr.File(
        label="Photo", file_types=_PHOTOS, height=90, elem_id="photo", show_label=False
    )
    faces = gr.Image(
        label="The face that was found",
        format="png",
        interactive=False,
        height=440,
        buttons=[],
        elem_id="faces",
    )
    return photo, faces, gr.Markdown(elem_id="found")


def _hole_step() -> tuple[gr.ImageEditor, gr.File]:
    _step(2, "Paint over what is missing")
    editor = gr.ImageEditor(
        show_label=False,
        sources=[],
        transforms=[],
        layers=False,
        brush=gr.Brush(
            default_size=12, colors=[_PAINT], default_color=_PAINT, color_mode="fixed"
        ),
        format="png",
        height=480,
        buttons=[],
        placeholder="The photo appears here.",
        elem_id="editor",
    )
    mask = gr.File(
        label="or upload a mask file, white = missing",
        file_types=_PHOTOS,
        height=90,
        elem_id="mask",
    )
    return editor, mask


def _choices() -> tuple[list[Any], gr.Button]:
    _step(3, "Complete it")
    with gr.Row(elem_id="choices"):
        lam = gr.Number(
            0.1,
            label="lam",
            info="weight of looking real",
            minimum=0.0,
            min_width=90,
            elem_id="lam",
        )
        candidates = gr.Number(
            1,
            label="candidates",
            info="how many, up to 8",
            minimum=1,
            maximum=8,
            precision=0,
            min_width=90,
            elem_id="candidates",
        )
    fidelity = gr.Slider(
        0.0,
        1.0,
        FIDELITY,
        step=0.05,
        label="fidelity",
        info="from the likely mean to a sharp picture",
        buttons=[],
        elem_id="fidelity",
    )
    button = gr.Button("Complete", variant="primary", elem_id="complete")
    return [lam, candidates, fidelity], button


def _result() -> tuple[gr.ImageSlider, gr.Markdown, gr.Radio, list[gr.DownloadButton]]:
    slider = gr.ImageSlider(
        label="before | after",
        format="png",
        interactive=False,
        height=290,
        max_height=290,
        buttons=["fullscreen"],
        elem_id="result",
    )
    said = gr.Markdown(elem_id="said")
    candidate = gr.Radio(label="candidate", visible=False, elem_id="candidate")
    with gr.Row():
        photo = gr.DownloadButton(
            "Download photo", interactive=False, size="sm", elem_id="download"
        )
        hole = gr.DownloadButton(
            "Download mask", interactive=False, size="sm", elem_id="download-mask"
        )
    return slider, said, candidate, [photo, hole]
