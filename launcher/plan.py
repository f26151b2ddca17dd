"""What is to run and where: the parts that are embedded, their addresses, the environment each kind of process gets."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from launcher import postgres, runtime, valkey
from launcher.place import Place
from launcher.values import MODEL_KEYS, YES, asks_for_no_key, read_secrets

# Of the person's own environment: what a program may need to work at all, and what package registries are reached by.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
REGISTRY_NAMES = (
    *("PIP_", "NPM_", "npm_", "SSL_CERT_", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
)
# Unless the person wants more: each has 130 MB.
MOST_WEB_PROCESSES = 4


@dataclass(frozen=True)
class Plan:
    """What is to run: which parts are embedded, at which addresses, with which values for the application."""

    place: Place
    given: Mapping[str, str]
    """The values as the person gave them: `.env` and the environment."""
    host: str = "127.0.0.1"
    port: int = 8000
    flower: bool = False
    throwaway: bool = False
    """For tests: nothing needs to survive a power cut."""
    secrets: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "secrets", read_secrets(self.place.home / "secrets.env"))

    @property
    def embeds_postgres(self) -> bool:
        return not self.given.get("DATABASE_URL")

    @property
    def embeds_valkey(self) -> bool:
        return not self.given.get("REDIS_URL")

    @property
    def embeds_sandboxes(self) -> bool:
        return not self.given.get("E2B_API_KEY")

    @property
    def embeds_model(self) -> bool:
        return not any(self.given.get(name) for name in MODEL_KEYS) and not asks_for_no_key(self.given)

    @property
    def https(self) -> bool:
        """Whether a proxy in front speaks TLS; then whoever comes, comes from elsewhere."""
        return self.given.get("HTTPS", "").lower() in YES

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def model_url(self) -> str:
        return f"http://127.0.0.1:{self.port + 2}"

    @property
    def flower_port(self) -> int:
        return self.port + 3

    @property
    def local_host(self) -> str:
        """What the site is asked by from this machine, as it stands in an address."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"[{host}]" if ":" in host else host

    @property
    def web_processes(self) -> int:
        """How many answer at the site's port; at an address of IPv6 they cannot share it."""
        wanted = int(self.given.get("WEB_PROCESSES") or min(len(os.sched_getaffinity(0)), MOST_WEB_PROCESSES))
        return 1 if ":" in self.host else wanted

    @property
    def worker_name(self) -> str:
        return f"vibe-{self.port}@{socket.gethostname()}"

    def ports(self) -> dict[int, str]:
        """Every TCP port we are about to listen on, and who does."""
        ports = {self.port: "web"}
        if self.embeds_sandboxes:
            ports[self.port + 1] = "sandbox-host"
        if self.embeds_model:
            ports[self.port + 2] = "demo-model"
        if self.flower:
            ports[self.flower_port] = "flower"
        return ports

    def environment(self) -> dict[str, str]:
        """The environment of Django processes: the person's, completed."""
        values = {**self.given}
        values.setdefault("SECRET_KEY", self.secrets["SECRET_KEY"])
        values.setdefault("ENCRYPTION_KEY", self.secrets["ENCRYPTION_KEY"])
        values["VIBE_HOME"] = str(self.place.home)
        if self.embeds_postgres:
            values["DATABASE_URL"] = postgres.url(self.place)
        if self.embeds_valkey:
            values["REDIS_URL"] = valkey.url(self.place)
        if self.embeds_sandboxes:
            values |= {
                "E2B_API_KEY": self.secrets["E2B_API_KEY"],
                "E2B_API_URL": self.sandbox_url,
                "E2B_SANDBOX_URL": self.sandbox_url,
            }
            values["SANDBOX_IS_EMBEDDED"] = "true"
            values.setdefault("PREVIEW_DOMAIN", f"localhost:{self.port + 1}")
        if not self.https:
            values.setdefault("SITES_DOMAIN", f"sites.localhost:{self.port}")
        if self.embeds_model:
            values |= {"ANTHROPIC_API_KEY": "demo", "ANTHROPIC_BASE_URL": self.model_url, "LLM_IS_DEMO": "true"}
        if self.host in ("0.0.0.0", "::"):  # noqa: S104 - what the person asked for
            values.setdefault("ALLOWED_HOSTS", "*")
        # Whatever its names outside are: we ask it from inside, and so does who watches it.
        hosts = [*values.get("ALLOWED_HOSTS", "").split(","), "localhost", "127.0.0.1", "[::1]", self.local_host]
        values["ALLOWED_HOSTS"] = ",".join(dict.fromkeys(filter(None, hosts)))
        values["PATH"] = f"{runtime.node(self.place)}:{os.environ.get('PATH', os.defpath)}"
        values["PYTHONUNBUFFERED"] = "1"
        return values

    def bare_environment(self, *also: str) -> dict[str, str]:
        """The environment of processes that need no secrets; `also`: beginnings of further names to pass on."""
        passed = {
            name: value for name, value in self.given.items() if name in PASSED_ON or (also and name.startswith(also))
        }
        return {"PATH": os.defpath, **passed, "VIBE_HOME": str(self.place.home), "PYTHONUNBUFFERED": "1"}
