"""Registration of the models that a run has made."""

import logging
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

from facefill.datasets import FaceArrayDataset, FaceStatisticsDataset, KerasModelDataset
from facefill.evaluation.held_out import validation_fingerprint
from facefill.runtime import tracked_model, tracking, tracking_server

log = logging.getLogger(__name__)


class RegistryHooks:
    """Registers the networks of a run that trained or imported some.

    Also where a later stage fails: the training was the long part.
    """

    def __init__(self) -> None:
        """Start without a run."""
        self._context: Any = None  # kedro-mlflow adds its options to it
        self._begin(None)

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Keep the context, which knows the experiment."""
        self._context = context

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Look whether the run makes networks."""
        makes_networks = {"generator", "discriminator"} <= pipeline.all_outputs()
        self._begin(catalog if makes_networks else None)

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Note which faces the samples were compared with."""
        if self._catalog is None:
            return
        if isinstance(self._catalog.get(dataset_name), FaceArrayDataset):
            self._faces = validation_fingerprint(data)[:8]

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Note what there is to register."""
        if self._catalog is None:
            return
        dataset = self._catalog.get(dataset_name)
        if isinstance(dataset, KerasModelDataset) and dataset.pretrained:
            self._files[f"{dataset_name}.keras"] = dataset.path
            if dataset_name == "generator":
                from facefill.models.files import weights_sha256

                self._tags[tracked_model.WEIGHTS] = weights_sha256(data)
        if dataset_name == "training_report":
            self._tags |= self._score(data)

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self) -> None:
        """Register the networks before kedro-mlflow ends the run."""
        self._register()

    @hook_impl(tryfirst=True)
    def on_pipeline_error(self) -> None:
        """Register the networks of a training that ended well."""
        self._register()

    def _begin(self, catalog: DataCatalog | None) -> None:
        self._catalog = catalog
        self._files: dict[str, Path] = {}
        self._tags: dict[str, str] = {}
        self._faces = ""

    def _score(self, report: Mapping[str, Any]) -> dict[str, str]:
        name = tracked_model.SCORE
        measured = [
            scores[name]
            for scores in report["scores"]
            if scores["step"] == report["model_step"] and name in scores
        ]
        if not measured:
            return {}
        parameters = self._context.config_loader["parameters"]
        count = parameters["train"]["evaluate_samples"]
        size = parameters["image_size"]
        on = f"{count} samples of {size} px, held-out faces {self._faces}"
        return {name: repr(measured[-1]), tracked_model.MEASURED_ON: on}

    def _register(self) -> None:
        if len(self._files) < 2 or tracking.active_run_id() is None:
            return
        try:
            if server := tracking_server.current():
                server.tell(self._log)
            else:
                self._log()
        except Exception as error:  # whatever fails, the run has its models
            log.warning("MLflow does not have the model of this run: %s", error)

    def _log(self) -> None:
        log.info(self._logged())

    def _logged(self) -> str:
        assert self._catalog is not None  # there are files of it
        for name, dataset in self._catalog.items():
            if isinstance(dataset, FaceStatisticsDataset) and dataset.exists():
                self._files[f"{name}.npz"] = dataset.path
        self._files |= self._companions()
        experiment = str(self._context.mlflow.tracking.experiment.name)
        with tempfile.TemporaryDirectory() as folder:
            for name, path in self._files.items():
                target = Path(folder, name)
                target.parent.mkdir(exist_ok=True)
                shutil.copy(path, target)
            return tracked_model.log_model(
                experiment, Path(folder), _example(), self._tags
            )

    def _companions(self) -> dict[str, Path]:
        """Files of encoder and refiner by their places, if of the generator."""
        from facefill.models import encoders, refiners

        found = {}
        for entry, name, read in (
            (encoders.ENCODER_FOLDER, encoders.ENCODER_FILE, encoders.read_encoder),
            (refiners.REFINER_FOLDER, refiners.REFINER_FILE, refiners.read_refiner),
        ):
            assert self._catalog is not None
            if entry not in self._catalog:
                continue
            folder = self._catalog.load(entry)
            network = read(folder)
            weights = self._tags[tracked_model.WEIGHTS]
            if network and network.generator_sha256 == weights:
                found[f"{entry}/{name}"] = folder / name
        return found


def _example() -> tracked_model.Example:
    """Photograph of an astronaut, of NASA's, with a hole over the mouth."""
    import numpy as np
    from skimage.data import astronaut

    from facefill.imaging.pictures import encode_png

    photo = np.asarray(astronaut(), np.uint8)
    mask = np.zeros(photo.shape[:2], np.uint8)
    mask[125:165, 195:250] = 255
    return tracked_model.Example(encode_png(photo), encode_png(mask))
