"""Many comparisons at once: the traces are those of comparisons alone, and what is there is not written again."""

import json
import threading
from types import SimpleNamespace

import pytest

from cope_demo.config import DecodeConfig
from cope_demo.decode.methods import order_columns
from cope_demo.errors import CopeError
from cope_demo.service.batch import PLAN, TRACES, Plan, run_batch
from tests import scripted

METHODS_OF_ALL = order_columns(["base", "oppu+cd"])
PLAN_OF_ALL = Plan(("ada",), ("Write one.", "Write two."), (0.0, 0.5), METHODS_OF_ALL, DecodeConfig(max_new_tokens=10))


class Service(scripted.Service):
    """The scripted service, which counts what it is asked for."""

    def __init__(self, root):
        super().__init__(root)
        self.asked, self.ended, self.lock = [], [], threading.Lock()

    def engine(self):
        return SimpleNamespace(base=SimpleNamespace(name="tiny"))

    def compare_alphas(self, user_id, prompt, config, methods, alphas, against=""):
        with self.lock:
            self.asked.append((prompt, tuple(alphas)))
        try:
            yield from super().compare_alphas(user_id, prompt, config, methods, alphas, against)
        finally:
            self.ended.append(prompt)


@pytest.fixture
def service(tmp_path) -> Service:
    return Service(tmp_path / "service")


def run(service, folder, plan=PLAN_OF_ALL) -> list[tuple[int, int]]:
    told = []
    run_batch(service, plan, folder, lambda *numbers: told.append(numbers))
    return told


def read(folder) -> dict[str, dict]:
    return {path.name: json.loads(path.read_text()) for path in (folder / TRACES).iterdir()}


def test_every_trace_is_that_of_its_comparison_alone(service, tmp_path):
    told = run(service, tmp_path / "out")
    assert told == [(done, 4) for done in range(5)]
    found = read(tmp_path / "out")
    assert sorted(found) == sorted(PLAN_OF_ALL.list_files()) and len(found) == 4
    for trace in found.values():
        config = DecodeConfig(alpha=trace["alpha"], max_new_tokens=10)
        *_, alone = scripted.Service.compare(service, "ada", trace["prompt"], config, METHODS_OF_ALL)
        expected = json.loads(alone.dumps())
        assert [column["method"] for column in trace["columns"]] == list(METHODS_OF_ALL)
        for column, other in zip(trace["columns"], expected["columns"], strict=True):
            assert (column["text"], column["stopped"]) == (other["text"], "eos")
            for token, same in zip(column["tokens"], other["tokens"], strict=True):
                assert (token["id"], token["reward"]) == (same["id"], same["reward"])
                assert [a["reward"] for a in token["alternatives"]] == [a["reward"] for a in same["alternatives"]]
    assert sorted(service.asked) == [("Write one.", (0.0, 0.5)), ("Write two.", (0.0, 0.5))]


def test_only_what_is_missing_is_written(service, tmp_path):
    run(service, tmp_path / "out")
    name = PLAN_OF_ALL.name_trace("ada", 1, 0.5)
    before = (tmp_path / "out" / TRACES / name).read_text()
    (tmp_path / "out" / TRACES / name).unlink()
    service.asked.clear()
    assert run(service, tmp_path / "out") == [(3, 4), (4, 4)]
    assert service.asked == [("Write two.", (0.5,))]
    again = json.loads((tmp_path / "out" / TRACES / name).read_text())
    assert again["columns"][2] == json.loads(before)["columns"][2] and len(again["columns"]) == len(METHODS_OF_ALL)
    service.asked.clear()
    assert run(service, tmp_path / "out") == [(4, 4)] and service.asked == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), CopeError("no more")])
def test_what_is_written_stays_when_it_is_cut_off(service, tmp_path, error):
    def tell(done, of):
        if done == 2:
            raise error

    with pytest.raises(type(error)):
        run_batch(service, PLAN_OF_ALL, tmp_path / "out", tell)
    assert len(read(tmp_path / "out")) == 2 and len(service.ended) == len(service.asked)
    assert not list((tmp_path / "out").rglob("*.part"))
    run(service, tmp_path / "out")
    assert len(read(tmp_path / "out")) == 4


def test_a_failure_of_one_is_the_batchs(service, tmp_path):
    service.fail_after = (1, CopeError("This takes too much memory."))
    with pytest.raises(CopeError, match="too much memory"):
        run(service, tmp_path / "out")


def test_another_batchs_folder_is_refused(service, tmp_path):
    run(service, tmp_path / "out")
    other = Plan(("ada",), ("Write three.",), (0.0,), METHODS_OF_ALL, DecodeConfig(max_new_tokens=10))
    with pytest.raises(CopeError, match="holds a batch of other"):
        run(service, tmp_path / "out", other)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("Dear all")
    with pytest.raises(CopeError, match="is no batch"):
        run(service, tmp_path / "full")
    assert not (tmp_path / "full" / PLAN).exists()
