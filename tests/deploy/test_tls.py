"""A broker is believed only with a certificate that somebody vouches for, whoever asks it."""

import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from launcher.asking import NoAnswer, ask_redis, ask_worker
from tests.deploy.production import python


def certificate(path: Path) -> Path:
    """A certificate for localhost, signed by itself, and its key in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=localhost")
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def broker(tmp_path) -> Iterator[str]:
    """The address of a server that speaks TLS, and would take a password from whoever does not look at its papers."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate(tmp_path / "broker.pem"))

    class Server(StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), context.wrap_socket(self.connection, server_side=True) as connection:
                connection.recv(100)

    with ThreadingTCPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"rediss://user:password@localhost:{server.server_address[1]}/0"
        server.shutdown()


def test_it_is_not_believed_by_the_launcher(broker):
    for ask in (ask_redis, lambda url: ask_worker(url, "worker")):
        with pytest.raises(NoAnswer, match="certificate verify failed"):
            ask(broker)


def test_it_is_not_believed_by_celery(broker):
    asks = "from vibe.celery import app; app.connection_for_write().ensure_connection(max_retries=1)"
    assert "certificate verify failed" in python("-c", asks, REDIS_URL=broker).stderr
