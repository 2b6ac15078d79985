"""Parameters of the networks and of their training, and its presets."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from facefill.parameters import choices
from facefill.parameters.blocks import Block, Positive, with_preset

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
        "encoder_steps": 0,
    },
}


class TrainOptions(Block):
    """The DCGAN and its training.

    What a preset sets may be given as ``None`` and is the preset's then; any other
    value wins over the preset's.

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
        discriminator_learning_rate: The discriminator's own; ``None`` is the same.
        beta_1: Adam's decay of the first moment.
        generator_updates: Updates of the generator a step, on the same latents.
        update_order: ``simultaneous`` updates both networks from the same passes;
            ``alternating`` updates the generator against the new discriminator,
            and costs another pass of each.
        discriminator_norm: ``batch`` norms, as the paper has them, ``spectral`` norm
            of every kernel (Miyato et al. 2018), or ``none``.
        r1_weight: Weight of the penalty on the discriminator's slope at photos
            (gamma of Mescheder et al. 2018); 0 is none.
        r1_interval: Steps between two penalties, each counting as many times.
        real_label: What the discriminator is to say of photos; below 1 is
            one-sided label smoothing.
        augment: Random changes of both photos and generated pictures before the
            discriminator (DiffAugment, Zhao et al. 2020), for few photos.
        flip: Mirror every photo with probability one half.
        average_decay: Decay a step of the moving average of the generator that
            sampling and completion use; 0 turns it off. It starts lower:
            ``min(average_decay, (1 + step) / (10 + step))``.
        precision: ``auto`` is bfloat16 arithmetic where the hardware has it.
        device: ``auto`` is the GPU where there is one.
        distribute: ``auto`` shares each batch between the GPUs of this machine where
            there are several. ``none`` uses one device, ``mirrored`` all of this
            machine, ``multi_worker`` those of the machines that ``TF_CONFIG`` names.
        steps_per_call: Steps that run in the graph between two looks at the
            losses.
        checkpoint_every: Steps between two checkpoints.
        keep_checkpoints: Checkpoints kept, newest first.
        sample_every: Steps between two sample grids.
        evaluate_every: Steps between two comparisons of samples with held-out
            faces; 0 is never.
        evaluate_samples: Samples compared, with as many held-out faces.
        inception_weights: File of Keras' InceptionV3 weights without the top layer,
            for its distances too; ``None`` is without.
        model_from: Which checkpoint the models are taken from: the ``best`` by
            ``face_frechet``, or the ``last``, which is taken too where nothing was
            compared.
        encoder_steps: Steps of the encoder's training, which follows that of the
            generator; 0 makes none. It begins with the encoder of the models to start
            from, if they have one.
        encoder_width: Filters of the encoder's first layer; each layer after it has
            twice as many.
        refiner_steps: Steps of a refiner of one's own, which goes on from the shipped
            one; 0 makes none, and the shipped one serves. It needs the encoder.
    """

    preset: choices.Preset = "default"
    start_from: Annotated[str, Field(min_length=1)] = "random"
    max_steps: Positive = 20_000
    batch_size: Positive = 32
    latent_size: Positive = 100
    generator_width: Positive = 64
    discriminator_width: Positive = 64
    learning_rate: Annotated[float, Field(gt=0.0)] = 2e-4
    discriminator_learning_rate: Annotated[float, Field(gt=0.0)] | None = None
    beta_1: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.5
    generator_updates: Annotated[int, Field(ge=1, le=8)] = 1
    update_order: choices.UpdateOrder = "simultaneous"
    discriminator_norm: choices.DiscriminatorNorm = "batch"
    r1_weight: Annotated[float, Field(ge=0.0)] = 0.0
    r1_interval: Annotated[int, Field(ge=1, le=64)] = 16
    real_label: Annotated[float, Field(gt=0.5, le=1.0)] = 1.0
    augment: list[choices.Variation] = []
    flip: bool = True
    average_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999
    precision: choices.Precision = "auto"
    device: choices.Device = "auto"
    distribute: choices.Distribution = "auto"
    steps_per_call: Positive = 10
    checkpoint_every: Positive = 250
    keep_checkpoints: Positive = 2
    sample_every: Positive = 250
    evaluate_every: Annotated[int, Field(ge=0)] = 2000
    evaluate_samples: Annotated[int, Field(ge=16)] = 256
    inception_weights: str | None = None
    model_from: choices.ModelFrom = "best"
    encoder_steps: Annotated[int, Field(ge=0)] = 5000
    encoder_width: Positive = 48
    refiner_steps: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="before")
    @classmethod
    def _apply_preset(cls, values: Any) -> Any:
        if isinstance(values, dict):
            return with_preset(values, TRAIN_PRESETS)
        return values

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if self.refiner_steps and not self.encoder_steps:
            raise ValueError(
                "a refiner learns from what an encoder and the generator make: set "
                "encoder_steps above 0, or refiner_steps to 0, not "
                f"{self.refiner_steps}"
            )
        return self
