"""Environment variables that libraries read when they start.

A variable that the user has set is left as it is. Nothing is imported here that costs
time, since ``import facefill`` comes here first.
"""

import atexit
import gc
import io
import os
import shutil
import sys
from pathlib import Path

_SILENT = "3"

_BACKENDS = ("tensorflow", "jax")
"""Backends of Keras that the graphs are written for."""

# Information and warnings of absl, and the line that announces them.
_LOGGED_OF_MACHINE = r"[IW][0-9]{4} |WARNING: All log messages before absl::"


def speed_up_tensorflow() -> None:
    """Turn oneDNN's kernels on; TensorFlow reads this when it is first imported.

    By itself it uses them only where a processor has AVX-512 with VNNI or more. With
    AVX2 alone they train, and search, nearly twice as fast as its own, whose transposed
    convolution from 4x4 to 8x8 pixels is two fifths of a step's work
    (benchmarks/profiles.py).
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def choose_backend() -> None:
    """Let Keras run on TensorFlow, unless ``KERAS_BACKEND`` names another.

    Otherwise a file in the home folder may, ``~/.keras/keras.json``.
    """
    os.environ.setdefault("KERAS_BACKEND", _BACKENDS[0])


def unknown_backend() -> str:
    """Say in a line that ``KERAS_BACKEND`` is of no use; empty if it is."""
    chosen = os.environ.get("KERAS_BACKEND", _BACKENDS[0])
    if chosen in _BACKENDS:
        return ""
    known = " or ".join(_BACKENDS)
    return f"KERAS_BACKEND is '{chosen}', but facefill runs on {known}; unset it"


def quiet_tensorflow() -> None:
    """Silence the dozen lines that TensorFlow logs about the machine.

    What it logs while it is imported does not ask for that level (TensorFlow 2.21).
    """
    from facefill.runtime.filtered_stderr import filter_import

    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", _SILENT) == _SILENT:
        filter_import("tensorflow", _LOGGED_OF_MACHINE)


def prepare_completion() -> None:
    """Set what ``facefill complete`` needs before NumPy is loaded.

    NumPy and SciPy bring a pool of threads each, which wait for work by turning in
    circles. Systems of a few hundred unknowns are solved faster by one thread, and
    twice as fast beside other work.
    """
    _print_any_name()
    _end_at_once()
    quiet_tensorflow()
    _share_gpus()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def prepare_app() -> None:
    """Set what ``facefill app`` needs before Gradio is loaded.

    Whoever shows a photo to a page of this machine shows it to nobody else: Gradio and
    what it brings along report on their use unless they are told not to.
    """
    prepare_completion()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_OFFLINE"] = "1"


def prepare_commands() -> None:
    """Set what Kedro's commands need before any library is loaded."""
    _print_any_name()
    _end_at_once()
    quiet_tensorflow()
    _share_gpus()
    _measure_machine()
    _tame_mlflow()
    _prepare_mlflow_page()


def _print_any_name() -> None:
    """Let a photo's name be logged whatever the locale can write, or the name is.

    Under ``LC_ALL=C`` without UTF-8 mode ``Zoë.jpg`` would be an error of the log.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _end_at_once() -> None:
    """Let Python end without looking for garbage among what TensorFlow leaves.

    The system takes that memory back at once. Looking through it cost 5 seconds after
    the last line of a completion by Kedro.
    """
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def _share_gpus() -> None:
    """Let TensorFlow and JAX allocate memory of a GPU as needed, not all at once.

    They read it when the first model is loaded.
    """
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def _measure_machine() -> None:
    """Let MLflow record processor, memory, disk, network and GPUs every ten seconds."""
    os.environ.setdefault("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")


def _tame_mlflow() -> None:
    """Let MLflow report to nobody.

    It reports on its use unless told not to, and takes ``DO_NOT_TRACK=1`` for a yes.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


def _prepare_mlflow_page() -> None:
    """Let MLflow's commands start, and with no more processes than they need.

    kedro-mlflow starts ``mlflow`` by name, which an environment that is not activated
    does not find. The page for one person needs one worker and no background jobs,
    which alone are a dozen processes.
    """
    if shutil.which("mlflow") is None:
        folder = str(Path(sys.executable).parent)
        os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", "")])
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    os.environ.setdefault("MLFLOW_WORKERS", "1")
