"""`python -m benchmarks.people COUNT`, in a site's environment: that many users, signed in, each with one project.

Prints a JSON list of {"project", "cookie", "token"}.
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vibe.settings")


def make(count: int) -> list[dict[str, str]]:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.cached_db import SessionStore

    from accounts.models import ApiToken, User
    from projects.services import create_project

    made = []
    for number in range(count):
        user = User.objects.create_user(f"benchmark-{os.getpid()}-{number}@example.com", None)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        project = create_project(user, "A page", model="vibe-m", framework="html")
        cookie = f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
        made.append({"project": str(project.pk), "cookie": cookie, "token": ApiToken.issue(user)[1]})
    return made


if __name__ == "__main__":
    django.setup()
    print(json.dumps(make(int(sys.argv[1]))))
