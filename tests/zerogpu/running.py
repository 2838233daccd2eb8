"""The whole app under `spaces`: started as the platform starts it, with forked workers and a lender of this machine."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gradio_client import Client

from cope_demo import paths
from tests import tiny

from .lender import Lender, make_token, run_lender

CACHE = paths.cache_dir()
IMPORTS = 2
"""How often app.py is imported before it is run."""


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


@contextmanager
def run_app(folder: Path, model: str, fit: dict) -> Iterator[RunningApp]:
    """Starts the app over a model's folder, its data in `folder`. fit: settings of FitConfig."""
    data = folder / "var"
    with run_lender() as lender:
        settings = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": lender.address, "HF_HUB_OFFLINE": "1"}
        settings |= {"COPE_MODEL": model, "COPE_DATA": str(data), "COPE_CACHE": str(CACHE), "HOME": str(folder)}
        settings |= {"COPE_FIT_CONFIG": json.dumps(fit), "ZEROGPU_OFFLOAD_DIR": str(folder / "offload")}
        log = folder / "log.txt"
        process, url = _start(log, {**os.environ, **settings})
        try:
            yield RunningApp(url, model, data, lender)
        except BaseException:
            print(log.read_text()[-3000:])
            raise
        finally:
            process.terminate()
            process.wait(60)


def _start(log: Path, environment: dict[str, str]) -> tuple[subprocess.Popen, str]:
    """The app's process and its address, once it answers."""
    command = [sys.executable, "-m", "tests.zerogpu.platform", str(IMPORTS)]
    with open(log, "w") as errors:
        options = {"cwd": paths.ROOT, "env": environment, "stdout": subprocess.PIPE, "stderr": errors, "text": True}
        app = subprocess.Popen(command, **options)
    line = next((line for line in app.stdout if line.startswith("The app runs at ")), None)
    assert line, log.read_text()[-3000:]
    return app, line.split()[-1]


def start_fit(client: Client, samples=None, **more) -> dict:
    """Starts a fit of texts that have instructions."""
    rows = [{"prompt": sample.prompt, "response": sample.response} for sample in samples or tiny.samples()]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    return client.predict(text=text, filename="texts.jsonl", **more, api_name="/fit")


def wait_for_end(client: Client, fit: dict, seconds: float = 120) -> dict:
    """A fit's status once it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = client.predict(job=fit["job"], secret=fit["secret"], api_name="/fit_status")
        if status["state"] not in ("queued", "running"):
            return status
        time.sleep(0.1)
    raise AssertionError(f"the fit has not ended within {seconds} s")


def compare(visitor: tuple[Client, dict], prompt: str, **settings) -> list:
    """All that a comparison sends; the last is its trace."""
    client, fit = visitor
    asked = {"user": fit["user"], "prompt": prompt, "secret": fit["secret"], "max_new_tokens": 8} | settings
    return read_all(client.submit(**asked, api_name="/compare"))


def read_all(job) -> list:
    """All that a job gives. Raises what the app answered instead."""
    steps = list(job)
    job.result()
    return steps
