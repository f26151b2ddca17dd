"""A sandbox sees nothing of the host: no files, no secrets, no identity."""

import os
from pathlib import Path

import pytest
from e2b import Sandbox

from .conftest import ORDINARY_UID, Host

HOST_PATHS = [
    "/etc/shadow", "/root", "/root/.bashrc", "/root/.ssh", "/home/user/../../root", "/etc/ssh", "/etc/sudoers",
    "/var/log", "/var/lib",
    "/var/run/docker.sock", "/run/docker.sock", "/run/postgresql", "/run/systemd", "/boot", "/srv", "/mnt",
    "/media", "/sys", "/sys/kernel",
    "/sys/fs/cgroup", "/dev/mem", "/dev/sda", "/dev/vda", "/dev/kvm", "/dev/fuse", "/dev/kmsg",
    "/proc/1/root/etc/shadow", "/usr/local/bin",
    "/usr/local/lib", "/work", "/etc/hostname", "/etc/machine-id", "/etc/fstab", "/proc/self/root/root",
]  # fmt: skip


def test_it_does_not_show_the_hosts_files(host: Host, sandbox: Sandbox) -> None:
    paths = [
        *HOST_PATHS,
        str(host.state),
        str(host.state / "sandboxes"),
        str(Path(__file__).parents[2]),
        str(Path.home()) + "/.pyenv",
    ]
    seen = sandbox.commands.run("for p in " + " ".join(paths) + '; do [ -e "$p" ] && echo $p; done; true').stdout
    assert seen.split() == []


def test_it_does_not_show_another_sandbox(host: Host, sandbox: Sandbox) -> None:
    other = host.create()
    other.files.write("secret-of-another", "canary")
    found = sandbox.commands.run(
        f"(find / -name 'secret-of-another'; grep -l {other.sandbox_id} /proc/*/environ) 2>/dev/null; ls /home"
    )
    assert found.stdout == "user\n"
    other.kill()


def test_it_holds_no_secret_of_the_host(host: Host, sandbox: Sandbox) -> None:
    """The host's process has its key and a canary in its environment."""
    needles = f"-e {host.key} -e hidden-a8f3 -e {host.state}"
    files = "/proc/[0-9]*/environ /proc/[0-9]*/cmdline"
    # Patterns by file: on grep's own command line they would find themselves.
    sandbox.files.write("/tmp/needles", needles.replace("-e ", "").replace(" ", "\n"))
    found = sandbox.commands.run(
        f"grep -l -a -F -f /tmp/needles {files} 2>/dev/null; env | grep -F -f /tmp/needles; true"
    ).stdout
    assert found == ""
    wide = sandbox.commands.run("grep -r -l -s -a -F -f /tmp/needles /etc /opt /run /home /tmp | grep -v needles; true")
    assert wide.stdout == ""


def test_it_starts_with_an_empty_environment(sandbox: Sandbox) -> None:
    first = sandbox.commands.run("tr '\\0' '\\n' < /proc/1/environ; tr '\\0' '\\n' < /proc/2/environ").stdout
    assert {line.partition("=")[0] for line in first.split()} <= {"PWD", "LC_CTYPE"}


def test_it_inherits_no_descriptors(sandbox: Sandbox) -> None:
    listing = sandbox.commands.run("ls -l /proc/self/fd /proc/1/fd /proc/2/fd | grep -e '->'").stdout
    targets = {line.split(" -> ")[1].split(":")[0] for line in listing.splitlines()}
    assert {target for target in targets if not target.startswith("/proc/")} <= {
        "pipe",
        "socket",
        "anon_inode",
        "/dev/null",
    }
    directories = "for f in /proc/[0-9]*/fd/*; do [ -d $f/ ] && readlink $f; done; true"
    assert [line for line in sandbox.commands.run(directories).stdout.split() if not line.startswith("/proc/")] == []


def test_it_belongs_to_a_uid_of_its_own(host: Host, sandbox: Sandbox) -> None:
    sandbox.files.write("mine", "x")
    other = host.create()
    owners = [host.within(f"sandboxes/{s.sandbox_id}/home").stat().st_uid for s in (sandbox, other)]
    other.kill()
    found = [host.within(f"sandboxes/{sandbox.sandbox_id}/{home}/mine") for home in ("home", "disk/upper")]
    assert {path.stat().st_uid for path in found if path.exists()} == {owners[0]}
    if host.uid is None and os.geteuid() == 0:
        assert all(owner >= 70_000 for owner in owners) and owners[0] != owners[1]
    else:
        assert owners == [ORDINARY_UID if host.uid else os.geteuid()] * 2


@pytest.mark.parametrize("way", ["sudo id -u", "su -c 'id -u' root",
"cp /usr/bin/python3 /tmp/p && chmod u+s,g+s /tmp/p && /tmp/p -c 'import os; os.setuid(0)'",
                                 "newgrp root </dev/null", "chown root:root /home/user", "mknod /tmp/disk b 254 0",
                                 "setcap cap_sys_admin+ep /tmp/x"])  # fmt: skip
def test_it_gains_no_rights(sandbox: Sandbox, way: str) -> None:
    result = sandbox.commands.run(f'({way}) 2>&1; echo "rc=$?"')
    assert result.stdout.strip().endswith("rc=0") is False or "1000" in result.stdout
    status = sandbox.commands.run("cat /proc/self/status").stdout
    assert (
        "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status and "CapBnd:\t0000000000000000" in status
    )


def test_it_cannot_write_where_others_read(sandbox: Sandbox) -> None:
    places = "/usr /etc /opt/shim /run /run/agent / /dev /usr/local /var /proc/sys/kernel"
    assert sandbox.commands.run(f"for d in {places}; do touch $d/probe 2>/dev/null && echo $d; done; true").stdout == ""
