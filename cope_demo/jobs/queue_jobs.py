"""Fits on a durable queue: this process enqueues them, reads their state, and keeps the workers alive that run them."""

import contextlib
import statistics
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cope_demo import config
from cope_demo.errors import CopeError
from cope_demo.system import disk
from cope_demo.system.logs import propagate_logs

from . import fairness
from .interface import FitRequest, JobStatus
from .job_folder import JobFolder
from .queue_database import (
    APPLICATION,
    NO_DATABASE,
    QUEUE,
    RUNNING,
    WAITING,
    WORKFLOW,
    database_url,
    provide_subseconds,
    vacuum_database,
)
from .worker_process import WorkerProcess

CANCEL_SECONDS = 5.0
"""How long a cancel waits for the fit to end."""
SETTLE_SECONDS = 1.0
"""How long a running worker takes at most to record in the queue that its fit has ended."""
RECORD_SECONDS = 10.0
"""How long the deletion of a fit waits for its worker, which may be dead."""
END_SECONDS = 60.0
"""How long a fit that is deleted may take to end."""
STILL_ENDING = "The fit is still ending, so nothing was deleted yet; try again in a moment."
ENQUEUE_SECONDS = 60.0
"""A job this old that the queue does not know was never enqueued."""
RECENT = 5
"""How many of the last fits the time of one is estimated from."""
GIVEN_UP = "The fit was interrupted too often and has been given up. Start it again."
NO_QUEUE = "The queue of fits does not answer just now. Nothing is lost; try again in a minute."


