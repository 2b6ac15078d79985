"""Models in MLflow: logged with all they need, registered, and the best one named.

Synopsis::

    version = log_model(name, networks, example, figures)
    mlflow models serve -m models:/facefill@champion --env-manager local

A logged model is a pyfunc (photo, mask, parameters -> photo) with the networks, the
statistics and facefill's own code inside, encoder included, so that it does not depend
on a later facefill; what it needs besides is pinned to the versions that are installed.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from facefill.runtime.files import file_sha256

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

SERVED_BY = "commands/served_model.py"
CHAMPION = "champion"
"""Alias of the best version of a registered model."""

SCORE = "face_frechet"
"""Distance of samples from held-out faces, by which versions are compared; the smaller
the better."""

MEASURED_ON = "measured_on"
"""Tag of what a score was measured on: scores of other faces do not compare."""

WEIGHTS = "generator_sha256"
"""Tag of a version: hash of the generator's weights."""

COMPANIONS = "companions_sha256"
"""Tag of a version: hash of what else it holds: statistics, encoder and refiner."""

EXAMPLE_ITERATIONS = 20
"""Of the search for the example, which MLflow tries when a model is logged."""

_DESCRIPTION = f"""\
Completes the missing part of a photo of a face: photo and mask (white = hole) in, the
completed photo out. `{CHAMPION}` is the version whose samples are nearest to held-out
faces.

    mlflow models serve -m models:/%s@{CHAMPION} --env-manager local --port 5001 \\
        --timeout 600

docs/tracking.md of facefill has what to post to `/invocations`.
"""

_PACKAGE = Path(__file__).parents[1]
# Of those that it depends on, the model has no use for the workflow.
_UNUSED = re.compile(r"kedro|distributed|plotly|matplotlib|rich|uvicorn|filelock")


class Example(NamedTuple):
    """A photo and a mask, the bytes of an image file each, to try a model with."""

    photo: bytes
    mask: bytes


def log_model(
    name: str, networks: Path, example: Example, tags: Mapping[str, str]
) -> str:
    """Log and register the model of the active run; a better one is the champion.

    Args:
        name: Of the registered model.
        networks: Folder with ``generator.keras``, ``discriminator.keras`` and, if there
            are any, ``face_statistics.npz``, ``encoder/encoder.npz`` and
            ``refiner/refiner.npz``; nothing else.
        example: Kept beside the model.
        tags: Of the version: ``WEIGHTS``; ``SCORE`` and ``MEASURED_ON``, if measured.

    Returns:
        What became of it, in words.
    """
    import mlflow
    import pandas as pd

    client = mlflow.MlflowClient()
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, description=_DESCRIPTION % name)
    tags = {**tags, COMPANIONS: companions_sha256(networks)}
    if known := _version_of(client, name, tags):
        return f"the model is version {known} of {name}, which is registered"
    info = mlflow.pyfunc.log_model(
        name=name,
        python_model=str(_PACKAGE / SERVED_BY),
        artifacts={"networks": networks.as_uri()},
        code_paths=[str(_PACKAGE)],
        signature=signature(),
        input_example=(
            pd.DataFrame([example._asdict()]),
            {"lam": 0.1, "seed": 1, "iterations": EXAMPLE_ITERATIONS},
        ),
        pip_requirements=requirements(),
    )
    champion = _champion(client, name)
    version = client.create_model_version(
        name,
        info.model_uri,
        run_id=info.run_id,
        tags=dict(tags),
        model_id=info.model_id,
    ).version
    if is_better(tags, champion):
        client.set_registered_model_alias(name, CHAMPION, version)
        return f"the model is version {version} of {name}, the {CHAMPION}"
    return f"the model is version {version} of {name}; its {CHAMPION} is better"


def is_better(new: Mapping[str, str], champion: Mapping[str, str] | None) -> bool:
    """Whether a version takes the champion's place.

    Scores of other faces do not compare: who trains on others wants the new model, if
    it was measured at all. Of the same generator, which alone is measured, the new one
    has an encoder or a refiner that was trained since.

    Args:
        new: Tags of the version.
        champion: Tags of the champion; None if there is none.
    """
    if champion is None or SCORE not in champion:
        return True
    if SCORE not in new:
        return False
    if new.get(MEASURED_ON) != champion.get(MEASURED_ON):
        return True
    if WEIGHTS in new and new[WEIGHTS] == champion.get(WEIGHTS):
        return True
    return float(new[SCORE]) < float(champion[SCORE])


def signature() -> "ModelSignature":
    """Columns and parameters of the served model."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    return ModelSignature(
        inputs=Schema(
            [ColSpec(DataType.binary, "photo"), ColSpec(DataType.binary, "mask")]
        ),
        outputs=Schema(
            [ColSpec(DataType.binary, "photo"), ColSpec(DataType.string, "reason")]
        ),
        params=ParamSchema(
            [
                ParamSpec("lam", DataType.double, 0.1),
                ParamSpec("seed", DataType.long, 1),
                ParamSpec("iterations", DataType.long, 0),
            ]
        ),
    )


def requirements() -> list[str]:
    """What facefill needs to complete photos, pinned to what is installed."""
    needed = [
        re.split(r"[^\w.-]", line, maxsplit=1)[0]
        for line in metadata.requires("facefill") or []
        if "extra ==" not in line
    ]
    return [
        f"{name}=={metadata.version(name)}"
        for name in sorted(set(needed))
        if not _UNUSED.match(name)
    ]


def companions_sha256(networks: Path) -> str:
    """Hash of statistics, encoder and refiner, as far as there are any."""
    named = {
        path.relative_to(networks).as_posix(): file_sha256(path)
        for path in networks.rglob("*.npz")
    }
    text = json.dumps(named, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _version_of(client: Any, name: str, tags: Mapping[str, str]) -> str:
    """Version of these networks; empty if none has them."""
    for each in client.search_model_versions(f"name = '{name}'"):
        if all(each.tags.get(tag) == tags[tag] for tag in (WEIGHTS, COMPANIONS)):
            return str(each.version)
    return ""


def _champion(client: Any, name: str) -> Mapping[str, str] | None:
    """Tags of the champion, if there is one."""
    model = client.get_registered_model(name)
    if CHAMPION not in model.aliases:
        return None
    tags: Mapping[str, str] = client.get_model_version_by_alias(name, CHAMPION).tags
    return tags
