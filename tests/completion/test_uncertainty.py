"""The diagnostics of chains in rows, reports and files."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from facefill.completion.uncertainty import (
    COLUMNS,
    FILES,
    describe_chains,
    posterior_files,
    report_chains,
)
from facefill.imaging.degradations import Inpainting
from facefill.imaging.masks import build_mask
from facefill.imaging.pictures import decode_png
from facefill.inversion.hmc.summary import Diagnosis
from facefill.inversion.measurement import Measurement

SIZE = 8


def posterior_of(deviation):
    rng = np.random.default_rng(0)
    low, high = (np.full((SIZE, SIZE, 3), grey, np.uint8) for grey in (10, 200))
    variables = rng.normal(size=(2, 3, 4)).astype(np.float32)
    energies = rng.normal(size=(2, 3)).astype(np.float32)
    return SimpleNamespace(
        deviation=deviation,
        low=low,
        high=high,
        frames=[low, high],
        draws=SimpleNamespace(variables=variables, energies=energies),
    )


def test_files_keep_known_pixels_and_every_draw(tmp_path):
    mask = build_mask("center", SIZE)
    face = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    posterior = posterior_of(np.ones((SIZE, SIZE, 3), np.float32))
    files = posterior_files(posterior, Measurement("a", face, mask, Inpainting()))
    assert set(files) == set(FILES)
    for name, grey in (("low.png", 10), ("high.png", 200)):
        picture = decode_png(files[name])
        assert np.array_equal(picture[mask], face[mask])
        assert (picture[~mask] == grey).all()
    (tmp_path / "samples.parquet").write_bytes(files["samples.parquet"])
    draws = pd.read_parquet(tmp_path / "samples.parquet")
    assert draws["chain"].tolist() == [0, 0, 0, 1, 1, 1]
    assert draws["draw"].tolist() == [0, 1, 2] * 2
    assert np.array_equal(draws["variables"][4], posterior.draws.variables[1, 1])


def test_a_row_has_the_mean_deviation_over_the_hole():
    hole = np.zeros((SIZE, SIZE), np.bool_)
    hole[0, :2] = True
    deviation = np.full((SIZE, SIZE, 3), 99.0, np.float32)
    deviation[0, 0], deviation[0, 1] = 2.0, 4.0
    diagnosis = Diagnosis(0.8, 0.1, 1.01, 50.0, 60.0, 3)
    best = SimpleNamespace(diagnosis=diagnosis, posterior=posterior_of(deviation))
    assert describe_chains(best, hole) == {
        "acceptance": 0.8,
        "r_hat": 1.01,
        "effective_size": 50.0,
        "divergences": 3,
        "deviation": 3.0,
    }
    assert describe_chains(best, np.zeros_like(hole))["deviation"] is None


def test_a_search_without_chains_has_no_diagnostics():
    best = SimpleNamespace(diagnosis=None, posterior=None)
    row = describe_chains(best, np.ones((SIZE, SIZE), np.bool_))
    assert row == dict.fromkeys(COLUMNS)
    table = pd.DataFrame([{"id": "a"} | row]).astype(dict.fromkeys(COLUMNS, float))
    assert report_chains(table) == {}


def test_a_report_has_the_worst_of_all_chains():
    rows = [
        {"id": "a", "acceptance": 0.6, "r_hat": 1.0, "effective_size": 40.0},
        {"id": "b", "acceptance": 0.8, "r_hat": 1.2, "effective_size": 90.0},
    ]
    table = pd.DataFrame(
        [row | {"divergences": 2.0, "deviation": np.nan} for row in rows]
    )
    summary = report_chains(table)["hmc"]
    assert summary["acceptance"] == pytest.approx(0.7)
    assert summary["r_hat"] == 1.2
    assert summary["effective_size"] == 40.0
    assert summary["divergences"] == 4.0
    assert "deviation" not in summary
    assert set(summary["photos"]) == {"a", "b"}
