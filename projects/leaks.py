"""What must not leave unseen with a project's files: environment and key files, and keys written into other files."""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from accounts import keyshapes
from projects.models import Blob, Version

# Files that exist to hold secrets; an example of one is meant to be shown.
PRIVATE = re.compile(
    r"(?:^|/)(?:\.env(?:\.[\w.-]+)?|[^/]*\.(?:pem|p12|pfx|keystore)|id_(?:rsa|ed25519|ecdsa)|\.netrc|\.pypirc)$"
)
EXAMPLE = re.compile(r"\.(?:example|sample|template|dist)$")
# Firebase and Google Maps have apps send theirs from browsers: it opens as much as its owner allows it to.
FOR_BROWSERS = "Google key"
# Larger files are data; a key at the beginning of one is found all the same.
LOOKED_AT, BATCH = 512 * 1024, 100
NOTE = "SECRETS-FOUND.txt"


@dataclass(frozen=True)
class Leak:
    """A secret in a version's files: `line` from 1, or 0 for a file that is one as a whole."""

    path: str
    what: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.what}" if self.line else f"{self.path}: {self.what}"


def is_private(path: str) -> bool:
    return bool(PRIVATE.search(path)) and not EXAMPLE.search(path)


def leaks(version: Version) -> list[Leak]:
    """Every secret in the version, by path. What it is, never the secret itself."""
    return kept(version.manifest)


def kept(files: Mapping[str, str]) -> list[Leak]:
    """Every secret in files that are kept as blobs, {path: sha256}, by path."""
    found = [Leak(path, "private file", 0) for path in sorted(files) if is_private(path)]
    for path, text in _texts(files):
        found += [Leak(path, what, line) for what, line in keyshapes.found(text)]
    return sorted(found, key=lambda leak: (leak.path, leak.line))


def written(files: Mapping[str, bytes]) -> list[Leak]:
    """Every secret that is written into one of these files, by path."""
    # All of each: a bundle has the libraries first and the app's own code last.
    texts = ((path, content.decode(errors="replace")) for path, content in sorted(files.items()))
    return [Leak(path, what, line) for path, text in texts for what, line in keyshapes.found(text)]


def sorted_out(found: Sequence[Leak]) -> tuple[list[Leak], str]:
    """The secrets nobody else may see, and what to tell the owner of keys that may be meant for browsers ("": none)."""
    public = [leak for leak in found if leak.what == FOR_BROWSERS]
    if not public:
        return list(found), ""
    told = (
        f"A key is in it that others can read: {public[0]}. If it is one of Firebase or Maps, restrict it to your own"
        " sites at Google; any other has to be taken out and replaced."
    )
    return [leak for leak in found if leak.what != FOR_BROWSERS], told


def added(files: Mapping[str, bytes], before: Callable[[str], bytes]) -> list[Leak]:
    """The secrets at the beginning of files others may see that do not stand in what they held `before`; by path."""
    shown = ((path, _text(files[path])) for path in sorted(files) if not is_private(path))
    found = ((path, text) for path, text in shown if keyshapes.found(text))  # only of those what was before is asked
    return [Leak(path, *one) for path, text in found for one in keyshapes.added(text, _text(before(path)))]


def _text(content: bytes) -> str:
    return content[:LOOKED_AT].decode(errors="replace")


def warning(text: str) -> str | None:
    """What to tell a person whose message holds a key: it is in the chat now, and the model reads it."""
    found = sorted({what for what, _ in keyshapes.found(text)})
    if not found:
        return None
    return (
        f"Your message seems to hold a secret ({', '.join(found)}). It is stored in the chat and sent to the model: "
        "replace that key at its provider, and never let an app carry it to a browser."
    )


def note(found: list[Leak], left_out: set[str], masked: Sequence[Leak] = ()) -> str:
    """What lies in a ZIP in which secrets were found. `masked`: those of texts, where other words stand instead."""
    left = [str(leak) for leak in found if leak.path in left_out]
    there = [str(leak) for leak in found if leak.path not in left_out]
    parts = ["Vibe looked for secrets before it packed these files."]
    if left:
        parts += ["", "Left out (download again with ?secrets=include to have them):", *left]
    if there:
        parts += ["", "In the files, and to be replaced before anyone else sees them:", *there]
    if masked:
        parts += ["", f"Replaced by {keyshapes.MASK} (download again with ?secrets=include to have them):"]
        parts += map(str, masked)
    return "\n".join(parts) + "\n"


def _texts(files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    paths = sorted(path for path in files if not is_private(path))
    for start in range(0, len(paths), BATCH):
        part = paths[start : start + BATCH]
        blobs = Blob.objects.in_bulk({files[path] for path in part})
        for path in part:
            content = zlib.decompressobj(-15).decompress(bytes(blobs[files[path]].deflated), LOOKED_AT)
            if b"\0" not in content:
                yield path, content.decode(errors="replace")
