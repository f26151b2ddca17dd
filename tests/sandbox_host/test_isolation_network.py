"""A sandbox has no network but the way through the proxy."""

import socket

from e2b import Sandbox

from .conftest import Host


def test_it_has_only_loopback(sandbox: Sandbox) -> None:
    assert sandbox.commands.run("tail -n +3 /proc/net/dev | cut -d: -f1").stdout.split() == ["lo"]


def test_it_reaches_no_port_of_the_host(host: Host, sandbox: Sandbox) -> None:
    """All ports, IPv4 and IPv6; the host itself listens on one, and we on another."""
    with socket.create_server(("127.0.0.1", 0)) as ours:
        # A socket can meet itself when its own port is the one it asks for.
        code = """
import socket
for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1'), (socket.AF_INET, '127.0.0.2')):
    for port in range(1, 65536):
        with socket.socket(family) as sock:
            if sock.connect_ex((address, port)) == 0 and sock.getsockname() != sock.getpeername(): print(port)
"""
        sandbox.files.write("/tmp/scan.py", code)
        assert set(sandbox.commands.run("python3 /tmp/scan.py").stdout.split()) == {"3128"}
        ours.setblocking(False)
        try:
            ours.accept()
        except BlockingIOError:
            return
    raise AssertionError("the host's listener was reached")


def test_it_reaches_no_address_directly(sandbox: Sandbox) -> None:
    for target in ("169.254.169.254/80", "10.0.0.1/80", "192.168.0.1/443", "1.1.1.1/53"):
        assert (
            sandbox.commands.run(
                f"timeout 2 bash -c 'exec 3<>/dev/tcp/{target}' 2>/dev/null && echo reached; true"
            ).stdout
            == ""
        )
    assert sandbox.commands.run("getent hosts example.com; true").stdout == ""


def test_it_reaches_no_abstract_socket_of_the_host(sandbox: Sandbox) -> None:
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind("\0vibe-test-abstract")
        ours.listen()
        code = "import socket; s = socket.socket(socket.AF_UNIX); print(s.connect_ex('\\0vibe-test-abstract'))"
        sandbox.files.write("/tmp/abstract.py", code)
        assert sandbox.commands.run("python3 /tmp/abstract.py").stdout.strip() != "0"


def test_it_finds_one_socket_only(sandbox: Sandbox) -> None:
    code = """
import os, stat
for top in ('/run', '/tmp', '/var', '/opt', '/home', '/etc', '/dev', '/usr'):
    for folder, _, names in os.walk(top):
        for name in names:
            if stat.S_ISSOCK(os.lstat(os.path.join(folder, name)).st_mode): print(os.path.join(folder, name))
"""
    sandbox.files.write("/tmp/sockets.py", code)
    assert sandbox.commands.run("python3 /tmp/sockets.py").stdout.split() == ["/run/egress.sock"]
    result = sandbox.commands.run(
        "ln -sf /tmp/x /run/egress.sock 2>&1 || mv /run/egress.sock /tmp 2>&1 || rm -f /run/egress.sock 2>&1; ls /run"
    )
    assert "egress.sock" in result.stdout


def test_it_has_no_way_out_without_internet_access(host: Host) -> None:
    sandbox = host.create(allow_internet_access=False)
    assert sandbox.commands.run("ls /run; echo $HTTPS_PROXY").stdout.split() == ["agent"]
    assert (
        sandbox.commands.run("bash -c 'exec 3<>/dev/tcp/127.0.0.1/3128' 2>/dev/null && echo reached; true").stdout == ""
    )
    sandbox.kill()
