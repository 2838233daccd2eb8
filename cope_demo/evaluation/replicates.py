"""What repeated runs may claim: methods paired within author and seed, means over seeds, intervals over authors.

Every author has a fit of their own, so the variance between authors holds that of a refit; more seeds shrink that part
of it. Intervals are Student's t over authors' means: with a dozen authors a percentile bootstrap covers less than it
says. Where tasks are pooled, each counts once and the degrees of freedom are Satterthwaite's ("An Approximate
Distribution of Estimates of Variance Components", 1946). Beside them stands a sign-flip test over authors.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy
from scipy import stats

Values = Mapping[str, Mapping[int, Sequence[float]]]
"""author -> seed -> one value a query. An author's seeds have the same queries in the same order."""
FLIPS = 1_000_000
"""Sign flips that are drawn, so that chance moves a p of 0.05 by 0.0002."""
EXACT = 16
"""Authors of whom all flips are tried."""
BATCH = 1 << 14
"""Flips that are in memory at once."""
TIE = 1e-5
"""Means that are no further apart count as equal: kept values have five digits (records.py), and shares of a few
authors, as of pairs, often have equal means under other signs."""
POWER = 0.8


@dataclass(frozen=True)
class Interval:
    """An estimate with its standard error and degrees of freedom; the interval is 95 %."""

    mean: float
    error: float
    freedom: float

    @property
    def ends(self) -> tuple[float, float]:
        """Both infinite where one author leaves nothing to estimate from."""
        reach = self._quantile(0.975) * self.error
        return self.mean - reach, self.mean + reach

    @property
    def detectable(self) -> float:
        """The smallest true difference that such a measurement tells from none with a probability of POWER."""
        return (self._quantile(0.975) + self._quantile(POWER)) * self.error

    def _quantile(self, share: float) -> float:
        return float(stats.t.ppf(share, self.freedom)) if self.freedom > 0 else float("inf")


def average_authors(values: Values) -> numpy.ndarray:
    """Each author's mean over queries, then over seeds: (authors,), in the order of their ids."""
    return numpy.array(
        [numpy.mean([numpy.mean(many) for many in values[author].values()]) for author in sorted(values)]
    )


def estimate_mean(groups: Sequence[numpy.ndarray]) -> Interval:
    """The mean of the groups' means, each counted once.

    groups: one for each task, (authors,). Raises ValueError for a group without an author.
    """
    if not groups or any(len(group) == 0 for group in groups):
        raise ValueError("there is a group without an author")
    count = len(groups)
    mean = float(numpy.mean([group.mean() for group in groups]))
    if any(len(group) < 2 for group in groups):
        return Interval(mean, float("inf"), 0.0)
    parts = numpy.array([group.var(ddof=1) / len(group) / count**2 for group in groups])  # variances of the means
    below = sum(part**2 / (len(group) - 1) for part, group in zip(parts, groups, strict=True))
    freedom = parts.sum() ** 2 / below if below else float(sum(map(len, groups)) - count)
    return Interval(mean, float(numpy.sqrt(parts.sum())), float(freedom))


def estimate_gain(own: Sequence[numpy.ndarray], over: Sequence[numpy.ndarray]) -> Interval:
    """(mean of `own` - mean of `over`) / mean of `over`, paired by author, its error by the delta method.

    own, over: one group for each task, (authors,), the same authors in the same order.
    """
    base = float(numpy.mean([group.mean() for group in over]))
    gain = float(numpy.mean([group.mean() for group in own])) / base - 1
    rests = [(mine - (1 + gain) * other) / base for mine, other in zip(own, over, strict=True)]
    spread = estimate_mean(rests)
    return Interval(gain, spread.error, spread.freedom)


