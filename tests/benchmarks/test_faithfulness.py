"""The decoder's numbers on the embedded model stay as close to float32 as docs/ says: the short form of the script."""

from benchmarks import faithfulness


def test_log_probabilities_in_the_head_are_those_of_float32():
    rows = faithfulness.measure(["reward"], steps=60)
    assert [row["model"] for row in rows] == ["personal", "base"]
    for row in rows:
        assert row["steps"] == 60 and row["tokens in the head"] >= 60
        assert row["mean nats"] <= 0.02 and row["max nats"] <= 0.15 and row["same greedy token %"] >= 98.3, row
