"""The catalogue of deliberate defects fits the code that it is planted into."""

import ast
from collections import Counter

import pytest

from loading import tool
from projects import ROOT

planting = tool("plant_defects")
DEFECTS = planting.read_catalogue()


def named(defect):
    return defect.name.replace(" ", "-")


def test_there_are_many_defects_and_each_has_a_name_of_its_own():
    assert len(DEFECTS) >= 30
    assert set(Counter(defect.name for defect in DEFECTS).values()) == {1}


@pytest.mark.parametrize("defect", DEFECTS, ids=named)
def test_a_defect_can_be_planted(defect):
    assert defect.fault() == ""


@pytest.mark.parametrize("defect", DEFECTS, ids=named)
def test_the_test_that_has_to_catch_it_exists(defect):
    file, _, function = defect.test.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
    assert function.partition("[")[0] in names


def test_every_defect_is_in_the_documentation():
    page = (ROOT / "docs/negative-controls.md").read_text(encoding="utf-8")
    assert [defect.name for defect in DEFECTS if defect.name not in page] == []


@pytest.mark.parametrize(
    ("code", "output", "verdict"),
    [
        (0, "1 passed", "MISSED"),
        (1, "E   assert 1 == 2", "caught"),
        (1, "E   AssertionError: no", "caught"),
        (1, "E   ImportError: no module", "BROKEN"),
        (2, "errors during collection", "BROKEN"),
        (4, "no such file", "BROKEN"),
        (5, "no tests ran", "BROKEN"),
        (-1, "pytest did not come back", "BROKEN"),
    ],
)
def test_only_a_test_that_ran_and_failed_has_caught_a_defect(code, output, verdict):
    assert planting.judge(code, output)[0] == verdict


def test_a_text_that_is_gone_or_not_unique_is_no_defect(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\nx = 1\ny = 2\n")

    def fault(source, planted):
        return planting.Defect("a", "a.py", source, planted, "t").fault(tmp_path)

    assert "0 times" in fault("z = 3", "")
    assert "2 times" in fault("x = 1", "x = 2")
    assert "changes nothing" in fault("y = 2", "y = 2")
    assert "no Python" in fault("y = 2", "y = (")
    assert fault("y = 2", "y = 3") == ""
