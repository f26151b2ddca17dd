"""The system call filter itself, run here as the kernel would: what most calls lack are rights too, so that inside a
sandbox nobody could tell which of the two refused.
"""

import errno
import struct

import pytest

from sandbox_host import seccomp

ALLOWED, KILLED, REFUSED, MISSING, NO_FAMILY = "allowed", "killed", errno.EPERM, errno.ENOSYS, errno.EAFNOSUPPORT
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Their numbers by the kernel's tables; what one of the two does not have is left out.
DENIED = {
    "x86_64": {
        101, 134, 153, 154, 155, 159, 161, 163, 164, 165, 166, 167, 168, 169, 172, 173, 175, 176, 179, 180, 212, 227,
        103, 135, 246, 248, 249, 250, 256, 272, 279, 298, 300, 303, 304, 305, 308, 310, 311, 312, 313, 320,
        321, 323, 428, 429, 430, 431, 432, 433, 438, 442, 443, 447,
    },
    "aarch64": {
        18, 39, 40, 41, 42, 51, 58, 60, 89, 92, 97, 104, 105, 106, 112, 116, 117, 142, 170, 171, 217, 218, 219, 224,
        225, 238, 239, 241, 262, 264, 265, 266, 268, 270, 271, 272, 273, 280, 282, 294, 428, 429, 430, 431, 432, 433,
        438, 442, 443, 447,
    },
}  # fmt: skip
NUMBERS = {"x86_64": (56, 16, 41, {319, 29}), "aarch64": (220, 29, 198, {279, 194})}  # clone, ioctl, socket, memory
NEWER = {435, 425, 426, 427}  # clone3, io_uring


def _run(program: bytes, arch: int, number: int, *arguments: int) -> object:
    """What the kernel would do: struct seccomp_data through the filter's instructions."""
    data = struct.pack("=IIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at = accumulator = 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif operation == 0x06:
            return {0x7FFF0000: ALLOWED, 0x80000000: KILLED}.get(value, value & 0xFFFF)
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
            at += yes if holds else no


@pytest.mark.parametrize("machine", ARCH)
@pytest.mark.parametrize("counted", [True, False], ids=["counted", "watched"])
def test_it_lets_through_what_it_should(machine: str, counted: bool) -> None:
    program, (clone, ioctl, socket, memory) = seccomp.program(counted, machine), NUMBERS[machine]
    wanted = dict.fromkeys(DENIED[machine], REFUSED) | dict.fromkeys(NEWER, MISSING)
    wanted |= {} if counted else dict.fromkeys(memory, MISSING)
    for number in set(range(500)) - {clone, ioctl, socket}:
        assert _run(program, ARCH[machine], number) == wanted.get(number, ALLOWED), number
    for flag in (0x80, *(1 << bit for bit in (17, 25, 26, 27, 28, 29, 30))):  # CLONE_NEW…
        assert _run(program, ARCH[machine], clone, flag | 17) == REFUSED, hex(flag)
    assert _run(program, ARCH[machine], clone, 0x3D0F00) == ALLOWED  # a thread
    for request, then in ((0x5412, REFUSED), (0x541C, REFUSED), (0x5401, ALLOWED)):  # TIOCSTI, TIOCLINUX, TCGETS
        assert _run(program, ARCH[machine], ioctl, 0, request) == then
    for family in range(50):
        plain = family in (1, 2, 10, 16)
        assert _run(program, ARCH[machine], socket, family) == (ALLOWED if plain else NO_FAMILY), family
    assert _run(program, ARCH[machine], socket, 16, 3, 15) == NO_FAMILY  # netlink, but not routes


def test_it_knows_its_own_numbers_only() -> None:
    assert _run(seccomp.program(True, "x86_64"), 0x40000003, 20) == KILLED  # i386
    assert _run(seccomp.program(True, "x86_64"), ARCH["x86_64"], 0x40000000 + 39) == MISSING  # x32
    with pytest.raises(seccomp.UnsupportedMachine, match="riscv64"):
        seccomp.program(True, "riscv64")
