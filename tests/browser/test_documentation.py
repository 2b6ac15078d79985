"""The documentation as a reader sees it, without a network, on a desk and a phone."""

import os
import subprocess
import sys

import pytest

from browsing import missing, opened, served
from projects import ROOT

ABSENT = missing("mkdocs", "material", "latex2mathml", "playwright")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(ABSENT), reason=ABSENT),
]

PAGES = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
VIEWS = {
    "desk": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 800},
}
# Whoever asks another host for something gets an error at once.
NOWHERE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}

BROKEN = """[...document.images]
    .filter(image => !image.complete || !image.naturalWidth)
    .map(image => image.src)"""
FORMULAS = """[...document.querySelectorAll("math")]
    .map(formula => formula.getBoundingClientRect())
    .map(box => [box.width, box.height])"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages, built as strictly as CI does."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", folder]
    built = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | NOWHERE | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module", params=VIEWS)
def browser(request, site, tmp_path_factory):
    """A page of the browser, what it asked for and said, and the site's address."""
    with (
        served(site) as address,
        opened(tmp_path_factory.mktemp("profile"), viewport=VIEWS[request.param]) as (
            page,
            asked,
        ),
    ):
        said = []
        page.on("console", lambda line: said.append(line.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page, asked, said, address


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole(browser, name):
    page, asked, said, address = browser
    del asked[:], said[:]
    page.goto(f"{address}/{'' if name == 'index' else f'{name}/'}")
    page.wait_for_load_state("networkidle")

    assert asked
    assert not [url for url in asked if not url.startswith((address, "data:"))]
    assert said == []
    assert page.evaluate(BROKEN) == []
    # Nothing sticks out beside the screen: what is wide is scrolled by itself.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert all(min(size) > 4 for size in page.evaluate(FORMULAS))
    text = page.inner_text("article")
    assert "\\" not in "".join(page.locator("math").all_text_contents())
    assert "\\(" not in text
    assert "\\begin" not in text


def test_formulas_are_drawn_and_their_lines_are_aligned(browser):
    page, *_, address = browser
    page.goto(f"{address}/how-it-works/")
    page.wait_for_load_state("networkidle")
    formulas = page.locator("math[display=block]")

    assert formulas.count() >= 10
    first = formulas.first
    edges = [
        cell.bounding_box()["x"] + cell.bounding_box()["width"]
        for cell in first.locator("mtr > mtd:first-child").all()
    ]
    assert len(edges) == 2
    assert abs(edges[0] - edges[1]) < 1
    assert "&" not in first.text_content()


def test_the_search_finds_words_without_a_server_of_its_own(browser):
    page, *_, address = browser
    page.goto(f"{address}/")
    page.evaluate("document.querySelector('#__search').click()")
    page.fill("input[name=query]", "champion")

    page.wait_for_selector(".md-search-result__item >> text=MLflow")
