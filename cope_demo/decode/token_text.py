"""The text of a column while its tokens come: bytes wait for their character."""


class TokenText:
    """Turns a growing list of token ids into the text that each new token adds."""

    def __init__(self, tokenizer):
        self.tokenizer, self.ids, self.start, self.read = tokenizer, [], 0, 0

    def add(self, token: int, last: bool = False) -> str:
        """The text that `token` completes; "" while a character is unfinished, unless it is the last token."""
        self.ids.append(token)
        return self._unread(last)

    def rest(self) -> str:
        """What is left at the end: U+FFFD for a character that was never finished, else nothing."""
        return self._unread(last=True)

    def _unread(self, last: bool) -> str:
        before = self.tokenizer.decode(self.ids[self.start : self.read])
        now = self.tokenizer.decode(self.ids[self.start :])
        if now.endswith("\ufffd") and not last:
            return ""
        self.start, self.read = self.read, len(self.ids)
        return now[len(before) :]
