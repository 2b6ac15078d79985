"""The model that MLflow serves: photos and masks in, completed photos out.

MLflow loads this file itself, by the name of ``SERVED_BY`` in
``facefill.runtime.tracked_model``; nothing else imports it. What it needs of facefill
lies beside it in the model, so that a model goes on to work as it did when it was
logged.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from facefill import api
from facefill.errors import FacefillError, PhotoError
from facefill.imaging.photo_files import PhotoFile

MAX_BYTES = 50_000_000
"""Largest photo, and largest mask, as files; MLflow's server limits no request."""


class FaceCompleter(PythonModel):
    """Completes a photo a row."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the networks."""
        self._model = api.load_model(context.artifacts["networks"])

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Complete the photo of each row.

        Args:
            context: MLflow's.
            model_input: ``photo`` and ``mask``, the bytes of a file each, read as
                ``facefill.complete`` reads files.
            params: ``lam`` and ``seed`` as in ``facefill.complete``; ``iterations`` of
                the search, 0 for the model's own.

        Returns:
            A row for each: ``photo``, the bytes of the completed photo in the format
            that it came in, and ``reason``, empty if it could be completed; the photo
            is empty otherwise.
        """
        rows = [
            self._complete(bytes(photo), bytes(mask), params or {})
            for photo, mask in zip(
                model_input["photo"], model_input["mask"], strict=True
            )
        ]
        return pd.DataFrame(rows, columns=["photo", "reason"])

    def _complete(
        self, photo: bytes, mask: bytes, params: dict[str, Any]
    ) -> tuple[bytes, str]:
        options = self._model.defaults
        if params.get("iterations"):
            changes = {"iterations": int(params["iterations"])}
            options = type(options).model_validate(options.model_dump() | changes)
        with tempfile.TemporaryDirectory() as folder:
            # As files: of arrays neither the format, whose traces beside a hole are
            # taken away, nor strokes on a transparent layer are known.
            paths = Path(folder, "photo"), Path(folder, "mask")
            for path, content in zip(paths, (photo, mask), strict=True):
                path.write_bytes(content)
            try:
                if max(len(photo), len(mask)) > MAX_BYTES:
                    raise PhotoError("too_many_bytes", f"more than {MAX_BYTES} bytes")
                done = api.complete(
                    *paths,
                    float(params.get("lam", 0.1)),
                    model=self._model,
                    seed=int(params.get("seed", 1)),
                    options=options,
                )
            except FacefillError as error:
                return b"", str(error).replace(f"{folder}{os.sep}", "")
        return PhotoFile(photo).filled(done.photo, done.hole), ""


set_model(FaceCompleter())