class QueueJobs:
    """Jobs on DBOS, whose database queue_database names. Several processes may use the same queue."""

    def __init__(self, users_dir: Path | None = None, workers: int = 1):
        """users_dir: where finished users are published (default: the data folder's).

        workers: worker processes that this process keeps alive, from the first fit on; 0 where others run them
        (`python -m cope_demo worker`). Raises CopeError when the queue's database does not answer.
        """
        from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer  # half a second, only for those who fit
        from sqlalchemy.exc import SQLAlchemyError

        config.check("workers", workers, 0, 64, whole=True)
        self._users_dir = users_dir
        self._database_error = SQLAlchemyError
        propagate_logs("dbos")
        self._workers = [WorkerProcess() for _ in range(workers)]
        if JobFolder.list_unfinished():
            self._start_workers()  # while the queue is opened
        try:
            provide_subseconds()
            DBOS.migrate(database_url())
            self._client = DBOSClient(
                system_database_url=database_url(),
                serializer=DBOSPortableJSONSerializer(),
                application_name=APPLICATION,
                retry_connection_errors=False,
            )
            self._enqueue_unfinished()
        except SQLAlchemyError as error:
            raise CopeError(NO_DATABASE) from error

    def submit(self, request: FitRequest) -> str:
        """See jobs.Jobs."""
        who = fairness.identify_person(request)
        try:
            rows = self._list_rows(status=[WAITING, RUNNING], queue_name=QUEUE)
            for row in rows:
                if row.deduplication_id == who and not self._has_ended(row.workflow_id):
                    fairness.check_same(JobFolder(row.workflow_id), request)
                    return row.workflow_id
            fairness.check_room(sum(row.status == WAITING for row in rows), self._estimate_next_start(rows))
            disk.check_space()
            folder, job_id = JobFolder.create(request, self._users_dir), None
            try:
                job_id = self._enqueue(folder, who)
            finally:
                if job_id != folder.id:
                    folder.remove()
        except self._database_error as error:
            raise CopeError(NO_QUEUE) from error
        self._start_workers()
        return job_id

    def status(self, job_id: str) -> JobStatus:
        """See jobs.Jobs. While the queue does not answer, it is what the disk says."""
        folder = JobFolder(job_id)
        if folder.result() is not None:
            return folder.status("done")
        if folder.cancelled:
            self._finish(folder, "cancelled", None, 0.0)  # where the cancel was itself interrupted
            return folder.status("cancelled")
        try:
            return self._queue_status(folder)
        except self._database_error:
            return folder.status("running" if folder.events() else "queued")

    def _queue_status(self, folder: JobFolder) -> JobStatus:
        state = self._read_state(folder.id)
        if state == WAITING:
            rows = self._list_rows(status=[WAITING, RUNNING], queue_name=QUEUE)
            waiting = [row for row in rows if row.status == WAITING]  # in the order of their arrival
            ids = [row.workflow_id for row in sorted(waiting, key=lambda row: row.priority)]
            if folder.id in ids:
                position = ids.index(folder.id)
                return folder.status("queued", position, self._estimate_wait(rows, position))
        if state in (WAITING, RUNNING):
            return folder.status("running")
        if state is None and folder.age < ENQUEUE_SECONDS:
            return folder.status("queued")
        # The queue has given it up, and nobody else will run it: the fit killed its workers, or was never enqueued.
        self._finish(folder, "failed", GIVEN_UP, 0.0)
        return folder.status("failed")

    def owner(self, job_id: str) -> str:
        """See jobs.Jobs."""
        return JobFolder(job_id).owner

    def cancel(self, job_id: str) -> None:
        """See jobs.Jobs. The fit has ended and its texts are gone when this returns, a few tenths of a second later."""
        folder = JobFolder(job_id)
        if not folder.cancel():  # before the queue is told, so that a worker that takes it now sees the mark
            return
        with contextlib.suppress(self._database_error):  # its worker reads the mark on the disk
            if self._read_state(job_id) == WAITING:
                self._client.cancel_workflow(job_id)
        self._finish(folder, "cancelled", None, CANCEL_SECONDS)
        with contextlib.suppress(self._database_error):
            self._wait_until_recorded(job_id)

    def forget(self, job_ids: list[str]) -> None:
        """See jobs.Jobs. Raises CopeError when a fit takes too long to end, such as one that is being published."""
        folders = [JobFolder(job_id) for job_id in job_ids]
        for folder in folders:
            if self._read_state(folder.id) == RUNNING:
                folder.cancel()
            self._wait_for_worker(folder.id)
            self.cancel(folder.id)
            try:
                with folder.hold(END_SECONDS):
                    pass  # so no process works in it any more
            except TimeoutError:
                raise CopeError(STILL_ENDING) from None
        self._client.delete_workflows(job_ids)
        for folder in folders:  # last, so that whatever fails can be done again
            folder.remove()
        vacuum_database()

    def check(self) -> None:
        """See jobs.Jobs."""
        self._list_rows(limit=1)

    def close(self) -> None:
        """See jobs.Jobs."""
        for worker in self._workers:
            worker.end()
        self._client.destroy()

    def _enqueue_unfinished(self) -> None:
        """Puts the unfinished fits into the queue that the last process had not yet put there."""
        for folder in JobFolder.list_unfinished():
            if not folder.cancelled and self._read_state(folder.id) is None:
                if self._enqueue(folder, fairness.identify_person(folder)) != folder.id:
                    folder.remove()

    def _enqueue(self, folder: JobFolder, who: str) -> str:
        """Puts the job into the queue; returns its id, or that of the same person's other one, which came first."""
        lately = (datetime.now(timezone.utc) - timedelta(seconds=fairness.SHARE_SECONDS)).isoformat()
        options = {
            "workflow_name": WORKFLOW,
            "queue_name": QUEUE,
            "workflow_id": folder.id,
            "deduplication_id": who,
            "duplication_policy": "return-existing",
            "authenticated_user": who,
            "priority": 1 + len(self._list_rows(user=who, start_time=lately)),
        }
        return self._client.enqueue(options, folder.id).get_workflow_id()

    def _has_ended(self, job_id: str) -> bool:
        """Whether a fit that the queue counts as unended has ended; then the queue records it, too."""
        try:
            ended = JobFolder(job_id).result() is not None
        except CopeError:  # deleted
            ended = True
        if ended:
            self._wait_until_recorded(job_id)
        return ended

    def _wait_until_recorded(self, job_id: str) -> None:
        """Waits until the queue knows that the fit has ended; the same person's next one must not wait for it."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while self._read_state(job_id) in (WAITING, RUNNING):
            if time.monotonic() > deadline:  # its worker is dead
                self._client.cancel_workflow(job_id)
            time.sleep(0.02)

    def _wait_for_worker(self, job_id: str) -> None:
        """Waits until a running worker has recorded how the fit ended, or it would record that after the deletion."""
        deadline = time.monotonic() + RECORD_SECONDS
        while self._read_state(job_id) == RUNNING and time.monotonic() < deadline:
            time.sleep(0.02)

    def _finish(self, folder: JobFolder, state: str, error: str | None, timeout: float) -> None:
        try:
            folder.finish(state, error, timeout)
        except TimeoutError:
            pass  # another process works in it, and will do the same when it ends

    def _read_state(self, job_id: str) -> str | None:
        rows = self._list_rows(workflow_ids=[job_id])
        return rows[0].status if rows else None

    def _list_rows(self, **which) -> list:
        return self._client.list_workflows(load_input=False, load_output=False, **which)

    def _estimate_wait(self, rows: list, position: int) -> float | None:
        """Estimated seconds until the waiting fit at `position` is done, by the last fits; None before the first."""
        seconds = self._measure_fit_seconds()
        if seconds is None:
            return None
        running = self._estimate_running(rows)
        first = min((eta for eta in running if eta is not None), default=0.0)
        return first + seconds * (position // max(1, len(running)) + 1)

    def _estimate_next_start(self, rows: list) -> float | None:
        """Estimated seconds until the next waiting fit starts; None before anything was measured."""
        left = [eta for eta in self._estimate_running(rows) if eta is not None]
        return min(left) if left else self._measure_fit_seconds()

    def _estimate_running(self, rows: list) -> list[float | None]:
        """The seconds that each running fit still takes."""
        etas = []
        for row in rows:
            if row.status == RUNNING:
                with contextlib.suppress(CopeError):  # deleted meanwhile
                    etas.append(JobFolder(row.workflow_id).status("running").eta)
        return etas

    def _measure_fit_seconds(self) -> float | None:
        """The median seconds of the last fits; None before the first."""
        ended = self._client.list_workflows(
            status="SUCCESS", name=WORKFLOW, sort_desc=True, limit=RECENT, load_input=False
        )
        seconds = [(row.completed_at - row.dequeued_at) / 1000 for row in ended if row.output == "done"]
        return statistics.median(seconds) if seconds else None

    def _start_workers(self) -> None:
        for worker in self._workers:
            worker.start()
