"""The page's own logic without a browser: history, fit and the visitor's turns. tests/browser/ looks at the rest."""

import json
import os

import pytest

from cope_demo.errors import CopeError
from cope_demo.ui.panels import fitting, own, people
from cope_demo.ui.parts import ANSWERED, make_answer
from cope_demo.ui.visit import Visit
from cope_demo.ui.visitor import MAX_FITS, NEW, SEAL, Fit, Visitor, browser_state
from cope_demo.visitors.owners import SECRET as SECRET_FORM
from cope_demo.visitors.owners import Access
from tests.scripted import CARD, HOSTILE, REPORT, SECRET, messages, publish

TEXTS = "\n---\n".join(f"Text number {n} is about seams and needles." for n in range(6))


class Turns:
    """Visits one after the other: each turn takes what the browser remembers by then."""

    def __init__(self, service):
        self.access = Access(service)

    def __getattr__(self, turn):
        return lambda memory, *given: make_answer(getattr(Visit(self.access, memory), turn)(*given))


@pytest.fixture
def visit(service) -> Turns:
    return Turns(service)


# -- one's own history ----------------------------------------


def test_preview_shows_what_was_kept_and_why_not():
    data = own.preview(f"{TEXTS}\n---\nno\n---\n{HOSTILE[0]} is a tag", None, "free_writing")
    assert data["count"] == 7 and "8 texts found, 7 kept" in data["summary"]
    assert data["notes"] == [
        {"number": 7, "action": "dropped", "reason": "shorter than 3 words", "excerpt": "no", "count": 1}
    ]
    assert data["samples"][-1]["start"] == f"{HOSTILE[0]} is a tag"


def test_preview_of_nothing_and_of_a_wrong_file():
    assert own.preview("  \n", None, "free_writing")["state"] == "empty"
    assert "'a.txt' holds no text" in own.preview("", ("a.txt", b" \n"), "free_writing")["problem"]
    assert own.preview("", ("a.csv", b"x,y\n1,2\n"), "free_writing")["problem"]
    assert ".pdf files cannot be read" in own.preview("", ("a.pdf", b"hello you there"), "free_writing")["problem"]
    assert "There is no task" in own.preview(TEXTS, None, "<b>")["problem"]


def test_preview_of_too_few_texts_says_how_many_are_needed():
    data = own.preview("Only one text here.", None, "free_writing", whole=True)
    assert data["count"] == 1 and "at least 5" in data["problem"]


