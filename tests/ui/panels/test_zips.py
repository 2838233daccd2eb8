"""Zips to take away: one file a user's version, bounded links, one sweeper."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cope_demo.errors import CopeError
from cope_demo.ui.panels.zips import FOLDER, LINKS_OF_ADDRESS, SECONDS, Zips
from cope_demo.visitors.owners import Access, new_secret
from tests.scripted import SECRET, Service, publish


@pytest.fixture
def service(tmp_path, monkeypatch) -> Service:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "links"))
    return Service(tmp_path)


def files(tmp_path) -> list:
    return list((tmp_path / "links" / FOLDER).glob("*"))


def test_invented_secrets_share_one_file_and_no_thread(service, tmp_path):
    zips, access, threads = Zips(), Access(service), threading.active_count()
    with ThreadPoolExecutor(8) as pool:
        askers = [access.of(new_secret(), address=f"10.0.0.{number % 4}") for number in range(40)]
        offered = list(pool.map(lambda asker: zips.offer(asker, "ada"), askers))
    assert len({token for token, _ in offered}) == 40 and len(files(tmp_path)) == 1
    assert threading.active_count() == threads
    for token, _ in offered:
        assert zips.open_link(token) is not None and zips.open_link(token) is None
        zips.close_link(token)
    assert files(tmp_path) == []


def test_an_address_has_so_many_links(service, tmp_path):
    now = [0.0]
    zips, access = Zips(lambda: now[0]), Access(service)
    for _ in range(LINKS_OF_ADDRESS):
        zips.offer(access.of(new_secret(), address="10.0.0.1"), "ada")
    with pytest.raises(CopeError, match="links to adapters are open for your address"):
        zips.offer(access.of(new_secret(), address="10.0.0.1"), "ada")
    zips.offer(access.of(new_secret(), address="10.0.0.2"), "ada")
    now[0] = SECONDS
    zips.sweep()
    assert files(tmp_path) == []
    zips.offer(access.of(new_secret(), address="10.0.0.1"), "ada")


def test_a_new_version_has_a_file_of_its_own(service, tmp_path):
    zips = Zips()
    publish(service.store, tmp_path / "one", "mine", "Nan")
    first, _ = zips.offer(Access(service).of(SECRET), "mine")
    zips.forget("mine")
    assert zips.open_link(first) is None and files(tmp_path) == []
    service.store.delete("mine")
    publish(service.store, tmp_path / "two", "mine", "Nan again")
    second, _ = zips.offer(Access(service).of(SECRET), "mine")
    assert zips.open_link(second) is not None


def test_files_have_a_bound(service, tmp_path, monkeypatch):
    monkeypatch.setattr("cope_demo.ui.panels.zips.MAX_TOTAL", 1)
    zips, mine = Zips(), Access(service).of(SECRET)
    publish(service.store, tmp_path / "one", "mine", "Nan")
    zips.offer(mine, "ada")
    with pytest.raises(CopeError, match="Many people take adapters away"):
        zips.offer(mine, "mine")
    zips.offer(mine, "ada")  # whose file is there
