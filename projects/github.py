"""GitHub: the archive of a repository, and a commit of a version's files to a branch.

Whatever address a person gives, only GitHub's two hosts are asked. A token is kept only for who asks for it, sealed,
and once it has worked.
"""

import base64
import re
import time
from typing import Any, NamedTuple

import httpx
from django.conf import settings
from django.db.models.functions import Now

from accounts import keyshapes, vault
from accounts.models import GitHubToken, User
from projects import leaks, versions
from projects.importing import MAX_ZIP_BYTES
from projects.models import Project, Version
from projects.paths import BadFiles
from projects.services import BadPrompt

# owner/name, or the address of a repository or of a branch of it.
ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?(?:github\.com/)?(?P<owner>[A-Za-z0-9-]{1,39})/(?P<name>[\w.-]{1,100}?)(?:\.git)?"
    r"(?:/tree/(?P<branch>[\w./-]{1,200}?))?/?",
    re.ASCII,
)
SECONDS, PUSH_SECONDS = 30, 90
# Where a push goes that names no branch: one of its own, for a pull request.
BRANCH = "vibe"
# Texts up to this size go along with the tree; the others, and bytes, are sent one by one.
INLINE_BYTES = 200_000
# As which GitHub's API answers for a repository that was renamed; 302 is where an archive lies.
MOVED = (301, 307, 308)
# Git's rules for names, and somewhat stricter.
GOOD_BRANCH = re.compile(r"(?!.*(\.\.|//|\.lock$))[A-Za-z0-9][\w./-]{0,99}(?<![./])", re.ASCII)


class NotPublic(BadPrompt):
    """No such repository, or one that only a token may see."""


class Repository(NamedTuple):
    owner: str
    name: str
    branch: str = ""

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def address(self) -> str:
        """Of it, or of its branch if one is named."""
        return f"https://github.com/{self}" + (f"/tree/{self.branch}" if self.branch else "")


def repository(address: str, branch: str = "") -> Repository:
    """A branch in the address may be named beside it as well. Raises BadPrompt for what is no repository on GitHub."""
    found = ADDRESS.fullmatch(address.strip())
    if not found or found["name"].strip(".") == "" or ".." in (found["branch"] or ""):
        raise BadPrompt("This is no repository on GitHub, such as https://github.com/owner/name.", "repository")
    return Repository(found["owner"], found["name"], branch.strip() or found["branch"] or "")


def archive(wanted: Repository, token: str = "") -> bytes:
    """The ZIP of its newest files; `token`: for a private one. Raises BadPrompt when there is none to be had."""
    url = f"{settings.GITHUB_ARCHIVES_BASE_URL}/{wanted.owner}/{wanted.name}/zip/{wanted.branch or 'HEAD'}"
    if token:
        with (api := _Api(wanted, good_token(token))).client:
            url = api.archive()
    pieces, size, deadline = [], 0, time.monotonic() + SECONDS
    try:
        with httpx.stream("GET", url, timeout=10) as answer:
            if answer.status_code == 404:
                what = f"branch {wanted.branch} of {wanted}" if wanted.branch else f"repository {wanted}"
                raise NotPublic(f"There is no public {what} on GitHub; a private one needs a token.", "repository")
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


def token_for(user: User, given: str) -> str:
    """The token that was given, else the one the person keeps, "" without either. Raises BadPrompt for what is none."""
    if given.strip():
        return good_token(given)
    kept = GitHubToken.objects.filter(user=user).first()
    if kept is None:
        return ""
    try:
        token = kept.secret()
    except vault.CannotOpen:
        raise BadPrompt("The token that you keep cannot be opened any more. Give it again.", "token") from None
    GitHubToken.objects.filter(pk=kept.pk).update(last_used=Now())
    return token


def keep(user: User, token: str) -> None:
    """Keeps a token that has worked, in place of the one before."""
    row = GitHubToken(user=user)
    row.put(token)
    facts = {"sealed": row.sealed, "last_four": row.last_four}
    GitHubToken.objects.update_or_create(user=user, defaults=facts | {"last_used": Now()})


def push(version: Version, wanted: Repository, token: str) -> tuple[str, str]:
    """Makes the version's files a branch's newest commit; its address, and what the owner is to know of keys in it. The
    project remembers the branch.

    A branch that is not there begins at the default one. A branch whose newest commit is not of this project is left
    alone, so nobody's work is lost. Private files stay out. Raises BadPrompt, and BadFiles for a key in a file.
    """
    keys, told = leaks.sorted_out([leak for leak in leaks.leaks(version) if leak.line])
    if keys:
        raise BadFiles(f"{keys[0]}. Take it out before others see it, and replace it at its provider.")
    branch = wanted.branch or BRANCH
    wanted = wanted._replace(branch=branch)
    if not GOOD_BRANCH.fullmatch(branch):
        raise BadPrompt("This is no name for a branch.", "branch")
    api = _Api(wanted, good_token(token))
    files = {path: content for path, content in versions.files(version).items() if not leaks.is_private(path)}
    made = api.commit(files, branch, version)
    Project.objects.filter(pk=version.project_id).update(pushed_to=wanted.address)
    return made, told


