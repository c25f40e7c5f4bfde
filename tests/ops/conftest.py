import pytest

from tests.ops.fork_server import shared_fork_server


@pytest.fixture(scope="session")
def fork_server():
    """Starts processes that have torch imported already; here too, for wheels are tested with this folder alone."""
    return shared_fork_server()
