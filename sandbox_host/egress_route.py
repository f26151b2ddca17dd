"""Reach an allowed host: resolve once, check every address, connect to one of them; or go by the machine's proxy."""

import asyncio
import base64
import socket
import ssl
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import SplitResult, unquote, urlsplit

from sandbox_host.egress_rules import Refused, check_address

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
CONNECT_SECONDS = 15
# Of their own: slow name servers must not hold up what else waits in threads, such as the start of a sandbox.
_resolvers = ThreadPoolExecutor(8, "resolve")


async def connect(host: str, port: int, trusted: bool) -> tuple[Stream, str]:
    """A connection to host:port and the address it leads to. Raises Refused (403, or 502 when it cannot be reached).

    Where the machine itself goes out through a proxy (HTTPS_PROXY, NO_PROXY), so do we; its credentials stay here.
    """
    if proxy := _machine_proxy(host):
        await _check_if_known(host, port, trusted)
        return await _through(proxy, host, port), f"by {proxy.hostname}"
    for address in await _resolve(host, port, trusted):
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                stream = await asyncio.open_connection(address, port)
        except (OSError, TimeoutError):
            continue
        _refuse_ourselves(stream[1], host, trusted)
        return stream, address
    raise Refused(f"{host} could not be reached", 502)


async def _resolve(host: str, port: int, trusted: bool) -> list[str]:
    """Every address of the host, each of them checked. Raises Refused if one is not allowed, or there is none."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
            found = await asyncio.get_running_loop().run_in_executor(_resolvers, ask)
    except (OSError, UnicodeError, TimeoutError):
        raise Refused(f"{host} could not be resolved", 502) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        check_address(address, host, trusted)
    return addresses


async def _check_if_known(host: str, port: int, trusted: bool) -> None:
    """Refuse a name that this machine resolves to a wrong address; behind a proxy it may well resolve none."""
    try:
        async with asyncio.timeout(2):
            await _resolve(host, port, trusted)
    except TimeoutError:
        return
    except Refused as error:
        if error.status != 502:
            raise


def _refuse_ourselves(writer: asyncio.StreamWriter, host: str, trusted: bool) -> None:
    """This machine's own public address leads to its own services: both ends of the connection are then the same."""
    if writer.get_extra_info("sockname")[0] == writer.get_extra_info("peername")[0] and not trusted:
        writer.close()
        raise Refused(f"{host} leads to this machine")


def _machine_proxy(host: str) -> SplitResult | None:
    proxies = urllib.request.getproxies()
    url = proxies.get("https") or proxies.get("all") or proxies.get("http")
    if not url or urllib.request.proxy_bypass(host):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


async def _through(proxy: SplitResult, host: str, port: int) -> Stream:
    """A CONNECT tunnel by way of the machine's own proxy, which resolves the name."""
    context = ssl.create_default_context() if proxy.scheme == "https" else None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(
                proxy.hostname, proxy.port or (443 if context else 80), ssl=context
            )
            name = f"[{host}]" if ":" in host else host
            writer.write(f"CONNECT {name}:{port} HTTP/1.1\r\nHost: {name}:{port}\r\n{_login(proxy)}\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise Refused("this machine's own proxy could not be reached", 502) from None
    status = answer.split(b" ", 2)[1:2]
    if status != [b"200"]:
        writer.close()
        raise Refused(f"this machine's own proxy refused {host}", 502)
    return reader, writer


def _login(proxy: SplitResult) -> str:
    if not proxy.username:
        return ""
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"
