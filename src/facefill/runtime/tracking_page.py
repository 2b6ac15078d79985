"""MLflow's pages of the runs: their addresses, and a server that opens on them.

MLflow 3 has two sets of pages, for language models and for trainings. A browser that
has not been there before gets the first, which show no run of ours, whatever the
experiment's tags say: only the address counts, or what the browser remembers of an
earlier choice. So every address that facefill prints names the pages of trainings,
and its server makes them the choice of a browser that has not made any.
"""

import json
import os
import socket
from contextlib import suppress
from pathlib import Path

from facefill.runtime.loopback import (
    Application,
    LoopbackOnly,
    Message,
    Receive,
    Send,
    is_loopback,
)

WORKFLOW = "machine_learning"

MAX_REQUEST = 32_000_000
"""Bytes of a request to the server: artifacts do not go through it."""

# What a new browser is to remember, by the names of MLflow 3.17: the choice of the
# pages, and that the panel of an assistant, a third of the page, has been seen.
_CHOICES = {
    "mlflow.workflowType_v1": WORKFLOW,
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
}

# The card of a stepped picture has every parameter of the run above the picture, which
# is then below the edge of the card, in the middle of a box larger than the card.
_STYLE = """
[data-testid="experiment-view-compare-runs-card"] div:has(> label) + div {
  display: none;
}
[data-testid="experiment-view-compare-runs-card"] div:has(> .rc-image) {
  width: auto !important;
  height: auto !important;
  aspect-ratio: auto !important;
  justify-content: flex-start !important;
}
[data-testid="experiment-view-compare-runs-card"] .rc-image-img {
  max-height: 190px !important;
}
"""

# The slider of that card opens at step 0. Where the first picture is of a later one, as
# in a run that continues a training, there is none to see until the slider is moved.
_FIRST_PICTURE = """
setInterval(() => document.querySelectorAll(
  '[data-testid="experiment-view-compare-runs-card"] [role=slider]'
).forEach(slider => {
  if (+slider.ariaValueNow < +slider.ariaValueMin) slider.dispatchEvent(
    new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
}), 500);
"""


def address(server: str, experiment_id: str, run_id: str = "") -> str:
    """Address of the list of runs, or of one run.

    Args:
        server: Such as ``http://127.0.0.1:5000``.
        experiment_id: MLflow's number of the experiment.
        run_id: Of the run; empty for the list.
    """
    page = f"{server.rstrip('/')}/#/experiments/{experiment_id}/runs"
    return f"{page}{'/' if run_id else ''}{run_id}?workflowType={WORKFLOW}"


def serve(
    store: str, artifacts: str, experiment_id: str, listener: socket.socket
) -> None:
    """Serve the pages until the process is stopped.

    On an address of this machine alone, only to pages of its own: MLflow's check of
    hosts leaves the first page and ``/health`` out, that of origins all but its API,
    and it limits no request.

    Args:
        store: MLflow's tracking URI, such as ``sqlite:////home/ann/mlflow.db``.
        artifacts: URI of the folder of artifacts of new experiments; empty is
            MLflow's own default.
        experiment_id: Of the runs that are shown first.
        listener: From ``listen``; on ``127.0.0.1`` it hears this machine alone.
    """
    import uvicorn
    from mlflow.server.constants import (
        ARTIFACT_ROOT_ENV_VAR,
        BACKEND_STORE_URI_ENV_VAR,
    )

    os.environ[BACKEND_STORE_URI_ENV_VAR] = store
    if artifacts:
        os.environ[ARTIFACT_ROOT_ENV_VAR] = artifacts
    pages: Application = Pages(experiment_id)
    host, port = listener.getsockname()[:2]
    if is_loopback(host):
        pages = LoopbackOnly(pages, port, MAX_REQUEST, host)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(uvicorn.Config(pages, log_level="warning")).run([listener])


class Pages:
    """ASGI application: MLflow's, but for the page that a browser loads first.

    Without a place in its address it opens the list of the experiment's runs.
    """

    def __init__(self, experiment_id: str) -> None:
        """Write the first page.

        Args:
            experiment_id: MLflow's number of the experiment.
        """
        self._body = first_page(experiment_id).encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request."""
        from mlflow.server.fastapi_app import app

        if scope["type"] != "http" or scope["path"] != "/":
            await app(scope, receive, send)
            return
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(self._body)).encode()),
            (b"cache-control", b"no-cache"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


def first_page(experiment_id: str) -> str:
    """HTML that loads MLflow's pages, with trainings as what is shown first.

    Pictures that a run has for its steps are in sight there.

    Args:
        experiment_id: Of the runs to open where the address names no page.
    """
    import mlflow.server

    choices = "".join(
        f"localStorage.getItem({json.dumps(key)})||"
        f"localStorage.setItem({json.dumps(key)},{json.dumps(json.dumps(value))});"
        for key, value in _CHOICES.items()
    )
    runs = json.dumps(address("", experiment_id)[1:])
    script = (
        f"<script>try{{{choices}}}catch(e){{}}"
        f"if(!location.hash)location.replace({runs});{_FIRST_PICTURE}</script>"
        f"<style>{_STYLE}</style>"
    )
    page = Path(str(mlflow.server.app.static_folder), "index.html")
    return page.read_text(encoding="utf-8").replace("<head>", f"<head>{script}", 1)
