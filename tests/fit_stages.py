"""Small real stages for the job tests (COPE_FIT_MODULE): they read and write files as a fit does, in no time.

The person's name tells how a stage behaves, such as "dpo:gate": see `_behave`. Every run of a stage adds a line to
COPE_TEST_LOG, and a gate opens when the file COPE_TEST_LOG + ".gate" exists.
"""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from cope_demo.config import FitConfig
from cope_demo.errors import CopeError
from cope_demo.fit.events import STAGES, FitEvent
from cope_demo.jobs.stage_process import AUTOGROUP

STEPS = 3


def read_fit_config() -> FitConfig:
    return FitConfig(beta=0.25)


def prepare(scratch, samples, task, user_id, *, name="", model=None, config=None) -> None:
    lines = [json.dumps(asdict(sample)) + "\n" for sample in samples]
    (scratch / "history.jsonl").write_text("".join(lines))
    request = {"user": user_id, "name": name, "task": task, "model": model, "settings": asdict(config)}
    (scratch / "request.json").write_text(json.dumps(request))


def halve(scratch: Path) -> bool:
    request = _request(scratch)
    if request.get("halved"):
        return False
    request["settings"]["oppu_batch"] //= 2
    (scratch / "request.json").write_text(json.dumps(request | {"halved": True}))
    return True


def run_stage(stage: str, scratch: Path, emit) -> None:
    text = (scratch / "history.jsonl").read_text()
    behaviour = dict(word.split(":") for word in _request(scratch)["name"].split() if ":" in word)
    run = {"stage": stage, "job": scratch.name, "pid": os.getpid(), "worker": os.getppid(), "nice": os.nice(0)}
    with open(os.environ["COPE_TEST_LOG"], "a") as log:
        session = AUTOGROUP.read_text() if AUTOGROUP.exists() else ""
        log.write(json.dumps(run | {"idle": os.sched_getscheduler(0) == os.SCHED_IDLE, "session": session}) + "\n")
    for before in STAGES[: STAGES.index(stage)]:
        assert (scratch / f"{before}.txt").exists(), f"{stage} without {before}"
    for step in range(1, STEPS + 1):
        emit(FitEvent(stage, step, STEPS, loss=1.0 / step, eta=100.0 - step))
        how = behaviour.get(stage) or behaviour.get("all")
        _behave(how, text, emit, stage, _request(scratch)["settings"])
    (scratch / f"{stage}.txt").write_text(text)
    if stage == "report":
        _outputs(scratch)


def make_manifest(scratch: Path) -> dict:
    request = _request(scratch)
    return {key: request[key] for key in ("user", "name", "task", "settings")} | {
        "base": {"name": "none", "identity": "none"},
        "report": {},
    }


def _behave(how: str | None, text: str, emit, stage: str, settings: dict) -> None:
    if how == "gate":
        while not Path(os.environ["COPE_TEST_LOG"] + ".gate").exists():
            time.sleep(0.02)
    elif how == "talk":  # reports progress for ever
        while True:
            emit(FitEvent(stage, 1, STEPS))
            time.sleep(0.05)
    elif how == "stuck":  # deaf to everything but SIGKILL
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])  # which would outlive it
        part = Path(os.environ["COPE_TEST_LOG"] + ".child.part")
        part.write_text(str(child.pid))
        part.rename(part.with_suffix(""))
        time.sleep(60)
    elif how == "refuse":
        raise CopeError("These texts are too short; add longer ones.")
    elif how == "fault":
        print("library chatter:", text)
        print("library chatter:", text, file=sys.stderr)
        raise ValueError(text)
    elif how == "full":
        raise OSError(errno.ENOSPC, "No space left on device", text)
    elif how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "slow":
        time.sleep(0.05)
    elif how == "starve":  # whatever it is given
        raise MemoryError
    elif how == "big":  # more than there is, unless it takes half at a time
        if settings["oppu_batch"] == FitConfig().oppu_batch:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate")


def _outputs(scratch: Path) -> None:
    adapter = adapter_bytes((scratch / "history.jsonl").read_text())
    for name in ("oppu", "cope"):
        (scratch / name).mkdir(exist_ok=True)
        (scratch / name / "adapter_config.json").write_text("{}")
        (scratch / name / "adapter_model.safetensors").write_bytes(adapter)
    (scratch / "pairs.jsonl").write_text((scratch / "history.jsonl").read_text())
    (scratch / "report.json").write_text("{}")


def adapter_bytes(history: str) -> bytes:
    """What stands for an adapter fitted on this history."""
    return hashlib.sha256(history.encode()).digest() * 1000


def _request(scratch: Path) -> dict:
    return json.loads((scratch / "request.json").read_text())
