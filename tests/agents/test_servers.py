"""Which command lines start a dev server: as a shell reads them, not by words that occur in them."""

import json
import time

import pytest

from agents.tools.servers import starts_server

PACKAGE = json.dumps(
    {"scripts": {"dev": "vite", "build": "tsc -b && vite build", "watch": "npm run dev", "odd": 3}}
).encode()


@pytest.mark.parametrize(
    "command",
    [
        "npm run dev", "npm start", "npm run watch", "yarn dev", "pnpm exec vite", "bun run dev",
        "npx vite --port 4000",
        "cd . && npx vite", "PORT=1 npm run dev &", "env A=b nohup npm run dev", "timeout 60 npm run dev",
        "bash -lc 'npm run dev'",
        "./node_modules/.bin/vite", "npm --prefix . run dev", "npm run dev -- --host", "true; (next dev)", "next start",
        "ng serve", "python3 -m http.server 8000", "php -S 0.0.0.0:80", "echo $(npm run dev)", "cd x\nnpm run dev",
        "vite preview", "npx serve dist", "npx --yes http-server", "astro dev", "nodemon index.js", "a | vite",
    ],
)  # fmt: skip
def test_it_sees_a_server(command):
    assert starts_server(command, PACKAGE)


@pytest.mark.parametrize(
    "command",
    [
        "echo npm run dev", "true # vite", "ls vite.config.ts", "vite build", "npm run build", "npx vite --version",
        "next build",
        "grep -rn 'npm run dev' .", "cat > README.md <<'EOF'\nnpm run dev\nEOF", "npm install vite", "ng build",
        "node script.js",
        "git commit -m 'next dev'", "npm run lint", "echo 'unclosed", "", "yarn add serve", "npm test",
    ],
)  # fmt: skip
def test_it_sees_none(command):
    assert not starts_server(command, PACKAGE)


def test_it_ends_whatever_the_scripts_say():
    round_about = json.dumps({"scripts": {"a": "npm run b", "b": "npm run a"}}).encode()
    assert not starts_server("npm run a", round_about)
    for package in (b"no json", b"[]", b'{"scripts": []}', b'{"scripts": null}'):
        assert starts_server("npm run dev", package)
    began = time.monotonic()
    starts_server("<<A\n" * 20_000 + "(" * 50_000 + "a;" * 50_000)
    assert time.monotonic() - began < 2
