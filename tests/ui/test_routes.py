"""The routes for who monitors the server, on the real server with a scripted service."""

import shutil
from collections import namedtuple

import httpx
import pytest

from cope_demo.errors import CopeError
from cope_demo.system import disk


def almost_full(monkeypatch, megabytes: int) -> None:
    usage = namedtuple("usage", "total used free")(10**12, 10**12, megabytes * 10**6)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)


def test_health_and_readiness(page, service, monkeypatch):
    def ready():
        answer = httpx.get(f"{page.url}ready")
        return answer.status_code, answer.json()

    fine = {"ready": True, "model": "ready", "queue": "ready", "disk": "ready"}
    assert httpx.get(f"{page.url}health").json() == {"alive": True, "decoding": "as the script says"}
    assert ready() == (200, fine)
    service.loaded = False
    assert ready() == (503, fine | {"ready": False, "model": "loading"})
    service.trouble = "There is no model."
    assert ready() == (503, fine | {"ready": False, "model": "failed"})
    service.reset()
    service.jobs.down = True
    assert ready() == (503, fine | {"ready": False, "queue": "unreachable"})
    service.jobs.down = False
    almost_full(monkeypatch, 99)
    assert ready() == (503, fine | {"ready": False, "disk": "full"})
    assert httpx.get(f"{page.url}health").status_code == 200 and httpx.get(page.url).status_code == 200


def test_space_for_a_fit_is_asked_for(monkeypatch):
    disk.check_space()
    almost_full(monkeypatch, 41)
    with pytest.raises(CopeError, match="needs 100 MB of disk space and 41 MB are free"):
        disk.check_space()
    monkeypatch.setenv("COPE_FIT_MB", "40")
    disk.check_space()
    for bad in ("0", "many", "-3"):
        monkeypatch.setenv("COPE_FIT_MB", bad)
        with pytest.raises(CopeError, match="COPE_FIT_MB must be"):
            disk.check_space()
