"""What runs have decided is kept whole, and says what the runs say."""

import gzip
import json

import pytest

from cope_demo.config import FitConfig
from cope_demo.errors import CopeError
from cope_demo.evaluation.controls import RULES
from cope_demo.evaluation.endpoints import Replicate, tabulate_endpoints
from cope_demo.evaluation.records import RunRecord, read_records

TASK, QUERIES = "news_headline", ["a-0", "a-1"]
TASKS = (TASK, "review_writing")
SCORES = {"rouge1": 0.5, "rougeL": 0.25, "meteor": 1 / 3}


def make_replicate(seed: int, nats: float) -> Replicate:
    """An author with two queries, written greedily, by another's adapters and in samples."""
    texts = [{"query": query, "method": "oppu", "text": "a green bus", **SCORES} for query in QUERIES]
    rows = [{"user": "a", "bits": 2.0} | row for row in texts]
    bits = {rule: ["0110", "01"] for rule in RULES}
    record = {
        "author": "a",
        "queries": QUERIES,
        "tokens": [4, 2],
        "base_logps": [-9.0, -5.0],
        "logps": {name: {"a": [nats, -4.5], "b": [-8.5, -4.6]} for name in ("oppu", "cope")},
        "right": bits,
        "changed": bits,
        "swapped_right": {"oppu": {"b": [2, 1]}},
        "pairs": {},
        "written": [row | {"adapters_of": "b"} for row in texts] + [row | {"text": "sampled"} for row in texts * 2],
    }
    return Replicate(seed, {"a": record}, {"a": rows})


def keep(folder, task=TASK, seed=0, machine="two cores", nats=-8.0, **plan):
    """A run's file in `folder`, and all of its endpoints."""
    replicate = make_replicate(seed, nats)
    table = tabulate_endpoints([replicate], {"a": ["a green bus"]}, {"a": dict.fromkeys(QUERIES, "one red tram")})
    plan = {"task": task, "fit": {"seed": seed}, "decode": {"alpha": 0.1, "seed": seed}} | plan
    return RunRecord(plan, machine, replicate).write(folder, table), table


def test_a_run_that_was_kept_has_all_of_its_endpoints(tmp_path):
    _, table = keep(tmp_path)
    ((kept,),) = read_records(tmp_path, [TASK]).values()
    assert kept.machine == "two cores" and kept.plan["decode"]["alpha"] == 0.1 and kept.replicate.rows == {}
    again = tabulate_endpoints([kept.replicate])
    assert {name: set(methods) for name, methods in again.items()} == {name: set(own) for name, own in table.items()}
    for endpoint, methods in table.items():
        for method, by_author in methods.items():
            assert again[endpoint][method]["a"][0] == pytest.approx(by_author["a"][0], abs=1e-5), (endpoint, method)
    assert again["copied"]["oppu"]["a"][0] == [0.0, 0.0] and {"oppu swapped", "oppu sampled"} <= set(again["rougeL"])


@pytest.mark.parametrize(("task", "quoted"), [(TASK, True), ("review_writing", False)])
def test_texts_are_kept_where_their_source_allows_it(tmp_path, task, quoted):
    path, _ = keep(tmp_path, task)
    content = gzip.decompress(path.read_bytes()).decode()
    assert ("a green bus" in content) == quoted and "sampled" not in content.replace("oppu sampled", "")
    assert len(json.loads(content.split("\n")[1])["texts"]) == 4


def test_a_run_is_the_same_file_whenever_it_is_kept(tmp_path):
    assert keep(tmp_path)[0].read_bytes() == keep(tmp_path / "later")[0].read_bytes()


def test_seeds_of_the_same_settings_stand_together_and_others_do_not(tmp_path):
    keep(tmp_path, seed=10)
    keep(tmp_path, seed=2)
    assert [one.replicate.seed for one in read_records(tmp_path, TASKS)[TASK]] == [2, 10]
    assert list(read_records(tmp_path, TASKS)) == [TASK]
    with pytest.raises(CopeError, match="seed-3 and news_headline-seed-10 differ in decode.alpha"):
        keep(tmp_path, seed=3, decode={"alpha": 0.3})
    assert len(read_records(tmp_path, TASKS)[TASK]) == 2  # and it stands in nobody's way
    keep(tmp_path / "other", seed=3, decode={"alpha": 0.3})
    (tmp_path / "other" / f"{TASK}-seed-3.jsonl.gz").rename(tmp_path / f"{TASK}-seed-3.jsonl.gz")
    with pytest.raises(CopeError, match="seed-3 and news_headline-seed-10 differ in decode.alpha"):
        read_records(tmp_path, TASKS)


def test_tasks_differ_in_what_is_theirs_and_in_nothing_else(tmp_path):
    keep(tmp_path, data_sha256="1", decode={"max_new_tokens": 40})
    keep(tmp_path, "review_writing", data_sha256="2", decode={"max_new_tokens": 120})
    assert list(read_records(tmp_path, TASKS)) == list(TASKS)
    with pytest.raises(CopeError, match="differ in decode.max_new_tokens"):
        keep(tmp_path, "review_writing", seed=1, data_sha256="2", decode={"max_new_tokens": 80})
    (tmp_path / "review_writing-seed-0.jsonl.gz").unlink()
    with pytest.raises(CopeError, match="differ in compute"):
        keep(tmp_path, "review_writing", compute="bfloat16")


def test_settings_that_are_younger_than_a_run_had_their_defaults(tmp_path):
    keep(tmp_path, seed=0)
    keep(tmp_path, seed=1, fit={"seed": 1, "beta": FitConfig.beta})
    assert len(read_records(tmp_path, TASKS)[TASK]) == 2


def test_a_kept_run_gives_way_to_no_other(tmp_path):
    """The same one may be kept again, as when an endpoint is new; where it was made is known by then."""
    path, _ = keep(tmp_path)
    before = path.read_bytes()
    keep(tmp_path, machine="elsewhere")
    assert path.read_bytes() == before
    for other in ({"nats": -7.0}, {"decode": {"alpha": 0.3}}):
        with pytest.raises(CopeError, match="seed-0.jsonl.gz in .* is of another run: remove it"):
            keep(tmp_path, **other)
    assert path.read_bytes() == before


DAMAGED = bytearray(gzip.compress(bytes(range(256)) * 9))
DAMAGED[20] ^= 0xFF


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"no json"), gzip.compress(b"{}\n"), bytes(DAMAGED)],
    ids=["no gzip", "no JSON", "no run", "a byte that is another one"],
)
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / f"{TASK}-seed-0.jsonl.gz").write_bytes(content)
    with pytest.raises(CopeError, match="seed-0.jsonl.gz cannot be read"):
        read_records(tmp_path, TASKS)
