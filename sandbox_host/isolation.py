"""How a sandbox is closed in: the bwrap command line, what of the machine it sees, its user id and its limits.

Never run bwrap as root (the sandbox would be root outside): root drops to the sandbox's own uid first. The
environment is empty, the
options travel through a descriptor (a command line is readable inside as /proc/1/cmdline), and nothing is inherited
but the agent's socket.
"""

import os
import shutil
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from sandbox_host import install_scripts, seccomp

HOME = "/home/user"
INSIDE_UID = 1000
FIRST_UID = 70_000
LAST_UID = 79_999
API_UID = FIRST_UID - 1  # of the process that listens, where the host was started as root
PREPARING_UIDS = range(LAST_UID + 1, LAST_UID + 101)  # beside the host's own: both may be at work on one machine
MIB = 1024 * 1024
RESERVED = 16 * 1024  # MiB of private memory a process may reserve where no control group counts what it uses
_PACKAGE = Path(__file__).parent


class IsolationMissing(Exception):
    """Sandboxes cannot be closed in on this machine; the message says what is missing and what to do."""


@dataclass(frozen=True)
class Limits:
    """What one sandbox may use. Sizes in MiB."""

    memory: int = 2048
    disk: int = 4096
    inodes: int = 400_000
    tmp: int = 512
    file: int = 2048
    processes: int = 512
    files_open: int = 16_384
    output: int = 64  # of one stream of one followed command; beyond it only the tail is kept

    def rlimits(self, counted: bool) -> list[str]:
        """For the agent; `counted`: a control group counts the sandbox's memory.

        Else DATA stops a single wild process sooner than the watchdog could. It is generous, since it counts what is
        reserved (oxlint reserves 4 GiB a thread and hangs if it may not), and not AS, since WebAssembly reserves 10 GB
        that DATA does not count.
        """
        data = [] if counted else [f"DATA={max(self.memory, RESERVED) * MIB}"]
        return [f"NPROC={self.processes}", *data, f"FSIZE={self.file * MIB}", f"NOFILE={self.files_open}", "CORE=0"]


@dataclass(frozen=True)
class Machine:
    """What this machine offers to sandboxes, found once at start. Raises IsolationMissing from `find`."""

    state: Path
    bwrap: str
    python: str  # as seen inside
    binds: tuple[tuple[str, str], ...]  # read-only: host path, path inside
    path: str
    agent: Path
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def find(cls, state: Path, runtime: Path | None, limits: Limits) -> "Machine":
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise IsolationMissing(
                "bubblewrap (bwrap) is not installed: install it (apt install bubblewrap), "
                "or set E2B_API_KEY to use E2B's cloud."
            )
        binds = _runtime_binds(runtime)
        inside = dict(binds)
        outside = {there: here for here, there in binds}
        python = _python(outside)
        directories = [f"{there}/bin" for there in inside.values() if there in ("/opt/node", "/opt/python")]
        path = ":".join(
            [
                f"{HOME}/.local/bin",
                f"{HOME}/.npm-global/bin",
                "/opt/shim",
                *directories,
                "/usr/bin",
                "/bin",
                "/usr/sbin",
            ]
        )
        etc = _generated_etc(state)
        shim = _shims(state, python)
        agent = _compiled_agent(state, _outside_path(python, outside))
        binds = ((str(etc), "/etc"), *_etc_binds(etc), *binds, (str(shim), "/opt/shim"), (str(agent), "/run/agent"))
        return cls(state, bwrap, python, binds, path, agent, limits)

    def agent_command(self, listen_fd: int, counted: bool) -> list[str]:
        """The first command inside; visible there as a command line, so without any host path."""
        start = "import sys; sys.path.insert(0, '/run/agent'); from sandbox_host.agent.main import main; main()"
        return [self.python, "-I", "-S", "-c", start, str(listen_fd), *self.limits.rlimits(counted)]

    def options(self, home: Path, egress: Path | None, info_fd: int, filter_fd: int) -> list[str]:
        """bwrap's options for one sandbox. Order matters: later mounts lie over earlier ones."""
        mounts = [*_usr(), *"--tmpfs /usr/local --remount-ro /usr/local --proc /proc --dev /dev".split()]
        mounts += f"--size {64 * MIB} --tmpfs /dev/shm --remount-ro /dev --size {MIB} --tmpfs /run".split()
        for here, there in self.binds:
            mounts += ["--ro-bind", here, there]
        mounts += (
            f"--perms 1777 --size {self.limits.tmp * MIB} --tmpfs /tmp --dir /var --symlink ../tmp /var/tmp".split()
        )
        mounts += ["--bind", str(home), HOME]
        if egress is not None:
            mounts += ["--bind", str(egress), "/run/egress.sock"]
        return [
            "--unshare-all", "--unshare-user", "--disable-userns", "--cap-drop", "ALL",
            "--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID), "--hostname", "sandbox",
            "--die-with-parent", "--new-session", "--info-fd", str(info_fd), "--seccomp", str(filter_fd),
            *mounts, "--remount-ro", "/run", "--remount-ro", "/", "--chdir", HOME,
        ]  # fmt: skip


