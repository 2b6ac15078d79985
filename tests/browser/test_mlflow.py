"""MLflow's pages in a real browser, after one run, and the model that they show."""

import io
import re
import sqlite3
from contextlib import closing, suppress

import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image

from browsing import missing, opened
from model_servers import ask, free_port, running, served_model

ABSENT = missing("playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(ABSENT), reason=ABSENT),
    # MLflow's own tables warn when SQLAlchemy sets them up.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

PATIENCE_MS = 120_000
VIEW = {"width": 1280, "height": 800}
MODEL = "facefill-demo"
# Where the picture of a card is: inside of the card, as far as it is shown.
IN_SIGHT = """picture => {
    const card = picture.closest(
        '[data-testid="experiment-view-compare-runs-card"]').getBoundingClientRect();
    const box = picture.getBoundingClientRect();
    return picture.naturalWidth > 0 && box.height > 40
        && box.top >= card.top && box.bottom <= card.bottom;
}"""
PICTURE = "img.rc-image-img"
IS_ANOTHER = "([picture, shown]) => !shown.includes(picture.getAttribute('src'))"


@pytest.fixture(scope="module")
def printed(project):
    """The address that ``kedro mlflow ui`` prints while it serves."""
    words, environment = project.command(
        "mlflow", "ui", "--env=demo", f"--port={free_port()}"
    )
    with running(words, project.root, environment) as server:
        yield server.stdout.readline()


@pytest.fixture(scope="module")
def browser(printed, tmp_path_factory):
    with opened(tmp_path_factory.mktemp("profile"), viewport=VIEW) as (page, asked):
        page.set_default_timeout(PATIENCE_MS)
        yield page, asked


@pytest.fixture
def page(browser):
    return browser[0]


@pytest.fixture(scope="module")
def site(printed):
    return re.search(r"http://127\.0\.0\.1:\d+", printed)[0]


@pytest.fixture(scope="module")
def run(project):
    """Number of the experiment, and of the run, and the run's name."""
    with closing(sqlite3.connect(project.root / "mlflow.db")) as store:
        (row,) = store.execute("SELECT experiment_id, run_uuid, name FROM runs")
    return row


@pytest.fixture(scope="module")
def metrics(site, run):
    return f"{site}/#/experiments/{run[0]}/runs/{run[1]}/model-metrics"


def test_the_printed_address_is_the_first_line_and_lands_on_the_runs(page, printed):
    assert printed.startswith("The runs: http://127.0.0.1:")
    page.goto(re.search(r"http\S+", printed)[0])

    page.wait_for_selector("text=Run Name")
    # What a run is called says what it did.
    page.wait_for_selector("a:has-text('everything: train 64 px')")
    assert "Traces 0" not in page.inner_text("body")


def test_a_bare_address_lands_there_too(page, site):
    page.goto("about:blank")
    page.goto(site)

    page.wait_for_selector("a:has-text('everything: train 64 px')")


def test_the_last_line_of_a_run_is_the_page_of_that_run(page, project, site, run):
    (shown,) = re.findall(r"http://127\.0\.0\.1:5000(/#\S+)", project.said)
    assert run[1] in shown
    page.goto(f"{site}{shown}")

    page.wait_for_selector(f"h1:has-text('{run[2]}'), h2:has-text('{run[2]}')")
    # The summary: what each stage did.
    page.wait_for_selector("td:has-text('trained'), td:has-text('30 steps')")
    assert "training" in page.inner_text("body").lower()


def test_no_experiment_is_empty(page, site):
    page.goto(f"{site}/#/experiments")

    page.wait_for_selector(f"a:has-text('{MODEL}')")
    assert "Default" not in page.inner_text("table, [role=table]")


def test_a_training_has_its_curves(page, metrics):
    page.goto(metrics)
    for name in ("loss_generator", "d_real"):
        search(page, name, f"h4:has-text('{name}')")
        page.wait_for_selector(".plotly path.js-line", state="attached")


def search(page, words, selector):
    """Look for charts until one is there: a page that loads on forgets what was typed.

    MLflow draws the box before it has read the run, and once more when it has.
    """
    from playwright.sync_api import TimeoutError

    box = page.locator("input[placeholder*='Search metric']")
    for _ in range(12):
        box.fill("")
        box.fill(words)
        # A chart below the end of the window is drawn when it is scrolled to.
        page.mouse.move(VIEW["width"] / 2, VIEW["height"] / 2)
        page.mouse.wheel(0, 400)
        with suppress(TimeoutError):
            page.wait_for_selector(selector, timeout=PATIENCE_MS / 12)
            return
    pytest.fail(f"no {selector} on the page: {page.inner_text('body')}")


def card_of(page, series):
    """The card of stepped pictures, in sight."""
    title = f"h4:text-is('{series}')"
    search(page, series.partition("/")[2], title)
    card = page.locator("[data-testid=experiment-view-compare-runs-card]").filter(
        has=page.locator(title)
    )
    # Cards are drawn when they are scrolled to.
    card.scroll_into_view_if_needed()
    return card


@pytest.mark.parametrize(
    ("series", "steps"),
    # The first picture of a training is that of networks that have learnt nothing.
    [("train/samples", ["0", "10", "20", "30"]), ("complete/faces", ["0", "1"])],
)
def test_the_slider_shows_a_picture_for_each_step(page, metrics, series, steps):
    page.goto("about:blank")
    page.goto(metrics)
    card = card_of(page, series)
    slider, picture = card.locator("[role=slider]"), card.locator(PICTURE)
    shown = []
    for step in steps:
        if shown:
            slider.press("ArrowRight")
            page.wait_for_function(IS_ANOTHER, arg=[picture.element_handle(), shown])
        page.wait_for_function(IN_SIGHT, arg=picture.element_handle())
        assert slider.get_attribute("aria-valuenow") == step
        shown.append(picture.get_attribute("src"))
    assert len(set(shown)) == len(steps)


def test_a_slider_opens_at_the_first_picture_there_is(page, metrics, project, run):
    store = MlflowClient(f"sqlite:///{project.root / 'mlflow.db'}")
    grey = np.full((64, 64, 3), 128, np.uint8)
    for step in (40, 50):
        store.log_image(run[1], grey, key="continued/samples", step=step)
    page.goto("about:blank")
    page.goto(metrics)
    card = card_of(page, "continued/samples")

    card.locator("[role=slider][aria-valuenow='40']").wait_for()
    page.wait_for_function(IN_SIGHT, arg=card.locator(PICTURE).element_handle())


def test_an_evaluation_is_a_table_and_a_figure_opens(page, site, run):
    artifacts = f"{site}/#/experiments/{run[0]}/runs/{run[1]}/artifacts"
    page.goto(f"{artifacts}/tables/evaluation.json")
    page.wait_for_selector("text=hole_psnr")
    page.goto("about:blank")
    page.goto(f"{artifacts}/reports/training_curves.html")
    page.frame_locator("iframe").locator(".plotly").first.wait_for()


def test_the_model_is_registered_and_is_the_champion(page, site):
    page.goto(f"{site}/#/models/{MODEL}")

    page.wait_for_selector("text=Version 1")
    page.wait_for_selector("text=@ champion")
    page.wait_for_selector(f"text=models:/{MODEL}@champion", state="attached")


def test_nothing_was_asked_of_any_other_host(browser, site):
    asked = browser[1]

    assert len(asked) > 50
    assert not [url for url in asked if not url.startswith((site, "data:", "blob:"))]


def test_the_served_model_answers_a_post_with_a_completed_photo(project, tmp_path):
    sample = project.root / "data/demo/01_raw"
    photo = (sample / "incomplete/collins-scratch.jpg").read_bytes()
    mask = (sample / "masks/collins-scratch.jpg.png").read_bytes()
    store = f"sqlite:///{project.root / 'mlflow.db'}"
    with served_model(f"models:/{MODEL}@champion", store, tmp_path) as address:
        content, reason = ask(address, photo, mask, lam=0.1, iterations=10)

    assert reason == ""
    before = np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"), int)
    hole = np.asarray(Image.open(io.BytesIO(mask)).convert("L")) >= 128
    completed = Image.open(io.BytesIO(content))
    assert completed.format == "JPEG"
    after = np.asarray(completed.convert("RGB"), int)
    change = np.abs(after - before).mean(axis=-1)
    assert after.shape == before.shape
    assert change[hole].mean() > 10
    assert np.median(change[~hole]) == 0
