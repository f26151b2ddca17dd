"""Blobs: file content stored once under its SHA-256, deflated once; what nothing refers to goes after a while.

A save asks for its blobs before it writes down that it refers to them. In between only the time `wanted` protects
them, so whoever refers to a blob calls `store` or `hold` first.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Mapping

from django.db import connection

from projects.models import Blob, Version

# Blobs read at a time, so that memory stays flat.
BATCH = 100
# A blob that nothing refers to stays so long after it was last wanted; a newer time than half of that is not written.
GRACE_HOURS = 24


class NoSuchFile(LookupError):
    """The version holds no file of that path."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def store(contents: Mapping[str, bytes]) -> None:
    """Keep each {sha256: content} that is not kept yet."""
    # Sorted: two savers of the same new files must not wait for each other in a circle.
    new = [_deflate(sha, contents[sha]) for sha in sorted(contents.keys() - hold(contents))]
    Blob.objects.bulk_create(new, ignore_conflicts=True, batch_size=BATCH)


HOLD = """
WITH stale AS (
    SELECT sha256 FROM projects_blob WHERE sha256 = ANY(%(shas)s) AND wanted < now() - make_interval(hours => %(half)s)
    ORDER BY sha256 FOR UPDATE
), held AS (
    UPDATE projects_blob SET wanted = now() WHERE sha256 IN (SELECT sha256 FROM stale) RETURNING sha256
)
SELECT sha256 FROM held
UNION ALL SELECT sha256 FROM projects_blob
    WHERE sha256 = ANY(%(shas)s) AND wanted >= now() - make_interval(hours => %(half)s)
"""


def hold(shas: Iterable[str]) -> set[str]:
    """Those of them that are kept, and will be for hours. A removal of one is waited for."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD, {"shas": list(shas), "half": GRACE_HOURS // 2})
        return {sha for [sha] in cursor.fetchall()}


# A row that a save holds is passed over, and one that a save wanted since is looked at again under its lock.
SWEEP = """
DELETE FROM projects_blob WHERE sha256 IN (
    SELECT sha256 FROM projects_blob AS blob WHERE wanted < now() - make_interval(hours => %s)
        AND NOT EXISTS (SELECT FROM projects_attachment WHERE blob_id = blob.sha256)
        AND NOT EXISTS (
            SELECT FROM projects_version, jsonb_each_text(manifest) AS file WHERE file.value = blob.sha256
        )
        AND NOT EXISTS (
            SELECT FROM projects_site, jsonb_each_text(manifest) AS file WHERE file.value = blob.sha256
        )
    FOR UPDATE OF blob SKIP LOCKED
)
"""


def sweep() -> int:
    """Removes the blobs that no version, site or attachment refers to and no save wanted lately; how many."""
    with connection.cursor() as cursor:
        cursor.execute(SWEEP, [GRACE_HOURS])
        return int(cursor.rowcount)


def sizes(shas: Iterable[str]) -> dict[str, int]:
    """{sha256: bytes} of those that are kept."""
    return dict(Blob.objects.filter(pk__in=set(shas)).values_list("sha256", "size"))


def read(version: Version, path: str) -> bytes:
    """One file's content. Raises NoSuchFile."""
    sha = version.manifest.get(path)
    if sha is None:
        raise NoSuchFile(path)
    return content_of(Blob.objects.get(pk=sha))


def content_of(blob: Blob) -> bytes:
    return _inflate(blob)


def gzipped(blob: Blob) -> bytes:
    """Its content as a gzip file (RFC 1952), for which nothing has to be compressed."""
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + bytes(blob.deflated) + struct.pack("<II", blob.crc32, blob.size)


def files(version: Version) -> dict[str, bytes]:
    """{path: content} of a whole version, at most 50 MB."""
    wanted = sorted(set(version.manifest.values()))
    contents: dict[str, bytes] = {}
    for start in range(0, len(wanted), BATCH):
        for blob in Blob.objects.filter(pk__in=wanted[start : start + BATCH]):
            contents[blob.sha256] = _inflate(blob)
    return {path: contents[sha] for path, sha in version.manifest.items()}


def file_sizes(version: Version) -> dict[str, int]:
    """{path: bytes} sorted by path, without reading any content."""
    known = sizes(version.manifest.values())
    return {path: known[sha] for path, sha in sorted(version.manifest.items())}


def _deflate(sha: str, content: bytes) -> Blob:
    # Raw deflate (no zlib header), as a ZIP holds it.
    packer = zlib.compressobj(level=6, wbits=-zlib.MAX_WBITS)
    deflated = packer.compress(content) + packer.flush()
    return Blob(sha256=sha, size=len(content), crc32=zlib.crc32(content), deflated=deflated)


def _inflate(blob: Blob) -> bytes:
    return zlib.decompress(bytes(blob.deflated), wbits=-zlib.MAX_WBITS)
