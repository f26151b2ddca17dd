"""Build our templates in E2B's cloud, each from its own folder, through the official SDK."""

import os
from collections.abc import Callable

from sandbox_host.templates import NOT_SOURCE, Template

Say = Callable[[str], None]
NEEDS_A_KEY = (
    "Publishing needs a key of E2B's cloud: set E2B_API_KEY to one (and E2B_DOMAIN if the cloud is not e2b.app)."
)
MEMORY_MB, CPUS = 2048, 2


class NotPublished(Exception):
    """The cloud did not build the template; the message says why."""


def key() -> str:
    """The cloud's key of this environment. Raises NotPublished; the key of a host of our own is none."""
    value = os.environ.get("E2B_API_KEY", "")
    if not value or os.environ.get("SANDBOX_IS_EMBEDDED") == "true":
        raise NotPublished(NEEDS_A_KEY)
    return value


def publish(template: Template, api_key: str, say: Say) -> None:
    """Send the folder, follow the build. A name that is there already gets a new build. Raises NotPublished."""
    import e2b  # half a second, which other commands do not wait for

    folder = template.source.parent
    ignored = [f"**/{name}" for name in sorted(NOT_SOURCE)]
    plan = (
        e2b.Template(file_context_path=str(folder), file_ignore_patterns=ignored)
        .from_dockerfile(str(folder / "e2b.Dockerfile"))
        # The build runs as root, the agent as the cloud's own user.
        .run_cmd("chown -R user:user /home/user/app", user="root")
    )
    try:
        made = e2b.Template.build(
            plan,
            template.name,
            cpu_count=CPUS,
            memory_mb=MEMORY_MB,
            on_build_logs=lambda entry: say(f"{template.name}: {entry.message}"),
            api_key=api_key,
        )
    except (e2b.SandboxException, e2b.AuthenticationException, e2b.BuildException, e2b.FileUploadException) as error:
        raise NotPublished(f"{template.name} was not published: {error}") from error
    except OSError as error:
        raise NotPublished(f"{template.name} was not published: the cloud did not answer ({error})") from error
    say(f"{template.name}: published as {made.template_id}")
