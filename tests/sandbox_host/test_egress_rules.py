"""Which hosts and addresses a sandbox may ask for: the tricks of the trade, one per line."""

import pytest

from sandbox_host.egress_rules import Refused, check, check_address, parse_authority

ALLOW = frozenset({"ok.com", "*.below.com", "mirror.test:4873"})
REGISTRIES = frozenset({("mirror.test", 4873), ("10.1.2.3", 8081)})


@pytest.mark.parametrize(
    "authority",
    [
        "", ":443", "ok.com:", "ok.com:0", "ok.com:65536", "ok.com:+80", "ok.com: 80", "ok.com:٨٠", "ok.com:443:443",
        "evil\0.ok.com:443", "ok.com\0:443", "ok.com\r\n:443", "ok com:443", "ok.com/:443", "ok.com@evil.com:443",
        "user:pass@ok.com:443", "ok.com#:443", "ok.com?:443", "ok..com:443", ".ok.com:443", "ok.com..:443",
        "-ok.com:443", "ok-.com:443", "ok_.com:443", "ök.com:443", "ok。com:443", "%6fk.com:443", "[ok.com]:443",
        "::1:443", "[::1", "o\u212a.com:443",
        "[::1%25lo]:443", "[fe80::1%eth0]:443", "*.com:443", "a" * 64 + ".com:443", "a." * 127 + "com:443",
    ],
)  # fmt: skip
def test_it_refuses_what_is_not_strictly_a_host_and_port(authority: str) -> None:
    with pytest.raises(Refused):
        parse_authority(authority)


@pytest.mark.parametrize(
    ("authority", "host"),
    [("OK.com:443", "ok.com"), ("ok.com.:443", "ok.com"), ("xn--k-1ga.com:443", "xn--k-1ga.com"), ("[::1]:443", "::1")],
)
def test_it_normalises_case_and_the_trailing_dot(authority: str, host: str) -> None:
    assert parse_authority(authority) == (host, 443)


@pytest.mark.parametrize(
    "host",
    [
        "a.ok.com", "ok.com.evil.com", "evilok.com", "ok.co", "com", "below.com", "xbelow.com", "evil.com",
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0.0.0.0",
        "::1", "::ffff:127.0.0.1", "169.254.169.254", "10.1.2.3", "1.1.1.1", "ok.com.1", "ok.com.0x1",
    ],
)  # fmt: skip
def test_it_refuses_hosts_that_are_not_listed(host: str) -> None:
    with pytest.raises(Refused):
        check(host, 443, ALLOW, REGISTRIES)


@pytest.mark.parametrize(
    ("host", "port"),
    [("ok.com", 443), ("ok.com", 80), ("x.below.com", 443), ("y.x.below.com", 80), ("mirror.test", 4873)],
)
def test_it_lets_listed_hosts_through(host: str, port: int) -> None:
    check(host, port, ALLOW, REGISTRIES)


@pytest.mark.parametrize("port", [22, 25, 81, 4873, 5432, 8443])
def test_it_refuses_other_ports(port: int) -> None:
    with pytest.raises(Refused, match="port"):
        check("ok.com", port, ALLOW, REGISTRIES)


def test_an_empty_list_allows_nothing() -> None:
    for host in ("ok.com", "registry.npmjs.org", "localhost", ""):
        with pytest.raises(Refused):
            check(host, 443, frozenset(), REGISTRIES)


def test_a_star_allows_names_but_no_addresses() -> None:
    check("anything.example", 443, {"*"}, frozenset())
    with pytest.raises(Refused):
        check("1.1.1.1", 443, {"*"}, frozenset())


def test_only_the_operators_own_registry_may_be_an_address() -> None:
    check("10.1.2.3", 8081, {"10.1.2.3:8081"}, REGISTRIES)
    for host, port in (("10.1.2.3", 443), ("10.1.2.4", 8081)):
        with pytest.raises(Refused):
            check(host, port, {"10.1.2.3:8081", "10.1.2.4:8081"}, REGISTRIES)


PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "100.64.0.1", "169.254.169.254", "192.0.0.8", "198.18.0.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1",
    "::ffff:127.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::1", "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe", "::a00:1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_it_refuses_every_address_that_is_not_public(address: str) -> None:
    with pytest.raises(Refused, match="not a public address"):
        check_address(address, "ok.com", trusted=False)


@pytest.mark.parametrize("address", ["104.16.0.1", "151.101.0.223", "2606:4700::6810:1", "64:ff9b::6810:1"])
def test_it_lets_public_addresses_through(address: str) -> None:
    check_address(address, "ok.com", trusted=False)


def test_a_registry_may_be_private_but_never_link_local_or_secretly_this_machine() -> None:
    check_address("10.0.0.5", "mirror.test", trusted=True)
    check_address("127.0.0.1", "localhost", trusted=True)
    for address in ("127.0.0.1", "169.254.169.254", "::ffff:169.254.169.254", "224.0.0.1", "0.0.0.0"):
        with pytest.raises(Refused):
            check_address(address, "mirror.test", trusted=True)
