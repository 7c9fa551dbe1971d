"""
Start and stop the test instance.

::

    with loopback_sigstore() as instance:
        token = instance.token("ada@example.org")
        ...  # any client of Sigstore, with instance.trust_config

Everything listens on 127.0.0.1 on ports that the system chooses, and is gone with the context.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from weighbridge.demo.instance import rekor, rekor_v1
from weighbridge.demo.instance.ambient import Runner
from weighbridge.demo.instance.ctlog import CertificateLog
from weighbridge.demo.instance.faults import Conduct, Faults
from weighbridge.demo.instance.fulcio import Fulcio
from weighbridge.demo.instance.identity import GITHUB_ISSUER, WorkflowRun
from weighbridge.demo.instance.log import TransparencyLog
from weighbridge.demo.instance.oidc import AUDIENCE, LIFETIME, Claims, Issuer, Login
from weighbridge.demo.instance.server import Service, listening
from weighbridge.demo.instance.trust import (
    Addresses,
    TrustedKeys,
    trust_config,
    trusted_root,
)
from weighbridge.demo.instance.tsa import PATH, TimestampAuthority
from weighbridge.formats.json import JsonValue

_TRUSTED_BEFORE: Final = timedelta(hours=1)


class LoopbackSigstore:
    """
    A running Sigstore instance for tests; see the package's warning.

    Attributes:
        directory: Where its files are.
        fulcio, ctlog, log, tsa: What is behind the services, to be asked directly.
        issuer: The OIDC issuer, whose login is at `login`.
        github: An issuer played under the name of GitHub's; `runner` gives its tokens to a
            program that finds `environment` around it.
        addresses: Where the services listen.
    """

    def __init__(
        self, directory: Path, *, services: Mapping[str, Service], clients: Mapping[str, str]
    ) -> None:
        addresses = _addresses(services)
        self._services: Final = services
        self.started: Final = datetime.now(UTC).replace(microsecond=0)
        self.directory: Final = directory
        self.addresses: Final = addresses
        self.conduct: Final = Conduct()
        self.issuer: Final = Issuer(addresses.oidc)
        self.github: Final = Issuer(GITHUB_ISSUER)
        self.login: Final = Login(
            self.issuer, claims=email_claims("ada@example.org"), clients=clients
        )
        self.runner: Final = Runner(self.github, run=WorkflowRun())
        self.ctlog: Final = CertificateLog(self.conduct)
        self.fulcio: Final = Fulcio(
            issuers=(self.issuer, self.github),
            audiences=clients,
            log=self.ctlog,
            now=self.started,
            conduct=self.conduct,
        )
        self.log: Final = TransparencyLog(self.conduct)
        self.tsa: Final = TimestampAuthority(now=self.started, conduct=self.conduct)

    @property
    def requests(self) -> int:
        """How many requests all of the services got."""
        return sum(service.requests for service in self._services.values())

    @property
    def trust_config(self) -> Path:
        """The client trust configuration: whom to trust, and where to sign."""
        return self.directory / "trust_config.json"

    @property
    def trust_config_v1(self) -> Path:
        """The same, for signing with version 1 of the log's protocol."""
        return self.directory / "trust_config_v1.json"

    @property
    def trusted_root(self) -> Path:
        """Whom to trust, alone."""
        return self.directory / "trusted_root.json"

    @property
    def keys(self) -> TrustedKeys:
        """What the instance signs with, which is what clients should trust."""
        return TrustedKeys(
            fulcio=(self.fulcio.authority.chain,),
            ctlogs=(self.ctlog.key,),
            tlogs=(self.log.key,),
            tsas=(self.tsa.chain,),
            since=self.started - _TRUSTED_BEFORE,
        )

    def token(
        self,
        identity: str = "ada@example.org",
        *,
        audience: str = AUDIENCE,
        lifetime: timedelta = LIFETIME,
        claims: Claims | None = None,
    ) -> str:
        """
        Return a token of the instance's own issuer.

        Args:
            identity: An e-mail address, or a URI.
            audience: The client that it is for.
            lifetime: From now on; a negative one gives a token that has expired.
            claims: More claims, which replace those that there are.
        """
        said = email_claims(identity) if "://" not in identity else {"sub": identity}
        return self.issuer.mint(
            {**said, **(claims or {})},
            now=datetime.now(UTC),
            audience=audience,
            lifetime=lifetime,
        )

    def workflow_token(self, run: WorkflowRun | None = None, *, audience: str = AUDIENCE) -> str:
        """Return a token for a run of a workflow, as GitHub's issuer would give it."""
        return self.github.mint(
            (run or WorkflowRun()).claims(), now=datetime.now(UTC), audience=audience
        )

    def environment(self) -> dict[str, str]:
        """Return the variables in which a program finds itself on a runner of GitHub's."""
        return dict(self.runner.environment(self.addresses.oidc))

    def write_trust(self, name: str, keys: TrustedKeys, *, log_version: int = 2) -> Path:
        """Write a trust configuration called *name* with other *keys*, and return its place."""
        root = trusted_root(keys, self.addresses)
        place = self.directory / name
        _write(place, trust_config(root, self.addresses, since=keys.since, log_version=log_version))
        return place

    @contextmanager
    def misbehaving(self, faults: Faults) -> Iterator[None]:
        """Have the services depart from what they should do while the context lasts."""
        before = self.conduct.faults
        self.conduct.faults = faults
        try:
            yield
        finally:
            self.conduct.faults = before


def email_claims(address: str) -> Claims:
    """Return what an issuer says of somebody whose e-mail *address* it has verified."""
    return {"sub": address, "email": address, "email_verified": True}


@contextmanager
def loopback_sigstore(
    directory: Path | None = None, *, clients: Mapping[str, str] | None = None
) -> Iterator[LoopbackSigstore]:
    """
    Run a Sigstore instance while the context lasts.

    Args:
        directory: Where to write its files; it has to exist. The default is a temporary one,
            which goes with the instance.
        clients: Secrets of the OIDC clients, by their ids; the default is the one that clients
            of Sigstore are unless they say otherwise, and it has no secret.
    """
    with ExitStack() as stack:
        if directory is None:
            place = Path(tempfile.mkdtemp(prefix="weighbridge-loopback-"))
            stack.callback(shutil.rmtree, place)
        else:
            place = directory
        services = {
            name: stack.enter_context(listening()) for name in ("oidc", "fulcio", "rekor", "tsa")
        }
        instance = LoopbackSigstore(place, services=services, clients=clients or {AUDIENCE: ""})
        services["oidc"].routes = {
            **instance.login.routes(url=services["oidc"].url),
            **instance.runner.routes(),
        }
        services["fulcio"].routes = instance.fulcio.routes()
        services["rekor"].routes = {**rekor.routes(instance.log), **rekor_v1.routes(instance.log)}
        services["tsa"].routes = instance.tsa.routes()
        _write(instance.trusted_root, trusted_root(instance.keys, instance.addresses))
        instance.write_trust(instance.trust_config.name, instance.keys)
        instance.write_trust(instance.trust_config_v1.name, instance.keys, log_version=1)
        yield instance


def _addresses(services: Mapping[str, Service]) -> Addresses:
    return Addresses(
        oidc=services["oidc"].url,
        fulcio=services["fulcio"].url,
        rekor=services["rekor"].url,
        tsa=services["tsa"].url + PATH,
    )


def _write(place: Path, document: JsonValue) -> None:
    place.write_text(json.dumps(document, indent=2), encoding="utf-8")
