"""Adam and Nesterov momentum as pure functions of their state, for any backend.

Training and the search of completion use them. The variables of a Keras 3 optimiser
could travel through a loop in the graph, too (``stateless_apply``), but two things
would differ: Keras adds epsilon before the bias of the second moment is corrected, the
paper after; and its learning rate is a variable or a schedule over its own count of
iterations, where ours has a factor that each step is given.
"""

from dataclasses import dataclass

from keras import ops

from facefill.backend import keras_defaults  # noqa: F401  # for its effect
from facefill.backend.types import Tensor

Moments = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class AdamRule:
    """Adam update rule (Kingma & Ba 2015, algorithm 1), constants as in the paper.

    Attributes:
        learning_rate: Step size, alpha.
        beta_1: Decay of the first moment.
        beta_2: Decay of the second moment.
        epsilon: Added to the root of the second moment.
    """

    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def initial(self, value: Tensor) -> Moments:
        """Make the moments before the first step: zeros of the value's shape."""
        return (ops.zeros_like(value), ops.zeros_like(value))

    def update(
        self,
        value: Tensor,
        gradient: Tensor,
        moments: Moments,
        step: Tensor,
        scale: Tensor = 1.0,
    ) -> tuple[Tensor, Moments]:
        """Take one step.

        Args:
            value: What is optimised, any shape.
            gradient: Of the loss by ``value``, the same shape.
            moments: First and second moment, each of the same shape.
            step: Steps taken before this one, a scalar from 0.
            scale: Share of the learning rate that this step has, of a schedule.

        Returns:
            The new value and the new moments.
        """
        first = self.beta_1 * moments[0] + (1.0 - self.beta_1) * gradient
        second = self.beta_2 * moments[1] + (1.0 - self.beta_2) * ops.square(gradient)
        count = ops.cast(step, "float32") + 1.0
        unbiased_first = first / (1.0 - ops.power(self.beta_1, count))
        unbiased_second = second / (1.0 - ops.power(self.beta_2, count))
        change = unbiased_first / (ops.sqrt(unbiased_second) + self.epsilon)
        return value - self.learning_rate * scale * change, (first, second)


Velocity = tuple[Tensor]


@dataclass(frozen=True)
class MomentumRule:
    """Nesterov momentum update rule.

    Attributes:
        learning_rate: Step size, alpha.
        momentum: Share of the velocity that is kept, mu.
    """

    learning_rate: float
    momentum: float = 0.9

    def initial(self, value: Tensor) -> Velocity:
        """Make the state before the first step: no velocity."""
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
