"""npm, pnpm, pip and git over https, all by the one way out; and whose install scripts run."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from e2b import CommandExitException, Sandbox

from launcher import testing

from .conftest import Host

pytestmark = pytest.mark.sandbox
Make = Callable[..., Host]
ADDRESS = "127.0.0.2"  # a registry of the operator's may be an address, and NO_PROXY inside does not name this one


def hosted(make: Make) -> Host:
    return make("--runtime", str(testing.current().place.runtime))


def test_package_managers_install_through_the_proxy(own_host: Make) -> None:
    sandbox = hosted(own_host).create()
    npm = sandbox.commands.run("mkdir a && cd a && npm install --silent is-odd@3.0.1 && ls node_modules", timeout=180)
    assert npm.stdout.split() == ["is-number", "is-odd"]
    pnpm = "mkdir b && cd b && npx --yes pnpm@10.34.9 add --silent is-odd@3.0.1 && ls node_modules"
    assert sandbox.commands.run(pnpm, timeout=180).stdout.split() == ["is-odd"]
    pip = "pip install --quiet --target c six==1.17.0 && PYTHONPATH=c python -c 'import six; print(six.__version__)'"
    assert sandbox.commands.run(pip, timeout=180).stdout == "1.17.0\n"
    sandbox.kill()


def package(name: str, **dependencies: str) -> str:
    scripts = {"postinstall": f"echo {name} >> /home/user/ran"}
    return json.dumps({"name": name, "version": "1.0.0", "scripts": scripts, "dependencies": dependencies})


def test_install_scripts_run_for_a_few_packages_only(own_host: Make) -> None:
    sandbox = hosted(own_host).create()
    wanted = {"app/package.json": package("app", esbuild="file:../esbuild", worm="file:../worm")}
    wanted |= {f"{name}/package.json": package(name) for name in ("esbuild", "worm")}
    sandbox.files.write_files([{"path": path, "data": text} for path, text in wanted.items()])
    sandbox.commands.run("cd app && npm install --offline", timeout=60)
    assert sandbox.files.read("ran") == "esbuild\n"
    sandbox.commands.run("cd app && rm -rf node_modules ~/ran && npm ci --offline --ignore-scripts", timeout=60)
    assert not sandbox.files.exists("ran")
    with pytest.raises(CommandExitException):  # a failed install stays one
        sandbox.commands.run("cd app && npm install --offline no-such-package-anywhere", timeout=60)
    sandbox.kill()


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, Path]:
    """A CA of our own, and a certificate (with its key, in one file) that it gave the git server."""
    now = datetime.now(UTC)

    def certificate(
        name: str, key: ec.EllipticCurvePrivateKey, by: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer, signer = by or (subject, key)
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        made = made.add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        if by:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(ADDRESS))])
            made = made.add_extension(names, critical=False)
        return made.sign(signer, hashes.SHA256())

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate("Test CA", ca_key, None)
    leaf = certificate("git", key, (ca.subject, ca_key))
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "ca.pem").write_bytes(ca.public_bytes(pem))
    (tmp_path / "server.pem").write_bytes(leaf.public_bytes(pem) + private)
    return tmp_path / "ca.pem", tmp_path / "server.pem"


@asynccontextmanager
async def git_server(root: Path, certificate: Path) -> AsyncIterator[int]:
    """Git's own smart protocol: its CGI program behind https. Everybody may push."""

    async def serve(request: web.Request) -> web.StreamResponse:
        env = {
            "GIT_PROJECT_ROOT": str(root), "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": "somebody",
            "PATH_INFO": request.path, "QUERY_STRING": request.query_string, "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""), "PATH": "/usr/bin:/bin", "HOME": str(root),
            "HTTP_CONTENT_ENCODING": "", "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        program = await asyncio.create_subprocess_exec(
            "git", "http-backend", env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await program.communicate(await request.read())
        head, _, body = out.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(fields.pop("Status", "200").split()[0])
        return web.Response(status=status, headers=fields, body=body)

    app = web.Application(client_max_size=16 << 20)
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    await web.TCPSite(runner, ADDRESS, 0, ssl_context=context).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_git_clones_and_pushes_over_https(
    own_host: Make, authority: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "git" / "app.git"
    _git("init", "-q", "--bare", "-b", "main", str(repository))
    _git("-C", str(repository), "config", "http.receivepack", "true")
    async with git_server(repository.parent, authority[1]) as port:
        # What the operator's own npm is set to is what a sandbox may reach, address and port and all.
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", f"https://{ADDRESS}:{port}/")
        host = await asyncio.to_thread(own_host)
        url = f"https://{ADDRESS}:{port}/app.git"
        log = await asyncio.to_thread(_work, host, url, authority[0].read_text())
    assert _git("-C", str(repository), "log", "--format=%s", "main") == "From inside\n"
    told = [json.loads(line) for line in log.splitlines()]
    assert {(line["method"], line["host"], line["port"], line["verdict"]) for line in told} == {
        ("CONNECT", ADDRESS, port, "ok")
    }


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


def _work(host: Host, url: str, ca: str) -> str:
    sandbox: Sandbox = host.create(envs={"GIT_SSL_CAINFO": "/home/user/ca.pem"})
    with pytest.raises(
        CommandExitException, match="certificate"
    ):  # whom the sandbox does not trust it does not talk to
        sandbox.commands.run(f"GIT_SSL_CAINFO=/etc/ssl/certs/ca-certificates.crt git clone {url} first")
    sandbox.files.write("ca.pem", ca)
    sandbox.commands.run(f"git clone -q {url} work")
    sandbox.files.write("work/a.txt", "x" * 100_000)
    sandbox.commands.run("git config --global user.name Ann && git config --global user.email ann@example.com")
    sandbox.commands.run("cd work && git add . && git commit -qm 'From inside' && git push -q origin HEAD:main")
    assert sandbox.commands.run(f"git clone -q {url} again && wc -c < again/a.txt").stdout == "100000\n"
    (log,) = host.state.glob("sandboxes/*/api/egress.log")
    text = log.read_text()
    sandbox.kill()
    return text
