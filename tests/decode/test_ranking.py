"""The pass over the vocabulary: the same candidates and numbers as by the equations of reward.py, tensor by tensor."""

import math

import numpy as np
import pytest
import torch
from numba import njit

from cope_demo.decode import ranking
from cope_demo.decode.ranking import LEAST, Settings, describe_tokens, pad_seen, rank_tokens
from cope_demo.model.compiling import running_loops
from cope_demo.reward import cope_scores, implicit_reward, penalize_repetition, plausible_head

SIZE, LIKED = 500, 7
ALPHAS, TAUS = (0.0, 0.3, 1.0, 2.0), (0.0, 0.05, 0.5, 1.0)
COLUMNS = [
    # by base, contrasted, alpha, penalty, on both models, tau, seen
    (False, True, 0.1, 1.2, False, 0.1, (3, 77, 400)),
    (False, True, 1.0, 1.0, False, 0.0, ()),
    (False, False, 0.5, 1.3, False, 1.0, (1,)),
    (True, False, 0.3, 1.2, False, 0.2, (5, 6, 7, 8)),
    (False, True, 0.5, 1.6, True, 0.1, (222, 400)),
    (False, False, 0.3, 1.2, True, 0.2, (77,)),
    (True, False, 0.3, 1.2, True, 0.2, (77, 6)),
]


def log(tau):
    return math.log(tau) if tau else LEAST


@pytest.fixture(scope="module")
def logits():
    """Of both models, with a few equal ones among the likeliest."""
    rows = torch.randn(2 * len(COLUMNS), SIZE, generator=torch.Generator().manual_seed(1)) * 2
    rows[:, 77] = rows[:, 90] = rows.max(-1).values
    return rows[0::2], rows[1::2]


@pytest.fixture(scope="module")
def ranked(logits):
    by_base, contrasted, alphas, penalties, both, taus, seen = zip(*COLUMNS, strict=True)
    alphas = np.array(alphas, np.float32)
    settings = Settings(
        np.array(by_base),
        alphas,
        np.where(contrasted, alphas, np.float32(0)),
        np.array(penalties, np.float32),
        np.array(both),
        np.array([log(tau) for tau in taus], np.float32),
        *pad_seen(seen),
    )
    others = np.array([[log(tau) for tau in TAUS]] * len(COLUMNS), np.float32)
    user, amateur = (part.numpy() for part in logits)
    with running_loops():
        return settings, rank_tokens(user, amateur, settings, np.array(ALPHAS, np.float32), others, LIKED)


@pytest.mark.parametrize("number", range(len(COLUMNS)))
def test_candidates_and_numbers_are_those_of_the_equations(logits, ranked, number):
    settings, found = ranked
    by_base, contrasted, alpha, penalty, both, tau, seen = COLUMNS[number]
    user, amateur = logits[0][number], logits[1][number]
    expert, base = (
        penalize_repetition(part, torch.tensor(seen, dtype=torch.long), penalty) for part in (user, amateur)
    )
    expert, base, logp_user, logp_base = (part.log_softmax(-1) for part in (expert, base, user, amateur))
    head = plausible_head(expert, tau)
    assert found.sizes[number] == head.sum()
    off = base if both else logp_base
    scores = cope_scores(base, logp_base, 0.0, tau) if by_base else cope_scores(expert, off, contrasted * alpha, tau)
    assert found.best[number] == scores.argmax()
    winners = [int(cope_scores(expert, off, a, t).argmax()) for t in TAUS for a in ALPHAS]
    assert found.winners[number].tolist() == winners and len(set(winners)) > 2
    for liked, logps in ((found.liked_user, user), (found.liked_base, amateur)):
        assert liked[number].tolist() == logps.sort(descending=True, stable=True).indices[:LIKED].tolist()
    every = np.tile(np.arange(SIZE), (len(COLUMNS), 1))
    numbers = [part[number] for part in describe_tokens(*(part.numpy() for part in logits), settings, found, every)]
    score = (base if by_base else expert) - contrasted * alpha * off
    exact = (logp_user, logp_base, implicit_reward(logp_user, logp_base, alpha), score)
    for own, wanted in zip(numbers, exact, strict=False):
        assert own.dtype == np.float32 and np.abs(own - wanted.numpy()).max() < 1e-5
    assert (numbers[4] == head.numpy()).all()


def test_logits_are_left_as_they_were(logits, ranked):
    again = torch.randn(2 * len(COLUMNS), SIZE, generator=torch.Generator().manual_seed(1)) * 2
    assert torch.equal(logits[0][0, :77], again[0, :77])


def test_exponentials_are_exact_to_a_few_units_in_the_last_place():
    @njit(fastmath=True)
    def fill(x, y):
        for i in range(len(x)):
            y[i] = ranking._exp(x[i])

    x = np.linspace(-87, 0, 100_001).astype(np.float32)
    y = np.empty_like(x)
    fill(x, y)
    assert np.abs(y / np.exp(x.astype(np.float64)) - 1).max() < 5e-7
    fill(np.array([-88, -1e30], np.float32), y[:2])
    assert (y[:2] >= 0).all() and y[:2].max() < 1e-37
