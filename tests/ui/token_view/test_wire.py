"""What goes to the browser of a trace: every number, in lines of JSON."""

from cope_demo.config import DecodeConfig
from cope_demo.decode.trace import TokenEvent
from cope_demo.ui.token_view import wire
from tests.scripted import HOSTILE, messages, token


def test_wire_carries_every_number():
    made = token("${x}", number=3)
    (message,) = messages(wire.tokens(4, [TokenEvent("cope", 2, made)]))
    assert message["t"] == "tokens" and message["seq"] == 4
    method, index, token_id, text, user, base, score, in_head, head, others = message["rows"][0]
    assert (method, index, token_id, text, in_head, head) == ("cope", 2, 10, "${x}", 1, 2)
    assert (user, base, score) == (-0.5, -3.0, round(made.score, 4))
    assert others[1] == [1, " the", -1.5, -0.4, round(made.alternatives[1].score, 4), 1]


def test_a_finished_comparison_is_sent_column_by_column(service):
    *_, trace = service.compare("ada", HOSTILE[0], DecodeConfig())
    first, *rest = messages(wire.whole(trace.to_json(), "Ada", seed=7))
    assert first["t"] == "start" and first["who"] == "Ada" and first["prompt"] == HOSTILE[0] and first["seed"] == 7
    assert first["methods"] == [column.method for column in trace.columns] and "columns" not in first
    assert [message["t"] for message in rest] == ["tokens", "end"] * len(trace.columns) + ["done"]
    for column, sent, end in zip(trace.columns, rest[::2], rest[1::2], strict=False):
        assert end["method"] == column.method and end["stopped"] == column.stopped
        assert [row[0:2] for row in sent["rows"]] == [[column.method, index] for index in range(len(column.tokens))]
        assert "".join(row[3] for row in sent["rows"]) == column.text
