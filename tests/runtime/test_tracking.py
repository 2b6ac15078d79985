"""What is tracked arrives, and tracking neither slows nor stops the work."""

import logging
import sys
import threading
import time

import numpy as np
import pytest

from facefill.runtime import tracked_run, tracking


class Client:
    """Stands for MLflow's client: slow, or broken."""

    def __init__(self, delay_s=0.0, error=None):
        self.metrics, self.pictures = [], []
        self._delay_s, self._error = delay_s, error

    def log_batch(self, run_id, metrics):
        assert len(metrics) <= 1000
        time.sleep(self._delay_s)
        if self._error:
            raise self._error
        self.metrics += [(run_id, metric.key, metric.step) for metric in metrics]

    def log_image(self, run_id, image, **options):
        if self._error:
            raise self._error
        self.pictures.append((run_id, image.sum(), options["key"], options["step"]))


@pytest.fixture
def client(monkeypatch):
    """Put a client in the place of MLflow's, with an active run."""

    def use(**options):
        made = Client(**options)
        module = type(sys)("mlflow")
        module.MlflowClient = lambda: made
        module.get_tracking_uri = lambda: "http://127.0.0.1:9"
        module.entities = type(sys)("mlflow.entities")
        module.entities.Metric = lambda key, value, timestamp, step: Metric(key, step)
        monkeypatch.setitem(sys.modules, "mlflow", module)
        monkeypatch.setitem(sys.modules, "mlflow.entities", module.entities)
        monkeypatch.setattr(tracking, "active_run_id", lambda: "a-run")
        return made

    return use


class Metric:
    def __init__(self, key, step):
        self.key, self.step = key, step


def test_every_point_of_every_curve_arrives_in_order(client):
    made = client()
    with tracking.Tracker() as tracker:
        for step in range(2500):
            tracker.scalars(step, {"loss": 1.0})

    assert made.metrics == [("a-run", "loss", step) for step in range(2500)]


def test_a_slow_store_does_not_slow_the_work(client):
    made = client(delay_s=0.2)
    with tracking.Tracker() as tracker:
        start = time.perf_counter()
        for step in range(100):
            tracker.scalars(step, {"loss": 1.0})
        elapsed_s = time.perf_counter() - start

    assert elapsed_s < 0.1
    assert len(made.metrics) == 100


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("bad name")])
def test_a_broken_store_is_warned_of_once_and_stops_nothing(client, caplog, error):
    client(error=error)
    with caplog.at_level(logging.WARNING), tracking.Tracker() as tracker:
        for step in range(3):
            tracker.scalars(step, {"loss": 1.0})
            tracker.picture(step, "grid", np.zeros((2, 2, 3), np.uint8))
            time.sleep(0.01)

    assert [record.getMessage() for record in caplog.records] == [
        f"Some metrics or pictures are not in MLflow: {error}"
    ]


def test_a_store_that_hangs_does_not_hold_the_end_up(client, caplog, monkeypatch):
    monkeypatch.setattr(tracking, "CLOSE_TIMEOUT_S", 0.05)
    client(delay_s=0.5)
    start = time.perf_counter()
    with caplog.at_level(logging.WARNING), tracking.Tracker() as tracker:
        tracker.scalars(0, {"loss": 1.0})

    assert time.perf_counter() - start < 0.4
    assert "takes too long" in caplog.text


def test_a_picture_is_the_one_that_was_given_even_if_drawn_on_later(client):
    made = client()
    image = np.ones((2, 2, 3), np.uint8)
    with tracking.Tracker() as tracker:
        tracker.picture(5, "grid", image)
        image[:] = 9

    assert made.pictures == [("a-run", 12, "grid", 5)]


def test_without_an_active_run_nothing_is_started():
    before = threading.active_count()
    with tracking.Tracker() as tracker:
        tracker.scalars(0, {"loss": 1.0})
        tracker.metrics({"psnr": 20.0})
        tracker.picture(0, "grid", np.zeros((2, 2, 3), np.uint8))

        assert threading.active_count() == before


def test_nested_names_are_joined_with_dots():
    nested = {"lam": 0.1, "train": {"flip": True, "deeper": {"a": [1]}}}

    flat = tracking.flatten(nested)

    assert flat == {"lam": 0.1, "train.flip": True, "train.deeper.a": [1]}


def test_files_are_artifacts_in_the_folders_of_their_names(tmp_path, monkeypatch):
    logged = []
    module = type(sys)("mlflow")
    module.log_artifact = lambda path, folder: logged.append((path, folder))
    monkeypatch.setitem(sys.modules, "mlflow", module)
    files = {name: tmp_path / name for name in ("grid.png", "single/0.png")}

    tracked_run.log_files("samples", files)

    assert logged == [
        (str(tmp_path / "grid.png"), "samples"),
        (str(tmp_path / "single/0.png"), "samples/single"),
    ]
