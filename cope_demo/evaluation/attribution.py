"""How near a written text is to each author's history: in letters, in letters without content, and in meaning.

Character n-grams are the usual baseline of authorship attribution (Stamatatos, "A Survey of Modern Authorship
Attribution Methods", 2009); without content, every word but the function words is only its shape, after Stamatatos,
"Authorship Attribution Using Text Distortion", EACL 2017. A text is compared with the mean of an author's history.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy

KINDS = ("letters", "shapes", "meaning")
"""What texts are compared by: character n-grams; the same without content; all-MiniLM-L6-v2."""
_WORD = re.compile(r"[^\W\d_]+")


class Attribution:
    """The histories of a task's authors, ready to be compared with texts.

    histories: author -> their texts. kinds: of KINDS; "meaning" needs the embedding model.
    """

    def __init__(self, histories: Mapping[str, Sequence[str]], kinds: Sequence[str] = KINDS):
        self.authors, self.kinds = list(histories), tuple(kinds)
        everything = [text for texts in histories.values() for text in texts]
        self._vectorize = {kind: _make_vectorizer(kind, everything) for kind in kinds}
        self._means = {kind: self._average(kind, histories) for kind in kinds}

    def score(self, texts: Sequence[str], kind: str) -> dict[str, list[float]]:
        """author -> the cosine of each text with the mean of the author's history."""
        near = _normalize(self._vectorize[kind](texts)) @ self._means[kind].T  # (texts, authors)
        return {author: near[:, place].tolist() for place, author in enumerate(self.authors)}

    def _average(self, kind: str, histories: Mapping[str, Sequence[str]]) -> numpy.ndarray:
        """(authors, features), unit vectors."""
        return _normalize(numpy.stack([self._vectorize[kind](texts).mean(0) for texts in histories.values()]))


def hide_content(text: str) -> str:
    """The text with the letters of every word that is no function word as x and X, and with digits as 0."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    def mask(found: re.Match) -> str:
        word = found.group()
        if word.lower() in ENGLISH_STOP_WORDS:
            return word
        return "".join("X" if letter.isupper() else "x" for letter in word)

    return re.sub(r"\d", "0", _WORD.sub(mask, text))


def _make_vectorizer(kind: str, texts: Sequence[str]) -> Callable[[Sequence[str]], numpy.ndarray]:
    """A function from texts to unit vectors (texts, features)."""
    if kind == "meaning":
        from cope_demo.texts.embedding import embed

        return lambda many: numpy.asarray(embed(list(many)))
    from sklearn.feature_extraction.text import TfidfVectorizer

    prepare = hide_content if kind == "shapes" else str
    counts = TfidfVectorizer(
        analyzer="char", ngram_range=(2, 4), lowercase=False, sublinear_tf=True, max_features=20_000
    )
    counts.fit([prepare(text) for text in texts])
    return lambda many: counts.transform([prepare(text) for text in many]).toarray()


def _normalize(rows: numpy.ndarray) -> numpy.ndarray:
    lengths = numpy.linalg.norm(rows, axis=-1, keepdims=True)
    return numpy.divide(rows, lengths, out=numpy.zeros_like(rows), where=lengths > 0)