def memory_file(data: bytes) -> int:
    """A descriptor to read `data` from, without a path."""
    fd = os.memfd_create("sandbox", os.MFD_CLOEXEC)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def argument_file(arguments: list[str]) -> int:
    return memory_file(b"".join(os.fsencode(argument) + b"\0" for argument in arguments))


def filter_file(counted: bool) -> int:
    """The system call filter; `counted`: a control group counts the sandbox's memory."""
    return memory_file(seccomp.program(counted))


def _usr() -> list[str]:
    """/usr read-only, and the old top-level names as the machine has them: links into /usr, or directories of their
    own.
    """
    mounts = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/") / name
        if path.is_symlink():
            mounts += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            mounts += ["--ro-bind", str(path), str(path)]
    return mounts


def _runtime_binds(runtime: Path | None) -> tuple[tuple[str, str], ...]:
    """The node/ and python/ of the runtime directory that are there."""
    programs = {"node": "bin/node", "python": "bin/python3"}
    there = [name for name, program in programs.items() if runtime and (runtime / name / program).exists()]
    return tuple((str((runtime / name).resolve()), f"/opt/{name}") for name in there if runtime)


def _python(outside: dict[str, str]) -> str:
    """The interpreter inside: the runtime's, or the machine's own under /usr (never one under /usr/local or a home)."""
    if "/opt/python" in outside:
        return "/opt/python/bin/python3"
    for candidate in ("/usr/bin/python3", "/usr/libexec/platform-python"):
        if Path(candidate).exists():
            return os.path.realpath(candidate)
    raise IsolationMissing(
        "There is no Python for sandboxes: give --runtime a directory with python/bin/python3, "
        "or install python3 under /usr."
    )


def _outside_path(python: str, outside: dict[str, str]) -> str:
    return python.replace("/opt/python", outside["/opt/python"], 1) if "/opt/python" in outside else python


def _generated_etc(state: Path) -> Path:
    """An /etc of our own: nothing of the machine's users, hosts or secrets."""
    etc = state / "etc"
    etc.mkdir(mode=0o755, parents=True, exist_ok=True)
    texts = {
        "passwd": "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n"
        f"user:x:{INSIDE_UID}:{INSIDE_UID}:user:{HOME}:/bin/bash\n",
        "group": f"root:x:0:\nuser:x:{INSIDE_UID}:\nnogroup:x:65534:\n",
        "hosts": "127.0.0.1 localhost\n::1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
        "resolv.conf": "",
        "profile": "# Kept empty: every command starts a login shell.\n",
        "os-release": _os_release(),
        "gitconfig": "[init]\n\tdefaultBranch = main\n[safe]\n\tdirectory = *\n",
    }
    for name, text in texts.items():
        _put(etc / name, text, 0o644)
    for name in ("alternatives", "ssl/certs", "ssl"):
        (etc / name).mkdir(parents=True, exist_ok=True)
    for name in ("ld.so.cache", "ssl/certs/ca-certificates.crt", "ssl/openssl.cnf"):
        (etc / name).touch()
    return etc


