"""How near a generated text is to the one that the person wrote: ROUGE and METEOR, each 0 to 1."""

from functools import lru_cache

METRICS = ("rouge1", "rougeL", "meteor")


class _NoSynonyms:
    """WordNet's data has to be downloaded, so METEOR counts exact and stemmed matches only, on every machine alike."""

    @staticmethod
    def synsets(word: str) -> list:
        return []


def score_text(gold: str, text: str) -> dict[str, float]:
    """ROUGE-1 and ROUGE-L as F-measure (stemmed; rouge-score) and METEOR (nltk; no synonyms) of a text."""
    found = {name: score.fmeasure for name, score in _load_rouge().score(gold, text).items()}
    words = [_tokens(gold), _tokens(text)]
    if all(words):
        from nltk.translate.meteor_score import single_meteor_score

        found["meteor"] = float(single_meteor_score(*words, wordnet=_NoSynonyms))
    else:
        found["meteor"] = 0.0
    return {name: round(found[name], 6) for name in METRICS}


def _tokens(text: str) -> list[str]:
    from rouge_score.tokenize import tokenize

    return tokenize(text, None)


@lru_cache(maxsize=1)
def _load_rouge():
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rougeL"], use_stemmer=True)
