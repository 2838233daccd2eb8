"""Takes fits from the queue, one at a time: each stage is a durable step that runs in a child process.

A worker may be killed at any moment. Its fit stays marked as running under its name; every other worker looks for the
names of the dead and puts their fits back in the queue, where they go on at the stage they had reached.
"""

import os
import secrets
import signal
import sys
import time

from dbos import DBOS, DBOSPortableJSONSerializer
from dbos._dbos import _get_dbos_instance

from cope_demo.errors import CopeError
from cope_demo.fit.events import STAGES
from cope_demo.system.logs import log_event, log_fault, propagate_logs
from cope_demo.system.output import log_all_output

from .job_folder import JobFolder
from .liveness import FileLiveness, SessionLiveness
from .queue_database import (
    APPLICATION,
    NO_DATABASE,
    QUEUE,
    RUNNING,
    WORKFLOW,
    database_url,
    open_liveness,
    provide_subseconds,
)
from .stage_process import StageProcess, end_with_parent
from .stage_runner import report_fault, retry_with_half

MAX_RECOVERIES = 10
"""A fit during which this many workers have died is taken for the cause, and given up."""
VERSION = "1"
"""Of the fits' files, not of the app: a fit is never taken up by a worker of another version."""
POLL_SECONDS = 0.5
REQUEUE_SECONDS = 2.0
CONNECTIONS = 4
"""A worker's pool, with the queue's database; one more listens, and one holds its lock."""


@DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MAX_RECOVERIES)
def fit_job(job_id: str) -> str:
    """One fit, stage by stage; returns the state it ended in. The database learns states, never sentences or texts."""
    folder = JobFolder(job_id)
    if folder.result() is None:
        try:
            with StageProcess(folder) as child:
                for stage in STAGES:
                    if folder.cancelled or DBOS.run_step({"name": stage}, _run_step, folder, child, stage) != "done":
                        break
        except Exception as error:
            folder.finish("failed", report_fault(error, folder, "queue"))
        finally:
            if folder.cancelled:  # also when the queue itself has refused the next step
                folder.finish("cancelled")
    return folder.result()["state"]


def _run_step(folder: JobFolder, child: StageProcess, stage: str) -> str:
    """Runs one stage; the one that ends the fit records its outcome. Returns "done", "failed" or "cancelled"."""
    last = stage == STAGES[-1]
    # Once the publish has begun it is too late to cancel: either all of a fit is saved or nothing.
    outcome = retry_with_half(folder, lambda: child.run(stage, stop=lambda: folder.cancelled and not last))
    if last or outcome["state"] != "done":
        child.end()
        folder.finish(**outcome)
    return outcome["state"]


def run_worker(parent: int | None = None) -> None:
    """Works until it is ended: by hand, or with the process `parent` (its parent's pid) that started it.

    Raises CopeError when the queue's database does not answer. A worker that loses it later ends, since the others then
    count it as dead; the process that keeps it alive starts it again.
    """
    if parent is not None:
        end_with_parent(parent)
    with log_all_output(sys.stderr):
        _work()


def _work() -> None:
    os.umask(0o077)
    name = f"worker-{secrets.token_hex(8)}"
    try:
        liveness = open_liveness()
        liveness.register(name)
        _launch_dbos(name)
    except CopeError:
        raise
    except Exception as error:
        log_fault("start", error)
        raise CopeError(NO_DATABASE) from error
    interrupts: list[int] = []

    def interrupt(number: int, frame) -> None:
        interrupts.append(number)  # what is raised is lost where it comes in the midst of what may not fail
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    log_event("worker waits", worker=name)
    code = 0  # a fit that it was at goes on when a worker is started again
    try:
        while not interrupts:
            liveness.check()
            _requeue_dead(name, liveness)
            time.sleep(REQUEUE_SECONDS)
    except KeyboardInterrupt:
        pass
    except Exception as error:
        log_fault("queue", error, worker=name)
        code = 1
    if not code:
        log_event("worker ends", worker=name)
    os._exit(code)  # not through DBOS, whose threads would wait for the fit


def _launch_dbos(name: str) -> None:
    provide_subseconds()
    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": database_url(),
            "sys_db_pool_size": CONNECTIONS,
            "application_version": VERSION,
            "executor_id": name,
            "serializer": DBOSPortableJSONSerializer(),  # nothing pickled is ever read
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 60.0,  # nobody sends any
        }
    )
    propagate_logs("dbos")
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLL_SECONDS)


def _requeue_dead(name: str, liveness: FileLiveness | SessionLiveness) -> None:
    """Puts the fits of dead workers back in the queue."""
    rows = DBOS.list_workflows(status=RUNNING, load_input=False, load_output=False)
    for other in {row.executor_id for row in rows} - {name}:
        with liveness.claim_if_dead(other) as dead:
            if dead:
                log_event("worker died", worker=other)
                _raise_priority([row.workflow_id for row in rows if row.executor_id == other])
                DBOS._recover_pending_workflows([other])


def _raise_priority(job_ids: list[str]) -> None:
    """Lets these fits go on before any other begins."""
    database = _get_dbos_instance()._sys_db
    table = database.tables.workflow_status
    with database.engine.begin() as connection:
        connection.execute(table.update().where(table.c.workflow_uuid.in_(job_ids)).values(priority=0))


if __name__ == "__main__":
    try:
        run_worker(int(sys.argv[1]))
    except CopeError:
        sys.exit(2)  # the process that keeps it alive has shown why, or the log does
