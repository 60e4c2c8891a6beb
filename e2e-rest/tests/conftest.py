import sys

import pytest
import twilio

from kennel import Kennel
from receiver import Receiver

NEWER = int(twilio.__version__.split(".")[0]) >= 9


def pytest_report_header():
    return f"twilio {twilio.__version__}, Python {sys.version.split()[0]}"


def pytest_collection_modifyitems(config, items):
    left = [item for item in items if item.get_closest_marker("once")] if not NEWER else []
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session")
def newer():
    """Whether this is a library that knows the parameters of later years."""
    return NEWER


@pytest.fixture(scope="session")
def kennel():
    server = Kennel()
    yield server
    server.dispose()


@pytest.fixture
def fresh():
    """Starts servers that nobody else uses."""
    started = []

    def start(*args, **more):
        started.append(Kennel(*args, **more))
        return started[-1]

    yield start
    for server in started:
        server.dispose()


@pytest.fixture
def video(kennel):
    return kennel.client().video


@pytest.fixture
def receiver():
    """Starts receivers."""
    started = []

    def start(*args, **more):
        started.append(Receiver(*args, **more))
        return started[-1]

    yield start
    for one in started:
        one.stop()
