"""GitHub: the archive of a public repository, from one host only, whatever address a person gives."""

import re
import time
from typing import NamedTuple

import httpx
from django.conf import settings

from projects.importing import MAX_ZIP_BYTES
from projects.services import BadPrompt

# owner/name, or the address of a repository or of a branch of it.
ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?(?:github\.com/)?(?P<owner>[A-Za-z0-9-]{1,39})/(?P<name>[\w.-]{1,100}?)(?:\.git)?"
    r"(?:/tree/(?P<branch>[\w./-]{1,200}?))?/?",
    re.ASCII,
)
SECONDS = 30


class Repository(NamedTuple):
    owner: str
    name: str
    branch: str = ""

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


def repository(address: str) -> Repository:
    """Raises BadPrompt for what names no repository on GitHub."""
    found = ADDRESS.fullmatch(address.strip())
    if not found or found["name"].strip(".") == "" or ".." in (found["branch"] or ""):
        raise BadPrompt("This is no repository on GitHub, such as https://github.com/owner/name.", "repository")
    return Repository(found["owner"], found["name"], found["branch"] or "")


def archive(wanted: Repository) -> bytes:
    """The ZIP of its newest files. Raises BadPrompt when there is none to be had."""
    url = f"{settings.GITHUB_ARCHIVES_BASE_URL}/{wanted.owner}/{wanted.name}/zip/{wanted.branch or 'HEAD'}"
    pieces, size, deadline = [], 0, time.monotonic() + SECONDS
    try:
        with httpx.stream("GET", url, timeout=10) as answer:
            if answer.status_code == 404:
                what = f"branch {wanted.branch} of {wanted}" if wanted.branch else f"repository {wanted}"
                raise BadPrompt(f"There is no public {what} on GitHub.", "repository")
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > MAX_ZIP_BYTES:
                    raise BadPrompt(f"{wanted} is larger than {MAX_ZIP_BYTES // 2**20} MB.", "repository")
                if time.monotonic() > deadline:
                    raise BadPrompt(f"GitHub did not send {wanted} within {SECONDS} s. Try again.", "repository")
    except httpx.HTTPError:
        raise BadPrompt("GitHub cannot be reached now. Try again, or upload a ZIP.", "repository") from None
    return b"".join(pieces)
