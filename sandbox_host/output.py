"""How much output of one command is passed on: everything up to a limit, then the count of what was left out and
the tail.
"""

TAIL = 64 * 1024


class Budget:
    """Counts one stream. A terminal has none: it is a conversation, and its reader's pace holds it back."""

    def __init__(self, limit: int) -> None:
        self.limit, self.passed, self.seen = limit, 0, 0
        self.tail = bytearray()

    def admit(self, data: bytes) -> bytes:
        """What of `data` may be passed on now; the rest is remembered as the tail, older tails are forgotten."""
        self.seen += len(data)
        now = data[: max(0, self.limit - self.passed)]
        self.passed += len(now)
        if len(now) < len(data):
            self.tail += data[len(now) :]
            del self.tail[:-TAIL]
        return now

    def rest(self) -> bytes:
        """At the end: a line with what was left out, and the tail."""
        left_out = self.seen - self.passed - len(self.tail)
        if not self.tail:
            return b""
        note = f"\n[{left_out} bytes of output left out: the limit is {self.limit} bytes]\n" if left_out else ""
        return note.encode() + bytes(self.tail)
