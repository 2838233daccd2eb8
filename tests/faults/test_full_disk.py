"""The disk fills up at each write of a fit and its publish in turn: what was saved stays, byte for byte."""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cope_demo.errors import CopeError
from cope_demo.history import Sample
from cope_demo.inline_jobs import run_job
from cope_demo.job_folder import FitRequest, JobFolder
from cope_demo.store import Store
from tests.fits import SECRET, holds_secret, request

from .full_disk import full_disk

pytestmark = pytest.mark.usefixtures("stages")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run_fit(asked: FitRequest, at: int | None = None, lasting: bool = False) -> tuple[bool, str, str | None]:
    """A whole fit whose write `at` fails: whether it got that far, the state it ended in, and its sentence."""
    with full_disk(at, lasting) as disk:
        try:
            folder = JobFolder.create(asked)
            run_job(folder)
        except CopeError as refused:
            return bool(disk.failures), "refused", str(refused)
    return bool(disk.failures), folder.result()["state"], folder.result()["error"]


def check_writes(ask: Callable[[int], FitRequest], own_data: Path, lasting: bool, stride: int) -> int:
    """Lets every `stride`-th write fail, each in a fit of other texts: ask(its number). Returns how many a fit has."""
    assert run_fit(ask(0))[1] == "done"
    users = own_data / "users"
    for at in itertools.count(1, stride):
        shutil.rmtree(own_data / "jobs", ignore_errors=True)
        before = files(users / "ada")
        failed, state, sentence = run_fit(ask(at), at, lasting)
        if not failed:
            return at - stride
        user = Store().open("ada")  # which mends a swap that was cut off in its middle
        if state == "done":  # the write was one that a fit can do without
            assert user.history() == ask(at).samples
        else:
            assert "disk is full" in sentence or "a fault of ours" in sentence, (at, sentence)
            assert state in ("refused", "failed") and files(users / "ada") == before, at
        assert holds_secret(own_data / "jobs") == [], at
        assert run_fit(ask(-at))[1] == "done", f"after a full disk at write {at}"
        assert {path.name for path in users.iterdir()} == {"ada", ".lock"}, at


@pytest.mark.parametrize("lasting", [False, True])
def test_each_write(own_data, lasting, long):
    """A fit with small stages. The short form takes every seventh write."""

    def ask(number: int) -> FitRequest:
        return request("ada", samples=[Sample("Write", f"{SECRET} {number} {n}") for n in range(5)])

    writes = check_writes(ask, own_data, lasting, 1 if long else 7)
    print(f"\n{writes} writes of a fit, each {'and what follows ' if lasting else ''}on a full disk")
    assert writes > 100
