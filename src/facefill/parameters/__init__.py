"""The parameters of every stage, as models that refuse what they do not know.

Nodes receive the block of their stage, never a dictionary. ``validation.resolve``
builds all of them from what Kedro read. Ranges are in the annotations, units in the
docstrings, sources in ``conf/base``.
"""

from facefill.parameters.choices import HoleName, MaskName, MethodName, Variation
from facefill.parameters.completion import COMPLETE_PRESETS, CompleteOptions
from facefill.parameters.evaluation import EvaluateOptions
from facefill.parameters.posterior import HmcOptions, ReferenceHmcOptions
from facefill.parameters.preparation import (
    AlignOptions,
    FlattenOptions,
    IngestOptions,
    PrepareOptions,
)
from facefill.parameters.run import Parameters
from facefill.parameters.sampling import ArithmeticOptions, SampleOptions
from facefill.parameters.tf1_import import ImportOptions
from facefill.parameters.training import TRAIN_PRESETS, TrainOptions

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
