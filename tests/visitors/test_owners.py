"""Whose users and fits are: what a browser holds, what the server keeps, and that nobody gets at a stranger's."""

import json
import statistics
import time
from dataclasses import replace
from inspect import signature
from types import SimpleNamespace

import gradio as gr
import pytest

from cope_demo.errors import CopeError
from cope_demo.jobs.interface import FitRequest
from cope_demo.jobs.job_folder import UNKNOWN_JOB, JobFolder
from cope_demo.service.service import Service as RealService
from cope_demo.texts.tasks import Sample
from cope_demo.ui.page import build
from cope_demo.ui.web import login
from cope_demo.ui.web.guard import endpoint
from cope_demo.visitors.owners import CHECKED, FREE, Access, new_secret, owner_of_account, owner_of_secret
from tests.scripted import SECRET, Service, publish

OTHER = "0" * 64
PROFILE = gr.OAuthProfile({"sub": "6123", "preferred_username": "ada", "name": "Ada", "profile": "", "picture": ""})


@pytest.fixture
def service(tmp_path) -> Service:
    service = Service(tmp_path)
    publish(service.store, tmp_path / "fit", "mine", "Nan")
    return service


def request(user="mine") -> FitRequest:
    return FitRequest(user, "Nan", "free_writing", [Sample("p", "r")])


def refused(call, *args) -> str:
    with pytest.raises(CopeError) as caught:
        call(*args)
    return str(caught.value)


def test_a_secret_is_256_bits_and_only_its_hash_is_kept(service, own_data):
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100 and all(len(bytes.fromhex(secret)) == 32 for secret in made)
    assert owner_of_secret(SECRET) not in ("", SECRET) and len(owner_of_secret(SECRET)) == 64
    for value in (None, "", 5, "x", SECRET.upper(), SECRET + "\n", SECRET[1:], {}, [SECRET]):
        assert owner_of_secret(value) == ""
    Access(service).of(SECRET).jobs.submit(request())
    JobFolder.create(service.jobs.requests[0], service.store.users_dir)
    everything = [p for place in (own_data, service.store.users_dir) for p in place.rglob("*") if p.is_file()]
    assert len(everything) > 8 and not any(SECRET.encode() in path.read_bytes() for path in everything)
    assert sum(owner_of_secret(SECRET).encode() in path.read_bytes() for path in everything) == 3


def test_the_owner_and_nobody_else(service):
    access = Access(service)
    mine = access.of(SECRET)
    assert mine.store.open("mine").name == "Nan" and list(mine.score("mine", "p", "two words", 0.1).columns)
    job = mine.jobs.submit(request())
    assert mine.jobs.status(job).state == "queued"
    for secret in (None, "", OTHER, "wrong", SECRET[:-1], SECRET.upper(), owner_of_secret(SECRET), 5, {}):
        strange = access.of(secret)
        for call in (strange.store.open, strange.store.delete):
            assert refused(call, "mine") == refused(call, "none").replace("'none'", "'mine'")
        for call, rest in ((strange.compare, ["p", None]), (strange.score, ["p", "t", 0.1])):
            assert refused(call, "mine", *rest) == refused(call, "none", *rest).replace("'none'", "'mine'")
        for call in (strange.jobs.status, strange.jobs.cancel):
            assert refused(call, job) == refused(call, "none")
    assert service.store.open("mine") and service.jobs.status(job).state == "queued"
    mine.store.delete("mine")
    assert service.forgotten == ["mine"] and "no user" in refused(service.store.open, "mine")


def test_what_nobody_owns_is_for_the_command_line_alone(service, tmp_path):
    publish(service.store, tmp_path / "cli", "laptop", "Me", secret="")
    assert service.store.open("laptop") and service.store.owner("laptop") == ""
    for secret in (None, "", SECRET):
        assert "no user 'laptop'" in refused(Access(service).of(secret).store.open, "laptop")
    assert Access(service).of().store.open("ada") and service.store.owner("ada") is None


def test_an_account_owns_what_is_fitted_while_it_is_logged_in(service):
    access = Access(service)
    job = access.of(SECRET, PROFILE).jobs.submit(request())
    assert service.jobs.requests[0].owner == owner_of_account(PROFILE) != owner_of_account({"sub": "6124"})
    assert access.of(OTHER, PROFILE).jobs.status(job).state == "queued"  # the same person in another browser
    assert "not known here" in refused(access.of(SECRET).jobs.status, job)  # logged out
    assert access.of(SECRET, PROFILE).store.open("mine")  # fitted before logging in


CLOSED = {"start", "engine", "forget", "forget_deleted", "store", "jobs", "surprise", "open_adapters", "push_adapters"}
CLOSED |= {"compare_alphas"}
"""What of a service only the server itself may use; visitors have forms of their own of some of it (OwnService)."""


def test_whoever_adds_to_the_service_decides_whether_visitors_may_use_it(tmp_path):
    public = {name for name in dir(RealService(users_dir=tmp_path)) if not name.startswith("_")}
    assert public == FREE | CHECKED | CLOSED
    assert len(FREE) + len(CHECKED) + len(CLOSED) == len(public)


@pytest.mark.parametrize("name", sorted(CHECKED))
def test_what_is_checked_takes_the_user_s_id_first(name):
    assert list(signature(getattr(RealService, name)).parameters)[:2] == ["self", "user_id"]


