"""Blobs: file content stored once under its SHA-256, deflated once."""

import hashlib
import zlib
from collections.abc import Iterable, Mapping

from projects.models import Blob, Version

# Blobs read at a time, so that memory stays flat.
BATCH = 100


class NoSuchFile(LookupError):
    """The version holds no file of that path."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def store(contents: Mapping[str, bytes]) -> None:
    """Keep each {sha256: content} that is not kept yet."""
    known = sizes(contents)
    # Sorted: two savers of the same new files must not wait for each other in a circle.
    new = [_deflate(sha, contents[sha]) for sha in sorted(contents.keys() - known.keys())]
    Blob.objects.bulk_create(new, ignore_conflicts=True, batch_size=BATCH)


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
