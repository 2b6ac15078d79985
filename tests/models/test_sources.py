"""Models come from where they are said to come from, or are missed by name."""

import pytest

from facefill.errors import ModelError
from facefill.models import pretrained
from facefill.models.dcgan import Architecture, build_generator
from facefill.models.sources import choose_source, describe, require_start


@pytest.fixture
def nothing_shipped(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)


@pytest.mark.usefixtures("nothing_shipped")
def test_a_copy_that_ships_nothing_has_no_pretrained_models(tmp_path):
    with pytest.raises(ModelError, match="comes without a pretrained model"):
        choose_source("pretrained", [tmp_path / "generator.keras"], 64)
    with pytest.raises(ModelError, match="comes without a pretrained model"):
        require_start("pretrained")
    generator = build_generator(Architecture(16, 6, 2, 2), seed=1)
    assert describe(generator)["source"] == "trained"


def test_a_start_at_random_needs_nothing_and_a_folder_both_networks(tmp_path):
    require_start("random")
    (tmp_path / "generator.keras").touch()
    with pytest.raises(ModelError, match=r"no model at .*discriminator\.keras; train"):
        require_start(str(tmp_path))
    (tmp_path / "discriminator.keras").touch()
    require_start(str(tmp_path))
