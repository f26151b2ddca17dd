"""Locked files: what the agent may not change, whatever way it takes. The truth is the version the run began with."""

from collections.abc import Mapping

from projects import versions
from projects.blobs import sha256
from projects.frameworks import starting_files, starting_manifest
from projects.locks import locked_by
from projects.models import Project, Version


class Locks:
    """A project's locks as they are now, over the files as they were before the run."""

    def __init__(self, project: Project, before: Version | None) -> None:
        # The owner may have locked something while the run is at work.
        self.patterns: list[str] = Project.objects.values_list("locked", flat=True).get(pk=project.pk)
        self.framework, self.before = project.framework, before

    def manifest(self) -> dict[str, str]:
        """{path: sha256} of the locked files as they have to be."""
        files: Mapping[str, str] = self.before.manifest if self.before else starting_manifest(self.framework)
        return {path: sha for path, sha in files.items() if locked_by(path, self.patterns)}

    def content(self, path: str) -> bytes:
        return versions.read(self.before, path) if self.before else starting_files(self.framework)[path]

    def differing(self, now: Mapping[str, str]) -> dict[str, bytes | None]:
        """What to put back, given {path: sha256} as it is: path → content, None to delete."""
        if not self.patterns:
            return {}
        wanted = self.manifest()
        wrong: dict[str, bytes | None] = {
            path: self.content(path) for path, sha in wanted.items() if now.get(path) != sha
        }
        return wrong | {path: None for path in now if path not in wanted and locked_by(path, self.patterns)}

    def keep(self, files: dict[str, bytes]) -> dict[str, bytes | None]:
        """Makes the locked ones of `files` what they were before the run; what was changed back."""
        wrong = self.differing({path: sha256(content) for path, content in files.items()}) if self.patterns else {}
        for path, content in wrong.items():
            if content is None:
                del files[path]
            else:
                files[path] = content
        return wrong


def told(paths: list[str]) -> str:
    """What the model is told of files that were put back."""
    if not paths:
        return ""
    return (
        f"\n\nLocked files cannot be changed: {', '.join(paths[:20])} was put back as it was. If the task needs a"
        " change there, ask the person with ask_user."
    )
