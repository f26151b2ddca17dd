"""The package registries that this machine's own npm and pip use, read at run time; never their credentials."""

import configparser
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

NPM = "https://registry.npmjs.org/"
PYPI = "https://pypi.org/simple"
PYPI_FILES = "https://files.pythonhosted.org/"
# Their hosts, as a sandbox's rules name them.
PUBLIC = frozenset(str(urlsplit(url).hostname) for url in (NPM, PYPI, PYPI_FILES))
_PORTS = {"http": 80, "https": 443}


def npm_registry() -> str:
    """npm's registry address: environment, then the user's and the machine's npmrc, then npm's own default."""
    for name, value in os.environ.items():
        if name.lower() == "npm_config_registry" and value:
            return without_credentials(value)
    user = os.environ.get("NPM_CONFIG_USERCONFIG") or Path.home() / ".npmrc"
    for path in (Path(user), Path("/usr/local/etc/npmrc"), Path("/usr/etc/npmrc"), Path("/etc/npmrc")):
        for line in _lines(path):
            key, _, value = line.partition("=")
            if key.strip() == "registry" and value.strip():
                return without_credentials(value.strip().strip("\"'"))
    return NPM


def pip_indexes() -> list[str]:
    """pip's index address first, then its extra ones; only those a sandbox could reach (http and https)."""
    index = os.environ.get("PIP_INDEX_URL") or next(_pip_settings("index-url"), PYPI)
    extra = os.environ.get("PIP_EXTRA_INDEX_URL") or " ".join(_pip_settings("extra-index-url"))
    urls = [without_credentials(url) for url in [index, *extra.split()] if urlsplit(url).scheme in _PORTS]
    return urls or [PYPI]


def addresses() -> frozenset[tuple[str, int]]:
    """(host, port) of every registry: the public ones always, and those configured."""
    urls = [NPM, PYPI, PYPI_FILES, npm_registry(), *pip_indexes()]
    return frozenset(address for url in urls if (address := _address(url)))


def without_credentials(url: str) -> str:
    """The address with `user:password@` removed."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _address(url: str) -> tuple[str, int] | None:
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in _PORTS:
        return None
    return parts.hostname.lower().removesuffix("."), parts.port or _PORTS[parts.scheme]


def _pip_settings(name: str) -> Iterator[str]:
    """Values of one [global] or [install] setting, the most specific pip configuration file first."""
    home = Path.home()
    paths = [Path(sys.prefix, "pip.conf"), home / ".config/pip/pip.conf", home / ".pip/pip.conf", Path("/etc/pip.conf")]
    if custom := os.environ.get("PIP_CONFIG_FILE"):
        paths = [] if custom == os.devnull else [Path(custom), *paths]
    for path in paths:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string("\n".join(_lines(path, strip=False)))
        except configparser.Error:
            continue  # pip itself would stop at such a file; a sandbox then simply gets the public index
        for section in ("install", "global"):
            if value := parser.get(section, name, fallback=""):
                yield value.strip()


def _lines(path: Path, *, strip: bool = True) -> list[str]:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [line.strip() if strip else line for line in lines]
