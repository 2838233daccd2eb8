"""Which of a person's texts stand in a prompt."""

import pytest

from cope_demo.decode import prompting
from cope_demo.decode.prompting import EXAMPLES, find_similar_samples
from cope_demo.texts.tasks import Sample

SAMPLES = [Sample(f"Write about bus {number}.", f"late {number}") for number in (0, 1, 2, 2, 3, 4, 5)]


@pytest.fixture(autouse=True)
def nearness(monkeypatch):
    """The instruction with the nearest number is the nearest one."""

    def find(queries, texts, count):
        numbers = [int(text[-2]) for text in texts]
        return [
            sorted(range(len(texts)), key=lambda at: abs(numbers[at] - int(query[-2])))[:count] for query in queries
        ]

    monkeypatch.setattr(prompting, "find_most_similar", find)


def test_the_text_that_is_asked_for_is_not_in_its_own_prompt():
    asked = ["Write about bus 2.", "Write about bus 9."]
    same, far = find_similar_samples(asked, SAMPLES)
    assert [one.response for one in same] == ["late 2", "late 2", "late 1"]
    others, again = find_similar_samples(asked, SAMPLES, others_only=True)
    assert [one.response for one in others] == ["late 1", "late 3", "late 0"] and again == far
    assert len(far) == EXAMPLES and far[0].response == "late 5"
    assert [len(many) for many in find_similar_samples(asked, SAMPLES, 5, others_only=True)] == [5, 5]
    assert find_similar_samples(asked[:1], SAMPLES[2:4], others_only=True) == [[]]
