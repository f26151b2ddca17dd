"""The showcase: apps that their makers show to everybody. Each is a frozen copy: what was approved is what is seen."""

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from accounts import keyshapes
from accounts.models import User
from projects import leaks, services
from projects.models import Picture, Project, ShowcaseEntry, Version

# Owns the copies. Nobody can sign in as it: it has no password, and no mail goes to this address.
KEEPER = "showcase@localhost"
PROMPT_CHARS = 2_000
# Shown on one page.
MOST = 60
# Secrets that a refusal names.
NAMED = 5


class NotShowable(Exception):
    """The project cannot be published now. The text says why."""


def keeper() -> User:
    """The account that owns what is shown."""
    return User.objects.filter(email=KEEPER).first() or User.objects.create_user(KEEPER, None, name="Showcase")


def publish(project: Project, title: str, category: str, *, prompt: str = "") -> ShowcaseEntry:
    """Asks for a place in the showcase for the newest version. Raises NotShowable, BadPrompt.

    A project has at most one entry that waits; asking again replaces it.
    """
    version = project.versions.order_by("-number").first()
    if version is None or not version.works:
        done = "mended" if version and version.broken else "checked" if version else "built"
        raise NotShowable(f"Only a version whose checks all passed can be shown. Have it {done} first.")
    if category not in ShowcaseEntry.Category.values:
        raise services.BadPrompt("There is no such category.", "category")
    title = services.check_name(title)
    _check_secrets(version)
    try:
        with transaction.atomic():
            for waiting in ShowcaseEntry.objects.filter(source=project, state=ShowcaseEntry.State.WAITING):
                waiting.project.delete()
            copy = services.copy_version(version, keeper(), title, public=True)
            return ShowcaseEntry.objects.create(
                project=copy,
                source=project,
                author=project.owner,
                title=title,
                prompt=keyshapes.masked(prompt).strip()[:PROMPT_CHARS],
                category=category,
            )
    except IntegrityError:
        raise NotShowable("It was sent in a moment ago. It waits for approval.") from None


def _check_secrets(version: Version) -> None:
    """Whoever remixes an app has its files. Its environment and key files stay behind; of a key in another file its
    owner is told. Raises NotShowable.
    """
    if found := [str(leak) for leak in leaks.leaks(version) if not leaks.is_private(leak.path)]:
        more = f", and {len(found) - NAMED} more" if len(found) > NAMED else ""
        text = f"Everybody could read the secrets in its files: {'; '.join(found[:NAMED])}{more}."
        raise NotShowable(f"{text} Take them out, replace them at their providers, and publish the next version.")


def withdraw(entry: ShowcaseEntry) -> None:
    """Takes an entry and its copy away. What others made of it is theirs."""
    entry.project.delete()


@transaction.atomic
def remix(entry: ShowcaseEntry, user: User) -> Project:
    """A project of the user's own with the files of what is shown."""
    version = Version.objects.select_related("project").get(project=entry.project, number=1)
    copy = services.copy_version(version, user, entry.title, public=True)
    ShowcaseEntry.objects.filter(pk=entry.pk).update(remixes=F("remixes") + 1)
    return copy


def listed(category: str = "", most: int = MOST) -> list[ShowcaseEntry]:
    """What everybody sees, most remixed first; `pictured` says whether there is a picture."""
    entries = public()
    if category:
        entries = entries.filter(category=category)
    picture = Picture.objects.filter(version__project=OuterRef("project"))
    return list(entries.annotate(pictured=Exists(picture)).select_related("project", "author")[:most])


def public() -> QuerySet[ShowcaseEntry]:
    """The access rule of the showcase: what staff listed and nobody took away."""
    return ShowcaseEntry.objects.filter(state=ShowcaseEntry.State.LISTED, project__deleted__isnull=True)
