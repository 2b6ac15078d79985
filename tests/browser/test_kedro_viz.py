"""``kedro viz build`` in a real browser: flowcharts, layers and previews."""

import subprocess

import pytest

from browsing import missing, opened, served

ABSENT = missing("kedro_viz", "playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(ABSENT), reason=ABSENT),
]

# Whoever asks another host for something gets an error at once.
NOWHERE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
PIPELINES = {
    "prepare": "align_faces",
    "train": "train_networks",
    "sample": "sample_generator",
    "complete": "complete_photos",
    "evaluate": "evaluate_completion",
}
NODES = "[...document.querySelectorAll('.pipeline-node__text')].map(e => e.textContent)"


@pytest.fixture(scope="module")
def built(project):
    """The folder of static pages, made without a network."""
    words, environment = project.command("viz", "build", "--include-previews")
    done = subprocess.run(
        words,
        cwd=project.root,
        env=environment | NOWHERE | {"KEDRO_ENV": "demo"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout
    return project.root / "build"


@pytest.fixture(scope="module")
def browser(built, tmp_path_factory):
    with (
        served(built) as address,
        opened(
            tmp_path_factory.mktemp("profile"), viewport={"width": 1400, "height": 900}
        ) as (page, asked),
    ):
        page.set_default_timeout(120_000)
        yield page, asked, address


def show(browser, pipeline, entry=""):
    page, _, address = browser
    page.goto("about:blank")
    chosen = f"&sn={entry}" if entry else ""
    page.goto(f"{address}/?pid={pipeline}{chosen}")
    page.wait_for_selector(".pipeline-node__text", state="attached")
    return page


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_each_pipeline_is_a_flowchart_with_its_layers(browser, pipeline):
    page = show(browser, pipeline)

    assert PIPELINES[pipeline] in page.evaluate(NODES)
    layers = page.locator(".pipeline-layer-name").all_text_contents()
    assert len(layers) >= 2
    assert set(layers) <= {
        "01_raw",
        "02_intermediate",
        "03_primary",
        "04_feature",
        "05_model_input",
        "06_models",
        "07_model_output",
        "08_reporting",
    }


@pytest.mark.parametrize(
    ("pipeline", "entry"),
    [
        ("train", "training_set"),
        ("prepare", "preparation_figures"),
        ("sample", "samples"),
        ("complete", "completion_pictures"),
        ("evaluate", "evaluation_figures"),
    ],
)
def test_pictures_are_previewed(browser, pipeline, entry):
    page = show(browser, pipeline, entry)
    picture = page.locator(".pipeline-metadata img").first
    picture.wait_for()

    # The pixels are there a moment after the element.
    handle = picture.element_handle()
    page.wait_for_function("picture => picture.naturalWidth >= 90", arg=handle)


@pytest.mark.parametrize(
    ("pipeline", "entry", "words"),
    [
        ("prepare", "photo_manifest", "face-0001.jpg"),
        ("complete", "completion_table", "collins-scratch.jpg"),
        ("evaluate", "evaluation_table", "hole_psnr"),
    ],
)
def test_tables_are_previewed_by_their_first_rows(browser, pipeline, entry, words):
    page = show(browser, pipeline, entry)

    page.wait_for_selector(f".pipeline-metadata table >> text={words}")


def test_nothing_but_a_font_is_asked_of_another_host(browser):
    _, asked, address = browser
    show(browser, "sample")
    elsewhere = {
        url
        for url in asked
        if not url.startswith((address, "data:", "blob:", "about:"))
    }

    # Kedro-Viz's own; without it a font of the system is taken.
    assert all(url.startswith("https://fonts.googleapis.com/") for url in elsewhere)
