"""Runs one stage of a job in this process and turns every error into a sentence for its owner."""

import contextlib
import importlib
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

from cope_demo.errors import CopeError
from cope_demo.fit.events import STAGES, FitEvent
from cope_demo.saved.store import Store
from cope_demo.system import disk, memory
from cope_demo.system.disk import DISK_FULL
from cope_demo.system.logs import log_event, log_fault

from .job_folder import Cancelled, JobFolder

DISK_IS_FULL = "The disk is full, so the fit had to stop. Free some space and start it again."
OUT_OF_MEMORY = (
    "Memory ran out, and again with half as many texts at a time, so the fit had to stop. "
    "Start it again with fewer or shorter texts, or with a smaller model."
)
HALF_NOW = "Memory ran out; this stage starts again with half as many texts at a time."


def import_fit_module() -> ModuleType:
    """The module with read_fit_config, prepare, halve, run_stage and make_manifest: the pipeline, or COPE_FIT_MODULE.

    It is imported on first use, because it brings torch and the trainers with it.
    """
    return importlib.import_module(os.environ.get("COPE_FIT_MODULE", "cope_demo.fit.pipeline"))


def run_stage(folder: JobFolder, stage: str) -> dict:
    """Runs `stage` of the job.

    Returns {"state": "done", "failed" or "memory", "error": what went wrong as a sentence for the person, or None};
    "memory" means that there was too little of it. Raises Cancelled when the owner has cancelled. The log names a fault
    and where it was raised, never its message: that may hold the person's words.
    """
    started = time.monotonic()
    if folder.cancelled:
        raise Cancelled
    try:
        folder.forget_from(stage)
        _run_fit_stage(folder, stage)
    except CopeError as error:
        log_event("stage refused", job=folder.id, stage=stage)
        return _make_failure(str(error))
    except Exception as error:
        if memory.is_out_of_memory(error):
            log_event("out of memory", job=folder.id, stage=stage)
            return {"state": "memory", "error": None}
        if _is_disk_full(error):
            log_event("disk full", job=folder.id, stage=stage)
            return _make_failure(DISK_IS_FULL)
        return _make_failure(report_fault(error, folder, stage))
    log_event("stage done", job=folder.id, stage=stage, seconds=round(time.monotonic() - started, 2))
    return {"state": "done", "error": None}


def retry_with_half(folder: JobFolder, run: Callable[[], dict]) -> dict:
    """run(), and where memory ran out, once in a fit, run() again with halved batches."""
    outcome = run()
    if outcome["state"] == "memory" and not folder.halved:
        folder.halve()
        outcome = run()
    return _make_failure(OUT_OF_MEMORY) if outcome["state"] == "memory" else outcome


def report_fault(error: BaseException, folder: JobFolder, stage: str) -> str:
    """Logs a fault of ours under a reference and returns the sentence that carries it."""
    reference = secrets.token_hex(4)
    log_fault(reference, error, job=folder.id, stage=stage)
    return (
        f"The fit stopped because of a fault of ours (reference {reference}). "
        "Start it again, and report the reference if this comes back."
    )


def _make_failure(sentence: str) -> dict:
    return {"state": "failed", "error": sentence}


def _is_disk_full(error: Exception) -> bool:
    """Whether the error says so, or, as safetensors does it, quotes the system."""
    return getattr(error, "errno", None) in DISK_FULL or any(f"os error {code}" in str(error) for code in DISK_FULL)


def _run_fit_stage(folder: JobFolder, stage: str) -> None:
    if stage == STAGES[0]:
        disk.check_space()
    fit = import_fit_module()
    if not (folder.path / "request.json").exists():
        request = folder.request()
        config = replace(fit.read_fit_config(), seed=request.seed)
        who = {"name": request.name, "model": request.model, "config": config}
        fit.prepare(folder.path, request.samples, request.task, request.user_id, **who)
    if folder.halved and fit.halve(folder.path):
        folder.record(FitEvent(stage, 0, 1, message=HALF_NOW))
    if stage == "publish":
        folder.emit(FitEvent("publish", 0, 1))
        manifest = {**fit.make_manifest(folder.path), "owner": folder.owner}
        Store(folder.users_dir).publish(folder.path, folder.user_id, manifest)
        with contextlib.suppress(OSError):  # it is saved; finish() records the same when the texts have made room
            folder.record(FitEvent("publish", 1, 1, eta=0.0))
            folder.conclude("done")  # at once: a cancel that comes now has come too late
    else:
        fit.run_stage(stage, folder.path, folder.emit)
