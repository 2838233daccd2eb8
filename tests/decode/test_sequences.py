"""The places of a pool, and the step that pieces of several texts make."""

import numpy as np
import pytest
import torch

from cope_demo.decode.sequences import Piece, Places, Sequence, assemble

CPU = torch.device("cpu")


def test_the_lowest_places_are_taken_first_and_none_twice():
    places = Places(10)
    one, two = places.take(3), places.take(4)
    assert one.tolist() == [0, 1, 2] and two.tolist() == [3, 4, 5, 6] and places.free() == 3
    places.give(one)
    assert places.free() == 6
    three = places.take(5)
    assert not set(three.tolist()) & set(two.tolist()) and three.tolist()[:3] == [0, 1, 2]
    places.give(three)
    places.give(two)
    assert sorted(places.take(10).tolist()) == list(range(10)) and places.free() == 0
    with pytest.raises(RuntimeError, match="1 places were asked for and 0 are free"):
        places.take(1)


def make_sequence(worn, first, length, pending):
    return Sequence(worn, np.arange(first, first + 9, dtype=np.int32), length, list(pending))


def test_a_step_has_the_rows_of_all_pieces_in_their_order():
    one, two, three = (
        make_sequence((5,), 20, 0, [1, 2, 3, 4]),
        make_sequence((), 40, 6, [9]),
        make_sequence((7, 8), 60, 2, [6, 7]),
    )
    step = assemble([Piece(one, 3, 0), Piece(two, 1, 1), Piece(three, 2, 2)], CPU)
    assert step.ids.tolist() == [1, 2, 3, 9, 6, 7]
    assert step.worn.tolist() == [[5, -1]] * 3 + [[-1, -1]] + [[7, 8]] * 2
    layout = step.layout
    assert layout.positions.tolist() == [0, 1, 2, 6, 2, 3] and layout.sequences.tolist() == [0, 0, 0, 1, 2, 2]
    assert layout.new.tolist() == [20, 21, 22, 46, 62, 63]
    assert layout.places[0, :3].tolist() == [20, 21, 22] and layout.places[2, :4].tolist() == [60, 61, 62, 63]
    assert layout.places[1].tolist() == list(range(40, 47))
    assert layout.places[0, 3:].tolist() == [20] * 4 and layout.places[2, 4:].tolist() == [60] * 3
    assert step.wanted.tolist() == [3, 4, 5]
    assert (one.length, one.pending, two.length, two.pending, three.length) == (3, [4], 7, [], 4)
    assert assemble([Piece(one, 1, 1)], CPU).layout.new.tolist() == [23]


@pytest.mark.parametrize("lengths", [[3, 1, 1], [1, 1], [2, 5]])
def test_rows_move_to_torch_in_rectangles_that_see_only_what_came_before(lengths):
    texts = [make_sequence((), 20 * n, 0, range(count)) for n, count in enumerate(lengths)]
    layout = assemble([Piece(text, count, 0) for text, count in zip(texts, lengths, strict=True)], CPU).layout
    new, groups = layout.move(CPU)
    assert new.tolist() == layout.new.tolist()
    assert len(groups) == len([count for count in lengths if count > 1]) + (1 in lengths)
    seen = {}
    for rows, places, back in groups:
        for number, row in enumerate(rows.tolist()):
            text, turn = number // back.shape[1], number % back.shape[1]
            seen[row] = places[text][back[text, turn] >= 0].tolist()
    starts = np.cumsum([0, *lengths])
    expected = [20 * n + np.arange(turn + 1) for n, count in enumerate(lengths) for turn in range(count)]
    assert [seen[row] for row in range(starts[-1])] == [places.tolist() for places in expected]
