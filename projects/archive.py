"""A version as a ZIP, put together from deflated blobs: no compressing, no file on disk, flat memory."""

import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain

from projects.models import Blob, Version

# APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16. Limits of a version (50 MB, 2000 files) keep clear of ZIP64.
LOCAL = struct.Struct("<IHHHHHIIIHH")
CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
END = struct.Struct("<IHHHHIIH")
VERSION_NEEDED = 20
MADE_BY_UNIX = (3 << 8) | VERSION_NEEDED
UTF8_NAMES = 1 << 11
DEFLATE = 8
REGULAR_FILE_0644 = 0o100644 << 16
BATCH = 100
# (path, deflated, size, crc32) of a file.
Member = tuple[str, bytes, int, int]


def zip_chunks(
    version: Version,
    left_out: Collection[str] = (),
    note: tuple[str, str] | None = None,
    more: Iterable[Member] = (),
) -> Iterator[bytes]:
    """The ZIP in pieces: a header and a blob at a time. `note`: name and text of a file that is added; `more`: others
    after it.
    """
    stamp = _dos_time(version)
    directory: list[bytes] = []
    offset = 0
    files = {path: sha for path, sha in version.manifest.items() if path not in left_out}
    notes = [made(note[0], [note[1].encode()])] if note and note[0] not in version.manifest else []
    for path, deflated, size, crc32 in chain(stored(files), notes, more):
        name = path.encode()
        facts = (UTF8_NAMES, DEFLATE, *stamp, crc32, len(deflated), size, len(name), 0)
        yield (head := LOCAL.pack(0x04034B50, VERSION_NEEDED, *facts) + name)
        yield deflated
        central_facts = (0x02014B50, MADE_BY_UNIX, VERSION_NEEDED, *facts, 0, 0, 0, REGULAR_FILE_0644, offset)
        directory.append(CENTRAL.pack(*central_facts) + name)
        offset += len(head) + len(deflated)
    central = b"".join(directory)
    yield central
    yield END.pack(0x06054B50, 0, 0, len(directory), len(directory), len(central), offset, 0)


def stored(files: Mapping[str, str]) -> Iterator[Member]:
    """Files of {path: sha256}, sorted by path; blobs are deflated as they lie."""
    paths = sorted(files)
    for start in range(0, len(paths), BATCH):
        part = paths[start : start + BATCH]
        found = Blob.objects.in_bulk({files[path] for path in part})
        for path in part:
            blob = found[files[path]]
            yield path, bytes(blob.deflated), blob.size, blob.crc32


def made(path: str, pieces: Iterable[bytes]) -> Member:
    """A file of what has no blob. The pieces are deflated as they come."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated, size, crc32 = bytearray(), 0, 0
    for piece in pieces:
        deflated += packer.compress(piece)
        size, crc32 = size + len(piece), zlib.crc32(piece, crc32)
    return path, bytes(deflated + packer.flush()), size, crc32


def _dos_time(version: Version) -> tuple[int, int]:
    at = version.created
    return (at.hour << 11) | (at.minute << 5) | (at.second // 2), ((at.year - 1980) << 9) | (at.month << 5) | at.day
