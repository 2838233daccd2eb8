"""Whom a person can be contrasted with: who is offered, what they are called, and what the page then says."""

import json
import shutil

from cope_demo.ui import streams
from cope_demo.ui.panels import against
from cope_demo.ui.visit import Visit
from cope_demo.visitors.owners import Access
from tests.scripted import CARD, SECRET, messages, publish

FITS = [
    {"user": user, "job": "", "name": name, "task": task, "state": state, "error": ""}
    for user, name, task, state in [
        ("mine", "Nan", "free_writing", "done"),
        ("news", "", "news_headline", "done"),
        ("late", "Late", "free_writing", "running"),
    ]
]


def open_visit(service, chosen: str) -> Visit:
    samples = service.store.samples_dir
    shutil.copytree(samples / "ada", samples / "bob")
    (samples / "bob" / "card.json").write_text(json.dumps({**CARD, "name": "Bob Hem", "task": "news_headline"}))
    return Visit(Access(service), {"chosen": chosen, "fits": FITS, "secret": SECRET})


def test_other_samples_and_own_fits_are_offered(service):
    visit = open_visit(service, "ada")
    told = against.offer_others(visit.service, visit.visitor, "Ada")
    labels = {user: label for label, user in told["choices"]}
    assert list(labels) == ["", "bob", "mine", "news"]
    assert labels["bob"] == "Bob Hem, News headlines" and labels["mine"] == "Nan (your own fit)"
    assert "what Ada would say" in told["info"] and told["info"].endswith(against._OTHER_TASK) and "value" not in told
    assert [visit.name_other(user) for user in ("", "bob", "mine", None)] == ["", "Bob", "you", ""]
    assert visit.pick("ada")["against"]["value"] == ""


def test_the_choice_of_a_link_is_filled_in_and_own_fits_have_names_beside_each_other(service):
    visit = open_visit(service, "mine")
    assert visit.open({"user": "ada", "against": "bob"})["against"]["value"] == "bob"
    assert visit.name_other("news") == "your other fit" and visit.name_other("ada") == "Ada"


def test_a_stream_names_the_other_person_and_goes_on_against_them(service, tmp_path):
    publish(service.store, tmp_path / "fit", "mine", "Nan")
    mine = Access(service).of(SECRET)
    settings = {"alpha": 0.1, "tau": 0.1, "max_new_tokens": 10, "repetition_penalty": 1, "temperature": 0, "seed": 0}
    *_, text = streams.stream(mine, "ada", "Ada", prompt="Write.", against="mine", other="you", **settings)
    start = messages(text)[0]
    assert (start["against"], start["other"], start["methods"][3]) == ("mine", "you", "against")
    assert start["table"]["against"]["label"] == "CoPe against you"
    asked = {"user": "ada", "prompt": "Write.", "method": "against", "ids": [7, 9]}
    *_, text = streams.branch(mine, "ada", {**asked, "against": "mine"})
    assert [message["t"] for message in messages(text)][0] == "branch"
    *_, text = streams.branch(Access(service).of("0" * 64), "ada", {**asked, "against": "mine"})
    assert "no user 'mine'" in messages(text)[-1]["message"]
