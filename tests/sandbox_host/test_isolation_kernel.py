"""What of the kernel a sandbox can reach: system calls, namespaces, other processes."""

import os
from pathlib import Path

from e2b import Sandbox

from .conftest import Host

CALLS = {
    "keyctl": 250, "add_key": 248, "request_key": 249, "bpf": 321, "userfaultfd": 323, "perf_event_open": 298,
    "ptrace": 101,
    "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_getfd": 438, "kcmp": 312, "mount": 165,
    "umount2": 166, "pivot_root": 155,
    "chroot": 161, "move_mount": 429, "open_tree": 428, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "mount_setattr": 442, "setns": 308, "unshare": 272, "open_by_handle_at": 304, "name_to_handle_at": 303,
    "kexec_load": 246,
    "init_module": 175, "finit_module": 313, "delete_module": 176, "reboot": 169, "swapon": 167, "swapoff": 168,
    "acct": 163,
    "quotactl": 179, "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "iopl": 172, "ioperm": 173,
    "syslog": 103,
    "fanotify_init": 300, "move_pages": 279, "io_uring_setup": 425, "io_uring_enter": 426, "clone3": 435,
    "memfd_secret": 447,
    "x32 getpid": 0x40000000 + 39,
}  # fmt: skip


def _python(sandbox: Sandbox, code: str) -> str:
    sandbox.files.write("/tmp/attack.py", code)
    return sandbox.commands.run("python3 /tmp/attack.py 2>&1; true").stdout


def test_it_refuses_dangerous_system_calls(sandbox: Sandbox) -> None:
    assert os.uname().machine == "x86_64", "the numbers above are those of x86_64"
    code = f"""
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
for name, number in {CALLS!r}.items():
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        print(name, ctypes.get_errno())
"""
    assert _python(sandbox, code) == ""


def test_it_kills_the_32_bit_way_in(sandbox: Sandbox) -> None:
    """int 0x80 has other numbers for the same calls; a filter that looks at numbers alone would miss it."""
    code = """
import ctypes, mmap
code = bytes.fromhex('b814000000cd80c3')  # mov eax, 20 (getpid); int 0x80; ret
memory = mmap.mmap(-1, 4096, prot=7)
memory.write(code)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
print('pid', ctypes.CFUNCTYPE(ctypes.c_int)(address)())
"""
    assert "pid" not in _python(sandbox, code)


def test_it_offers_no_odd_socket_families(sandbox: Sandbox) -> None:
    code = """
import socket
for family in range(1, 46):
    for kind in (1, 2, 3, 5):
        try:
            socket.socket(family, kind, 0).close()
            print(family)
            break
        except OSError:
            pass
"""
    assert set(_python(sandbox, code).split()) <= {"1", "2", "10", "16"}  # unix, IPv4, IPv6, routes


def test_it_has_namespaces_of_its_own(host: Host, sandbox: Sandbox) -> None:
    names = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
    look = f"cd /proc/self/ns; readlink {' '.join(names)}"
    other = host.create()
    here = [str(Path(f"/proc/self/ns/{name}").readlink()) for name in names]
    seen = [here, *(one.commands.run(look).stdout.split() for one in (sandbox, other))]
    other.kill()
    assert [len(set(links)) for links in zip(*seen, strict=True)] == [3] * len(names)


def test_it_has_no_terminal_of_the_host(sandbox: Sandbox) -> None:
    """A session of its own: what is typed into a terminal is typed by its session."""
    sessions = sandbox.commands.run("cut -d' ' -f 6 /proc/1/stat /proc/2/stat").stdout.split()
    assert "0" not in sessions  # 0: one outside


def test_it_makes_no_namespaces(sandbox: Sandbox) -> None:
    for command in (
        "unshare -U true",
        "unshare -r true",
        "unshare -n true",
        "bwrap --ro-bind / / true",
        "nsenter -t 1 -m true",
    ):
        assert sandbox.commands.run(f"{command} 2>/dev/null && echo yes; true").stdout == "", command
    code = "import ctypes; print(ctypes.CDLL(None).syscall(56, 0x10000000 | 17, 0, 0, 0, 0))"
    assert _python(sandbox, code).strip() == "-1"


def test_it_sees_and_signals_only_its_own(host: Host, sandbox: Sandbox) -> None:
    other = host.create()
    handle = other.commands.run("sleep 1000", background=True)
    pids = sandbox.commands.run("ls -d /proc/[0-9]* | wc -l").stdout
    assert int(pids) < 10
    sandbox.commands.run(
        f"kill -9 {handle.pid} 1; for p in $(seq 3 300); do [ $p != $$ ] && kill -9 $p; done 2>/dev/null; true"
    )
    assert handle.pid in [process.pid for process in other.commands.list()]
    other.kill()


def test_it_runs_node_and_threads_under_the_filter(sandbox: Sandbox) -> None:
    server = """
require('http').createServer((request, response) => response.end('ok')).listen(0, async function () {
  const answer = await fetch('http://127.0.0.1:' + this.address().port)
  console.log(await answer.text(), require('child_process').execSync('echo child').toString())
  console.log(require('os').networkInterfaces().lo.length)
  process.exit()
})
"""
    sandbox.files.write("server.js", server)
    assert sandbox.commands.run("NODE_USE_ENV_PROXY=0 node server.js").stdout.startswith("ok child")
    code = """
import subprocess, threading
threads = [threading.Thread(target=print, args=('x',)) for _ in range(5)]
[thread.start() for thread in threads]
subprocess.run(['true'], check=True)
"""
    assert _python(sandbox, code).count("x") == 5
