"""Nesterov's momentum as a pure function, for any backend.

The rule of the first version of Yeh, Chen et al. (arXiv 1607.07539) as in its
authors' code and in the first bamos/dcgan-completion.tensorflow ``complete.py``:

    v' = mu v - alpha g
    z' = z - mu v + (1 + mu) v'
"""

from dataclasses import dataclass

from facefill.losses import Tensor

Velocity = tuple[Tensor]


@dataclass(frozen=True)
class MomentumRule:
    """Constants of the rule.

    Attributes:
        learning_rate: Step size, alpha.
        momentum: Share of the velocity that is kept, mu.
    """

    learning_rate: float
    momentum: float = 0.9

    def initial(self, value: Tensor) -> Velocity:
        """Give the state before the first step: no velocity."""
        return (value * 0.0,)

    def update(
        self,
        value: Tensor,
        gradient: Tensor,
        state: Velocity,
        step: Tensor,
        scale: Tensor = 1.0,
    ) -> tuple[Tensor, Velocity]:
        """Take one step; arguments and results as ``AdamRule.update``."""
        del step
        velocity = self.momentum * state[0] - self.learning_rate * scale * gradient
        change = (1.0 + self.momentum) * velocity - self.momentum * state[0]
        return value + change, (velocity,)
