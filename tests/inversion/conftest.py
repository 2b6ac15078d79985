"""What tests of searches share."""

import pytest

from searching import networks_of


@pytest.fixture(scope="session")
def networks():
    """A small generator and discriminator of the same size."""
    return networks_of()
