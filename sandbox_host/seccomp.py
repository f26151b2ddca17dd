"""The system calls a sandbox may not make, assembled by hand into the BPF program bwrap loads.

A deny list: what a web toolchain never needs and what reaches parts of the kernel that namespaces do not cover
(keyrings, io_uring,
bpf, mounts, new namespaces, other processes' memory, odd socket families, typing into a terminal). Everything else
stays allowed.
Numbers are those of <asm/unistd_64.h> (x86_64) and <asm-generic/unistd.h> (aarch64); None: the call does not exist
there.
"""

import errno
import platform
import struct
from dataclasses import dataclass

_DENIED: dict[str, tuple[int | None, int | None]] = {
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "bpf": (321, 280), "userfaultfd": (323, 282), "perf_event_open": (298, 241),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "move_mount": (429, 429),
    "open_tree": (428, 428), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "setns": (308, 268), "unshare": (272, 97),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "fanotify_init": (300, 262),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89),
    "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "uselib": (134, None),
    "syslog": (103, 116), "vhangup": (153, 58), "personality": (135, 92), "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42), "move_pages": (279, 239), "migrate_pages": (256, 238), "memfd_secret": (447, 447),
}  # fmt: skip
# ENOSYS tells the C library and libuv to fall back to the older call, where EPERM would be reported as a failure.
_MISSING: dict[str, tuple[int, int]] = {
    "clone3": (435, 435), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
}  # fmt: skip

# Memory that belongs to no process: only a control group can count it, so without one it is not given out.
_UNCOUNTED: dict[str, tuple[int, int]] = {"memfd_create": (319, 279), "shmget": (29, 194)}

_NEW_NAMESPACE_FLAGS = 0x7E020000 | 0x80  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET,TIME}
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_SOCKET_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6
_AF_NETLINK = 16  # protocol 0 (routes) only: os.networkInterfaces() needs it; inside there is nothing but lo

_LD_ABS, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NR, _ARCH, _ARG0, _ARG1, _ARG2 = 0, 4, 16, 24, 32  # offsets in struct seccomp_data; the low half of each argument


class UnsupportedMachine(Exception):
    """There is no filter for this processor; without one nothing may run."""


@dataclass(frozen=True)
class _Machine:
    audit_arch: int
    column: int
    clone: int
    ioctl: int
    socket: int
    has_x32: bool


_MACHINES = {
    "x86_64": _Machine(0xC000003E, 0, clone=56, ioctl=16, socket=41, has_x32=True),
    "aarch64": _Machine(0xC00000B7, 1, clone=220, ioctl=29, socket=198, has_x32=False),
}


def program(counted: bool = True, machine: str | None = None) -> bytes:
    """The filter as an array of struct sock_filter for the named (default: this) machine. Raises UnsupportedMachine.

    `counted`: a control group counts the sandbox's memory.
    """
    name = machine or platform.machine()
    if name not in _MACHINES:
        raise UnsupportedMachine(f"There is no system call filter for {name} processors, so sandboxes cannot run here.")
    return b"".join(_instructions(_MACHINES[name], counted))


def _op(code: int, k: int, jt: int = 0, jf: int = 0) -> bytes:
    return struct.pack("=HBBI", code, jt, jf, k)


def _error(number: int) -> bytes:
    return _op(_RET, 0x00050000 | number)


def _when(nr: int, body: list[bytes]) -> list[bytes]:
    """`body` runs when the call is `nr` and must end in a return; the accumulator holds the number before and after."""
    return [_op(_JEQ, nr, 0, len(body)), *body]


def _instructions(m: _Machine, counted: bool) -> list[bytes]:
    denied = [pair[m.column] for pair in _DENIED.values()]
    missing = [pair[m.column] for pair in (*_MISSING.values(), *(() if counted else _UNCOUNTED.values()))]
    code = [_op(_LD_ABS, _ARCH), _op(_JEQ, m.audit_arch, 1, 0), _op(_RET, _KILL), _op(_LD_ABS, _NR)]
    if m.has_x32:  # the x32 table has other numbers for the same calls
        code += [_op(_JGE, 0x40000000, 0, 1), _error(errno.ENOSYS)]
    for nr in denied:
        if nr is not None:
            code += _when(nr, [_error(errno.EPERM)])
    for nr in missing:
        code += _when(nr, [_error(errno.ENOSYS)])
    code += _when(
        m.clone, [_op(_LD_ABS, _ARG0), _op(_JSET, _NEW_NAMESPACE_FLAGS, 0, 1), _error(errno.EPERM), _op(_RET, _ALLOW)]
    )
    code += _when(m.ioctl, _refuse_terminal_injection())
    code += _when(m.socket, _only_plain_sockets())
    return [*code, _op(_RET, _ALLOW)]


def _refuse_terminal_injection() -> list[bytes]:
    body = [_op(_LD_ABS, _ARG1)]
    for request in _TERMINAL_INJECTION:
        body += [_op(_JEQ, request, 0, 1), _error(errno.EPERM)]
    return [*body, _op(_RET, _ALLOW)]


def _only_plain_sockets() -> list[bytes]:
    body = [_op(_LD_ABS, _ARG0)]
    for family in _SOCKET_FAMILIES:
        body += [_op(_JEQ, family, 0, 1), _op(_RET, _ALLOW)]
    body += [_op(_JEQ, _AF_NETLINK, 0, 3), _op(_LD_ABS, _ARG2), _op(_JEQ, 0, 0, 1), _op(_RET, _ALLOW)]
    return [*body, _error(errno.EAFNOSUPPORT)]
