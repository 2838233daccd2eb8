"""Who wrote a text: by the authors' adapters, and by how near a text is to the authors' histories.

Every text gets a score for each author of the task; its author is the one with the highest. Chance is one in as many as
there are authors, and one half for a pair.
"""

from collections.abc import Mapping, Sequence

import numpy

Scores = Mapping[str, Sequence[float]]
"""author -> a score for each text of one author."""


def rank_author(scores: Scores, author: str) -> tuple[list[float], list[float]]:
    """Of every text of `author`: whether they have the highest score of all (1 or 0), and the share of the others whose
    score is below theirs. A tie counts as its share of the first place, and as half a win.

    scores: of the author and at least one other, for the same texts.
    """
    own = numpy.asarray(scores[author], float)  # (texts,)
    others = numpy.array([values for name, values in scores.items() if name != author], float)  # (others, texts)
    equal, above = (others == own).sum(0), (others > own).sum(0)
    first = numpy.where(above == 0, 1 / (1 + equal), 0.0)
    pairwise = ((others < own) + 0.5 * (others == own)).mean(0)
    return first.tolist(), pairwise.tolist()


def subtract_base(logps: Scores, base: Sequence[float], tokens: Sequence[int]) -> dict[str, list[float]]:
    """author -> of every text the mean over its tokens of log pi_author - log pi_base, in nats.

    logps, base: sums over the text's tokens.
    """
    return {
        author: [(own - amateur) / count for own, amateur, count in zip(sums, base, tokens, strict=True)]
        for author, sums in logps.items()
    }
