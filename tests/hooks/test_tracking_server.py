"""Runs tracked on a server: its pages have the artifacts, not this machine's disk."""

import pytest

from projects import Miniature
from tracking_servers import serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def server(tmp_path):
    """A tracking server on this machine, with its folder of artifacts."""
    with serving(tmp_path) as (_, address):
        yield address, tmp_path / "artifacts"


def test_a_server_gets_the_artifacts_and_its_address_is_the_one_that_is_shown(
    server, tmp_path
):
    address, artifacts = server
    project = Miniature(tmp_path / "project")
    (project.root / "conf/local").mkdir(exist_ok=True)
    (project.root / "conf/local/mlflow.yml").write_text(
        f"server: {{mlflow_tracking_uri: {address}}}\n"
    )
    finished = project.kedro("run")

    assert finished.returncode == 0, finished.stderr
    assert f"the run in MLflow: {address}/#/experiments/1/runs/" in finished.stdout
    assert {path.name for path in artifacts.rglob("report.json")} == {"report.json"}
    assert not (project.root / "mlartifacts").exists()
    assert not (project.root / "mlflow.db").exists()
