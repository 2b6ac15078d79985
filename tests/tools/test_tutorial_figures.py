"""The tutorial's figures are small, all shown, and drawn again as they are."""

import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from projects import ROOT

FOLDER = ROOT / "docs/images/tutorial"
PICTURES = sorted(path.name for path in FOLDER.iterdir())
PAGES = [
    (ROOT / f"docs/{name}.md").read_text(encoding="utf-8")
    for name in ("tutorial", "results")
]


@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_is_small_and_shown(name):
    limit = 300_000 if name == "hero.jpg" else 150_000
    assert (FOLDER / name).stat().st_size < limit
    assert any(f"(images/tutorial/{name})" in page for page in PAGES)


def test_every_figure_is_drawn_by_the_tool():
    tool = (ROOT / "tools/tutorial_figures.py").read_text()
    makers = re.findall(r"^def (\w+)\(\) -> np.ndarray:", tool, re.MULTILINE)
    assert {name.partition(".")[0] for name in PICTURES} <= set(makers)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_picture_of_the_first_page_is_what_its_command_makes(tmp_path):
    command = [sys.executable, ROOT / "tools/tutorial_figures.py", "hero"]
    subprocess.run([*command, "--output", tmp_path], check=True, timeout=800)
    shown, drawn = (
        np.asarray(Image.open(folder / "hero.jpg"), int)
        for folder in (FOLDER, tmp_path)
    )
    # bfloat16, where a processor has it, and JPEG round otherwise.
    assert np.abs(shown - drawn).mean() < 4
