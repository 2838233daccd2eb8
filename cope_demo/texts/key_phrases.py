"""The key phrases of texts, by KeyBERT on sentence embeddings or by tf-idf alone.

sentence-transformers, KeyBERT and scikit-learn take seconds to import, so they are imported where they are used.
"""

import re
from collections import Counter

from .cleaning import NO_SPACES
from .embedding import get_embedder

_CANDIDATES = 3000
"""Phrases embedded in one call, shared out evenly among its texts: about 3 s on two cores."""
_HEAD = 2000
"""Characters of a text that are looked at: the model itself reads no more than 256 word pieces."""
_WORD = re.compile(r"[^\W\d_](?:[^\W_]|['’\-](?=[^\W_]))*")
_CLAUSE_END = re.compile(r"[^\w\s'’\-]|[\n_]|['’\-](?!\w)|(?<!\w)['’\-]|\d")
_SENTENCE_START = re.compile(r"(?:^|[.!?…:\n]|[.!?…][\"'”’)]+)[\s\"'“‘(*#>\-]*$")
_INNER = frozenset("of in for on at with to by de du da di von der des la le".split())
"""Stop words that may stand inside a phrase, as in "cup of tea"."""
_WEAK = frozenset(
    "ago also always another anyway apparently away began came come comes did does doing done ever every everybody "
    "everyone everything gave get gets getting give gives giving goes going gone gonna got had has have having just "
    "keep keeps kept knew know known knows let lets like liked look looked looking lot made make makes making maybe "
    "mean means need needs never now okay one ones put puts quite really said saw say saying says see seen seems "
    "still take taken takes taking tell tells than thing things think thinking thinks thought today told tomorrow "
    "took tried tries try trying turned two use used uses using very want wanted wants way well went will would "
    "yes yesterday yet".split()
)
"""Frequent English words beyond scikit-learn's list that say nothing about a topic."""

_PAST_FORM = re.compile(r"[a-z]{2,}[^\Wae]ed")


def is_past_form(phrase: str) -> bool:
    """Whether a phrase is one word that looks like a regular verb's past, as "walked" (not "bed", "seed")."""
    return bool(_PAST_FORM.fullmatch(phrase))


