"""The candidates for each column's next token: one compiled pass over the vocabulary for each column.

The equations are those of reward.py: the repetition penalty acts on the logits of the model that drives, or of both,
V_head is cut by the expert's probabilities, and the score is log pi_user - alpha * log pi_base. As a loop each logit is
read from memory once for all of this, where tensors as long as the vocabulary would be made for every operation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import llvmlite.ir as ir
import numpy as np
from numba import njit, prange, types
from numba.extending import intrinsic

from cope_demo.model.compiling import compile_parallel

LEAST = np.float32(-3e38)
"""Below every logit and every log tau: the log of 0, as compiled loops know no infinity."""


@dataclass(frozen=True)
class Settings:
    """What C columns are decided by.

    by_base: bool (C,), whether base drives. alphas: float32 (C,), of the rewards. contrasts: float32 (C,), how much of
    base is taken off the score, alpha or 0. penalties: float32 (C,). both: bool (C,), whether the penalty acts on base
    where it is taken off, too. floors: float32 (C,), log tau, LEAST for tau 0. seen: int64 (C, S), the tokens already
    written, in the first `counts` (C,) of the S places.
    """

    by_base: np.ndarray
    alphas: np.ndarray
    contrasts: np.ndarray
    penalties: np.ndarray
    both: np.ndarray
    floors: np.ndarray
    seen: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class Ranking:
    """What the pass found of C columns.

    sums: float32 (C, 4), log of the sum of exp of the logits: of the personal model and of base, then both after the
    penalty. floors: float32 (C,), the expert's logit from which V_head begins. sizes: int64 (C,), of V_head. best:
    int64 (C,), the token with the highest score among the plausible ones of what drives. winners: int64 (C, T * A), who
    wins by contrast at each of the other taus and alphas. liked_user, liked_base: int64 (C, K), the tokens likeliest
    for each model, without the penalty.
    """

    sums: np.ndarray
    floors: np.ndarray
    sizes: np.ndarray
    best: np.ndarray
    winners: np.ndarray
    liked_user: np.ndarray
    liked_base: np.ndarray


def pad_seen(many: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lists of tokens as Settings.seen and .counts."""
    counts = np.array([len(one) for one in many], np.int64)
    seen = np.zeros((len(many), max(1, *counts)), np.int64)
    for row, one in zip(seen, many, strict=True):
        row[: len(one)] = list(one)
    return seen, counts


def rank_tokens(
    user: np.ndarray, amateur: np.ndarray, settings: Settings, alphas: np.ndarray, floors: np.ndarray, liked: int
) -> Ranking:
    """Ranks the tokens of C columns.

    user, amateur: finite logits (C, V) of both models, float32. alphas: float32 (A,), floors: float32 (C, T), logs of
    taus: the other settings. liked: K. Of equal tokens the one with the lower id comes first.
    """
    count = len(user)
    found = Ranking(
        np.empty((count, 4), np.float32),
        np.empty(count, np.float32),
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty((count, floors.shape[1] * len(alphas)), np.int64),
        np.empty((count, liked), np.int64),
        np.empty((count, liked), np.int64),
    )
    own = settings.by_base, settings.contrasts, settings.penalties, settings.both, settings.floors
    arrays = found.sums, found.floors, found.sizes, found.best, found.winners, found.liked_user, found.liked_base
    _rank(user, amateur, *own, settings.seen, settings.counts, alphas, floors, *arrays)
    return found


