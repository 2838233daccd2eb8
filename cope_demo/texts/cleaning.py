"""Bytes to text and text to clean text: encodings, control and invisible characters, cuts at a sentence's end."""

import re
import unicodedata

from cope_demo.errors import CopeError

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_KINDS = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a Word, LibreOffice or zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Word file"),
    (b"{\\rtf", "an RTF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed file"),
)
_ENCODINGS = (
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp874 koi8_r cp932 euc_jp gb18030 big5 cp949 "
    "utf_16_le utf_16_be"
).split()
"""What people's files are in when they are not UTF-8; the old DOS and Mac pages would only be found by mistake."""
_SAMPLE = 200_000
"""Bytes that decide about an unnamed encoding."""

_LINE_END = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\xad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff]|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+"
)
"""Controls, lone surrogates, zero-width and bidirectional marks, and tag characters outside a flag."""
_MARKS = re.compile(r"[^\w\s\x00-\x7f]{31,}")
"""Where a long run of combining marks may be: normalisation sorts each run, in time that grows with its square."""
_JOINERS = re.compile("[\u200c\u200d]+")
_JOINED = re.compile(r"[^\x00-\x7f\s]")
_SPACES = re.compile(r"[^\S\n ]")
_LINE_TAIL = re.compile(r"(?<! ) +(?=\n)")
_EMPTY_LINES = re.compile(r"\n{3,}")
NO_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Characters of scripts that write without spaces between words."""
_SENTENCE_END = re.compile("[.!?…][\"'”’»)]*(?=\\s)|[。！？]|\n")


def _binary_error(what: str = "no text") -> CopeError:
    return CopeError(
        f"This is {what}, and only plain text can be read: save it as .txt, .md, .json, .jsonl or .csv (UTF-8) and "
        "give that file, or paste the text itself."
    )


def _detect_utf16(data: bytes) -> str | None:
    """UTF-16 without a byte order mark shows as a zero in nearly every second byte; None if this is not so."""
    zeros = data[:_SAMPLE:2].count(0), data[1:_SAMPLE:2].count(0)
    half = min(len(data), _SAMPLE) / 2
    if max(zeros) > 0.4 * half and min(zeros) < 0.05 * half:
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    return None


def decode(data: bytes) -> tuple[str, str | None]:
    """Bytes as text, and a sentence about the encoding if it had to be guessed or some bytes could not be read.

    UTF-8, any Unicode with a byte order mark, UTF-16 without one, else what charset-normalizer finds, where
    Windows-1252 (which holds latin-1's letters) is preferred as long as it reads well.
    Raises CopeError for what is not text.
    """
    for start, what in _KINDS:
        if data.startswith(start):
            raise _binary_error(what)
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), None)
    encoding = encoding or (_detect_utf16(data) if b"\x00" in data else "utf-8")
    if encoding is None:
        raise _binary_error()
    text = data.decode(encoding, errors="replace")
    lost = text.count("�")
    if encoding.startswith("utf-8"):
        lost -= data.count("�".encode())  # not lost: the file itself has it
    warning = f"{lost} damaged characters could not be read and show as �." if lost > 0 else None
    if encoding == "utf-8" and lost > 0:
        beyond_ascii = sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", text)))
        if beyond_ascii < 4 * lost:  # so it never was UTF-8
            text, warning = _guess(data)
    elif lost > 0.01 * len(text):
        raise _binary_error()
    return check_printable(text), warning


def check_printable(text: str) -> str:
    """The text itself. Raises CopeError when more than 1 % (and 3) are control characters: it is a binary file then."""
    if len(_CONTROL.findall(text)) > 3 + 0.01 * len(text):
        raise _binary_error()
    return text


def _guess(data: bytes) -> tuple[str, str]:
    from charset_normalizer import from_bytes

    head = data[:_SAMPLE]
    # Alone, several code pages look equally good to it and it takes the first by name, so the usual one is asked first.
    match = from_bytes(head, cp_isolation=["cp1252"]).best()
    if match is None or match.percent_chaos > 15:
        match = from_bytes(head, cp_isolation=_ENCODINGS).best()
    if match:
        encoding = match.encoding
    elif sum(byte < 128 for byte in head) > 0.75 * len(head):
        encoding = "cp1252"
    else:
        raise _binary_error()
    text = data.decode(encoding, errors="replace")
    return text, f"The file is not UTF-8; it was read as {encoding}. If letters look wrong, save it as UTF-8."


def clean(text: str) -> str:
    """Text as it is learned: NFC, `\\n` line ends, no control or invisible characters, no trailing blanks.

    Kept, since they are part of how a person writes: runs of spaces, one empty line, joiners inside emoji.
    Cleaning twice changes nothing.
    """
    text = _MARKS.sub(_limit_marks, _INVISIBLE.sub("", _LINE_END.sub("\n", text)))
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text))
    text = unicodedata.normalize("NFC", _JOINERS.sub(_filter_joiner, text))
    return _EMPTY_LINES.sub("\n\n", _LINE_TAIL.sub("", text)).strip()


def _limit_marks(match: re.Match) -> str:
    """At most 30 combining marks in a row, as Unicode's stream-safe format has it."""
    kept, marks = [], 0
    for character in match[0]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= 30:
            kept.append(character)
    return "".join(kept)


def _filter_joiner(match: re.Match) -> str:
    """Joiners between two characters beyond ASCII (in emoji, Persian and Indic words) are part of the text."""
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return match[0] if _JOINED.match(before) and _JOINED.match(after) else ""


def count_words(text: str) -> int:
    """Words between spaces; in scripts that write without spaces, two characters count as one."""
    return max(len(text.split()), len(NO_SPACES.findall(text)) // 2)


def cut(text: str, limit: int) -> tuple[str, str]:
    """At most `limit` characters of a text, and where it was cut: "" if it was not.

    The cut is at the last sentence end of the second half, else between words, else anywhere but inside a character.
    """
    if len(text) <= limit:
        return text, ""
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, limit + 1) if match.end() <= limit]
    if ends and ends[-1] >= limit // 2:
        return text[: ends[-1]].rstrip(), "at the end of a sentence"
    space = max(text.rfind(" ", limit // 2, limit + 1), text.rfind("\n", limit // 2, limit + 1))
    if space > 0:
        return text[:space].rstrip(), "between two words"
    end = limit
    while end > limit // 2 and (_joins(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end], "inside a word"


def _joins(character: str) -> bool:
    """Whether it belongs to the character before it."""
    return (
        bool(unicodedata.combining(character))
        or character in "\u200d\ufe0f"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )


def shorten(text: str, limit: int = 60) -> str:
    """A text on one line without control characters, for a report or a sentence."""
    line = "".join(c for c in " ".join(text[: 4 * limit].split()) if c.isprintable() or c in "\u200c\u200d")
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
