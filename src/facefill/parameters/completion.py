"""Parameters of masks and of the latent search."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from facefill.parameters import choices, defaults
from facefill.parameters.blocks import Block, Positive, with_preset
from facefill.parameters.posterior import HmcOptions

COMPLETE_PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    # bamos/dcgan-completion.tensorflow, complete.py: one start, drawn without
    # looking at the photo, Adam at a constant rate, the last iterate kept.
    "reference": {
        "iterations": 1000,
        "learning_rate": 0.01,
        "schedule": "constant",
        "encoder": False,
        "bank_size": 0,
        "keep": "last",
        "fit": "none",
        "refine": "none",
    },
}

AFTER_ENCODER, FROM_BANK = 5, 150
"""Iterations of a search by where it begins."""

# Chains begin where searches have ended, in u, and lose less by a longer search than
# by a longer warm-up.
SEARCH_BEFORE_CHAINS: dict[str, Any] = {"iterations": 300, "learning_rate": 0.1}


class CompleteOptions(Block):
    """The search for the latent that fits the known pixels.

    Sources of the defaults are beside them in ``parameters_complete.yml``. What a
    preset sets may be given as ``None`` and is the preset's then; any other value wins
    over the preset's.

    Attributes:
        preset: ``default``, or ``reference`` for the behaviour of
            bamos/dcgan-completion.tensorflow.
        method: ``adam``; ``momentum``: Nesterov's, as in the first paper; ``hmc``:
            Adam, then chains that sample the posterior (or what ``hmc.rule`` says).
        iterations: Steps of the search; None is 5 where an encoder gives the one
            latent that it begins with, and 150 elsewhere.
        learning_rate: Step size of ``adam`` and ``momentum``.
        schedule: ``cosine`` lets the learning rate fall to nothing by the last
            step, ``constant`` keeps it.
        beta_1: Adam's decay of the first moment.
        beta_2: Adam's decay of the second moment.
        epsilon: Adam's term that keeps its divisor above 0.
        momentum: Share of its velocity that Nesterov's method keeps each step.
        contextual: ``uniform`` counts every known pixel once, ``weighted`` by the
            share of missing pixels around it.
        window: Side of the window in which ``weighted`` looks, in pixels; odd.
        prior: ``non_saturating`` is -log D of the reference's code, ``saturating``
            log(1 - D) of the paper.
        projection: How a latent stays in [-1, 1]: ``clip``, ``stochastic_clip``
            (what leaves is drawn anew), or ``normal`` (the search is for u, and
            z = 2 Phi(u) - 1).
        bank_size: Generated faces among which the first latents are chosen, by
            the known pixels; 0 draws them without looking.
        encoder: Whether the first of these is what an encoder makes of what is known
            of the face, where the generator has one: the pretrained one, or one that
            the pipeline ``train`` has made; not before chains.
        starts: Latents searched from at once, for each photo.
        prune_after: Iterations after which only the best ``candidates`` of the
            starts go on.
        fit: ``expected`` adds to G(z) what faces make expect of the difference
            between it and the known pixels, ``none`` leaves it.
        fidelity: 0 is the likely mean, which errs least and is soft, 1 a picture, as
            sharp as a photo and one of many that fit: share of what G(z) has beside
            what is expected in a fitted face. In one that is refined its square is
            that (its fourth power where the mean is asked for), and its fourth root
            the share of the refiner's picture beside its mean.
        fit_statistics: ``trained`` is of the faces that the pipeline ``train`` has
            measured, if it has; ``pretrained`` of those that facefill comes with: for
            photos of other people than one trains on.
        fit_components: Principal components of faces that the expectation knows; the
            pipeline ``train`` measures them.
        fit_noise: How far a face may be from them, in grey levels (standard
            deviation of a pixel), if they are of 4,096 faces or more; of N
            fewer, sqrt(4096 / N) times as far.
        refine: ``picture`` makes the completed face as sharp as its photo, as far as
            ``fidelity`` says, by a network that sees the photo around the hole at twice
            the face's resolution, where one comes for faces of this size; ``mean`` is
            the mean of what that network finds likely of the face and of its mirror
            image, of least error; ``none`` enlarges the face.
        keep: ``best`` keeps the latent of the lowest loss met, ``last`` the last.
        candidates: Completions of each photo, best first.
        hole_from: Where the holes of photos are given: ``files`` in the folder of
            masks, ``alpha`` for transparent pixels of the photos themselves,
            ``colour`` for the one colour that they are painted over with.
        mask_files: Which part of a mask file is to be completed.
        mask_grow: Pixels of the photo by which a hole is grown; None is 0, and for
            photos in JPEG or lossy WebP, which smear what is painted, 2, or 4 where
            their holes are found by a colour.
        outside: Whether what a hole covers beyond the faces is inpainted, or left.
        center_scale: The centre hole spans ``[scale, 1 - scale)`` of each side.
        random_fraction: Share of pixels that the masks ``random`` and ``pattern``
            hide.
        strokes: Strokes of the mask ``strokes``.
        noise: Noise that ``denoise`` takes away, in grey levels of the aligned face
            (standard deviation of a pixel).
        cluster: Address of a Dask scheduler, such as ``tcp://host:8786``, whose
            workers search; they need this package and the same folders.
        precision: ``auto`` is bfloat16 arithmetic where the hardware has it.
        device: ``auto`` is the GPU where there is one.
        batch_size: Latents searched at a time.
        iterations_per_call: Iterations in the graph between two pictures of the
            search.
        frames_per_second: Frame rate of the animation.
        hmc: Parameters of the method ``hmc``.
    """

    preset: choices.Preset = "default"
    method: choices.SearchMethod = "adam"
    iterations: Positive | None = None
    learning_rate: Annotated[float, Field(gt=0.0)] = 0.05
    schedule: choices.Schedule = "cosine"
    beta_1: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    beta_2: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999
    epsilon: Annotated[float, Field(gt=0.0)] = 1e-8
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    contextual: choices.Contextual = "uniform"
    window: Annotated[int, Field(ge=3, le=127)] = 7
    prior: choices.Prior = "non_saturating"
    projection: choices.Projection = "clip"
    bank_size: Annotated[int, Field(ge=0, le=65536)] = 2048
    encoder: bool = True
    starts: Positive = 1
    prune_after: Positive = 50
    keep: choices.Keep = "best"
    fit: choices.Fit = "expected"
    fidelity: Annotated[float, Field(ge=0.0, le=1.0)] = defaults.FIDELITY
    fit_statistics: choices.Source = "trained"
    fit_components: Annotated[int, Field(ge=1, le=4096)] = 500
    fit_noise: Annotated[float, Field(gt=0.0, le=255.0)] = defaults.FIT_NOISE
    refine: choices.Refinement = "picture"
    candidates: Annotated[int, Field(ge=1, le=64)] = 1
    hole_from: choices.HoleSource = "files"
    mask_files: choices.MaskPolarity = "white_is_hole"
    mask_grow: Annotated[int, Field(ge=0, le=256)] | None = None
    outside: choices.Outside = "inpaint"
    center_scale: Annotated[float, Field(gt=0.0, lt=0.5)] = defaults.CENTER_SCALE
    random_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = defaults.RANDOM_FRACTION
    strokes: Annotated[int, Field(ge=1, le=64)] = defaults.STROKES
    noise: Annotated[float, Field(gt=0.0, le=255.0)] = 25.0
    cluster: str | None = None
    precision: choices.Precision = "auto"
    device: choices.Device = "auto"
    batch_size: Positive = 8
    iterations_per_call: Positive = 50
    frames_per_second: Annotated[float, Field(gt=0.0, le=50.0)] = 10.0
    hmc: HmcOptions = HmcOptions()

    @model_validator(mode="before")
    @classmethod
    def _apply_preset(cls, values: Any) -> Any:
        if isinstance(values, dict):
            if "detail" in values:
                raise ValueError("detail is called fidelity now")
            has_chains = values.get("method") == "hmc"
            base = SEARCH_BEFORE_CHAINS if has_chains else None
            return with_preset(values, COMPLETE_PRESETS, base)
        return values

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if self.window % 2 == 0:
            raise ValueError(
                f"the window has a pixel in its middle, so its side is odd, not "
                f"{self.window}"
            )
        if 0 < self.bank_size < self.num_starts:
            raise ValueError(
                f"a bank of {self.bank_size} faces cannot give {self.num_starts} starts"
            )
        if self.method == "hmc" and self.projection != "clip":
            raise ValueError(
                f"the method hmc keeps latents inside in its own way, so projection "
                f"is clip with it, not {self.projection}"
            )
        draws = self.hmc.chains * self.hmc.draws
        if self.samples_posterior and self.candidates > draws:
            raise ValueError(
                f"{draws} draws of hmc cannot give {self.candidates} candidates"
            )
        return self

    def with_iterations(self, *, is_encoded: bool) -> Self:
        """Options whose number of iterations is decided.

        After an encoder 5, 10, 30 and 150 tie on holes (docs/results.md).

        Args:
            is_encoded: Whether an encoder gives the first latent.
        """
        if self.iterations is not None:
            return self
        is_short = is_encoded and self.num_starts == 1
        length = AFTER_ENCODER if is_short else FROM_BANK
        return self.model_copy(update={"iterations": length})

    @property
    def num_iterations(self) -> int:
        """Steps of the search, that of a bank if they are not decided."""
        return FROM_BANK if self.iterations is None else self.iterations

    @property
    def coarse_share(self) -> float:
        """Share of what G(z) has beside what is expected, in faces refiners learn from.

        Less than in a face that is not refined: detail that the refiner draws is nearer
        to the truth than that of G(z) (docs/results.md).
        """
        return self.fidelity**2

    @property
    def share_to_refine(self) -> float:
        """The same in a face that is to be refined: the mean errs least with less."""
        return self.fidelity ** (4 if self.refine == "mean" else 2)

    @property
    def picture_share(self) -> float:
        """Share of a refiner's picture in a refined face, the rest being its mean."""
        return self.fidelity**0.25 if self.refine == "picture" else 0.0

    @property
    def num_starts(self) -> int:
        """Latents searched from: one a candidate, or a chain, at least."""
        return max(self.starts, self.num_kept)

    @property
    def num_kept(self) -> int:
        """Searches that go on to the end."""
        return self.hmc.chains if self.samples_posterior else self.candidates

    @property
    def begins_encoded(self) -> bool:
        """Whether an encoder gives first latents, if there is one."""
        return self.encoder and self.method != "hmc"

    @property
    def samples_posterior(self) -> bool:
        """Whether chains follow the search."""
        return self.method == "hmc" and self.hmc.rule == "calibrated"

    def compared(self, methods: Sequence[str]) -> dict[str, "CompleteOptions"]:
        """Select the options of each search among the methods of an evaluation."""
        reference = COMPLETE_PRESETS["reference"] | {
            "preset": "reference",
            "method": "adam",
        }
        options = {
            "default": self,
            "reference": self.model_copy(update=reference),
        }
        return {name: options[name] for name in options if name in methods}