def flip_signs(differences: Sequence[Sequence[numpy.ndarray]], seed: int = 0) -> list[float]:
    """Of each difference the two-sided p of a sign-flip test that the mean of its groups' means is 0.

    differences: each has one group for each task, (authors,). Under no difference an author's has either sign alike: p
    is the share of flips that give a mean as far from 0. Exact for up to EXACT authors, else by FLIPS flips and the one
    that was measured. All with equally many authors are flipped alike and at once. It is no library's, as none counts
    rounded ties as ties.
    """
    weighed = [numpy.concatenate([group / len(group) / len(groups) for group in groups]) for groups in differences]
    found = [1.0] * len(weighed)
    for size in {len(one) for one in weighed}:
        same = [number for number, one in enumerate(weighed) if len(one) == size]
        values = numpy.stack([weighed[number] for number in same], 1)  # (authors, differences)
        least = abs(values.sum(0)) - TIE
        # Without a flip that was drawn it is the share of all; a drawn one might leave out what was measured.
        far, flips = (0, 0) if size <= EXACT else (1, 1)
        for signs in _list_signs(size, seed):
            far, flips = far + (abs(signs @ values) >= least).sum(0), flips + len(signs)
        for number, p in zip(same, (far / flips).tolist(), strict=True):
            found[number] = p
    return found


def _list_signs(size: int, seed: int) -> Iterator[numpy.ndarray]:
    """1 and -1 for each of so many authors, (flips, size) at a time: all there are, or FLIPS that are drawn."""
    if size <= EXACT:
        numbers = numpy.arange(2**size)
        for first in range(0, len(numbers), BATCH):
            yield (numbers[first : first + BATCH, None] >> numpy.arange(size)) % 2 * 2.0 - 1
        return
    random = numpy.random.default_rng(seed)
    for first in range(0, FLIPS, BATCH):
        yield random.integers(0, 2, (min(BATCH, FLIPS - first), size)) * 2.0 - 1


def estimate_components(values: Values) -> dict[str, float | None]:
    """Where a difference's variance comes from: standard deviations of "author", "refit" and "query".

    values: of the difference of two methods. By the method of moments of an author with crossed seeds and queries,
    both nested in the author: "query" is that of a query's own effect, "rest" what is left of a query in one fit. With
    one seed "refit" is None and "query" holds the rest, too. A negative estimate counts as 0.
    """
    tables = [numpy.array(list(seeds.values()), float) for seeds in values.values()]  # (seeds, queries) an author
    seeds, queries = min(len(table) for table in tables), numpy.mean([table.shape[1] for table in tables])
    means = numpy.array([table.mean() for table in tables])
    between = means.var(ddof=1) if len(means) > 1 else 0.0
    by_query = numpy.mean([table.mean(0).var(ddof=1) if table.shape[1] > 1 else 0.0 for table in tables])
    if seeds < 2:
        parts = {"author": between - by_query / queries, "refit": None, "query": by_query, "rest": None}
    else:
        by_seed = numpy.mean([table.mean(1).var(ddof=1) for table in tables])
        rest = numpy.mean([_measure_rest(table) for table in tables])
        parts = {
            "author": between - by_seed / seeds - by_query / queries + rest / (seeds * queries),
            "refit": by_seed - rest / queries,
            "query": by_query - rest / seeds,
            "rest": rest,
        }
    return {name: None if part is None else round(float(numpy.sqrt(max(0.0, part))), 5) for name, part in parts.items()}


def _measure_rest(table: numpy.ndarray) -> float:
    """The mean square of what seeds and queries do not explain: (S, Q), both more than 1."""
    seeds, queries = table.shape
    if queries < 2:
        return 0.0
    rest = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
    return float((rest**2).sum() / ((seeds - 1) * (queries - 1)))


def subtract(own: Values, over: Values) -> dict[str, dict[int, list[float]]]:
    """The difference of two methods, query by query within author and seed. Raises ValueError where they differ."""
    if own.keys() != over.keys() or any(own[author].keys() != over[author].keys() for author in own):
        raise ValueError("the methods were not measured on the same authors and seeds")
    return {
        author: {
            seed: [mine - other for mine, other in zip(many, over[author][seed], strict=True)]
            for seed, many in seeds.items()
        }
        for author, seeds in own.items()
    }
