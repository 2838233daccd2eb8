"""A tiny model with adapters, loaded once a module."""

import pytest

from cope_demo.model.adapters import OTHER_COPE, OTHER_TAM
from tests import tiny
from tests.decode.naive import Loaded, load, save_random_adapters


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Loaded:
    """A tiny model with different random adapters: a person's two, and another person's and their task's."""
    folder = tmp_path_factory.mktemp("tiny")
    path = tiny.make(folder / "model")
    return load(path, save_random_adapters(path, folder, ("oppu", "cope", OTHER_COPE, OTHER_TAM)))
