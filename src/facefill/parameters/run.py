"""All parameters of a run, and the check that blocks do not contradict each other."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from facefill.parameters.blocks import Block
from facefill.parameters.choices import ImageSize, MaskName, ModelChoice
from facefill.parameters.completion import CompleteOptions
from facefill.parameters.evaluation import EvaluateOptions
from facefill.parameters.preparation import (
    AlignOptions,
    FlattenOptions,
    IngestOptions,
    PrepareOptions,
)
from facefill.parameters.sampling import SampleOptions
from facefill.parameters.tf1_import import ImportOptions
from facefill.parameters.training import TrainOptions


class Parameters(Block):
    """All parameters of a run.

    Attributes:
        seed: Every random number is a function of it.
        image_size: Side of a face in pixels.
        lam: Weight of the perceptual loss beside the contextual sum.
        model: What completes and is sampled: the model ``trained`` here, the
            ``pretrained`` one that comes with facefill, or ``auto``, which is the
            pretrained one as long as none has been trained.
        mask: Shape of the hole of photos that have no mask file.
    """

    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    image_size: ImageSize = 64
    lam: Annotated[float, Field(ge=0.0)] = 0.1
    model: ModelChoice = "auto"
    mask: MaskName = "center"
    prepare: PrepareOptions = PrepareOptions()
    ingest: IngestOptions = IngestOptions()
    align: AlignOptions = AlignOptions()
    flatten: FlattenOptions = FlattenOptions()
    train: TrainOptions = TrainOptions()
    sample: SampleOptions = SampleOptions()
    complete: CompleteOptions = CompleteOptions()
    evaluate: EvaluateOptions = EvaluateOptions()
    import_checkpoint: ImportOptions = ImportOptions()

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
