"""Which paths a lock covers."""

import time

import pytest

from projects.locks import locked_by


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("index.html", "index.html"),
        ("index.html", "docs/index.html"),
        ("*.css", "src/styles/main.css"),
        ("/index.html", "index.html"),
        ("src", "src/App.tsx"),
        ("src/", "src/lib/a/b.ts"),
        ("src/*.ts", "src/a.ts"),
        ("src/**/*.ts", "src/a.ts"),
        ("src/**/*.ts", "src/lib/a/b.ts"),
        ("**", "anything/at/all"),
        ("[ab].txt", "b.txt"),
        ("src/routes/[id]/page.svelte", "src/routes/[id]/page.svelte"),
        ("app/[slug]", "app/[slug]/page.tsx"),
        ("app/[...rest]/*.tsx", "app/[...rest]/page.tsx"),
        ("lib/?.ts", "lib/x.ts"),
    ],
)
def test_it_covers(pattern, path):
    assert locked_by(path, ["other", pattern]) == pattern


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/index.html", "docs/index.html"),
        ("index.html", "index.html.bak"),
        ("src/*.ts", "src/lib/a.ts"),
        ("src", "lib/srcs/a.ts"),
        ("*.css", "css/a.ts"),
        ("/", "a.txt"),
        ("lib/?.ts", "lib/xy.ts"),
    ],
)
def test_it_leaves_alone(pattern, path):
    assert locked_by(path, [pattern]) is None


def test_it_takes_no_time_for_a_pattern_made_to_take_long():
    began = time.monotonic()
    assert locked_by("a" * 250 + "/b", ["*a" * 90 + "c", "**/" * 60 + "x"] * 25) is None
    assert time.monotonic() - began < 1
