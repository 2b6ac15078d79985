"""MLflow's pages open on the runs, whatever the browser saw before."""

import asyncio
import re
import urllib.parse
from pathlib import Path

import pytest

from facefill.runtime import tracking_page

# MLflow's server warns when Flask and FastAPI set it up.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:starlette.middleware.wsgi"),
]


def get(path):
    """Ask the application for a page."""
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:5000")],
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "server": ("127.0.0.1", 5000),
        "client": ("127.0.0.1", 1),
    }
    asyncio.run(tracking_page.Pages("7")(scope, receive, send))
    return sent[0]["status"], b"".join(part.get("body", b"") for part in sent).decode()


@pytest.mark.parametrize(
    ("run_id", "place"),
    [("", "/experiments/7/runs"), ("abc", "/experiments/7/runs/abc")],
)
def test_an_address_names_the_pages_of_trainings(run_id, place):
    page = tracking_page.address("http://127.0.0.1:5000/", "7", run_id)
    fragment = urllib.parse.urlsplit(page).fragment

    assert page.startswith("http://127.0.0.1:5000/#")
    assert fragment == f"{place}?workflowType=machine_learning"


def test_the_first_page_chooses_trainings_before_mlflows_code_is_loaded():
    status, page = get("/")
    choice = page.index('localStorage.setItem("mlflow.workflowType_v1"')

    assert status == 200
    assert choice < page.index("static-files/static/js/main")
    # A choice that was made stays.
    assert 'localStorage.getItem("mlflow.workflowType_v1")||' in page
    assert '"#/experiments/7/runs?workflowType=machine_learning"' in page


def test_mlflow_still_remembers_the_choice_by_that_name():
    import mlflow.server

    _, page = get("/")
    script = re.search(r'src="(static-files/static/js/main\.[^"]+)"', page)[1]
    folder = Path(str(mlflow.server.app.static_folder))
    code = (folder / script.removeprefix("static-files/")).read_text(encoding="utf-8")
    for name in ("workflowType", "assistant.fab.autoOpenedOnFirstLoad"):
        assert f'key:"mlflow.{name}",version:1' in code


def test_every_other_page_is_mlflows():
    assert get("/health") == (200, "OK")
