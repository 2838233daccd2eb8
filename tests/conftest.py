"""Every test works in its own data folder; the converted model and other rebuildable caches are shared."""

import os

import pytest

from cope_demo import config

CACHE = config.cache_dir()


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    """COPE_DATA in the test's temporary folder, COPE_CACHE where it was."""
    monkeypatch.setenv("COPE_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("COPE_CACHE", str(CACHE))
    return tmp_path / "var"


os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
