"""Server-sent events, as pieces of a stream come (WHATWG HTML, 9.2.6): the data of each, and nothing else of it."""

from collections.abc import Iterator

FIELD = b"data:"
MARKED = b"\xef\xbb\xbf" + FIELD  # a stream may begin with a byte-order mark


class Events:
    """`size`: bytes of the event that is not complete yet."""

    def __init__(self) -> None:
        self.left, self.data = list[bytes](), list[bytes]()
        self.size = self.held = 0  # `held`: of lines with data, also those with none in them

    def of(self, piece: bytes) -> Iterator[bytes]:
        """The data of the events that a piece completes; those without any are passed over."""
        self.size += len(piece)
        # A CR at a piece's end may be the half of a line's end.
        ends = b"\n" in piece or b"\r" in piece or (bool(self.left) and self.left[-1].endswith(b"\r"))
        self.left.append(piece)
        if not ends:  # put together once, however small the pieces are
            return
        *lines, rest = b"".join(self.left).splitlines(keepends=True)
        if rest.endswith(b"\n"):
            lines, rest = [*lines, rest], b""
        self.left = [rest]
        for line in lines:
            if line.startswith((FIELD, MARKED)):
                self.data.append(line.partition(FIELD)[2].strip())
                self.held += len(line)
            elif self.data and not line.strip(b"\r\n"):
                data = b"\n".join(self.data).strip()
                self.data.clear()
                self.held = 0
                if data:
                    yield data
        self.size = len(rest) + self.held
