"""The whole app under `spaces`, once for all tests here: a tiny model, forked workers, a lender of this machine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from cope_demo import paths
from tests import tiny

from .lender import Lender, make_token, run_lender

CACHE = paths.cache_dir()
FIT = {"lora_rank": 4, "oppu_learning_rate": 5e-3, "dpo_batch": 16, "max_response_tokens": 24, "holdout": 2}
IMPORTS = 2
"""How often app.py is imported before it is run."""
TEXTS = "\n---\n".join(f"{line}, number {n}, and so it went for a week" for n, line in enumerate(tiny.LINES))


@dataclass(frozen=True)
class RunningApp:
    """app.py at `url`. model: its folder. data: COPE_DATA."""

    url: str
    model: str
    data: Path
    lender: Lender

    def visit(self, who: str) -> Client:
        """A visitor, whose requests carry a pass of their own."""
        return Client(self.url, verbose=False, headers={"x-ip-token": make_token(who)})


def wait_for_end(client: Client, fit: dict, seconds: float = 120) -> dict:
    """A fit's status once it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = client.predict(job=fit["job"], secret=fit["secret"], api_name="/fit_status")
        if status["state"] not in ("queued", "running"):
            return status
        time.sleep(0.1)
    pytest.fail(f"the fit has not ended within {seconds} s")


def _start(folder: Path, environment: dict[str, str]) -> tuple[subprocess.Popen, str]:
    """The app's process and its address, once it answers."""
    log = folder / "log.txt"
    with open(log, "w") as errors:
        command = [sys.executable, "-m", "tests.zerogpu.platform", str(IMPORTS)]
        app = subprocess.Popen(
            command, cwd=paths.ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    line = next((line for line in app.stdout if line.startswith("The app runs at ")), None)
    assert line, log.read_text()[-3000:]
    return app, line.split()[-1]


@pytest.fixture(scope="session")
def app(tmp_path_factory) -> Iterator[RunningApp]:
    """The running app."""
    folder = tmp_path_factory.mktemp("zerogpu")
    model, data = tiny.make(folder / "model"), folder / "var"
    with run_lender() as lender:
        settings = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": lender.address}
        places = {"COPE_MODEL": model, "COPE_DATA": str(data), "COPE_CACHE": str(CACHE), "HOME": str(folder)}
        settings |= places | {"COPE_FIT_CONFIG": json.dumps(FIT), "HF_HUB_OFFLINE": "1"}
        process, url = _start(folder, {**os.environ, **settings})
        try:
            httpx.get(url).raise_for_status()
            yield RunningApp(url, model, data, lender)
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="session")
def ada(app) -> tuple[Client, dict]:
    """A visitor who has fitted her texts, and what the fit is called."""
    client = app.visit("ada")
    fit = client.predict(text=TEXTS, name="Ada", api_name="/fit")
    status = wait_for_end(client, fit)
    assert status["state"] == "done", status["error"]
    return client, fit | {"status": status}
