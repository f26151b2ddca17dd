"""Figures of the host and its sandboxes in Prometheus' text form."""

from collections.abc import Iterable

from aiohttp import web

from sandbox_host.answers import REGISTRY, measure
from sandbox_host.registry import Registry

_CONTENT_TYPE = "text/plain; version=0.0.4"


async def handle(request: web.Request) -> web.Response:
    text = "\n".join(_lines(request.app[REGISTRY])) + "\n"
    return web.Response(body=text.encode(), headers={"Content-Type": _CONTENT_TYPE})


def _lines(registry: Registry) -> Iterable[str]:
    states = [sandbox.state for sandbox in registry.sandboxes.values()]
    yield from _family("sandboxes", "gauge", "Sandboxes by state.")
    for state in ("running", "paused"):
        yield f'sandbox_host_sandboxes{{state="{state}"}} {states.count(state)}'
    for name, text, value in (
        ("running_limit", "Sandboxes that may run at once.", registry.caps.running),
        ("total_limit", "Sandboxes and snapshots that are kept.", registry.caps.total),
        ("snapshots", "Snapshots that are kept.", len(registry.snapshots.known)),
    ):
        yield from _family(name, "gauge", text)
        yield f"sandbox_host_{name} {value}"
    for name, value in registry.counts.items():
        yield from _family(f"{name}_total", "counter", f"Sandboxes {name} since the host's start.")
        yield f"sandbox_host_{name}_total {value}"
    running = [sandbox for sandbox in registry.sandboxes.values() if sandbox.state == "running"]
    readings = [(sandbox, measure(sandbox)) for sandbox in running]
    for name, text, field in (
        ("memory_bytes", "Memory of a running sandbox.", "memUsed"),
        ("disk_bytes", "Disk space of a running sandbox, as last counted.", "diskUsed"),
        ("cpu_percent", "Of one processor, since the last reading.", "cpuUsedPct"),
    ):
        yield from _family(f"sandbox_{name}", "gauge", text)
        for sandbox, reading in readings:
            yield f'sandbox_host_sandbox_{name}{{sandbox="{sandbox.id}"}} {reading[field]}'
    yield from _family("sandbox_limit_kills_total", "counter", "Commands ended because a limit was reached.")
    for sandbox in running:
        for limit, count in sandbox.usage.kills(sandbox.launch).items():
            yield f'sandbox_host_sandbox_limit_kills_total{{sandbox="{sandbox.id}",limit="{limit}"}} {count}'


def _family(name: str, kind: str, text: str) -> Iterable[str]:
    yield f"# HELP sandbox_host_{name} {text}"
    yield f"# TYPE sandbox_host_{name} {kind}"
