"""What could come next in a project: by what its checks said and what was not asked for yet. No model is asked."""

import re
from dataclasses import dataclass

from agents.models import Step
from projects.models import Project, Version

MOST = 5
# Messages that are looked at for what was asked already.
MESSAGES = 30


@dataclass(frozen=True)
class Suggestion:
    """`label` is on the button, `text` goes into the composer; `asked` finds messages that asked for it already."""

    label: str
    text: str
    asked: str = ""


ALWAYS = [
    Suggestion("Add dark mode", "Add a dark mode with a switch that remembers the choice", r"dark"),
    Suggestion("Add a section", "Add a section that answers frequent questions, with five that fit", r"faq|frequent"),
    Suggestion(
        "Change the colours", "Change the colours to a warm palette of terracotta and cream", r"colou?r|palette"
    ),
    Suggestion(
        "Polish it for phones",
        "Make it work well on a small phone: check spacing, text sizes and the navigation",
        r"phone|mobile|small screen",
    ),
    Suggestion(
        "Make it accessible",
        "Check it for people who use a keyboard or a screen reader, and mend what is missing",
        r"accessib|screen reader|keyboard",
    ),
    Suggestion("Add a page", "Add a second page with a contact form, linked in the navigation", r"contact|second page"),
    Suggestion("Show loading and errors", "Show what is loading and what went wrong wherever it can", r"loading|error"),
    Suggestion("Remember what is entered", "Keep what is entered in the browser, so that it is there after a reload"),
]
# For an app that came from elsewhere, was not checked, and has not run here yet.
IMPORTED = Suggestion(
    "Make it run here",
    "This app was imported. Make it run here: `npm run dev` has to serve it on the port in PORT, under any host name,"
    " and lint and build have to pass",
)
CHECKS = {
    "build": "the build",
    "lint": "the linter",
    "page": "the page that should answer",
    "console": "the console",
    "promises": "what earlier requests made true",
}


def suggest(project: Project, version: Version | None) -> list[Suggestion]:
    """At most five, what failed first; none before the first version."""
    if version is None:
        return []
    failed = [CHECKS.get(name, name) for name, ok in version.verdict.items() if not ok]
    first = []
    if failed:
        text = f"The last version has problems with {' and '.join(failed)}. Find the cause and mend it."
        first.append(Suggestion("Mend what failed", text))
    if version.title.startswith("Imported from") and not version.verdict and not _ran(version):
        first.append(IMPORTED)
    asked = project.messages.filter(role="user", aside=False).order_by("-created")
    said = "\n".join(asked.values_list("text", flat=True)[:MESSAGES]).lower()
    left = [one for one in ALWAYS if not (one.asked and re.search(one.asked, said))]
    return [*first, *left][:MOST]


def _ran(version: Version) -> bool:
    """Whether the project's dev server has answered since the version was made."""
    shown = Step.objects.filter(project=version.project_id, type="preview", at__gte=version.created)
    return shown.filter(data__state="ready").exclude(data__has_key="version").exists()
