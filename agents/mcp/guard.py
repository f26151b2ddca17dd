"""Requests to addresses that people gave: resolved once, every address checked, and connected to as checked.

So a name that leads to a public address when it is looked at and to a private one when it is used gains nothing. There
are no redirects, and no proxy of this machine, which would resolve the name again.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import httpx
from django.conf import settings

# A name, or an address of either kind.
HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
RESOLVE_SECONDS, CONNECT_SECONDS = 5, 10
# Not for the public, whatever older versions of `ipaddress` say of parts of it (IANA's special-purpose registries).
SPECIAL = [ipaddress.ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "5f00::/16")]
# Where a network that only knows IPv6 reaches an IPv4 address, in the last 32 bits (RFC 6052).
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class NotAllowed(Exception):
    """The address is none that may be asked. The text is for who gave it."""


def check(url: str) -> str:
    """The address as it is kept. Raises NotAllowed for one that need not be resolved to be refused."""
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, UnicodeError):
        raise NotAllowed("This is no address such as https://mcp.example.com/mcp.") from None
    if parsed.scheme not in ("https", "http") or not HOST.fullmatch(parsed.raw_host.decode("ascii")):
        raise NotAllowed("This is no address such as https://mcp.example.com/mcp.")
    if parsed.userinfo:
        raise NotAllowed("An address holds no name and no password here: give the token in its own field.")
    if parsed.scheme == "http" and not settings.MCP_LOCAL:
        raise NotAllowed("The address has to begin with https://, so that nobody on the way reads along.")
    return str(parsed.copy_with(fragment=None))


class Guarded(httpx.AsyncHTTPTransport):
    """Connects to the addresses that were checked; the name stays in the Host header and in what TLS verifies.

    Raises NotAllowed.
    """

    def __init__(self) -> None:
        super().__init__(verify=_authorities(), trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name, url = request.url.raw_host.decode("ascii").strip("[]"), request.url
        check(str(url))
        failed: httpx.TransportError = httpx.ConnectError(f"{name} has no address")
        for address in await _resolved(name, url.port or (443 if url.scheme == "https" else 80)):
            request.url = url.copy_with(host=address)
            request.extensions = {**request.extensions, "sni_hostname": name}
            try:
                return await super().handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
        raise failed


@cache
def _authorities() -> ssl.SSLContext:
    """Whose certificates are believed; read once, which takes longer than a request."""
    return httpx.create_ssl_context()


@cache
def _names() -> ThreadPoolExecutor:
    """Looks names up, apart from the loop's own few threads: names that never resolve would hold those up for all."""
    return ThreadPoolExecutor(8, thread_name_prefix="names")


async def _resolved(name: str, port: int) -> list[str]:
    """Every address of a host, each of them checked. Raises NotAllowed, also if only one of them is not public."""
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            look = partial(socket.getaddrinfo, name, port, type=socket.SOCK_STREAM)
            found = await asyncio.get_running_loop().run_in_executor(_names(), look)
    except (OSError, UnicodeError, OverflowError, TimeoutError):
        raise httpx.ConnectError(f"{name} has no address") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not settings.MCP_LOCAL and not all(map(_is_public, addresses)):
        raise NotAllowed(f"{name[:80]} leads to an address that is not public.")
    return addresses


def _is_public(address: str) -> bool:
    ip = _innermost(ipaddress.ip_address(address.partition("%")[0]))
    if not ip.is_global or ip.is_multicast or ip.is_reserved or any(ip in network for network in SPECIAL):
        return False
    return not _is_ours(address)


def _innermost(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 one carries, or the address itself."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    for inner in (ip.ipv4_mapped, ip.sixtofour, ip.teredo[1] if ip.teredo else None):
        if inner is not None:
            return inner
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def _is_ours(address: str) -> bool:
    """Whether a public address is this machine's own, which leads to its own services. Nothing is sent."""
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(kind, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            return bool(probe.getsockname()[0] == address)
    except OSError:  # no way leads there
        return False
