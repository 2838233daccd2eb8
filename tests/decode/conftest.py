"""A tiny model with two adapters, loaded once a module."""

import pytest

from tests import tiny
from tests.decode.naive import Loaded, load, save_random_adapters


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Loaded:
    """A tiny model with two different random adapters."""
    folder = tmp_path_factory.mktemp("tiny")
    path = tiny.make(folder / "model")
    return load(path, save_random_adapters(path, folder, ("oppu", "cope")))
