"""
A timestamp authority on the loopback interface: OpenSSL's own (`openssl ts`) behind HTTP.

It can also answer wrongly, for what an authority or somebody in between might do.
"""

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from support.pki import Issued, Plan, curve_key, root
from weighbridge.signing.timestamps.form import normal_form

TIME_STAMPING = ExtendedKeyUsageOID.TIME_STAMPING
REPLY = "application/timestamp-reply"

_CONFIGURATION = """
[tsa]
default_tsa = this
[this]
serial = serial
crypto_device = builtin
signer_cert = signer.pem
certs = chain.pem
signer_key = signer.key
signer_digest = {signer_digest}
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.5
digests = sha1, sha256, sha384, sha512
accuracy = secs:{accuracy}
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


def now() -> datetime:
    """Return the time of the machine: OpenSSL stamps with no other."""
    return datetime.now(UTC)


def purposes(
    *extended: x509.ObjectIdentifier, critical: bool = True
) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """Return the extended key usage for a plan."""
    return ((x509.ExtendedKeyUsage(extended), critical),)


def stamping_plan(  # how a certificate may be wrong
    subject: str = "CN=clock,O=Example",
    *,
    usage: tuple[str, ...] | None = ("digital_signature",),
    more: tuple[tuple[x509.ExtensionType, bool], ...] | None = None,
    is_ca: bool | None = False,
    age: timedelta = timedelta(days=2),
    rest: timedelta = timedelta(days=2),
) -> Plan:
    """Return the plan of an ordinary timestamp authority's certificate, valid now."""
    return Plan(
        subject=subject,
        usage=usage,
        is_ca=is_ca,
        extended=None,
        more=purposes(TIME_STAMPING) if more is None else more,
        not_before=now() - age,
        not_after=now() + rest,
    )


def clock_root(subject: str = "CN=clock root,O=Example", *, rest: int = 30) -> Issued:
    """Return an authority for clocks, valid now; the same key within a test run."""
    return root(
        Plan(
            subject=subject,
            is_ca=True,
            usage=("key_cert_sign", "crl_sign"),
            extended=None,
            not_before=now() - timedelta(days=30),
            not_after=now() + timedelta(days=rest),
        ),
        key=curve_key("secp384r1", number=31),
    )


@dataclass(kw_only=True)
class Clock:
    """
    A timestamp authority made of `openssl ts`, without a network.

    Attributes:
        directory: Holds its files.
        root: Whom to trust for it.
    """

    directory: Path
    root: Issued

    def stamp(self, query: bytes) -> bytes:
        """Return the response to *query*."""
        (self.directory / "query").write_bytes(query)
        run_openssl(
            *("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply"),
            directory=self.directory,
        )
        return (self.directory / "reply").read_bytes()

    def over(
        self, data: bytes, *, digest: str = "sha256", carry: bool = True, more: tuple[str, ...] = ()
    ) -> bytes:
        """
        Return a response for *data*, asked for with OpenSSL.

        OpenSSL leaves certificates in its own order: here they are in DER's.
        """
        (self.directory / "data").write_bytes(data)
        run_openssl(
            *("ts", "-query", "-data", "data", f"-{digest}", "-out", "asked"),
            *(("-cert",) if carry else ()),
            *more,
            directory=self.directory,
        )
        return normal_form(self.stamp((self.directory / "asked").read_bytes()))


def make_clock(
    directory: Path,
    *,
    plan: Plan | None = None,
    authority: Issued | None = None,
    above: tuple[Issued, ...] = (),
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
    signer_digest: str = "sha256",
    accuracy: int = 1,
) -> Clock:
    """
    Make a timestamp authority in *directory*.

    Skips the test where OpenSSL's command is not installed.

    Args:
        directory: Is made.
        plan: Its certificate.
        authority: Issues it.
        above: What else it hands out with its own certificate.
        key: Its key.
        signer_digest: What it hashes before it signs.
        accuracy: By how many seconds it says to be off.
    """
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    directory.mkdir()
    top = authority or clock_root()
    key = key or curve_key(number=32)
    leaf = top.issue(plan or stamping_plan(), key=key)
    (directory / "signer.pem").write_bytes(leaf.pem)
    (directory / "signer.key").write_bytes(leaf.key_pem)
    (directory / "chain.pem").write_bytes(b"".join(each.pem for each in (*above, top)))
    (directory / "serial").write_text("01\n")
    (directory / "tsa.cnf").write_text(
        _CONFIGURATION.format(signer_digest=signer_digest, accuracy=accuracy)
    )
    return Clock(directory=directory, root=top)


def run_openssl(*arguments: str, directory: Path) -> bytes:
    """Run OpenSSL's command and return its standard output."""
    done = subprocess.run(["openssl", *arguments], cwd=directory, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


Answer = Callable[[bytes], tuple[int, Mapping[str, str], bytes]]
"""From a request's body to status, headers and body of the answer."""


@dataclass(kw_only=True)
class ClockServer:
    """
    A server on the loopback interface.

    Attributes:
        url: Its address.
        asked: The bodies of the requests that came, with their headers.
    """

    url: str
    asked: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)


@contextmanager
def serve_clock(answer: "Answer | Clock") -> Iterator[ClockServer]:
    """Serve a timestamp authority, or whatever *answer* says, on the loopback interface."""
    respond = _stamping(answer) if isinstance(answer, Clock) else answer
    server = ClockServer(url="")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the standard library's name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.asked.append((dict(self.headers.items()), body))
            status, headers, content = respond(body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            try:
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        server.url = f"http://127.0.0.1:{listener.server_address[1]}/tsr"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def reply(content: bytes, *, kind: str = REPLY) -> Answer:
    """Return an answer that is always *content*."""
    return lambda _: (200, {"Content-Type": kind}, content)


def _stamping(clock: Clock) -> Answer:
    return lambda query: (200, {"Content-Type": REPLY}, clock.stamp(query))
