"""What the machine's own npm and pip say about registries, and what of that a sandbox is told."""

from pathlib import Path

import pytest

from sandbox_host import egress, egress_rules, registries


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry", "NPM_CONFIG_USERCONFIG", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    return tmp_path


def test_it_always_allows_the_public_registries() -> None:
    public = {"registry.npmjs.org:443", "pypi.org:443", "files.pythonhosted.org:443"}
    assert egress.default_allow() >= public


@pytest.mark.parametrize("host", ["upload.pypi.org", "test.pypi.org", "x.registry.npmjs.org", "npmjs.org"])
def test_it_allows_no_neighbour_of_theirs(host: str) -> None:
    """To where a package can be uploaded, for instance."""
    with pytest.raises(egress_rules.Refused):
        egress_rules.check(host, 443, egress.default_allow(), registries.addresses())


def test_it_reads_npmrc_and_pip_conf(home: Path) -> None:
    (home / ".npmrc").write_text(
        "; mine\nregistry = https://npm.corp.test:4873/all/\n//npm.corp.test/:_authToken=T0KEN\n"
    )
    (home / "pip.conf").write_text("[global]\nindex-url = http://pip.corp.test/simple\n")
    assert egress.default_allow() >= {"npm.corp.test:4873", "pip.corp.test:80"}
    assert registries.addresses() >= {("npm.corp.test", 4873), ("pip.corp.test", 80)}


def test_the_environment_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".npmrc").write_text("registry=https://file.test/\n")
    monkeypatch.setenv("npm_config_registry", "https://env.test/")
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip-env.test/simple")
    env = egress.sandbox_env()
    assert (env["NPM_CONFIG_REGISTRY"], env["PIP_INDEX_URL"]) == ("https://env.test/", "https://pip-env.test/simple")


def test_it_hands_out_no_credentials(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".npmrc").write_text("registry=https://me:s3cret@npm.corp.test/\n_authToken=s3cret\n")
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:s3cret@pip.corp.test/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://me:s3cret@more.corp.test/simple")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret@proxy.corp.test:3128")
    assert "s3cret" not in repr(egress.sandbox_env()) + repr(egress.default_allow())


def test_it_leaves_out_indexes_that_a_sandbox_cannot_see(home: Path) -> None:
    (home / "pip.conf").write_text("[global]\nextra-index-url = file:///somewhere/simple\n")
    assert "file:" not in repr(egress.sandbox_env())


def test_a_broken_pip_conf_does_not_stop_it(home: Path) -> None:
    (home / "pip.conf").write_text("no section = here\n")
    assert "pypi.org:443" in egress.default_allow()
