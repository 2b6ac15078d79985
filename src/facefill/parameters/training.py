"""Parameters of the networks and of their training, and its presets."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from facefill.parameters.blocks import Block, Positive

TRAIN_PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    # bamos/dcgan-completion.tensorflow: one update of D, then two of G on the
    # same latents, batches of 64, no flips, no average of the generator.
    "reference": {
        "generator_updates": 2,
        "update_order": "alternating",
        "batch_size": 64,
        "flip": False,
        "average_decay": 0.0,
    },
}


class TrainOptions(Block):
    """The DCGAN and its training; a value given here wins over the preset's.

    Attributes:
        preset: ``default``, or ``reference`` for the behaviour of
            bamos/dcgan-completion.tensorflow.
        start_from: Weights before the first step: ``random``, ``pretrained`` (the
            model that comes with facefill), or a folder with ``generator.keras`` and
            ``discriminator.keras``, whose layers then count instead of the widths
            below. Adam starts afresh, and the average is the generator.
        max_steps: Training ends after this many updates of the discriminator.
        batch_size: Photos an update.
        latent_size: Length of z, uniform in [-1, 1].
        generator_width: Filters of the generator's last hidden layer; each layer
            before it has twice as many (64: 512-256-128-64 at 64 pixels).
        discriminator_width: Filters of the discriminator's first layer; each
            layer after it has twice as many.
        learning_rate: Adam's, for both networks.
        beta_1: Adam's decay of the first moment.
        generator_updates: Updates of the generator a step, on the same latents.
        update_order: ``simultaneous`` updates both networks from the same passes;
            ``alternating`` updates the generator against the new discriminator,
            and costs another pass of each.
        flip: Mirror every photo with probability one half.
        average_decay: Decay a step of the moving average of the generator that
            sampling and completion use; 0 turns it off. It starts lower:
            ``min(average_decay, (1 + step) / (10 + step))``.
        precision: ``auto`` is bfloat16 arithmetic where the hardware has it.
        device: ``auto`` is the GPU where there is one.
        steps_per_call: Steps that run in the graph between two looks at the
            losses.
        checkpoint_every: Steps between two checkpoints.
        keep_checkpoints: Checkpoints kept, newest first.
        sample_every: Steps between two sample grids.
    """

    preset: Literal["default", "reference"] = "default"
    start_from: Annotated[str, Field(min_length=1)] = "random"
    max_steps: Positive = 20_000
    batch_size: Positive = 32
    latent_size: Positive = 100
    generator_width: Positive = 64
    discriminator_width: Positive = 64
    learning_rate: Annotated[float, Field(gt=0.0)] = 2e-4
    beta_1: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.5
    generator_updates: Annotated[int, Field(ge=1, le=8)] = 1
    update_order: Literal["simultaneous", "alternating"] = "simultaneous"
    flip: bool = True
    average_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    steps_per_call: Positive = 10
    checkpoint_every: Positive = 250
    keep_checkpoints: Positive = 2
    sample_every: Positive = 250

    @model_validator(mode="before")
    @classmethod
    def _apply_preset(cls, values: Any) -> Any:
        if isinstance(values, dict):
            preset = values.get("preset")
            # Another type than text, which has no hash perhaps, is refused later.
            chosen = TRAIN_PRESETS.get(preset, {}) if isinstance(preset, str) else {}
            return chosen | values
        return values
