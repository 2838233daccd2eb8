"""The app under `spaces`, started once for all tests here, on a tiny model."""

from collections.abc import Iterator

import httpx
import pytest
from gradio_client import Client

from tests import tiny

from .running import RunningApp, run_app, start_fit, wait_for_end

FIT = {"lora_rank": 4, "oppu_learning_rate": 5e-3, "dpo_batch": 16, "max_response_tokens": 24, "holdout": 2}


@pytest.fixture(scope="session")
def app(tmp_path_factory) -> Iterator[RunningApp]:
    """The running app."""
    folder = tmp_path_factory.mktemp("zerogpu")
    with run_app(folder, tiny.make(folder / "model"), FIT) as app:
        httpx.get(app.url).raise_for_status()
        yield app


@pytest.fixture(scope="session")
def ada(app) -> tuple[Client, dict]:
    """A visitor who has fitted her texts, and what the fit is called."""
    client = app.visit("ada")
    fit = start_fit(client, name="Ada")
    status = wait_for_end(client, fit)
    assert status["state"] == "done", status["error"]
    return client, fit | {"status": status}
