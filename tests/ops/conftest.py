import pytest

from tests.ops.nursery import shared_nursery


@pytest.fixture(scope="session")
def nursery():
    """Starts processes that have torch imported already; here too, for wheels are tested with this folder alone."""
    return shared_nursery()
