"""The model's life in a process: why there is none, that it is loaded once, and what is done before anybody waits."""

import threading
import time

import pytest

from cope_demo.errors import CopeError
from cope_demo.service.loader import Loader
from tests.fits import eventually

BASE_MODEL, ENGINE = "cope_demo.model.base_model.load_base", "cope_demo.decode.engine.Engine"


@pytest.fixture
def loads(monkeypatch) -> list:
    """The models that were loaded, each a word and slow; the decoder is a tuple around it."""
    loaded = []

    def load(model):
        time.sleep(0.1)
        loaded.append(model)
        return model

    monkeypatch.setattr(BASE_MODEL, load)
    monkeypatch.setattr(ENGINE, lambda base: ("engine", base))
    return loaded


def test_without_a_model_the_problem_is_a_sentence(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    loader = Loader("no/such-model", lambda engine: None)
    loader.start()
    assert eventually(loader.problem) and not loader.ready() and "no/such-model" in loader.problem()
    with pytest.raises(CopeError, match="no/such-model"):
        loader.engine()


def test_a_problem_is_over_when_the_model_is_there(loads, monkeypatch):
    loader = Loader("tiny", lambda engine: None)
    with monkeypatch.context() as broken:
        broken.setattr(BASE_MODEL, lambda model: (_ for _ in ()).throw(CopeError("No model.")))
        with pytest.raises(CopeError):
            loader.engine()
    assert loader.problem() == "No model." and not loader.ready()
    assert loader.engine() == ("engine", "tiny") and loader.problem() is None and loader.ready()


def test_whoever_asks_while_it_loads_waits_for_the_one_model(loads):
    loader, engines = Loader("tiny", lambda engine: None), []
    threads = [threading.Thread(target=lambda: engines.append(loader.engine())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert engines == [("engine", "tiny")] * 4 and loads == ["tiny"]


def test_starting_warms_up_and_asking_alone_does_not(loads):
    warmed = []
    loader = Loader("tiny", warmed.append)
    loader.engine()
    assert not warmed
    loader.start()
    assert eventually(lambda: warmed == [("engine", "tiny")]) and loads == ["tiny"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_ours_is_a_problem_without_its_message(loads):
    def warm_up(engine):
        raise KeyError("a visitor's words")

    loader = Loader(None, warm_up)
    loader.start()
    for thread in threading.enumerate():
        if thread.name == "load-model":
            thread.join(10)
    assert loader.problem() == "The model could not be loaded (KeyError); look at the server's log."
