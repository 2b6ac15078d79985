"""Every choice among names that a parameter offers, defined once."""

from typing import Literal, TypeAlias

HoleName: TypeAlias = Literal[
    "center",
    "random",
    "left",
    "right",
    "top",
    "bottom",
    "half",
    "pattern",
    "strokes",
    "grid",
    "lowres",
    "denoise",
    "colorize",
]
"""Masks that hide something."""

MaskName: TypeAlias = Literal[HoleName, "full"]
"""Masks; ``full`` hides nothing (reconstruction)."""

MaskPolarity: TypeAlias = Literal["white_is_hole", "white_is_known"]
"""Meaning of white in a mask file."""

HoleSource: TypeAlias = Literal["files", "alpha", "colour"]
"""Where the hole of a photo is given: mask files, its transparency, or its colour."""

Outside: TypeAlias = Literal["inpaint", "leave"]
"""What becomes of a hole beyond the faces."""

Judge: TypeAlias = Literal["alexnet", "vgg16"]
"""Networks by which LPIPS is measured."""

Refinement: TypeAlias = Literal["picture", "mean", "none"]
"""What is made of a completed face at its photo's resolution."""

ImageSize: TypeAlias = Literal[16, 32, 64, 128]
"""Side of a face in pixels."""

Preset: TypeAlias = Literal["default", "reference"]
"""``reference`` is the behaviour of bamos/dcgan-completion.tensorflow."""

Network: TypeAlias = Literal["generator", "discriminator"]
"""One of the two networks of a GAN."""

Source: TypeAlias = Literal["trained", "pretrained"]
"""Origin of the networks: trained in this project, or shipped with facefill."""

ModelChoice: TypeAlias = Literal["auto", Source]
"""``auto`` is ``pretrained`` as long as nothing has been trained."""

Device: TypeAlias = Literal["auto", "cpu", "gpu"]
"""``auto`` is the GPU where there is one."""

Precision: TypeAlias = Literal["auto", "float32", "mixed_bfloat16"]
"""Arithmetic; ``auto`` is bfloat16 where the hardware has it."""

Distribution: TypeAlias = Literal["auto", "none", "mirrored", "multi_worker"]
"""Devices that share each batch of a training."""

UpdateOrder: TypeAlias = Literal["simultaneous", "alternating"]
"""Order of the updates of generator and discriminator within a step."""

DiscriminatorNorm: TypeAlias = Literal["batch", "spectral", "none"]
"""Normalisation in the discriminator."""

Variation: TypeAlias = Literal["colour", "translation", "cutout"]
"""Augmentations of DiffAugment."""

ModelFrom: TypeAlias = Literal["best", "last"]
"""Checkpoint that the trained models are taken from."""

SearchMethod: TypeAlias = Literal["adam", "momentum", "hmc"]
"""Optimiser of the latent search; ``hmc`` is Adam, then Markov chains."""

Schedule: TypeAlias = Literal["constant", "cosine"]
"""Learning rate over the steps of a search."""

Contextual: TypeAlias = Literal["uniform", "weighted"]
"""Weights of the known pixels in the contextual loss."""

Prior: TypeAlias = Literal["non_saturating", "saturating"]
"""Form of the perceptual (prior) loss."""

Projection: TypeAlias = Literal["clip", "stochastic_clip", "normal"]
"""Method that keeps a latent in [-1, 1]."""

Keep: TypeAlias = Literal["best", "last"]
"""Iterate of a search that is its result."""

Fit: TypeAlias = Literal["expected", "none"]
"""Correction of G(z) by the principal components of faces."""

HmcRule: TypeAlias = Literal["calibrated", "reference"]
"""Target distribution of the chains."""

MethodName: TypeAlias = Literal[
    "mean_face",
    "nearest_face",
    "telea",
    "navier_stokes",
    "biharmonic",
    "pca",
    "reference",
    "default",
]
"""Completion methods that are compared; ``reference`` and ``default`` are searches."""

AlignMethod: TypeAlias = Literal["openface", "center_crop", "none"]
"""Ways to crop a photo."""

Detector: TypeAlias = Literal["exact", "cascade"]
"""Face detectors."""

MultipleFaces: TypeAlias = Literal["largest", "skip", "all"]
"""Faces that are taken of a photo with several."""

CropBorder: TypeAlias = Literal["black", "mirror"]
"""What a crop shows beyond its photo's edge."""

LandmarkSet: TypeAlias = Literal[
    "innerEyesAndBottomLip", "outerEyesAndNose", "five_point"
]
"""Landmarks that the alignment maps to fixed positions."""

Duplicates: TypeAlias = Literal["none", "exact", "near"]
"""Duplicates that are left out of the training set."""
