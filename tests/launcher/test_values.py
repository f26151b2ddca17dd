"""Wrong and stale values are named before anything starts."""

import base64
import re
import stat

import pytest

from launcher.problem import Problem
from launcher.values import CHOICES, KNOWN, check_values, read_dotenv, read_secrets, read_values


@pytest.fixture
def dotenv(tmp_path):
    return tmp_path / ".env"


def test_it_reads_lines_as_a_shell_does(dotenv):
    dotenv.write_text("# a comment\n\nA=1\nexport B=\"two words\"\nC='#3' # behind\nD=four # behind\nE=\n")
    assert read_dotenv(dotenv) == {"A": "1", "B": "two words", "C": "#3", "D": "four", "E": ""}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("SECRET=a#b", "a#b"),
        ("SECRET=#3", "#3"),
        ("SECRET=a#b #c d", "a#b"),
        ("SECRET=a b\t# behind", "a b"),
        ("SECRET= # behind", ""),
        ("SECRET =   a#  ", "a#"),
        ("SECRET='a #b' # it's behind", "a #b"),
        ('SECRET=""', ""),
        ("SMTP=smtp://user:p#ss@host:587/?tls=True", "smtp://user:p#ss@host:587/?tls=True"),
    ],
)
def test_it_takes_for_a_comment_only_what_follows_white_space(dotenv, line, value):
    dotenv.write_text(f"{line}\n")
    assert list(read_dotenv(dotenv).values()) == [value]


@pytest.mark.parametrize("line", ['A="a"b', "A='a'#b", 'A="a'])
def test_it_says_so_where_a_quote_does_not_end_the_value(dotenv, line):
    dotenv.write_text(f"{line}\n")
    with pytest.raises(Problem, match=r"line 1 is not NAME=value"):
        read_dotenv(dotenv)


def test_it_names_the_line_it_cannot_read(dotenv):
    dotenv.write_text("A=1\nnot a setting\n")
    with pytest.raises(Problem, match=r"line 2 is not NAME=value"):
        read_dotenv(dotenv)


def test_it_lets_the_real_environment_win(dotenv):
    dotenv.write_text("REDIS_URL=redis://file\nSECRET_KEY=from-the-file\n")
    values = read_values(dotenv, {"REDIS_URL": "redis://real"}, pytest.fail)
    assert values == {"REDIS_URL": "redis://real", "SECRET_KEY": "from-the-file"}


def test_it_takes_an_empty_value_as_unset(dotenv):
    dotenv.write_text("ANTHROPIC_API_KEY=from-the-file\nE2B_API_KEY=\n")
    assert read_values(dotenv, {"ANTHROPIC_API_KEY": ""}, pytest.fail) == {}


def test_it_asks_about_a_misspelt_name(dotenv):
    dotenv.write_text("ANTROPIC_API_KEY=x\n")
    notes: list[str] = []
    read_values(dotenv, {}, notes.append)
    assert notes == ["ANTROPIC_API_KEY in .env is not a setting of Vibe. Was ANTHROPIC_API_KEY meant?"]


def test_it_offers_every_setting_it_knows_in_the_example():
    from launcher.place import ROOT

    lines = (ROOT / ".env.example").read_text().splitlines()
    offered = {line.lstrip("# ").split("=")[0] for line in lines if "=" in line}
    assert KNOWN - offered <= {
        *("OPENAI_API_KEY", "OPENAI_BASE_URL", "GEMINI_API_KEY", "XAI_API_KEY", "OPENROUTER_API_KEY"),
        *("AI_GATEWAY_API_KEY", "AI_GATEWAY_BASE_URL"),
    }
    # And back: an empty line of the example is unset, which a name that is not known would not be.
    site = lines[: next(at for at, line in enumerate(lines) if "--- Containers" in line)]
    assert {line.lstrip("# ").split("=")[0] for line in site if re.match(r"#? ?[A-Z][A-Z0-9_]+=", line)} <= KNOWN


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "mysql://host/vibe", "begins with mysql://"),
        ("DATABASE_URL", "localhost", "has no scheme"),
        ("REDIS_URL", "http://host", "begins with http://"),
        ("EMAIL_URL", "mail.example.com", "has no scheme"),
        ("SENTRY_DSN", "abc", "has no scheme"),
        ("ENCRYPTION_KEY", "short", "key 1 is not 32 bytes"),
        ("ENCRYPTION_KEY", base64.urlsafe_b64encode(bytes(32)).decode() + ",§", "key 2 is not 32 bytes"),
        ("SECRET_KEY", "abc", "shorter than 32"),
        ("WORKER_CONCURRENCY", "0", "whole number from 1"),
        ("LEASE_SECONDS", "soon", "whole number"),
        ("RUNS_PER_USER", "many", "whole number from 1"),
        ("TRUSTED_PROXIES", "-1", "whole number from 0"),
        ("DEBUG", "maybe", "true or false"),
        ("ADMIN_MFA", "ture", "true or false"),
        ("LOG_FORMAT", "xml", "one of line, json"),
        ("EMAIL_VERIFICATION", "always", "one of none, optional, mandatory"),
        ("DEFAULT_FRAMEWORK", "ember", "one of nextjs, react"),
        ("PREVIEW_DOMAIN", "https://preview.example.com", "holds an address"),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1", "ANTHROPIC_API_KEY is not"),
        ("E2B_DOMAIN", "e2b.example.com", "E2B_API_KEY is not"),
    ],
)
def test_it_says_what_is_wrong_and_what_to_do(name, value, says):
    [text] = check_values({name: value})
    assert text.startswith(name) and says in text
    assert any(word in text for word in ("remove", "Set it", "must be", "It is a name"))


def test_it_accepts_good_values():
    key = base64.urlsafe_b64encode(bytes(range(32))).decode()
    good = {"DATABASE_URL": "postgres://u:p@h:5432/d?sslmode=require", "REDIS_URL": "rediss://h/1", "DEBUG": "On"}
    assert (
        check_values(good | {"ENCRYPTION_KEY": f"{key},{key}", "WORKER_CONCURRENCY": "8", "EMAIL_URL": "smtp://h"})
        == []
    )


def test_it_knows_the_frameworks_there_are():
    from launcher.place import ROOT

    there = {path.parent.name for path in (ROOT / "sandbox_templates").glob("*/template.json")}
    assert set(CHOICES["DEFAULT_FRAMEWORK"]) == there


def test_it_makes_secrets_once_for_the_owner_only(tmp_path):
    path = tmp_path / "secrets.env"
    first = read_secrets(path)
    assert read_secrets(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert check_values({name: first[name] for name in ("SECRET_KEY", "ENCRYPTION_KEY")}) == []


def test_it_adds_a_missing_secret_and_keeps_the_others(tmp_path):
    path = tmp_path / "secrets.env"
    path.write_text("SECRET_KEY=kept\n")
    assert read_secrets(path)["SECRET_KEY"] == "kept"
    assert "ENCRYPTION_KEY=" in path.read_text()
