"""Adapters of the hub on the page: a card of the visitor's own, what it says of itself, and links to it."""

import json

import pytest

from cope_demo.ui import api, streams
from cope_demo.ui.panels import behind, takeaway
from cope_demo.ui.panels import hub as panel
from cope_demo.ui.panels.hub import CLOSED
from cope_demo.ui.visit import Visit
from cope_demo.visitors.owners import Access
from tests.hub.fake_hub import TOKEN
from tests.hub.fake_models import COMMIT, Repo, run_models
from tests.scripted import HOSTILE, SECRET, messages, publish

PINNED = f"ada/voice@{COMMIT}"
MEMORY = {"secret": SECRET, "chosen": "ada", "fits": []}


class Token:
    """As Gradio's OAuthToken."""

    token = TOKEN


@pytest.fixture
def hub(service, tmp_path):
    """With the visitor's own fit pushed to ada/voice."""
    publish(service.store, tmp_path / "fit", "mine", "Nan")
    with run_models() as hub:
        service.push_adapters("mine", "ada/voice", TOKEN, False)
        service.store.delete("mine")
        yield hub


@pytest.fixture
def plain(hub):
    """A single LoRA in the place of what was pushed."""
    config = json.dumps({"base_model_name_or_path": "none"}).encode()
    hub.repos["ada/voice"] = Repo({"adapter_config.json": config, "adapter_model.safetensors": b"abc"})


def visit(service, memory=None) -> Visit:
    return Visit(Access(service), memory or MEMORY)


def test_what_is_opened_is_a_card_that_says_where_it_is_from(service, hub):
    answer = visit(service).open_adapters({"adapter": "ada/voice"})
    assert answer["hub"] == CLOSED and json.loads(answer["ways"])["to"] == "fit"
    card = json.loads(answer["people"])["cards"][-2]
    assert (card["name"], card["role"], card["id"]) == ("voice", "from ada/voice", answer["visitor"]["chosen"])
    said = json.loads(answer["fit"])
    assert "ada/voice, commit ccccccc" in said["message"] and "as they were pushed" in said["lines"][0]
    assert said["report"]["lead"].startswith("On 4 of voice’s texts")
    assert answer["take"] == takeaway.NOTHING and answer["behind"] == behind.NOTHING
    assert [name for _, name in answer["more"]["choices"]] == ["oppu+cd", "oppu+dpo"] and answer["delete_fit"][
        "visible"
    ]


def test_deleting_it_leaves_the_visitor_s_own_texts(service, hub):
    memory = visit(service).open_adapters({"adapter": PINNED})["visitor"]
    answer = visit(service, memory).delete_fit()
    assert answer["visitor"]["fits"] == () and not {"text", "file"} & set(answer)


def test_a_single_lora_is_said_to_stand_for_both(service, plain):
    said = json.loads(visit(service).open_adapters({"adapter": PINNED})["fit"])
    assert "single LoRA, so it stands for both adapters" in said["lines"][0] and "report" not in said


def test_a_link_opens_it_and_fills_in_what_it_says(service, hub):
    query = {"adapter": PINNED, "prompt": "Write of soup.", "alpha": "0.5", "evil": "x"}
    answer = visit(service).open(query)
    asked = json.loads(answer["hub"])
    assert asked == {"address": PINNED, "query": {k: v for k, v in query.items() if k != "evil"}}
    assert answer["visitor"]["chosen"] == "ada" and not [path for method, path in hub.asked if "/resolve/" in path]
    filled = visit(service).open_adapters(asked["query"])
    assert filled["prompt"]["value"] == "Write of soup." and filled["alpha"] == 0.5
    assert json.loads(filled["link"])["message"].startswith("voice, the prompt") and "compare" in filled["ways"]
    user = filled["visitor"]["chosen"]
    written = "".join(list(_stream(service, user))[-1:])
    assert next(row for row in messages(written) if row["t"] == "start")["adapter"] == PINNED
    assert "adapter" not in next(row for row in messages(list(_stream(service, "ada"))[-1]) if row["t"] == "start")


def test_a_link_may_contrast_with_a_sample_user(service, hub):
    query = {"adapter": PINNED, "against": "ada"}
    asked = json.loads(visit(service).open(query)["hub"])["query"]
    answer = visit(service).open_adapters(asked)
    assert answer["visitor"]["chosen"] != "ada" and answer["against"]["value"] == "ada"
    refused = json.loads(visit(service).open_adapters(query | {"against": "nobody"})["hub"])
    assert "not another sample user" in refused["problem"]


def _stream(service, user: str):
    settings = {"alpha": 0.1, "tau": 0.1, "repetition_penalty": 1.0, "max_new_tokens": 3, "temperature": 0, "seed": 0}
    return streams.stream(Access(service).of(SECRET), user, "voice", prompt="Write.", **settings)


@pytest.mark.parametrize(
    "query, sentence",
    [
        ({"adapter": "bob/none"}, "no repository bob/none that everybody may read"),
        ({"adapter": HOSTILE[0]}, "named owner/name or owner/name@revision"),
        ({"adapter": 5}, "named owner/name or owner/name@revision"),
        ({}, "named owner/name or owner/name@revision"),
        ({"adapter": PINNED, "alpha": "9"}, "This link's alpha must be a number"),
    ],
)
def test_what_cannot_be_opened_stays_in_the_field_with_a_sentence(service, hub, query, sentence):
    answer = visit(service).open_adapters(query)
    assert set(answer) == {"hub"} and sentence in json.loads(answer["hub"])["problem"]
    assert Access(service).of(SECRET).store.owned() == []


def test_a_link_that_names_nothing_says_so(service):
    answer = visit(service).open({"adapter": "../x"})
    assert json.loads(answer["link"])["kind"] == "problem" and "hub" not in answer


def test_its_texts_are_asked_for_in_vain(service, hub):
    answer = visit(service).open_adapters({"adapter": PINNED})
    memory = {**MEMORY, "chosen": answer["visitor"]["chosen"]}
    said = json.loads(visit(service, memory).fill_example()["verdict"])
    assert "None of this person’s texts are here" in said["message"]
    assert "download them there" in json.loads(visit(service, memory).offer_adapters()["take"])["message"]


def test_a_push_takes_the_account_s_own_name_and_token(service, hub, tmp_path):
    publish(service.store, tmp_path / "fit", "mine", "Nan")
    mine, profile = visit(service, {**MEMORY, "chosen": "mine"}), {"sub": "1", "preferred_username": "ada"}
    said = json.loads(mine.push_adapters(profile, Token, {"name": " fit "})["take"])
    assert said == {"state": "pushed", "url": f"{hub.address}/ada/fit", "address": f"ada/fit@{COMMIT}", "made": True}
    assert hub.repos["ada/fit"].private
    said = json.loads(mine.push_adapters(profile, Token, {"name": "lab/fit", "public": True})["take"])
    assert said["made"] and not hub.repos["lab/fit"].private
    for asked in ({"name": ""}, {"name": 5 * "x/"}, {}):
        assert "is named owner/name" in json.loads(mine.push_adapters(profile, Token, asked)["take"])["message"]
    assert "sign in" in json.loads(mine.push_adapters(None, None, {"name": "fit"})["take"])["message"]


def test_programs_open_them_too(service, hub):
    mine = Access(service).of(SECRET)
    answer = api.open_adapters(mine, PINNED)
    assert answer["adapter"] == PINNED and answer["secret"] == SECRET and mine.store.owned() == [answer["user"]]
    assert panel.find_address(mine, answer["user"]) == PINNED
