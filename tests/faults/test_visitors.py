"""Many visitors at once, most comparing, some fitting: no error, nobody gets another's, and the first token's wait.

The long form has twenty of them on the real server with the embedded model; the short one six on a tiny model.
"""

import json
import math

import pytest

from cope_demo.jobs.queue_jobs import QueueJobs
from cope_demo.saved.store import Store
from cope_demo.service.service import Service
from tests.faults.crowd import Server, Visitor, run_at_once
from tests.running import run_page
from tests.scripted import CARD


def check_crowd(url: str, comparing: int, fitting: int, tokens: int, store: Store, seconds: float) -> str:
    """Everybody works at once; each answer must be what that visitor gets alone. Returns the measurement."""
    visitors = [Visitor(url, number) for number in range(comparing + fitting)]
    users = visitors[0].client.predict(api_name="/users")
    alone = [visitor.compare(users, tokens) for visitor in visitors[:comparing]]
    assert len({json.dumps(columns) for columns in alone}) == comparing
    quiet = [visitor.waits.pop() for visitor in visitors[:comparing]]

    def work(visitor: Visitor):
        if visitor.number >= comparing:
            return visitor.fit(seconds)
        return [visitor.compare(users, tokens) for _ in range(2)]

    answers = run_at_once(visitors, work)
    for own, both in zip(alone, answers[:comparing], strict=True):  # the same but for rounding in a larger batch
        assert [list_tokens(own)] * 2 == [list_tokens(columns) for columns in both]
    for visitor, fit in zip(visitors[comparing:], answers[comparing:], strict=True):
        assert fit.status["state"] == "done", fit.status["error"]
        texts = " ".join(sample.response for sample in store.open(fit.started["user"]).history())
        assert set(texts.split()) & {f"Marker{v.number}x" for v in visitors} == {f"Marker{visitor.number}x"}
    waits = sorted(wait for visitor in visitors for wait in visitor.waits)
    top = waits[math.ceil(0.95 * len(waits)) - 1]
    return (
        f"{comparing} comparing, {fitting} fitting, {len(waits)} comparisons of {tokens} tokens: first token median "
        f"{waits[len(waits) // 2]:.1f} s, 95th percentile {top:.1f} s; alone {sorted(quiet)[comparing // 2]:.2f} s"
    )


def list_tokens(columns: list[dict]) -> list:
    """What is written and why it stopped, with the numbers to two digits."""
    return [
        (column["stopped"], [(token["id"], pytest.approx(token["logp_user"], abs=5e-3)) for token in column["tokens"]])
        for column in columns
    ]


@pytest.fixture
def page(works, stages, tmp_path):
    """The page over the tiny model, whose users are its samples."""
    for user in ("ada", "bob"):
        (works.store.users_dir / user / "card.json").write_text(json.dumps(CARD))
    jobs = QueueJobs()
    service = Service(works.model, jobs=jobs)
    service.store = Store(tmp_path / "var" / "users", works.store.users_dir)
    service.engine()
    with run_page(service) as page:
        yield page
    jobs.close()


def test_a_small_crowd(page):
    print("\n" + check_crowd(page.url, comparing=4, fitting=2, tokens=6, store=page.service.store, seconds=60))


def test_twenty_visitors_on_the_embedded_model(long, own_data, tmp_path):
    if not long:
        pytest.skip("minutes with the embedded model: only with --long")
    server = Server(own_data, tmp_path / "log")
    try:
        print("\n" + check_crowd(server.url, 16, 4, tokens=24, store=Store(own_data / "users"), seconds=420))
    finally:
        server.end()
    log = (tmp_path / "log").read_text()
    assert '"event": "stage done"' in log and '"event": "fault"' not in log
    assert "Marker" not in log and "Write a" not in log, "neither texts nor prompts"
