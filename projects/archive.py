"""A version as a ZIP, put together from deflated blobs: no compressing, no file on disk, flat memory."""

import struct
from collections.abc import Iterator

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


def zip_chunks(version: Version) -> Iterator[bytes]:
    """The ZIP in pieces: a header and a blob at a time."""
    stamp = _dos_time(version)
    directory: list[bytes] = []
    offset = 0
    paths = sorted(version.manifest)
    for start in range(0, len(paths), BATCH):
        part = paths[start : start + BATCH]
        found = Blob.objects.in_bulk({version.manifest[path] for path in part})
        for path in part:
            blob, name = found[version.manifest[path]], path.encode()
            data = bytes(blob.deflated)
            facts = (UTF8_NAMES, DEFLATE, *stamp, blob.crc32, len(data), blob.size, len(name), 0)
            yield (head := LOCAL.pack(0x04034B50, VERSION_NEEDED, *facts) + name)
            yield data
            directory.append(
                CENTRAL.pack(0x02014B50, MADE_BY_UNIX, VERSION_NEEDED, *facts, 0, 0, 0, REGULAR_FILE_0644, offset)
                + name
            )
            offset += len(head) + len(data)
    central = b"".join(directory)
    yield central
    yield END.pack(0x06054B50, 0, 0, len(paths), len(paths), len(central), offset, 0)


def _dos_time(version: Version) -> tuple[int, int]:
    at = version.created
    return (at.hour << 11) | (at.minute << 5) | (at.second // 2), ((at.year - 1980) << 9) | (at.month << 5) | at.day