@pytest.mark.parametrize("name", sorted(CHECKED))
def test_what_is_checked_opens_samples_and_one_s_own_users_alone(service, name):
    setattr(service, name, lambda user_id, *rest: (user_id, *rest))
    mine, strange = (getattr(Access(service).of(secret), name) for secret in (SECRET, OTHER))
    assert mine("mine", 5) == ("mine", 5) and mine("ada") == strange("ada") == ("ada",)
    assert refused(strange, "mine") == refused(strange, "none").replace("'none'", "'mine'")


def test_only_samples_and_one_s_own_are_pushed_and_what_is_opened_is_one_s_own(service):
    service.push_adapters = lambda *given: given
    service.open_adapters = lambda *given: given
    mine, strange = (Access(service).of(secret) for secret in (SECRET, OTHER))
    assert mine.push_adapters("mine", "ada/x", "token") == ("mine", "ada/x", "token", True)
    assert strange.push_adapters("ada", "ada/x", "token", False) == ("ada", "ada/x", "token", False)
    assert refused(strange.push_adapters, "mine", "ada/x", "token") == refused(strange.store.open, "mine")
    assert mine.open_adapters("ada/x", "token") == ("ada/x", (owner_of_secret(SECRET),), "token")
    assert "not a secret of ours" in refused(Access(service).of("none").open_adapters, "ada/x")


def test_what_is_on_no_list_is_closed_even_when_it_is_about_a_user(service):
    service.added = lambda user_id: user_id
    service._inner = lambda user_id: user_id
    mine = Access(service).of(SECRET)
    for name in ("added", "_inner", "_service2", "reset", "forget", "forget_deleted", "absent"):
        with pytest.raises(AttributeError, match="visitors cannot use"):
            getattr(mine, name)


def test_a_damaged_or_strange_manifest_has_no_owner(service, tmp_path):
    manifest = service.store.users_dir / "mine" / "manifest.json"
    whole = manifest.read_text()
    for text in ("", "{", "[]", "null", '{"owner": 5}', "[" * 5000, whole + " " * 1_000_001):
        manifest.write_text(text)
        assert service.store.owner("mine") == ""
        assert "no user" in refused(Access(service).of(SECRET).store.open, "mine")
    manifest.write_text(json.dumps(json.loads(whole) | {"owner": owner_of_secret(OTHER)}))
    assert "checksum" in refused(Access(service).of(OTHER).store.open, "mine")  # not theirs by an edit, either


def test_a_strange_user_takes_no_longer_than_none(service):
    strange = Access(service).of(OTHER).store
    times = {"mine": [], "none": []}
    for _ in range(200):
        for user, spent in times.items():
            start = time.perf_counter()
            refused(strange.open, user)
            spent.append(time.perf_counter() - start)
    # Reading one small file: far below what a network lets through. (Verifying the folder would take a hundred times.)
    assert abs(statistics.median(times["mine"]) - statistics.median(times["none"])) < 1e-3


def test_a_strange_fit_takes_no_longer_than_none(service, own_data):
    """With the jobs' own way to the owner, which the queue and the fits in this process share."""
    job = JobFolder.create(replace(request(), owner=owner_of_secret(SECRET)), service.store.users_dir).id
    service.jobs.owner = lambda job_id: JobFolder(job_id).owner
    strange = Access(service).of(OTHER).jobs
    times = {job: [], "f" * 32: []}
    for _ in range(200):
        for asked, spent in times.items():
            for call in (strange.status, strange.cancel):
                start = time.perf_counter()
                assert refused(call, asked) == UNKNOWN_JOB
                spent.append(time.perf_counter() - start)
    theirs, none = map(statistics.median, times.values())
    print(f"\nanother's {theirs * 1e6:.0f} us, none {none * 1e6:.0f} us")
    assert abs(theirs - none) < 1e-3


def test_gradio_passes_the_account_of_a_session_on(service):
    """As its OAuth leaves it in the session: the endpoint's caller is the account, whatever the secret."""
    from gradio.helpers import special_args

    seen = []

    @endpoint(Access(service))
    def who(service) -> str:
        seen.append(service.jobs.submit(request()))

    session = {"oauth_info": {"userinfo": dict(PROFILE), "access_token": "x", "scope": "", "expires_at": 2**40}}
    asked = SimpleNamespace(session=session, headers={}, client=None)
    inputs, *_ = special_args(who, [SECRET], asked)
    who(*inputs[:1], None, SECRET)
    assert service.jobs.requests[0].owner == owner_of_account(PROFILE)
    for nobody in ({}, {"oauth_info": {**session["oauth_info"], "expires_at": 5}}):
        inputs, *_ = special_args(who, [SECRET], SimpleNamespace(session=nobody, headers={}, client=None))
        who(*inputs[:1], None, SECRET)
        assert service.jobs.requests[-1].owner == owner_of_secret(SECRET)


def test_logging_in_is_offered_on_a_space_with_oauth_alone(tmp_path, monkeypatch):
    def page(name) -> gr.Blocks:
        (tmp_path / name).mkdir()
        return build(Service(tmp_path / name))

    monkeypatch.setattr(login, "find_spec", lambda name: name)
    monkeypatch.setattr("gradio.routes.attach_oauth", lambda app: None)  # needs packages that only such a Space has
    assert not page("plain").expects_oauth and "same account" not in repr(page("plain2").get_config_file())
    for number, name in enumerate(login.SETTINGS):
        monkeypatch.setenv(name, "x")
        assert page(str(number)).expects_oauth is (name == login.SETTINGS[-1])
    assert "logged in to the same account" in repr(page("space").get_config_file())
    monkeypatch.setattr(login, "find_spec", lambda name: None)
    assert not page("without").expects_oauth