def describe_tokens(
    user: np.ndarray, amateur: np.ndarray, settings: Settings, ranking: Ranking, ids: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Numbers of the tokens `ids`, int64 (C, N), as trace.Alternative explains them, each (C, N): logp_user, logp_base,
    reward, score (before V_head is cut) and in_head."""
    places = np.arange(settings.seen.shape[1]) < settings.counts[:, None]
    again = ((ids[:, :, None] == settings.seen[:, None]) & places[:, None]).any(-1)
    penalties = np.where(again, settings.penalties[:, None], np.float32(1))
    rows = np.arange(len(ids))[:, None]
    logits = [model[rows, ids] for model in (user, amateur)]
    penalized = [np.where(part > 0, part / penalties, part * penalties) for part in logits]
    logps = [part - ranking.sums[:, n, None] for n, part in enumerate((*logits, *penalized))]
    logp_user, logp_base, expert, by_base = logps
    reward = logp_user - settings.alphas[:, None] * logp_base
    taken_off = np.where(settings.both[:, None], by_base, logp_base)
    score = np.where(settings.by_base[:, None], by_base, expert) - settings.contrasts[:, None] * taken_off
    return logp_user, logp_base, reward, score, penalized[0] >= ranking.floors[:, None]


@compile_parallel
def _rank(
    user,
    amateur,
    by_base,
    contrasts,
    penalties,
    both,
    floors,
    seen,
    counts,
    other_alphas,
    other_floors,
    sums,
    heads,
    sizes,
    best,
    winners,
    liked_user,
    liked_base,
):
    for column in prange(len(user)):
        expert, base = user[column].copy(), amateur[column].copy()
        written, penalty = seen[column, : counts[column]], penalties[column]
        _find_top(expert, liked_user[column])
        _find_top(base, liked_base[column])
        sums[column, 0], sums[column, 1] = _sum_exponentials(expert), _sum_exponentials(base)
        _penalize(expert, written, penalty)
        sums[column, 2] = _sum_exponentials(expert)
        most = _find_most(expert)
        heads[column] = most + floors[column] if floors[column] > LEAST else LEAST
        sizes[column] = _count(expert, heads[column])
        if both[column]:
            _penalize(base, written, penalty)
        _find_winners(expert, base, most, other_alphas, other_floors[column], winners[column])
        if by_base[column]:
            if not both[column]:
                _penalize(base, written, penalty)
            best[column] = np.argmax(base)
        else:
            best[column] = _find_best(expert, base, heads[column], contrasts[column])
        sums[column, 3] = _sum_exponentials(base) if by_base[column] or both[column] else sums[column, 1]


@njit  # with exact divisions, so that a token at V_head's edge is on the same side in describe_tokens
def _penalize(logits, seen, penalty):
    """See reward.penalize_repetition; in place. seen: different tokens."""
    for token in seen:
        logits[token] = logits[token] / penalty if logits[token] > 0 else logits[token] * penalty


@njit(fastmath=True)
def _find_most(logits):
    most = logits[0]
    for i in range(len(logits)):
        most = max(most, logits[i])
    return most


@njit(fastmath=True)
def _sum_exponentials(logits):
    """log of the sum of exp of the logits."""
    most, total = _find_most(logits), np.float32(0)
    for i in range(len(logits)):
        total += _exp(logits[i] - most)
    return most + np.log(total)


@njit(fastmath=True)
def _count(logits, floor):
    count = 0
    for i in range(len(logits)):
        count += logits[i] >= floor
    return count


@njit(fastmath=True)
def _find_top(logits, top):
    """Fills `top` with the tokens of the highest logits, the highest first."""
    held = 0
    values = np.empty(len(top), np.float32)
    floor = LEAST
    for token in range(len(logits)):
        value = logits[token]
        if value <= floor:
            continue
        place = min(held, len(top) - 1)
        while place > 0 and values[place - 1] < value:
            values[place], top[place] = values[place - 1], top[place - 1]
            place -= 1
        values[place], top[place] = value, token
        held = min(held + 1, len(top))
        if held == len(top):
            floor = values[held - 1]


@njit(fastmath=True)
def _find_best(expert, base, floor, alpha):
    """The token with the highest expert - alpha * base among those of the expert's head. The models' constants do not
    matter to who wins."""
    best, most = 0, np.float32(LEAST)
    for token in range(len(expert)):
        if expert[token] >= floor:
            score = expert[token] - alpha * base[token]
            if score > most:
                best, most = token, score
    return best


@njit(fastmath=True)
def _find_winners(expert, base, most, alphas, floors, winners):
    """Fills `winners` with who wins at every floor of the head and every alpha, in that order."""
    lowest = max(most + floors.min(), LEAST)
    head = np.empty(_count(expert, lowest), np.int64)
    held = 0
    for token in range(len(expert)):
        if expert[token] >= lowest:
            head[held] = token
            held += 1
    for at in range(len(winners)):
        floor, alpha = max(most + floors[at // len(alphas)], LEAST), alphas[at % len(alphas)]
        best = np.float32(LEAST)
        for token in head:
            if expert[token] >= floor:
                score = expert[token] - alpha * base[token]
                if score > best:
                    winners[at], best = token, score


@njit(fastmath=True)
def _exp(x):
    """exp of a float32 number of at most 0, to two units in the last place; below -87 that of -87.

    With x = n ln 2 + r, 2^n is a number's exponent, and exp(r) a polynomial: Cody and Waite, "Software Manual for the
    Elementary Functions", 1980. Written out, as only such a loop becomes one of vectors.
    """
    x = max(x, np.float32(-87))
    n = np.int32(x * np.float32(1.4426950408889634) - np.float32(0.5))
    r = x - np.float32(n) * np.float32(0.6931471805599453)
    total = np.float32(1 / 5040)
    for factor in (1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0, 1.0):
        total = total * r + np.float32(factor)
    return total * _read_bits((n + np.int32(127)) << np.int32(23))


@intrinsic
def _read_bits(typing, bits):
    """The float32 number that is written with these bits."""

    def generate(context, builder, signature, args):
        return builder.bitcast(args[0], ir.FloatType())

    return types.float32(types.int32), generate
