"""The solver that options name."""

import pytest

from facefill.inversion.hmc.reference import ReferenceHmcSolver
from facefill.inversion.hmc.sampler import PosteriorSolver
from facefill.inversion.solvers import GradientSolver, solver_of
from facefill.models.files import ModelPair
from searching import HMC, LAM, REFERENCE_HMC, options_of


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, GradientSolver),
        ({"method": "momentum"}, GradientSolver),
        (HMC, PosteriorSolver),
        (REFERENCE_HMC, ReferenceHmcSolver),
    ],
    ids=["adam", "momentum", "hmc", "reference hmc"],
)
def test_the_method_decides_the_solver_and_what_it_takes(networks, changes, kind):
    options = options_of(**changes)
    solver = solver_of(ModelPair(*networks), options, LAM, seed=1)
    assert type(solver) is kind
    leapfrogs = 2 * 14 * 2 if kind is PosteriorSolver else 0
    searched = 3 * 2 + 2 * 4 if kind is PosteriorSolver else 6
    assert solver.iterations_per_photo == searched + leapfrogs
    with solver.arithmetic():
        pass