def _find_stop_words(texts: list[str]) -> frozenset[str]:
    """English stop words, and for texts that are not English the short words that most of them share."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    usual = _WEAK.union(ENGLISH_STOP_WORDS)
    words = [[word.lower() for word in _WORD.findall(text)] for text in texts]
    english = sum(word in ENGLISH_STOP_WORDS for text in words for word in text)
    if len(texts) < 5 or english >= 0.2 * sum(map(len, words)):
        return usual
    shared = Counter(word for text in words for word in set(text))
    return usual.union(w for w, n in shared.items() if len(w) <= 5 and n >= 0.4 * len(texts))


def _is_end(word: str, stop: frozenset[str]) -> bool:
    """Whether a phrase may begin or end with this (lower-case) word."""
    word = word.replace("’", "'")
    bare = word.split("'")[0]
    # A run of a script without spaces is a word only while it is short; longer ones are whole clauses.
    wordlike = 2 < len(bare) and len(word) <= 30 and len(NO_SPACES.findall(word)) <= 6
    return wordlike and word not in stop and bare not in stop and "n't" not in word


def _find_phrases(text: str, stop: frozenset[str]) -> list[str]:
    """The candidate key phrases of one text, lower-case, in their order and with repetitions.

    One to three neighbouring words of one clause that neither begin nor end with a stop word (inside a phrase of three
    some may stand: "cup of tea"). Unlike scikit-learn's n-grams, which drop stop words before they join neighbours,
    each of them stands in the text.
    """
    found = []
    for clause in _CLAUSE_END.split(text[:_HEAD]):
        words = [word.lower() for word in _WORD.findall(clause)]
        ends = [_is_end(word, stop) for word in words]
        for first in range(len(words)):
            for last in range(first, min(first + 3, len(words))):
                inner = last - first < 2 or ends[first + 1] or words[first + 1] in _INNER
                if ends[first] and ends[last] and inner:
                    found.append(re.sub("['’]s$", "", " ".join(words[first : last + 1])))
    return found


def _rank_candidates(texts: list[str]) -> list[list[str]]:
    """For each text its distinct candidates by descending tf-idf, earlier ones first among equals, while affordable."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    stop = _find_stop_words(texts)
    phrases = [_find_phrases(text, stop) for text in texts]
    if not any(phrases):
        return [[] for _ in texts]
    weights = TfidfVectorizer(analyzer=lambda number: phrases[number])
    matrix = weights.fit_transform(range(len(texts)))
    column = weights.vocabulary_
    limit = max(5, _CANDIDATES // len(texts))
    chosen = []
    for number, own in enumerate(phrases):
        row = matrix[number].tocoo()
        weight = dict(zip(row.col.tolist(), row.data.tolist(), strict=True))
        chosen.append(sorted(dict.fromkeys(own), key=lambda phrase: -weight[column[phrase]])[:limit])
    return chosen


def _find_casings(texts: list[str]) -> dict[str, str]:
    """How each word is written inside sentences, by its lower-case form; words seen only at their starts stay out."""
    forms: dict[str, Counter] = {}
    for text in texts:
        head = text[:_HEAD]
        for match in _WORD.finditer(head):
            if not _SENTENCE_START.search(head, max(0, match.start() - 12), match.start()):
                forms.setdefault(match.group().lower(), Counter())[match.group()] += 1
    return {word: seen.most_common(1)[0][0] for word, seen in forms.items()}


def _pick(ranked: list[str], top_n: int, casing: dict[str, str]) -> list[str]:
    """The first `top_n` phrases that share no word, as the author writes them."""
    picked: list[str] = []
    used: set[str] = set()
    for phrase in ranked:
        words = phrase.split(" ")
        stems = {word[:4] for word in words}  # so that folds, folded and folding count as one
        if len(picked) < top_n and not stems & used:
            used |= stems
            picked.append(" ".join(casing.get(word, word) for word in words))
    return picked


def extract_key_phrases(texts: list[str], top_n: int = 3, diversity: float = 0.4) -> list[list[str]]:
    """Each text's key phrases by KeyBERT on the embedding model, the most telling first.

    texts: they are embedded as one batch, with at most 3000 candidate phrases (of 1 to 3 words) between them.
    top_n: phrases a text at most; fewer, or none, where a text has no more (emoji, numbers, a script without spaces).
    diversity: of maximal marginal relevance, 0 to 1.
    Every phrase stands in its text word by word, but for its letters' case. Raises CopeError without the model.
    """
    candidates = _rank_candidates(texts) if texts else []
    if not any(candidates):
        return [[] for _ in texts]
    model = get_embedder()
    from keybert import KeyBERT
    from sklearn.feature_extraction.text import CountVectorizer

    full = [number for number, own in enumerate(candidates) if own]
    documents = [texts[number][:_HEAD] for number in full]
    own = dict(zip(documents, (candidates[number] for number in full), strict=True))
    vectorizer = CountVectorizer(analyzer=own.__getitem__)
    found = KeyBERT(model).extract_keywords(
        documents, vectorizer=vectorizer, top_n=3 * top_n, use_mmr=True, diversity=diversity
    )
    if len(documents) == 1:  # KeyBERT gives a single document's phrases unwrapped
        found = [found]
    casing = _find_casings(texts)
    result: list[list[str]] = [[] for _ in texts]
    for number, ranked in zip(full, found, strict=True):
        result[number] = _pick([phrase for phrase, _ in ranked], top_n, casing)
    return result


def extract_tfidf_phrases(texts: list[str], top_n: int = 3) -> list[list[str]]:
    """Like `extract_key_phrases`, by tf-idf alone and so without any model: what sets a text apart from the others."""
    casing = _find_casings(texts)
    return [_pick(own, top_n, casing) for own in (_rank_candidates(texts) if texts else [])]
