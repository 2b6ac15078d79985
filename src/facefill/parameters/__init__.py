"""The parameters of every stage, as models that refuse what they do not know.

Nodes receive the block of their stage, never a dictionary. ``validation.resolve``
builds all of them from what Kedro read. Ranges are in the annotations, units and
sources in the docstrings.
"""

from facefill.parameters.completion import (
    COMPLETE_PRESETS,
    CompleteOptions,
    EvaluateOptions,
    HoleName,
    MaskName,
    MethodName,
)
from facefill.parameters.importing import ImportOptions
from facefill.parameters.posterior import HmcOptions, ReferenceHmcOptions
from facefill.parameters.preparation import (
    AlignOptions,
    FlattenOptions,
    IngestOptions,
    PrepareOptions,
)
from facefill.parameters.sampling import ArithmeticOptions, SampleOptions
from facefill.parameters.training import TRAIN_PRESETS, TrainOptions, Variation
from facefill.parameters.whole import Parameters

__all__ = [
    "COMPLETE_PRESETS",
    "TRAIN_PRESETS",
    "AlignOptions",
    "ArithmeticOptions",
    "CompleteOptions",
    "EvaluateOptions",
    "FlattenOptions",
    "HmcOptions",
    "HoleName",
    "ImportOptions",
    "IngestOptions",
    "MaskName",
    "MethodName",
    "Parameters",
    "PrepareOptions",
    "ReferenceHmcOptions",
    "SampleOptions",
    "TrainOptions",
    "Variation",
]
