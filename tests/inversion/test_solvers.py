"""The solver that options name."""

from contextlib import nullcontext

import pytest

from facefill.backend import devices
from facefill.inversion.hmc.sampler import PosteriorSolver
from facefill.inversion.solvers import SearchSolver, solver_of
from facefill.models.files import ModelPair
from searching import HMC, LAM, REFERENCE_HMC, options_of


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, SearchSolver),
        ({"method": "momentum"}, SearchSolver),
        (HMC, PosteriorSolver),
        (REFERENCE_HMC, SearchSolver),
    ],
    ids=["adam", "momentum", "hmc", "reference hmc"],
)
def test_the_method_decides_the_solver_and_what_it_takes(
    networks, changes, kind, monkeypatch
):
    options = options_of(**changes)
    solver = solver_of(ModelPair(*networks), options, LAM, seed=1)
    assert type(solver) is kind
    leapfrogs = 2 * 14 * 2 if kind is PosteriorSolver else 0
    searched = 3 * 2 + 2 * 4 if kind is PosteriorSolver else 6
    assert solver.iterations_per_photo == searched + leapfrogs
    exact = nullcontext()
    monkeypatch.setattr(devices, "exact_float32", lambda: exact)
    assert (solver.arithmetic() is exact) == (kind is PosteriorSolver)
