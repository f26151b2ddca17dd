"""Runs inside a sandbox at the host's start and tries to get out. Prints a JSON list of what succeeded; an empty list
is good.

argv: a file on the host, a TCP port on the host's loopback, an abstract unix socket's name, a variable name of the
host's environment in two halves.
Standard library only.
"""

# pathlib, contextlib and asyncio would double the time an agent takes to start.
# ruff: noqa: PTH110, PTH115, PTH120, PTH123, PTH208, SIM115

import ctypes
import errno
import json
import os
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)
HIDDEN = (
    "/root/.ssh",
    "/etc/shadow",
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/run/systemd",
    "/sys/kernel",
    "/home/user/../../root/.bashrc",
)
CALLS_X86 = {"keyctl": 250, "add_key": 248, "bpf": 321, "userfaultfd": 323, "perf_event_open": 298, "ptrace": 101,
"process_vm_readv": 310,
             "pidfd_getfd": 438, "mount": 165, "pivot_root": 155, "open_tree": 428, "fsopen": 430, "setns": 308,
             "unshare": 272,
             "open_by_handle_at": 304, "io_uring_setup": 425, "personality": 135, "syslog": 103}  # fmt: skip
CALLS_ARM = {"keyctl": 219, "add_key": 217, "bpf": 280, "userfaultfd": 282, "perf_event_open": 241, "ptrace": 117,
"process_vm_readv": 270,
             "pidfd_getfd": 438, "mount": 40, "pivot_root": 41, "open_tree": 428, "fsopen": 430, "setns": 268,
             "unshare": 97,
             "open_by_handle_at": 265, "io_uring_setup": 425, "personality": 92, "syslog": 116}  # fmt: skip


def privileges() -> list[str]:
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
    wanted = {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}
    return [f"{name} is {status[name].strip()}" for name, value in wanted.items() if status[name].strip() != value]


def system_calls() -> list[str]:
    calls = CALLS_ARM if os.uname().machine == "aarch64" else CALLS_X86
    found = []
    for name, number in calls.items():
        ctypes.set_errno(0)
        first = 16 if name == "ptrace" else 0  # attach to nobody; 0 would be "trace me", and stop us at our next signal
        if libc.syscall(number, first, 0, 0, 0, 0) != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
            found.append(f"the system call {name} is open")
    return found


def namespaces() -> list[str]:
    """A new user namespace by clone(2), which does not pass through unshare(2)."""
    clone = 220 if os.uname().machine == "aarch64" else 56
    pid = libc.syscall(clone, 0x10000000 | 17, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
        return ["a new user namespace can be made"]
    return []


def secrets(name: str) -> list[str]:
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for file in ("environ", "cmdline"):
            try:
                if name.encode() in open(f"/proc/{pid}/{file}", "rb").read():
                    found.append(f"the host's variable {name} is in /proc/{pid}/{file}")
            except OSError:
                pass
    return found


def descriptors() -> list[str]:
    """Nothing open but pipes, /dev/null and the agent's sockets; a directory would be a way to the host's files."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                target = os.readlink(f"/proc/{pid}/fd/{fd}")
                if not target.startswith(
                    ("pipe:", "socket:", "anon_inode:", "/dev/null", f"/proc/{os.getpid()}/fd", f"/proc/{pid}/fd")
                ):
                    found.append(f"process {pid} holds {target}")
        except OSError:
            pass
    return found


def files(canary: str) -> list[str]:
    found = [f"{path} can be seen" for path in (canary, os.path.dirname(canary), *HIDDEN) if os.path.exists(path)]
    for path in ("/usr/probe", "/etc/probe", "/run/probe", "/probe", "/opt/shim/probe"):
        try:
            open(path, "w").close()
            found.append(f"{path} can be written")
        except OSError:
            pass
    return found


def network(port: int, abstract: str) -> list[str]:
    interfaces = [line.split(":")[0].strip() for line in open("/proc/net/dev").read().splitlines()[2:]]
    found = [f"there is a network interface {name}" for name in interfaces if name != "lo"]
    for family, address in ((socket.AF_INET, ("127.0.0.1", port)), (socket.AF_UNIX, "\0" + abstract)):
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            if sock.connect_ex(address) == 0:
                found.append(f"the host's socket {address!r} can be reached")
    for odd in (40, 38, 17):  # AF_VSOCK, AF_ALG, AF_PACKET
        try:
            socket.socket(odd, socket.SOCK_SEQPACKET if odd == 38 else socket.SOCK_STREAM).close()
            found.append(f"sockets of family {odd} can be made")
        except OSError:
            pass
    return found


def attempts(canary: str, port: int, abstract: str, variable: str) -> list[str]:
    return [
        *privileges(),
        *system_calls(),
        *namespaces(),
        *secrets(variable),
        *descriptors(),
        *files(canary),
        *network(port, abstract),
    ]


if __name__ == "__main__":
    open("/home/user/probe", "w").close()  # the host looks whose it is
    print(json.dumps(attempts(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] + sys.argv[5])))
