"""Means over queries with intervals over users: what a table may claim.

The paired bootstrap draws users, with all their queries and for every method the same ones, so a difference between two
methods is not blurred by how hard the drawn users are. Source: Efron & Tibshirani, "An Introduction to the Bootstrap".
"""

from collections.abc import Sequence

import numpy

DRAWS = 10_000


class Bootstrap:
    """Intervals for values of the same users and queries under several methods.

    values: method -> user -> one value a query. All methods have the same users and queries.
    """

    def __init__(self, values: dict[str, dict[str, list[float]]], seed: int = 0):
        users = sorted(next(iter(values.values())))
        sizes = [{user: len(many) for user, many in by_user.items()} for by_user in values.values()]
        if any(size != sizes[0] for size in sizes):
            raise ValueError("the methods were not measured on the same users and queries")
        self._n = numpy.array([sizes[0][user] for user in users], float)  # (users,)
        self._sums = {m: numpy.array([sum(by_user[u]) for u in users]) for m, by_user in values.items()}
        self._drawn = numpy.random.default_rng(seed).integers(0, len(users), (DRAWS, len(users)))

    def mean(self, method: str) -> float:
        """Mean over all queries."""
        return float(self._sums[method].sum() / self._n.sum())

    def interval(self, method: str) -> tuple[float, float]:
        """95 % of the mean."""
        return _compute_interval(self._means(method))

    def gain(self, method: str, over: str) -> float:
        """(mean of `method` - mean of `over`) / mean of `over`; 0 where the latter is 0."""
        return float(_compute_gain(self.mean(method), self.mean(over)))

    def gain_interval(self, method: str, over: str) -> tuple[float, float]:
        """95 % of the gain, both methods on the same draws."""
        return _compute_interval(_compute_gain(self._means(method), self._means(over)))

    def _means(self, method: str) -> numpy.ndarray:
        """(DRAWS,)"""
        return self._sums[method][self._drawn].sum(1) / self._n[self._drawn].sum(1)


class Pooled(Bootstrap):
    """The mean of several groups' means, each group with users of its own; users are drawn within their group.

    groups: of each group what Bootstrap takes; all have the same methods.
    """

    def __init__(self, groups: Sequence[dict[str, dict[str, list[float]]]], seed: int = 0):
        # Seeds of their own: groups of as many users would else be drawn alike.
        self._parts = [Bootstrap(values, seed + number) for number, values in enumerate(groups)]

    def mean(self, method: str) -> float:
        """Mean of the groups' means, each counted once."""
        return sum(part.mean(method) for part in self._parts) / len(self._parts)

    def _means(self, method: str) -> numpy.ndarray:
        return numpy.mean([part._means(method) for part in self._parts], axis=0)


def _compute_gain(value, base):
    base = numpy.asarray(base, float)
    return numpy.divide(value - base, base, out=numpy.zeros_like(base), where=base != 0)


def _compute_interval(draws: numpy.ndarray) -> tuple[float, float]:
    low, high = numpy.percentile(draws, [2.5, 97.5])
    return float(low), float(high)
