"""A process finds its rank in the cluster, or says what is wrong with TF_CONFIG."""

import json

import pytest

from facefill.errors import TrainingError
from facefill.training.cluster import Cluster, this_cluster

WORKERS = ["host1:1", "host2:1"]


@pytest.mark.parametrize(
    ("cluster", "task", "expected"),
    [
        ({"worker": WORKERS}, {"type": "worker", "index": 1}, Cluster(2, 1)),
        ({"worker": WORKERS}, {"type": "worker", "index": "0"}, Cluster(2, 0)),
        (
            {"chief": ["host0:1"], "worker": WORKERS},
            {"type": "worker", "index": 1},
            Cluster(3, 2),
        ),
    ],
)
def test_a_process_finds_its_place_in_the_cluster(monkeypatch, cluster, task, expected):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    assert this_cluster() == expected


def test_a_cluster_without_its_variable_is_refused_with_an_example(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(TrainingError, match=r"TF_CONFIG is not set; .*TF_CONFIG='\{"):
        this_cluster()


@pytest.mark.parametrize(
    "text",
    [
        "host1:2222",
        "{}",
        "[]",
        json.dumps({"cluster": {"worker": WORKERS}}),
        json.dumps({"cluster": {"worker": 1}, "task": {"type": "worker", "index": 0}}),
        json.dumps(
            {"cluster": {"worker": WORKERS}, "task": {"type": "worker", "index": 2}}
        ),
        json.dumps(
            {"cluster": {"worker": WORKERS}, "task": {"type": "ps", "index": 0}}
        ),
    ],
)
def test_a_cluster_that_does_not_name_this_process_is_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(TrainingError, match="TF_CONFIG does not name the workers"):
        this_cluster()
