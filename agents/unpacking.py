"""The files of a packed tree that a sandbox gave: read by rules of our own, because whoever made it is hostile.

Python's tarfile believes what a header claims: sizes below 0 and holes lead it round in circles or to gigabytes, and
its search through an extended header may take hours, during which no other thread of the process moves.
"""

import posixpath
import zlib

from projects.paths import BadFiles

# Of a tree, before and after it is packed: a bomb stops here.
MAX_BYTES = 60 * 2**20
TOO_LARGE = "The app's files are larger than 60 MB."
BLOCK = 512
# GNU tar: a name of more than 100 bytes comes before its file, as a member of its own.
LONG_NAME, FILES = b"L", (b"0", b"\0")
# Links and their long names, devices, folders, pipes: left out. Anything else is not ours.
OTHERS = (b"1", b"2", b"K", b"3", b"4", b"5", b"6")


def unpack(packed: bytes) -> dict[str, bytes]:
    """{path: content} of the regular files in what GNU tar made, with --format=gnu, and gzip. Raises BadFiles."""
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(packed, MAX_BYTES + 1)
        if len(plain) <= MAX_BYTES:
            return _files(plain)
    except (zlib.error, ValueError) as error:
        raise BadFiles("What the sandbox gave is no archive of the app's files.") from error
    raise BadFiles(TOO_LARGE)


def _files(plain: bytes) -> dict[str, bytes]:
    """Raises ValueError for what is no archive, or not one that our own script makes."""
    files: dict[str, bytes] = {}
    at, long_name = 0, b""
    while any(header := plain[at : at + BLOCK]):  # one of zeros is the end
        kind, size = header[156:157], _size(header)
        content = plain[at + BLOCK : at + BLOCK + size]
        if len(content) < size or header[257:262] != b"ustar":
            raise ValueError
        if kind == LONG_NAME:
            long_name = content
        elif kind in FILES:
            name = (long_name or header[:100]).split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
            files[posixpath.normpath(name)] = content
        elif kind not in OTHERS:
            raise ValueError
        if kind != LONG_NAME:
            long_name = b""
        at += BLOCK + -(-size // BLOCK) * BLOCK
    if len(header) < BLOCK:  # broken off
        raise ValueError
    return files


def _size(header: bytes) -> int:
    digits = header[124:136].strip(b" \0")
    if not digits.isdigit():  # below 0, or over 8 GB
        raise ValueError
    return int(digits, 8)
