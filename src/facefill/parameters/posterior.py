"""Parameters of Hamiltonian Monte Carlo in the latent space."""

from typing import Annotated

from pydantic import Field

from facefill.parameters.blocks import Block, Positive
from facefill.parameters.choices import HmcRule


class ReferenceHmcOptions(Block):
    """The rule of bamos/dcgan-completion.tensorflow, ``complete.py --approach hmc``.

    Attributes:
        beta: Inverse temperature of the loss.
        step_size: Step size of a leapfrog.
        leapfrogs: Leapfrogs between two proposals.
        anneal: What beta is multiplied by after each proposal.
    """

    beta: Annotated[float, Field(gt=0.0)] = 0.2
    step_size: Annotated[float, Field(gt=0.0)] = 0.001
    leapfrogs: Positive = 100
    anneal: Annotated[float, Field(gt=0.0)] = 1.0


class HmcOptions(Block):
    """Chains that sample what a face may be, given its known pixels.

    Sources of the defaults are beside them in ``parameters_complete.yml``. Of the
    rule ``reference`` only the block of that name counts.

    Attributes:
        rule: ``calibrated`` samples the posterior of the latent, ``reference`` moves
            it as bamos/dcgan-completion.tensorflow does.
        chains: Chains of each photo.
        warm_up: Transitions of each chain that adapt the step size and are dropped.
        draws: Transitions of each chain that are kept.
        leapfrogs: Leapfrogs of a transition.
        acceptance: Share of accepted proposals that the step size is adapted to.
        noise: How far a face is from what the generator can draw of it: scale of the
            Laplace distribution of a known pixel's error, in grey levels.
        hidden_growth: How the scale of a hidden pixel's error grows with its distance d
            from the nearest known pixel: ``noise * d ** hidden_growth``; 0 is as if it
            were known. It widens the maps ``low`` and ``high``, and moves no chain.
        redundancy: How many known pixels say as much as one would whose error is
            independent of all others; 1 takes all errors for independent.
        reference: Parameters of the rule ``reference``.
    """

    rule: HmcRule = "calibrated"
    chains: Annotated[int, Field(ge=2, le=64)] = 4
    warm_up: Annotated[int, Field(ge=10)] = 60
    draws: Annotated[int, Field(ge=4)] = 100
    leapfrogs: Positive = 16
    acceptance: Annotated[float, Field(ge=0.4, le=0.95)] = 0.75
    noise: Annotated[float, Field(gt=0.0, le=255.0)] = 11.0
    hidden_growth: Annotated[float, Field(ge=0.0, le=2.0)] = 0.28
    redundancy: Annotated[float, Field(ge=1.0, le=10_000.0)] = 1.0
    reference: ReferenceHmcOptions = ReferenceHmcOptions()
