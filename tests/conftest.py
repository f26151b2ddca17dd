"""What every test may use: real services for the session, a database per process, a site, a browser."""

import os
import re

import pytest

from launcher import testing
from launcher.problem import Problem
from launcher.terminal import Terminal

pytest_plugins = ["tests.site", "tests.browser", "tests.people"]


def pytest_configure(config: pytest.Config) -> None:
    """Before Django reads its settings: start the services, or in an xdist process take those of the main one.

    Settings are named here and not in pyproject.toml, where pytest-django would read them before any service is up.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "vibe.settings"
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        number = int(re.sub(r"\D", "", worker)) + 1
        os.environ["REDIS_URL"] = re.sub(r"db=\d+$", f"db={number}", os.environ["REDIS_URL"])
    elif config.option.collectonly or config.option.help or config.option.version:
        os.environ.update(testing.described().environment)
    else:
        services = testing.backing_services(Terminal(quiet=True))
        try:
            os.environ.update(services.__enter__().environment)
        except Problem as problem:
            pytest.exit(f"The services for the tests did not start. {problem}", returncode=3)
        config.add_cleanup(lambda: services.__exit__(None, None, None))
