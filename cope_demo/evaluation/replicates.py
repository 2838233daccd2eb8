"""What repeated runs may claim: methods paired within author and seed, means over seeds, intervals over authors.

Every author has a fit of their own, so the variance between authors holds that of a refit; more seeds shrink that part
of it. Intervals are Student's t over authors' means: with a dozen authors a percentile bootstrap covers less than it
says. Where tasks are pooled, each counts once and the degrees of freedom are Satterthwaite's ("An Approximate
Distribution of Estimates of Variance Components", 1946). Beside them stands a sign-flip test over authors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy
from scipy import stats

Values = Mapping[str, Mapping[int, Sequence[float]]]
"""author -> seed -> one value a query. An author's seeds have the same queries in the same order."""
FLIPS = 100_000
"""Sign flips at most; of up to 16 authors all are tried."""
BATCH = 1024
"""Flips that are in memory at once."""
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

    differences: each has one group for each task, (authors,). Under no difference an author's has either sign alike.
    Exact for up to 16 authors, else by FLIPS flips. All with equally many authors are flipped alike and at once, as a
    test's time is that of making the flips.
    """
    weighed = [numpy.concatenate([group / len(group) / len(groups) for group in groups]) for groups in differences]
    found = [1.0] * len(weighed)
    for size in {len(one) for one in weighed}:
        same = [number for number, one in enumerate(weighed) if len(one) == size and size > 1 and one.any()]
        if same:
            tested = stats.permutation_test(
                (numpy.stack([weighed[number] for number in same]),),
                numpy.sum,
                permutation_type="samples",
                vectorized=True,
                axis=-1,
                n_resamples=FLIPS,
                batch=BATCH,
                rng=seed,
            )
            for number, p in zip(same, tested.pvalue.tolist(), strict=True):
                found[number] = p
    return found


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
