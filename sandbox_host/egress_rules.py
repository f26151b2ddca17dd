"""Decide whether a sandbox may reach a host: one strict host parser, one label-wise match, one address check."""

import ipaddress
import re
from collections.abc import Iterable

WEB_PORTS = frozenset({80, 443})
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_PORT = re.compile(r"[0-9]{1,5}")
# The last label of a name never looks like a number; of an address in any notation (decimal, octal, hex) it does.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
# Protocol assignments; older Pythons call parts of it global.
_SPECIAL = ipaddress.IPv4Network("192.0.0.0/24")
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Registry = tuple[str, int]


class Refused(Exception):
    """The sandbox may not do this; the text says why, to the sandbox and to the log. `status` is the HTTP answer."""

    def __init__(self, reason: str, status: int = 403) -> None:
        super().__init__(reason)
        self.status = status


def parse_authority(text: str, default_port: int | None = None) -> Registry:
    """`host[:port]` → (lower-case host without a trailing dot, port). Raises Refused (400) for anything unusual.

    A bracketed or dotted address passes as text; only `check` may let one through, and only for a set-up registry.
    """
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host, port = text, ""
    if colon and not _PORT.fullmatch(port):
        raise Refused("that is not a port number", 400)
    number = int(port) if colon else default_port
    if number is None or not 0 < number < 65536:
        raise Refused("the port is missing or out of range", 400)
    return parse_host(host), number


def parse_host(text: str) -> str:
    """A DNS name in ASCII letters, digits and hyphens, or an address; lower case. Raises Refused (400)."""
    host = text.lower()
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        try:
            address = ipaddress.IPv6Address(host)
        except ValueError:
            raise Refused("that is not a host name", 400) from None
        if address.scope_id is not None:
            raise Refused("that is not a host name", 400)
        return str(address)
    host = host.removesuffix(".")
    labels = host.split(".")
    if not text.isascii() or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Refused("that is not a host name", 400)
    return host


def is_literal(host: str) -> bool:
    """Whether a parsed host is an address (in any notation a resolver would take) rather than a name."""
    return ":" in host or _NUMBER.fullmatch(host.rsplit(".", 1)[-1]) is not None


def check(
    host: str, port: int, allow: Iterable[str], registries: frozenset[Registry], deny: Iterable[str] = ()
) -> None:
    """Raise Refused unless the sandbox may ask for host:port.

    `allow` holds names (exactly these: below pypi.org is where packages are uploaded), `*.name` (only what is below),
    `name:port` (exactly that) or `*` (every public name); an empty one allows nothing. `registries` are the exact
    host:port pairs that the operator's own npm and pip use: only those may be addresses or have another port than 80
    and 443. `deny` (names, and with each what is below it) wins over both.
    """
    if any(host == entry or host.endswith(f".{entry}") for entry in deny):
        raise Refused(f"{host} is on this sandbox's deny list")
    allow = tuple(allow)
    if (host, port) in registries and f"{host}:{port}" in allow:
        return
    if is_literal(host):
        raise Refused("addresses are not allowed, only names")
    if f"{host}:{port}" in allow:
        return
    if port not in WEB_PORTS:
        raise Refused(f"port {port} is not allowed, only 80 and 443")
    if not any(_allows(entry, host) for entry in allow):
        raise Refused(f"{host} is not on this sandbox's allow list")


def _allows(entry: str, host: str) -> bool:
    return entry in ("*", host) or (entry.startswith("*.") and host.endswith(entry[1:]))


def check_address(address: str, host: str, trusted: bool) -> None:
    """Raise Refused if a name may not lead to this address (text as `getaddrinfo` gives it).

    Only public addresses are reachable. For a registry that the operator's own tools use (`trusted`) the operator's
    resolver may name a private mirror, but never link-local or multicast, and loopback only if the name says so.
    """
    ip = _innermost(ipaddress.ip_address(address.partition("%")[0]))
    public = ip.is_global and not ip.is_multicast and not ip.is_reserved and ip not in _SPECIAL
    wrong = not public
    if wrong and trusted:
        wrong = ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.is_loopback and not _is_local(host))
    if wrong:
        raise Refused(f"{host} leads to {address}, which is not a public address")


def _is_local(host: str) -> bool:
    return host == "localhost" or is_literal(host)


def _innermost(ip: Address) -> Address:
    """The IPv4 address that an IPv6 one carries (mapped, compatible, NAT64, 6to4, Teredo), or the address itself."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped:
        return ip.ipv4_mapped
    if ip.sixtofour:
        return ip.sixtofour
    if ip.teredo:
        return ip.teredo[1]
    if any(ip in network for network in _NAT64) or (ip in _V4_COMPATIBLE and int(ip) > 1):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip
