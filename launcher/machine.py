"""What the machine must offer before anything starts: free ports, disk space, bubblewrap."""

import errno
import os
import shutil
import socket
import subprocess

from launcher.place import Place
from launcher.plan import Plan
from launcher.problem import Problem
from launcher.terminal import Terminal

# A first start fills about 1.2 GB (packages are there by then): runtime, one template, a young database.
FIRST_START_MB, LATER_START_MB = 1500, 150


def check_disk(place: Place) -> None:
    """Raises Problem when the disk of the state folder is about full."""
    found = os.statvfs(place.home)
    free = found.f_bavail * found.f_frsize // 2**20
    needed = LATER_START_MB if (place.home / "postgres").exists() else FIRST_START_MB
    if free < needed:
        raise Problem(
            f"Only {free} MB are free on the disk of {place.home}; Vibe needs {needed} MB. "
            f"Free some space, or name a folder on another disk in VIBE_HOME."
        )


def check_ports(plan: Plan) -> None:
    """Raises Problem naming the first port that another program holds."""
    for port, name in plan.ports().items():
        if not _is_free(plan.host if name == "web" else "127.0.0.1", port):
            other = free_port(plan.port + 10)
            raise Problem(
                f"Port {port} (for {name}) is in use by another program. "
                f"Stop that one, or choose other ports: bin/up --port {other}"
            )


def free_port(start: int = 20000) -> int:
    """The first port from `start` that is free together with the three after it."""
    for port in range(start, 65000, 10):
        if all(_is_free("127.0.0.1", port + offset) for offset in range(4)):
            return port
    raise Problem("There are no four free TCP ports in a row on this machine.")


def check_bubblewrap(plan: Plan, terminal: Terminal) -> None:
    """Install bubblewrap where that is ours to do, else say what to do."""
    if not plan.embeds_sandboxes or shutil.which("bwrap"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        install_by_apt("bubblewrap", terminal)
    if not shutil.which("bwrap"):
        raise Problem(
            "Sandboxes need bubblewrap (the command bwrap), which is not installed. Install it (Debian, Ubuntu: "
            "sudo apt-get install bubblewrap; Fedora: sudo dnf install bubblewrap), "
            "or set E2B_API_KEY to use E2B's sandboxes."
        )


def install_by_apt(package: str, terminal: Terminal) -> None:
    """Try; the caller looks whether it is there now."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with terminal.step(f"Installing {package} with apt-get"):
        for command in (
            ["apt-get", "-qq", "update"],
            ["apt-get", "-qq", "-y", "--no-install-recommends", "install", package],
        ):
            subprocess.run(command, env=env, capture_output=True)


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise Problem(
                f"Port {port} may only be used by root on this machine. Choose another: bin/up --port 8000"
            ) from None
        except socket.gaierror as error:
            raise Problem(f"--host {host} is no address of this machine: {error.strerror}.") from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise Problem(f"--host {host} is no address of this machine.") from error
            return False
    return True