def test_an_upload_leaves_no_file_and_no_other_is_touched(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    folder = tmp_path / "uploads" / "hash"
    folder.mkdir(parents=True)
    (folder / "my texts.txt").write_text("hello")
    assert own.take_upload(str(folder / "my texts.txt")) == ("my texts.txt", b"hello")
    assert not folder.exists()
    assert own.take_upload(None) is None
    other = tmp_path / "other.txt"
    other.write_text("not yours")
    (tmp_path / "uploads" / "link.txt").symlink_to(other)
    for path in (other, tmp_path / "uploads" / "link.txt", tmp_path / "uploads" / ".." / "other.txt", folder, "\0"):
        with pytest.raises(CopeError, match="upload it again"):
            own.take_upload(str(path))
    assert other.read_text() == "not yours"


def test_the_example_can_be_fitted():
    assert own.preview(own.EXAMPLE, None, "free_writing")["count"] >= 10


def test_names():
    assert own.check_name("  Ada \n Lint ") == "Ada Lint" and own.check_name(None) == "You"
    with pytest.raises(CopeError, match="40 are allowed"):
        own.check_name("x" * 41)


# -- the fit ----------------------------------------


def event(stage, step, of, **more):
    return {"stage": stage, "step": step, "of": of, "loss": None, "margin": None, "eta": None, "message": None} | more


def test_progress_by_stage_with_its_curves(service):
    events = [event("history", 1, 1), event("oppu", 1, 4, loss=3.5), event("oppu", 2, 4, loss=3.0)]
    service.jobs.set("j", "u", "running", stage="oppu", eta=30.0, events=events)
    data = fitting.describe_progress(service.jobs.status("j"))
    assert [stage["state"] for stage in data["stages"]] == ["done", "running", *["waiting"] * 4]
    assert data["stages"][1]["share"] == 0.5 and data["eta"] == 30.0
    loss, margin = data["plots"]
    assert loss["points"] == [[1, 3.5], [2, 3.0]] and loss["of"] == 4 and margin["points"] == []
    events += [event("oppu", 4, 4), event("negatives", 9, 9), event("dpo", 1, 3, loss=0.6, margin=0.2)]
    service.jobs.set("j", "u", "running", stage="dpo", events=events)
    data = fitting.describe_progress(service.jobs.status("j"))
    assert data["plots"][1]["points"] == [[1, 0.2]] and data["stages"][2]["state"] == "done"


def test_report_in_words_better_and_worse():
    good = fitting.explain_report(REPORT, "Ada Lint")
    assert good["lead"].startswith("On 4 of Ada Lint’s texts that the fit never saw, CoPe is 25% less surprised")
    assert "in 11 of 12 pairs" in good["lead"] and good["warning"] is None
    assert [row["name"] for row in good["rows"]] == ["Base", "OPPU", "CoPe"] and good["rows"][2]["right"] == "92%"
    assert good["judgement"].startswith("This fit writes with Ada Lint’s words and tells Ada Lint’s texts")
    assert good["rows"][0]["margin"] == "-3.10" and good["rows"][2]["margin"] == "+1.90"
    bits = {"base": 4.0, "oppu": 4.1, "cope": 4.2}
    bad = fitting.explain_report(REPORT | {"bits_per_token": bits, "train": 5, "held_out": 1}, "You")
    assert "On 1 of your texts" in bad["lead"] and "no less surprised" in bad["lead"]
    assert "a single text" in bad["warning"]


# -- the visitor's turns ----------------------------------------


def test_first_visit_opens_with_the_first_sample_user(visit):
    answer = visit.open(None)
    untouched = {"text", "name", "file", "surprise", "preview", "hub", "erased", "alpha", "tau", "temperature", "seed"}
    untouched |= {"ways"}
    assert set(ANSWERED) - set(answer) == untouched | {"text_a", "text_b", "asked"}
    assert answer["visitor"]["chosen"] == "ada"
    assert json.loads(answer["people"])["chosen"] == "ada"
    assert json.loads(answer["fit"])["report"]["rows"]
    assert answer["prompt"]["value"] == "Write a post about seams." and answer["own"]["visible"] is False
    idle = {"t": "idle", "who": "Ada", "message": "", "methods": ["greedy", "oppu", "cope"]}
    idle |= {"user": "ada", "opening": True}  # a comparison from before a reload may come back
    shown = messages(answer["columns"])[0]
    assert {name: row["label"] for name, row in shown.pop("table").items()}["greedy"] == "Base, greedy"
    assert shown == idle | {"nonce": shown["nonce"]}


def test_what_a_browser_sends_is_not_trusted():
    row = {"user": "u", "job": "j", "name": "n", "task": "t", "state": "done", "error": ""}
    for value in (None, 5, "x", [], {"fits": "x"}, {"chosen": "u", "fits": [row]}, {"secret": "x", "fits": [row]}):
        new = Visitor.read(value)  # also what browsers hold from before there were secrets
        assert new.fits == () and SECRET_FORM.fullmatch(new.secret) and new.secret != SECRET
    for value in ({"fits": "x"}, {"fits": [{"user": 1}, 7, None], "chosen": {}}):
        assert Visitor.read({"secret": SECRET, **value}) == Visitor(SECRET)
    many = Visitor.read({"secret": SECRET, "chosen": "u", "fits": [row] * 9})
    assert len(many.fits) == MAX_FITS and many.chosen == "u" and many.secret == SECRET
    assert Visitor.read(many.to_json()) == many


def test_further_columns_stay_ticked_where_the_next_person_has_them(visit):
    memory = visit.open(None)["visitor"]
    assert visit.pick(memory, NEW, ["base", "rag"])["more"]["value"] == ["base", "rag"]
    assert visit.pick(memory, "ada", ["base", "rag", "magic"])["more"]["value"] == ["rag"]  # a fit on the bare model
    assert visit.pick(memory, "ada")["more"]["value"] == []


def test_own_fit_from_start_to_report(visit, service, tmp_path):
    memory = visit.pick(visit.open(None)["visitor"], NEW)["visitor"]
    answer = visit.start_fit(memory, TEXTS, None, "free_writing", "Nan")
    (request,) = service.jobs.requests
    assert request.name == "Nan" and len(request.samples) == 6 and all(sample.prompt for sample in request.samples)
    memory = answer["visitor"]
    assert memory["chosen"] == request.user_id and answer["cancel_fit"]["visible"] and not answer["own"]["visible"]
    assert json.loads(answer["fit"])["state"] == "queued" and json.loads(answer["fit"])["position"] == 1

    service.jobs.set("job1", request.user_id, "running", stage="oppu", events=[event("oppu", 1, 2, loss=3.0)])
    memory = visit.poll(memory)["visitor"]
    again = visit.open(memory)  # a reload finds it
    assert json.loads(again["fit"])["stages"][1]["state"] == "running"

    publish(service.store, tmp_path / "scratch2", request.user_id, "Nan", memory["secret"])
    service.jobs.set("job1", request.user_id, "done")
    answer = visit.poll(memory)
    assert json.loads(answer["fit"])["report"] and answer["timer"].active is False
    assert {"more", "blind", "take", "behind"} < set(answer)
    written = {"prompt", "examples", "max_new_tokens", "repetition_penalty", "text_a", "text_b", "scored", "verdict"}
    assert not written & set(answer) and "value" not in answer["against"]  # what somebody wrote or chose meanwhile
    assert visit.poll(memory, ["rag", "magic"])["more"]["value"] == ["rag"]
    assert messages(answer["columns"])[0]["who"] == "you" and not messages(answer["columns"])[0]["message"]

    gone = visit.delete_fit(answer["visitor"])  # and what was uploaded, which waits in memory
    assert gone["visitor"]["fits"] == () and gone["visitor"]["chosen"] == "ada"
    assert (gone["text"], gone["file"]) == ("", None) and {"preview", "surprise"} < set(gone)
    with pytest.raises(CopeError):
        service.store.open(request.user_id)


def test_a_saved_fit_shows_when_it_goes_and_expires_with_grace(visit, service, tmp_path):
    publish(service.store, tmp_path / "old", "old", "Old", SECRET)
    os.utime(service.store.users_dir / "old" / "manifest.json", (0, 86400 * 24))  # 25 January 1970
    memory = {"secret": SECRET, "chosen": "old", "fits": []}
    answer = visit.open(memory)  # not in this browser's list, yet the secret's
    assert [fit["user"] for fit in answer["visitor"]["fits"]] == ["old"] and answer["visitor"]["chosen"] == "old"
    assert json.loads(answer["people"])["cards"][1]["about"] == "Deletes itself on 1 February 1970."
    service.store.delete("old")
    answer = visit.open(answer["visitor"])
    assert answer["visitor"]["fits"] == () and answer["visitor"]["chosen"] == "ada"


def test_erasing_empties_the_page_and_forgets_the_browser(visit, service, tmp_path):
    publish(service.store, tmp_path / "fit", "mine", "Nan", SECRET)
    memory = visit.open({"secret": SECRET, "chosen": "mine", "fits": []})["visitor"]
    assert len(memory["fits"]) == 1
    answer = visit.erase(memory)
    assert set(answer) == set(ANSWERED) and answer["visitor"]["fits"] == () and answer["visitor"]["secret"] != SECRET
    assert (answer["text"], answer["name"], answer["file"]) == ("", "", None)
    assert "have been deleted" in answer["erased"] and service.forgotten == ["mine"]
    idle = messages(answer["columns"])[0]
    assert idle["t"] == "idle" and not idle["opening"]  # nor does a reload bring a comparison back
    with pytest.raises(CopeError, match="no user"):
        service.store.open("mine")


def test_a_quiet_poll_changes_only_what_moves(visit, service):
    memory = visit.open(None)["visitor"]
    assert set(visit.poll(memory)) == {"banner", "timer"}
    service.loaded = False
    answer = visit.poll(memory)
    assert json.loads(answer["banner"])["kind"] == "wait" and answer["timer"].active
    service.trouble = "No language model was found: run make setup."
    answer = visit.poll(memory)
    assert (
        json.loads(answer["banner"]) == {"kind": "problem", "message": service.trouble} and not answer["timer"].active
    )


def test_only_one_fit_at_a_time_and_a_refused_history_is_told(visit, service):
    memory = visit.open(None)["visitor"]
    answer = visit.start_fit(memory, "One text only.", None, "free_writing", "")
    assert set(answer) == {"fit"} and "at least 5" in json.loads(answer["fit"])["message"]
    memory = visit.start_fit(memory, TEXTS, None, "free_writing", "")["visitor"]
    assert "still going on" in json.loads(visit.start_fit(memory, TEXTS, None, "free_writing", "")["fit"])["message"]
    answer = visit.cancel_fit(memory)
    assert json.loads(answer["fit"])["state"] == "cancelled" and answer["delete_fit"]["visible"]
    assert len(service.jobs.requests) == 1


def test_a_failed_or_forgotten_fit_says_so(visit, service):
    memory = visit.start_fit(visit.open(None)["visitor"], TEXTS, None, "free_writing", "")["visitor"]
    service.jobs.set("job1", service.jobs.requests[0].user_id, "failed", error="The disk is full.")
    assert json.loads(visit.poll(memory)["fit"]) == {
        "state": "failed",
        "message": "The disk is full.",
        "lines": [fitting.AGAIN],
    }
    service.jobs.statuses.clear()
    assert "not known here" in json.loads(visit.open(memory)["fit"])["message"]


def test_a_damaged_sample_user_leaves_the_page_standing(visit, service):
    (service.store.samples_dir / "ada" / "report.json").write_text("{}")
    assert "report.json" in json.loads(visit.open(None)["fit"])["message"]
    (service.store.samples_dir / "ada" / "card.json").write_text("{")
    assert visit.open(None)["visitor"]["chosen"] == NEW


def test_cards_show_samples_own_fits_and_the_new_one(service):
    visitor = Visitor(SECRET, "u", (Fit("u", "j", "Nan", "free_writing", "running"),))
    (service.store.samples_dir / "ada" / "card.json").write_text(json.dumps(CARD | {"about": "She writes of seams."}))
    cards = json.loads(people.describe_cards(Access(service).of(SECRET), service.store.samples(), visitor))["cards"]
    assert [card["id"] for card in cards] == ["ada", "u", NEW]
    assert cards[0]["tags"] == ["Free writing", "fictional"] and cards[1]["tags"] == ["Free writing", "fitting"]
    (service.store.samples_dir / "ada" / "card.json").write_text(json.dumps(CARD))  # whose words say it themselves
    for state, words in (("cancelled", "was cancelled"), ("failed", "failed"), ("queued", "waits")):
        visitor = Visitor(SECRET, "u", (Fit("u", "j", "Nan", "free_writing", state),))
        cards = json.loads(people.describe_cards(Access(service).of(SECRET), service.store.samples(), visitor))["cards"]
        assert words in cards[1]["about"] and cards[0]["tags"] == ["Free writing"]


def test_the_browser_state_survives_a_restart(own_data):
    first, second = browser_state(), browser_state()
    assert first.secret == second.secret == SEAL and first.storage_key == second.storage_key


def test_what_seals_a_browser_s_memory_is_nothing_of_the_server_s(own_data):
    """It is sent to everybody, so it is a constant. Nothing is written, and nothing else is read."""
    browser_state()
    assert not own_data.exists() or not list(own_data.iterdir())
    own_data.mkdir(exist_ok=True)
    (own_data / "browser-secret").touch()
    assert browser_state().secret == SEAL


def test_browsers_that_an_earlier_version_served_can_still_read_their_memory(own_data):
    own_data.mkdir(exist_ok=True)
    (own_data / "browser-secret").write_text("96166a7fa28255f358418eae958d1b0c")
    assert browser_state().secret == "96166a7fa28255f358418eae958d1b0c"


def test_a_link_opens_with_its_person_for_whom_a_kept_comparison_may_come_back(visit):
    memory = {"secret": SECRET, "chosen": NEW, "fits": []}
    (idle,) = messages(visit.open(memory, {"user": "ada"})["columns"])
    assert idle["t"] == "idle" and idle["user"] == "ada" and idle["opening"] is True