def good_token(token: str) -> str:
    """Without blanks around it. Raises BadPrompt for what is none."""
    token = token.strip()
    if not token:
        raise BadPrompt("An access token of yours is needed for this.", "token")
    if not token.isascii() or not token.isprintable():
        raise BadPrompt("This is no token.", "token")
    return token


class _Api:
    """A conversation with GitHub's REST API about one repository."""

    def __init__(self, wanted: Repository, token: str) -> None:
        self.wanted, self.deadline = wanted, time.monotonic() + PUSH_SECONDS
        self.root = f"/repos/{wanted.owner}/{wanted.name}"
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
        self.client = httpx.Client(base_url=settings.GITHUB_API_BASE_URL, headers=self.headers, timeout=20)

    def commit(self, files: dict[str, bytes], branch: str, version: Version) -> str:
        mark = f"Vibe-Project: {version.project_id}"
        # The title is what somebody asked for in their own words.
        title = keyshapes.masked(version.title or version.project.name)
        message = f"{title}\n\n{mark}\nVibe-Version: {version.number}"
        with self.client:
            repository = self.ask("GET", "")
            head = self.head(branch)
            if head:
                newest = self.ask("GET", f"/git/commits/{head}")
                if mark not in newest["message"]:
                    text = f"The branch {branch} has commits that are not from this project. Push to another branch."
                    raise BadPrompt(text, "branch")
            parent = head or self.head(repository["default_branch"]) or self.begin(mark)
            tree = self.ask("POST", "/git/trees", tree=[self.entry(*file) for file in sorted(files.items())])
            if head and newest["tree"]["sha"] == tree["sha"]:
                return f"{repository['html_url']}/commit/{head}"
            made = self.ask("POST", "/git/commits", message=message, tree=tree["sha"], parents=[parent])
            if self.head(branch):
                self.ask("PATCH", f"/git/refs/heads/{branch}", sha=made["sha"], force=False)
            else:
                self.ask("POST", "/git/refs", ref=f"refs/heads/{branch}", sha=made["sha"])
        return f"{repository['html_url']}/commit/{made['sha']}"

    def archive(self) -> str:
        """Where the ZIP is, for some minutes and without the token."""
        answer = self.send("GET", f"/zipball/{self.wanted.branch or 'HEAD'}")
        there = str(answer.headers.get("Location", ""))
        if answer.status_code != 302 or not there.startswith(f"{settings.GITHUB_ARCHIVES_BASE_URL}/"):
            raise self.refusal(answer)
        return there

    def head(self, branch: str) -> str | None:
        """A branch's newest commit. 404: there is no such branch; 409: the repository is empty."""
        found = self.ask("GET", f"/git/ref/heads/{branch}", or_none=(404, 409))
        return str(found["object"]["sha"]) if found else None

    def begin(self, mark: str) -> str:
        """The first commit of an empty repository: Git's own objects can only be added to one that has some."""
        begun = self.ask("PUT", "/contents/.gitkeep", message=f"Begin\n\n{mark}", content="")
        return str(begun["commit"]["sha"])

    def entry(self, path: str, content: bytes) -> dict[str, str]:
        entry = {"path": path, "mode": "100644", "type": "blob"}
        if len(content) <= INLINE_BYTES:
            try:
                return {**entry, "content": content.decode()}
            except UnicodeDecodeError:
                pass
        packed = base64.b64encode(content).decode()
        return {**entry, "sha": self.ask("POST", "/git/blobs", content=packed, encoding="base64")["sha"]}

    def ask(self, method: str, path: str, or_none: tuple[int, ...] = (), **body: Any) -> Any:
        answer = self.send(method, path, body)
        if answer.status_code in or_none:
            return None
        if answer.is_success:
            return answer.json()
        raise self.refusal(answer)

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        if time.monotonic() > self.deadline:
            raise BadPrompt(f"GitHub took more than {PUSH_SECONDS} s. Try again.", "repository")
        try:
            answer = self.client.request(method, self.root + path, json=body or None)
            there = str(answer.headers.get("Location", ""))
            if answer.status_code not in MOVED or not there.startswith(f"{settings.GITHUB_API_BASE_URL}/"):
                return answer
            # It has another name now. Once, and nowhere else: the token goes along.
            self.root = there.removesuffix(path)
            return self.client.request(method, there, json=body or None)
        except httpx.HTTPError:
            raise BadPrompt("GitHub cannot be reached now. Try again later.", "repository") from None

    def refusal(self, answer: httpx.Response) -> BadPrompt:
        """What an answer that is no success means for who asked."""
        said = {
            401: ("GitHub refuses this token. It may be mistyped or over.", "token"),
            403: (
                f"This token may not write to {self.wanted}. It needs the right “Contents: read and write”.",
                "token",
            ),
            404: (f"There is no repository {self.wanted}, or this token may not see it.", "repository"),
            422: (f"{self.wanted} changed meanwhile, or does not take this commit. Try again.", "branch"),
        }
        text, field = said.get(answer.status_code, (f"GitHub answered {answer.status_code}. Try again.", "repository"))
        return BadPrompt(text, field)
