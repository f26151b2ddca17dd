"""A version as a ZIP, put together from deflated blobs: no compressing, no file on disk, flat memory."""

import struct
import zlib
from collections.abc import Collection, Iterator

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


def zip_chunks(
    version: Version, left_out: Collection[str] = (), note: tuple[str, str] | None = None
) -> Iterator[bytes]:
    """The ZIP in pieces: a header and a blob at a time. `note`: name and text of a file that is added."""
    stamp = _dos_time(version)
    directory: list[bytes] = []
    offset = 0
    paths = sorted(path for path in version.manifest if path not in left_out)
    for path, deflated, size, crc32 in _members(version, paths, note):
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


def _members(version: Version, paths: list[str], note: tuple[str, str] | None) -> Iterator[tuple[str, bytes, int, int]]:
    """(path, deflated, size, crc32) of each file; blobs are deflated as they lie."""
    for start in range(0, len(paths), BATCH):
        part = paths[start : start + BATCH]
        found = Blob.objects.in_bulk({version.manifest[path] for path in part})
        for path in part:
            blob = found[version.manifest[path]]
            yield path, bytes(blob.deflated), blob.size, blob.crc32
    if note and note[0] not in version.manifest:
        content = note[1].encode()
        packer = zlib.compressobj(wbits=-15)
        yield note[0], packer.compress(content) + packer.flush(), len(content), zlib.crc32(content)


def _dos_time(version: Version) -> tuple[int, int]:
    at = version.created
    return (at.hour << 11) | (at.minute << 5) | (at.second // 2), ((at.year - 1980) << 9) | (at.month << 5) | at.day
