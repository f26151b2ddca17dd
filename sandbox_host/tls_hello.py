"""Read the server name a TLS client asks for, from the first bytes it sends (RFC 8446 §4.1.2, RFC 6066 §3)."""

_HANDSHAKE, _CLIENT_HELLO = 22, 1
_SERVER_NAME, _ENCRYPTED_HELLO = 0, 0xFE0D
MAX_HELLO = 16384


class NotTls(Exception):
    """The bytes are not a plain TLS ClientHello with a server name; the text says what is wrong."""


class NeedMore(Exception):
    """The hello goes on beyond the bytes given."""


def server_name(data: bytes) -> str | None:
    """The server name of a ClientHello, None if it names none. Raises NeedMore or NotTls.

    An encrypted hello (ECH) is refused: the name in it could be any, and the one outside proves nothing.
    """
    hello = _Reader(_handshake(data))
    hello.take(2 + 32)  # version, random
    for width in (1, 2, 1):  # session id, cipher suites, compression methods
        hello.take(hello.number(width))
    name = None
    extensions = _Reader(hello.take(hello.number(2)))
    while extensions.left:
        kind, body = extensions.number(2), _Reader(extensions.take(extensions.number(2)))
        if kind == _ENCRYPTED_HELLO:
            raise NotTls("encrypted client hello is not allowed")
        if kind == _SERVER_NAME:
            body.take(2 + 1)  # list length, name type
            name = body.take(body.number(2)).decode("ascii", "replace").lower()
    return name


def _handshake(data: bytes) -> bytes:
    """The body of the ClientHello, put together from the TLS records that carry it."""
    message = b""
    while True:
        if len(data) < 5:
            raise NeedMore if data[:1] in (b"", bytes([_HANDSHAKE])) else NotTls("not TLS")
        if data[0] != _HANDSHAKE or data[1] != 3:
            raise NotTls("not TLS")
        length = int.from_bytes(data[3:5], "big")
        if len(data) < 5 + length:
            raise NeedMore
        message, data = message + data[5 : 5 + length], data[5 + length :]
        if len(message) >= 4:
            if message[0] != _CLIENT_HELLO:
                raise NotTls("not a client hello")
            size = int.from_bytes(message[1:4], "big")
            if len(message) >= 4 + size:
                return message[4 : 4 + size]


class _Reader:
    """Takes numbers and pieces off the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def take(self, count: int) -> bytes:
        if count > len(self.left):
            raise NotTls("a damaged client hello")
        piece, self.left = self.left[:count], self.left[count:]
        return piece

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")
