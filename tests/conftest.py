"""Every test works in its own data folder; the converted model and other rebuildable caches are shared."""

import os

import pytest

from cope_demo import paths
from cope_demo.jobs.queue_jobs import QueueJobs
from tests.fits import use_small_stages
from tests.made_up import twin  # noqa: F401  (a fixture of all tests)

CACHE = paths.cache_dir()


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    """COPE_DATA in the test's temporary folder, COPE_CACHE where it was."""
    monkeypatch.setenv("COPE_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("COPE_CACHE", str(CACHE))
    return tmp_path / "var"


@pytest.fixture
def stages(tmp_path, monkeypatch):
    """Background fits with the small stages of tests/fit_stages.py, and the record of what they did."""
    return use_small_stages(monkeypatch, tmp_path)


@pytest.fixture
def jobs(stages):
    """The queue with one worker."""
    queue = QueueJobs()
    yield queue
    queue.close()


os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
