"""A method that nobody knows, to show that one row of the table is all that it takes."""

import pytest

from cope_demo.decode.methods import METHODS, Method

TWIN = Method(
    name="twin",
    label="OPPU's twin",
    brief="the same once more",
    about="As OPPU, written once more for {who}.",
    driver="user",
    adapter="oppu",
    column="optional",
    varies="oppu",
)


@pytest.fixture
def twin(monkeypatch) -> Method:
    """The table has one more row while the test runs."""
    monkeypatch.setitem(METHODS, TWIN.name, TWIN)
    return TWIN
