"""The table of methods: what its rows must be, which of them are columns, and what the browser is told of them."""

import pytest

from cope_demo.decode.methods import (
    AGAINST,
    COLUMNS,
    GIVEN,
    METHODS,
    check_columns,
    describe_columns,
    list_evaluated,
    list_optional,
    order_columns,
)
from cope_demo.errors import CopeError


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
def test_every_row_says_what_its_readers_need(method):
    assert METHODS[method.name] is method and method.label
    assert method.driver in ("base", "user", "contrast") and method.adapter in ("oppu", "cope")
    assert method.column in ("always", "optional", "against", "") and bool(method.column) == bool(method.about)
    assert (method.column in ("optional", "against")) == bool(method.varies) and method.varies in ("", *COLUMNS)
    assert (method.amateur == "other") == (method.column == "against") == ("{other}" in method.label)
    assert method.evaluated <= bool(method.brief)
    assert method.plain_amateur <= (bool(method.prompt) and method.contrasts and not method.column)


def test_the_columns_and_methods_are_the_papers_in_its_order():
    assert COLUMNS == ("greedy", "oppu", "cope")
    assert list_optional() == ("base", "rag", "pag", "oppu+cd", "oppu+dpo")
    assert list_evaluated(paper=True) == ("base", "rag", "pag", "tam", "oppu", "oppu+cd", "oppu+dpo", "cope")
    assert set(list_evaluated()) - set(list_evaluated(paper=True)) == {
        *("oppu-scaled", "against", "against-mean", "oppu-against-mean"),
        *("oppu+retrieval", "oppu+cd+retrieval", "cope+retrieval"),
    }


def test_labels_are_told_apart():
    labels = [method.label for method in (*METHODS.values(), *GIVEN.values())]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("name", ["tam", "score", "magic", "", None, 5, ["rag"]])
def test_what_is_no_column_is_refused_by_name(name):
    with pytest.raises(CopeError, match="choose one of greedy, oppu, cope, base, rag, pag"):
        check_columns(["cope", name])


def test_optional_columns_come_in_one_order():
    assert order_columns(None) == order_columns([]) == COLUMNS
    assert order_columns(["oppu+dpo", "rag", "rag", "base"]) == (*COLUMNS, "base", "rag", "oppu+dpo")


@pytest.mark.parametrize(
    "names, said", [(["magic"], "no further column 'magic'.*base, rag"), (["tam"], "tam"), (["cope"], "always")]
)
def test_an_unknown_optional_column_is_refused(names, said):
    with pytest.raises(CopeError, match=said):
        order_columns(names)


@pytest.mark.parametrize("names", ["rag", {"rag": 1}, [5], [["rag"]], 7])
def test_columns_that_are_no_list_of_names_are_refused(names):
    with pytest.raises(CopeError, match="list of names"):
        order_columns(names)


def test_a_visitor_is_addressed_and_somebody_else_is_named():
    mine, ones = describe_columns(["oppu"], "you")["oppu"], describe_columns(["oppu"], "Ada {x}")["oppu"]
    assert "on your texts" in mine["about"] and "on Ada {x}’s texts" in ones["about"]


def test_the_browser_is_told_what_decides_and_what_has_no_row_is_left_out():
    told = describe_columns(["cope", "rag", "a", "cope-0"], "Ada")
    assert {name: (row["driver"], row["optional"]) for name, row in told.items()} == {
        "cope": ("contrast", False),
        "rag": ("base", True),
        "a": ("given", False),
    }


def test_the_column_against_another_person_is_there_where_one_is_named():
    assert order_columns(["rag"], "walter") == (*COLUMNS, AGAINST, "rag")
    check_columns([AGAINST], "walter")
    with pytest.raises(CopeError, match="say against whom"):
        check_columns([AGAINST])
    told = describe_columns(["cope", AGAINST, "score"], "Ines", "Walter")
    assert told[AGAINST]["label"] == "CoPe against Walter" and "Walter would not" in told[AGAINST]["about"]
    assert [row.get("amateur") for row in told.values()] == [None, "Walter", "Walter"]
    assert "amateur" not in describe_columns(["score"], "Ines")["score"]
