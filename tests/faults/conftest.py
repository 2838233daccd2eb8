"""Fault tests come in two forms: the short one is part of every test run, the long one takes `--long` (make faults)."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="the fault tests' long forms, as docs/faults.md reports them")
    parser.addoption("--minutes", type=float, default=120, help="length of the soak in its long form (%(default)s)")


@pytest.fixture(scope="session")
def long(request) -> bool:
    """Whether the long forms run."""
    return request.config.getoption("--long", False)


@pytest.fixture(scope="session")
def works(tmp_path_factory):
    """Two users of a tiny model (works.Works)."""
    from tests.faults.works import Works  # brings torch

    return Works(tmp_path_factory.mktemp("works"))
