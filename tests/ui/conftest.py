"""The scripted service and its page, for the tests of the user interface without a browser."""

import pytest

from tests.running import run_page
from tests.scripted import Service


@pytest.fixture
def service(tmp_path) -> Service:
    """The scripted service, with its data in the test's temporary folder."""
    return Service(tmp_path)


@pytest.fixture
def page(service):
    """The page of the scripted service, running (RunningPage)."""
    with run_page(service) as page:
        yield page
