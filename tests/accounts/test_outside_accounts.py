"""Signing in with GitHub makes new accounts and opens its own; it never opens somebody else's."""

import json
import os
import re

from accounts.models import User
from tests.deploy.production import python


def test_it_opens_its_own_account_and_no_other(transactional_db, settings):
    User.objects.create_user("victim@example.com", "a-long-enough-password")
    name = settings.DATABASES["default"]["NAME"]
    database = re.sub(r"/[^/]*$", f"/{name}", os.environ["DATABASE_URL"])
    client = {
        "GITHUB_CLIENT_ID": "id",
        "GITHUB_CLIENT_SECRET": "secret",
        "HTTPS": "false",
        "EMAIL_VERIFICATION": "optional",
    }
    here = {
        "DATABASE_URL": database,
        "ALLOWED_HOSTS": "testserver",
        "ENCRYPTION_KEY": ",".join(settings.ENCRYPTION_KEYS),
    }
    done = python("-m", "tests.accounts.github", **client, **here)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["offered"] and found["to"] and found["pkce"] and found["verifier sent"]
    assert found["by get"] == 200  # a page that asks; nothing begins by a link
    assert found["new"]["who"] == found["again"]["who"] == "new@example.com"
    for case in ("unverified of another", "verified of another", "no state", "foreign state"):
        assert found[case]["who"] == "", (case, found[case])
        assert found[case]["status"] < 500
    assert found["busy"] == {"who": "", "status": 503} and found["placed"]
    assert found["reused state"] == "" and found["tokens kept"] == 0
    assert User.objects.filter(email="victim@example.com").count() == 1