def _os_release() -> str:
    for path in ("/usr/lib/os-release", "/etc/os-release"):
        if Path(path).exists():
            return Path(path).read_text()
    return "NAME=Linux\nID=linux\n"


def _etc_binds(etc: Path) -> list[tuple[str, str]]:
    """The machine's own files that programs under /usr need, over the placeholders of ours."""
    bundle = (
        os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    )
    wanted = {
        "/etc/ld.so.cache": "/etc/ld.so.cache",
        "/etc/alternatives": "/etc/alternatives",
        "/etc/ssl/openssl.cnf": "/etc/ssl/openssl.cnf",
        bundle: "/etc/ssl/certs/ca-certificates.crt",
    }
    return [(os.path.realpath(here), there) for here, there in wanted.items() if Path(here).exists()]


def _shims(state: Path, python: str) -> Path:
    """`sudo` (there is no root to become: it only runs the command), `npm` with its few install scripts, `python`."""
    shim = state / "shim"
    shim.mkdir(mode=0o755, parents=True, exist_ok=True)
    sudo = (
        "#!/bin/bash\n# There is no root in this sandbox: run the command as the user.\n"
        'while [[ $1 == -* ]]; do case $1 in -u|-g|-h|-p) shift 2;; *) shift;; esac; done\nexec env "$@"\n'
    )
    _put(shim / "sudo", sudo, 0o755)
    _put(shim / "npm", install_scripts.NPM, 0o755)
    for name in ("python", "python3"):
        fresh = shim / f".{name}.{os.getpid()}"
        fresh.unlink(missing_ok=True)  # of one that was killed here; in a container each has the same number
        fresh.symlink_to(python)
        fresh.replace(shim / name)
    return shim


def _put(path: Path, text: str, mode: int) -> None:
    """Writes a file in one step: a host's sandboxes read it while a build of templates beside it starts."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)


def _compiled_agent(state: Path, python: str) -> Path:
    """The agent's modules compiled by the interpreter that will run them: compiling at each start would double the
    time. Each is there whole at any time (see `_put`).
    """
    target = state / "agent"
    modules = target / "sandbox_host" / "agent"
    modules.mkdir(parents=True, exist_ok=True)
    sources = [*(_PACKAGE / "agent").glob("*.py"), _PACKAGE / "__init__.py"]
    names = [path.relative_to(_PACKAGE.parent) for path in sources]
    # The third is the path that tracebacks show: that of the host is nobody's business inside.
    pairs = [
        t for n in names for t in (str(_PACKAGE.parent / n), str(target / n.with_suffix(".pyc")), f"/run/agent/{n}")
    ]
    script = (
        "import os, py_compile, sys\nmode = py_compile.PycInvalidationMode.UNCHECKED_HASH\n"
        "for source, target, shown in zip(sys.argv[1::3], sys.argv[2::3], sys.argv[3::3]):\n"
        "    fresh = f'{target}.{os.getpid()}'\n"
        "    py_compile.compile(source, fresh, shown, doraise=True, invalidation_mode=mode)\n"
        "    os.chmod(fresh, 0o644)\n"
        "    os.replace(fresh, target)\n"
    )
    done = subprocess.run([python, "-I", "-c", script, *pairs], env={}, capture_output=True, text=True)
    if done.returncode:
        raise IsolationMissing(f"The sandboxes' Python ({python}) does not work: {done.stderr.strip()[-300:]}")
    for directory in (target, modules.parent, modules):
        directory.chmod(0o755)
    return target
