"""What the machine lacks is said in one sentence, with what to do."""

import contextlib
import random
import socket

import pytest

from launcher import machine
from launcher.plan import Plan
from launcher.problem import Problem


@pytest.fixture
def held_port():
    """A port that is in use; those around it, which the other parts would take, are free. Below those that the system
    gives to connections, which come and go.
    """
    for port in random.sample(range(20_002, 32_000), 100):
        if all(_is_free(port + offset) for offset in range(-2, 3)):
            with socket.socket() as holder:
                holder.bind(("127.0.0.1", port))
                holder.listen()
                yield port
                return
    pytest.fail("no port has free neighbours")


def _is_free(port):
    with socket.socket() as one, contextlib.suppress(OSError):
        one.bind(("127.0.0.1", port))
        return True
    return False


@pytest.mark.parametrize(("offset", "name"), [(0, "web"), (1, "sandbox-host"), (2, "demo-model")])
def test_it_names_the_port_that_is_in_use(place, held_port, offset, name):
    with pytest.raises(Problem, match=rf"Port {held_port} \(for {name}\) is in use.*bin/up --port \d+"):
        machine.check_ports(Plan(place, {}, port=held_port - offset))


def test_it_does_not_mind_the_port_of_a_part_that_runs_elsewhere(place, held_port):
    machine.check_ports(Plan(place, {"ANTHROPIC_API_KEY": "key"}, port=held_port - 2))


def test_it_names_a_host_that_is_not_here(place):
    with pytest.raises(Problem, match=r"--host 192\.0\.2\.1 is no address of this machine"):
        machine.check_ports(Plan(place, {}, host="192.0.2.1", port=machine.free_port()))


def test_it_says_how_to_get_bubblewrap(place, terminal, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match=r"apt-get install bubblewrap.*E2B_API_KEY"):
        machine.check_bubblewrap(Plan(place, {}), terminal)


def test_it_needs_no_bubblewrap_for_sandboxes_elsewhere(place, terminal, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    machine.check_bubblewrap(Plan(place, {"E2B_API_KEY": "key"}), terminal)


def test_it_says_that_the_disk_is_full(place, monkeypatch):
    monkeypatch.setattr(machine, "FIRST_START_MB", 10**9)
    with pytest.raises(Problem, match=r"Only \d+ MB are free.*VIBE_HOME"):
        machine.check_disk(place)
