"""Other settings, supposed in the browser: the same winners as the equations give; and going on from there."""

import random

import pytest
import torch

from cope_demo.reward import cope_scores
from tests.browser.alone import ALPHA, TAU, plain, send, step, value, view
from tests.browser.test_token_view import COPE


@pytest.fixture(scope="module")
def steps():
    """Thirty decisions among six tokens, as the decoder takes them at the run's settings."""
    draw = random.Random(3)
    made = []
    for number in range(30):
        shares = [[draw.random() ** 4 + 1e-4 for _ in range(6)] for _ in range(2)]
        users, bases = ([share / sum(row) for share in row] for row in shares)
        options = [(f" w{n}", user, base) for n, (user, base) in enumerate(zip(users, bases, strict=True))]
        made.append((users, bases, step(*options, written=winner(users, bases, ALPHA, TAU), first_id=10 * number)))
    return made


def winner(users, bases, alpha, tau) -> int:
    """Which option the decoder takes."""
    return int(cope_scores(torch.tensor(users).log(), torch.tensor(bases).log(), alpha, tau).argmax())


def suppose(page, alpha, tau):
    page.fill(".whatif input >> nth=0", str(alpha))
    page.fill(".whatif input >> nth=1", str(tau))


def test_supposed_winners_are_those_of_the_equations(chromium, steps):
    tokens = [token for _, _, token in steps]
    with view(chromium, value({"oppu": plain(["a"], "oppu"), "cope": tokens})) as page:
        page.click(f"{COPE} .tok >> nth=0")
        assert page.locator(".tok.would").count() == 0 and "Move a slider" in page.inner_text(".whatif .count")
        for alpha, tau in ((0, 0.1), (0.5, 0.1), (1.5, 0.01), (0.1, 1), (1, 0)):
            suppose(page, alpha, tau)
            expected = {
                n: f"w{winner(users, bases, alpha, tau)}"
                for n, (users, bases, token) in enumerate(steps)
                if winner(users, bases, alpha, tau) != winner(users, bases, ALPHA, TAU)
            }
            shown = {
                int(span.get_attribute("data-index")): span.get_attribute("aria-label").split("would become ")[1]
                for span in page.query_selector_all(f"{COPE} .tok.would")
            }
            assert shown == expected
            if expected:
                assert f"{len(expected)} of 30\u00a0tokens would change" in page.inner_text(".whatif .count")
        page.click(".whatif button:text('Back')")
        assert page.locator(".tok.would").count() == 0 and page.input_value(".whatif input >> nth=0") == "0.1"


def test_going_on_from_the_first_change(chromium, steps):
    tokens = [token for _, _, token in steps]
    with view(chromium, value({"cope": tokens}, penalty=1.1)) as page:
        page.click(f"{COPE} .tok >> nth=20")
        suppose(page, 1, 0.1)
        first = int(page.get_attribute(f"{COPE} .tok.would >> nth=0", "data-index"))
        new = 10 * first + winner(*steps[first][:2], 1, 0.1)
        page.click(".whatif .go")
        assert page.evaluate("window.raised") == [
            [
                "branch",
                {
                    **{"user": "ada", "prompt": "Write of seams.", "method": "cope", "alpha": 1, "tau": 0.1},
                    **{"ids": [token.id for token in tokens[:first]] + [new], "repetition_penalty": 1.1},
                    **{"max_new_tokens": 40, "temperature": 0, "seed": 0},
                },
            ]
        ]
        assert "go on" in page.inner_text(".status")


def test_what_is_drawn_by_lot_is_not_supposed(chromium, steps):
    tokens = [token for _, _, token in steps]
    with view(chromium, value({"cope": tokens}, decoding={"temperature": 0.7})) as page:
        page.click(f"{COPE} .tok >> nth=0")
        assert page.is_visible(".inspector") and page.is_hidden(".whatif")
        # A saved trace does not tell its temperature; there a token that did not win gives it away.
        send(page, value({"cope": tokens}, decoding=None, run="saved"))
        page.click(f"{COPE} .tok >> nth=0")
        assert page.is_visible(".whatif")
        drawn = step((" a", 0.5, 0.5), (" b", 0.4, 0.5), written=1)
        send(page, value({"cope": [*tokens, drawn]}, decoding=None, run="drawn"))
        page.click(f"{COPE} .tok >> nth=0")
        assert page.is_hidden(".whatif")
