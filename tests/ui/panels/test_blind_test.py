"""The blind test: one's own held-out texts beside base's and CoPe's."""

import json

import pytest

from cope_demo.ui.panels import blind_test
from tests.scripted import HOSTILE, PAIRS, Service


def test_rounds_come_one_by_one_with_the_held_out_text_and_both_answers(tmp_path):
    service = Service(tmp_path)
    service.pieces["greedy"] = [" I", " am", " excited", " to", " share", " this", " with", " you", " all"]
    values = [json.loads(value) for value in blind_test.stream(service, "ada", "Ada", "r1")]
    assert [value["state"] for value in values] == ["writing", "done"]
    assert {value["run"] for value in values} == {"r1"}
    (held,) = [pair for pair in PAIRS if pair["part"] == "held_out"]
    (one,) = values[-1]["rounds"]
    assert one["prompt"] == held["prompt"]
    assert one["texts"] == {"own": held["chosen"], "base": "I am excited to …", "cope": "stitch in time"}


@pytest.mark.parametrize(
    "text,cut",
    [
        ("one two\nthree", "one two three"),
        ("one two three four", "one two three …"),
        ("One. Two three four.", "One."),
        ("One! two? three four", "One! two?"),
        ("", ""),
    ],
)
def test_a_text_is_cut_where_a_sentence_ends_so_that_no_cut_tells_who_wrote_it(text, cut):
    assert blind_test.cut_words(text, 3) == cut


def test_what_goes_wrong_is_a_sentence_and_what_was_written_stays(tmp_path):
    service = Service(tmp_path)
    service.fail_after = (1, RuntimeError("secret"))
    *_, last = [json.loads(value) for value in blind_test.stream(service, "ada", "Ada", "r1")]
    assert last["state"] == "problem" and "secret" not in last["message"] and last["rounds"] == []


def test_the_file_is_alone_and_takes_its_data_in_one_place():
    page = blind_test.blind_page("")
    assert page.index('"@data@"') < page.index("<script>") and "default-src 'none'" in page
    assert "<link" not in page and "<img" not in page and "<script src" not in page
    assert HOSTILE[0] not in page
