"""Turn this process into one of the sandbox host's: its folders as arguments, and none of our secrets."""

import os
import sys
from typing import NoReturn

from django.conf import settings

# What its process may need to work at all, to find package registries, and to know who may call it.
_PASSED_ON = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PIP_", "NPM_", "npm_", "SSL_CERT_", "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy",
    "https_proxy", "no_proxy", "all_proxy", "SANDBOX_", "E2B_",
)  # fmt: skip


def become(module: str, *arguments: str) -> NoReturn:
    """Run `python -m module` in place of this process."""
    home = settings.VIBE_HOME
    folders = ["--state", str(home), "--templates", str(settings.BASE_DIR / "sandbox_templates")]
    folders += ["--runtime", str(home / "runtime")]
    env = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    env |= {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(settings.BASE_DIR)}
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments, *folders], env)
