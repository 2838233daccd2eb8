"""Runs one stage of a job in this process and turns whatever happens into a sentence for its owner."""

import importlib
import logging
import os
import secrets
import time
import traceback
from dataclasses import replace
from types import ModuleType

from .errors import CopeError
from .events import FitEvent
from .history import History
from .job_folder import Cancelled, JobFolder
from .store import DISK_FULL, Store

log = logging.getLogger(__name__)


def fit_module() -> ModuleType:
    """The module with configured, prepare, run_stage and manifest: cope_demo.fit, or what COPE_FIT_MODULE names.

    It is imported on first use, because it brings torch and the trainers with it.
    """
    return importlib.import_module(os.environ.get("COPE_FIT_MODULE", "cope_demo.fit"))


def run_stage(folder: JobFolder, stage: str) -> str | None:
    """Runs `stage` of the job. Returns None when it is done, else what went wrong as a sentence for the person.

    Raises Cancelled when the owner has cancelled. The log names the fault and where it was raised, never its message:
    that may hold the person's words.
    """
    started = time.monotonic()
    if folder.cancelled:
        raise Cancelled
    try:
        folder.forget_from(stage)
        _run(folder, stage)
    except CopeError as error:
        log.info("fit %.8s: stage %s was refused", folder.id, stage)
        return str(error)
    except OSError as error:
        if error.errno in DISK_FULL:
            log.error("fit %.8s: stage %s found the disk full", folder.id, stage)
            return "The disk is full, so the fit had to stop. Free some space and start it again."
        return fault(error, folder, stage)
    except Exception as error:
        return fault(error, folder, stage)
    log.info("fit %.8s: stage %s took %.1f s", folder.id, stage, time.monotonic() - started)
    return None


def fault(error: BaseException, folder: JobFolder, stage: str) -> str:
    """Logs a fault of ours under a reference and returns the sentence that carries it."""
    reference = secrets.token_hex(4)
    places = "".join(traceback.format_tb(error.__traceback__))
    log.error("fault %s: fit %.8s, stage %s: %s\n%s", reference, folder.id, stage, type(error).__name__, places)
    return (
        f"The fit stopped because of a fault of ours (reference {reference}). "
        "Start it again, and report the reference if this comes back."
    )


def _run(folder: JobFolder, stage: str) -> None:
    fit = fit_module()
    if not (folder.path / "request.json").exists():
        request = folder.request()
        history = History(request.samples, request.task, len(request.samples), [], [])
        config = replace(fit.configured(), seed=request.seed)
        fit.prepare(folder.path, history, request.user_id, name=request.name, model=request.model, config=config)
    if stage == "publish":
        folder.emit(FitEvent("publish", 0, 1))
        manifest = {**fit.manifest(folder.path), "owner": folder.owner}
        Store(folder.users_dir).publish(folder.path, folder.user_id, manifest)
        folder.record(FitEvent("publish", 1, 1, eta=0.0))
        folder.conclude("done")  # at once: a cancel that comes now has come too late
    else:
        fit.run_stage(stage, folder.path, folder.emit)
