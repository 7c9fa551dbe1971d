"""Signing with a token: what is asked of whom, when, and what is refused before it is written."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sigstore._internal.oidc.oauth import _OAuthFlow

from support.signatures import refused, state
from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, RefusedError
from weighbridge.core.identity import Clock
from weighbridge.demo.instance.faults import (
    CertificateFault,
    Faults,
    LogFault,
    SctFault,
    StampFault,
)
from weighbridge.demo.instance.loopback import LoopbackSigstore
from weighbridge.demo.instance.server import Response, json_response, listening
from weighbridge.formats.json import JsonValue
from weighbridge.signing.bundle import parse_bundle
from weighbridge.signing.sigstore import services
from weighbridge.signing.sigstore.credentials import (
    AmbientToken,
    Credentials,
    GivenToken,
    InteractiveToken,
)
from weighbridge.signing.sigstore.services import require_confidential
from weighbridge.signing.sigstore.signer import SigstoreSigner
from weighbridge.signing.sigstore.trust import Trust, parse_trust
from weighbridge.signing.statement import render_statement

STATEMENT = render_statement(state())


def trust_of(instance: LoopbackSigstore, *, version: int = 2) -> Trust:
    """Return the trust configuration for a version of the log's protocol."""
    place = instance.trust_config if version == 2 else instance.trust_config_v1
    return parse_trust(place.read_bytes(), where=str(place))


def signer_with(instance: LoopbackSigstore, credentials: Credentials) -> SigstoreSigner:
    """Return a signer on the instance."""
    return SigstoreSigner(trust=trust_of(instance), credentials=credentials)


@pytest.mark.parametrize(
    ("version", "clock"), [(1, Clock.TRANSPARENCY_LOG), (2, Clock.TIMESTAMP_AUTHORITY)]
)
def test_a_given_token_signs(instance: LoopbackSigstore, version: int, clock: Clock) -> None:
    """With either version of the log the very bytes are signed, and the signer is told who."""
    trust = trust_of(instance, version=version)
    signer = SigstoreSigner(trust=trust, credentials=GivenToken(text=instance.token()))
    assert signer.identity is None
    bundle = parse_bundle(signer.sign(STATEMENT), where="model.sig")
    assert bundle.payload == STATEMENT
    assert signer.identity is not None
    assert (signer.identity.name, signer.identity.issuer) == (
        "ada@example.org",
        instance.issuer.url,
    )
    assert [time.clock for time in signer.identity.times] == [clock]
    assert signer.identity.trusted_root == f"sha256:{trust.sha256}"


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (lambda _: "", "found nothing"),
        (lambda _: "a.b.c", "malformed"),
        (lambda _: "\u00e9" * 10, "something else than a token"),
        (lambda _: "x" * 100_000, "something else than a token"),
        (lambda i: i.token(lifetime=timedelta(minutes=-5)), "expired"),
        (lambda i: i.token(audience="somebody-else"), "Audience"),
    ],
)
def test_an_unusable_token_is_refused_before_anything_is_sent(
    instance: LoopbackSigstore, token: Callable[[LoopbackSigstore], str], text: str
) -> None:
    """A token that cannot work is refused when the signer is made, and is in no message."""
    given = token(instance)
    with refused(Code.IDENTITY_TOKEN, text=text) as _:
        signer_with(instance, GivenToken(text=given))


def test_a_token_is_never_shown(instance: LoopbackSigstore) -> None:
    """Neither a token nor a client's secret is in the representation of what holds it."""
    secret = instance.token()
    assert secret not in repr(GivenToken(text=secret))
    assert "s3cret" not in repr(InteractiveToken(secret="s3cret"))


def test_a_forged_token_gets_no_certificate(instance: LoopbackSigstore) -> None:
    """The certificate authority's refusal is an error of the operation, with its words."""
    head, claims, _ = instance.token().split(".")
    _, _, signature = instance.github.mint(
        {"sub": "x"}, now=datetime.now(UTC), audience="sigstore"
    ).split(".")
    signer = signer_with(instance, GivenToken(text=f"{head}.{claims}.{signature}"))
    with pytest.raises(OperationError, match=r"certificate authority.*401") as raised:
        signer.sign(STATEMENT)
    assert raised.value.code is Code.SERVICE_FAILED
    assert signature not in str(raised.value)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(sct=SctFault.MISSING),
        Faults(sct=SctFault.OTHER_KEY),
        Faults(certificate=CertificateFault.OTHER_AUTHORITY),
        Faults(certificate=CertificateFault.TWO_IDENTITIES),
        Faults(log=LogFault.BROKEN_PROOF),
        Faults(log=LogFault.OTHER_KEY),
        Faults(stamp=StampFault.OTHER_AUTHORITY),
        Faults(stamp=StampFault.OTHER_MESSAGE),
        Faults(stamp_shift=timedelta(hours=-1)),
    ],
    ids=str,
)
def test_what_services_give_is_verified_before_it_leaves(
    instance: LoopbackSigstore, faults: Faults
) -> None:
    """A signature that no verifier would accept is an error for whoever signs."""
    signer = signer_with(instance, GivenToken(text=instance.token()))
    with instance.misbehaving(faults), pytest.raises((OperationError, RefusedError)):
        signer.sign(STATEMENT)
    assert signer.identity is None
    signer.sign(STATEMENT)


def test_a_job_of_a_ci_system_signs_as_its_workflow(
    instance: LoopbackSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ambient credentials of GitHub Actions sign as the workflow, with its claims."""
    for name, value in instance.environment().items():
        monkeypatch.setenv(name, value)
    signer = signer_with(instance, AmbientToken())
    signer.sign(STATEMENT)
    assert signer.identity is not None
    assert signer.identity.issuer == "https://token.actions.githubusercontent.com"
    assert dict(signer.identity.claims)["build-trigger"] == "push"


def test_no_ci_system_means_no_ambient_credentials(
    instance: LoopbackSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no CI system is around, ambient credentials are refused with what is missing."""
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "ACTIONS_", "GITLAB", "BUILDKITE", "CIRCLE", "SIGSTORE_")):
            monkeypatch.delenv(name)
    with refused(Code.IDENTITY_TOKEN, text="no CI system"):
        signer_with(instance, AmbientToken()).sign(STATEMENT)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with refused(Code.IDENTITY_TOKEN, text="id-token: write"):
        signer_with(instance, AmbientToken()).sign(STATEMENT)


def test_an_instance_without_a_provider_needs_a_token(instance: LoopbackSigstore) -> None:
    """Where the configuration names no identity provider, a person cannot sign in."""
    document = json.loads(instance.trust_config.read_text())
    document["signingConfig"]["oidcUrls"] = []
    trust = parse_trust(json.dumps(document).encode(), where="config.json")
    with refused(Code.IDENTITY_TOKEN, text="no identity provider"):
        SigstoreSigner(trust=trust, credentials=InteractiveToken()).sign(STATEMENT)


@pytest.mark.parametrize(("member", "services_left"), [("caUrls", []), ("rekorTlogUrls", [])])
def test_an_instance_without_services_cannot_sign(
    instance: LoopbackSigstore, member: str, services_left: list[object]
) -> None:
    """Where the configuration names no authority or no log, signing is refused at once."""
    document = json.loads(instance.trust_config.read_text())
    document["signingConfig"][member] = services_left
    trust = parse_trust(json.dumps(document).encode(), where="config.json")
    with refused(Code.TRUSTED_ROOT, text="no service to sign with"):
        SigstoreSigner(trust=trust, credentials=GivenToken(text=instance.token()))


@pytest.mark.parametrize(
    "url",
    ["https://fulcio.example", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"],
)
def test_secrets_may_go_over_https_or_stay_here(url: str) -> None:
    """An encrypted connection, or one to this machine, may carry a token."""
    require_confidential(url, what="service")


@pytest.mark.parametrize(
    "url",
    [
        "http://fulcio.example",
        "http://127.0.0.1.evil.example",
        "ftp://localhost",
        "https://",
        "http://[::1",
        "fulcio.example",
        "http://10.0.0.1",
    ],
)
def test_secrets_go_nowhere_else(url: str) -> None:
    """A token in the clear over a network is refused."""
    with refused(Code.TRUSTED_ROOT, text="in the clear"):
        require_confidential(url, what="service")


def test_an_answer_that_is_too_long_is_not_read(
    instance: LoopbackSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that answers more than any signature needs is given up on."""
    monkeypatch.setattr(services, "MAX_SERVICE_ANSWER_BYTES", 100)
    signer = signer_with(instance, GivenToken(text=instance.token()))
    with pytest.raises(OperationError, match="more than 100 bytes") as raised:
        signer.sign(STATEMENT)
    assert raised.value.code is Code.SERVICE_FAILED


def test_a_service_that_is_not_there_is_an_error(instance: LoopbackSigstore) -> None:
    """A service that cannot be reached is an error of the operation."""
    with listening() as gone:
        url = gone.url
    document = json.loads(instance.trust_config.read_text())
    document["signingConfig"]["caUrls"][0]["url"] = url
    trust = parse_trust(json.dumps(document).encode(), where="config.json")
    signer = SigstoreSigner(trust=trust, credentials=GivenToken(text=instance.token()))
    with pytest.raises(OperationError) as raised:
        signer.sign(STATEMENT)
    assert raised.value.code is Code.SERVICE_FAILED


def strange_config(instance: LoopbackSigstore, kind: str, url: str) -> Trust:
    """Return the instance's configuration with *url* in the place of one service."""
    document = json.loads(instance.trust_config.read_text())
    document["signingConfig"][kind][0]["url"] = url
    return parse_trust(json.dumps(document).encode(), where="config.json")


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"[]", b"null", b'"text"', b"no JSON", b"{}"], ids=ascii
)
def test_an_answer_of_another_shape_is_an_error(instance: LoopbackSigstore, body: bytes) -> None:
    """An authority that answers anything at all ends the signing, with an error of ours."""
    with listening() as service:
        service.routes = {("POST", "/api/v2/signingCert"): lambda _: Response(body=body)}
        trust = strange_config(instance, "caUrls", service.url)
        signer = SigstoreSigner(trust=trust, credentials=GivenToken(text=instance.token()))
        with pytest.raises(OperationError) as raised:
            signer.sign(STATEMENT)
        assert raised.value.code is Code.SERVICE_FAILED
        assert service.requests == 1


def test_no_redirection_is_followed(instance: LoopbackSigstore) -> None:
    """A token goes to the configured authority and not to where that one points."""
    with listening() as elsewhere, listening() as service:
        target = f"{elsewhere.url}/api/v2/signingCert"
        service.routes = {
            ("POST", "/api/v2/signingCert"): lambda _: Response(status=307, location=target)
        }
        trust = strange_config(instance, "caUrls", service.url)
        signer = SigstoreSigner(trust=trust, credentials=GivenToken(text=instance.token()))
        with pytest.raises(OperationError, match="redirections are not followed"):
            signer.sign(STATEMENT)
        assert (service.requests, elsewhere.requests) == (1, 0)


@pytest.mark.parametrize(
    ("name", "url", "text"),
    [
        ("authorization_endpoint", "http://issuer.example/auth", "in the clear"),
        ("token_endpoint", "http://issuer.example/token", "in the clear"),
        ("authorization_endpoint", "https://issuer.example/\x1b[2J", "no address has"),
        ("token_endpoint", "https://issuer.example/\u202e", "no address has"),
    ],
)
def test_a_provider_cannot_send_a_person_anywhere(
    instance: LoopbackSigstore, name: str, url: str, text: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where to sign in and where the token is from have to be confidential and printable."""
    with listening() as service:
        document = {
            "authorization_endpoint": f"{service.url}/auth",
            "token_endpoint": f"{service.url}/token",
            name: url,
        }
        place = ("GET", "/.well-known/openid-configuration")
        service.routes = {place: lambda _: json_response({**document})}
        trust = strange_config(instance, "oidcUrls", service.url)
        signer = SigstoreSigner(trust=trust, credentials=InteractiveToken(out_of_band=True))
        with refused(Code.TRUSTED_ROOT, text=text):
            signer.sign(STATEMENT)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "body", [b" " * 1000 + b"{}", b"[" * 5000, b"[]", b"{}", b"null"], ids=lambda b: ascii(b[-9:])
)
def test_a_provider_that_answers_anything_is_an_error(
    instance: LoopbackSigstore, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    """A provider's answer has an end and a shape, too."""
    monkeypatch.setattr(services, "MAX_SERVICE_ANSWER_BYTES", 900 if body[:1] == b" " else 10**6)
    with listening() as service:
        place = ("GET", "/.well-known/openid-configuration")
        service.routes = {place: lambda _: Response(body=body)}
        trust = strange_config(instance, "oidcUrls", service.url)
        signer = SigstoreSigner(trust=trust, credentials=InteractiveToken(out_of_band=True))
        with pytest.raises(OperationError) as raised:
            signer.sign(STATEMENT)
        assert raised.value.code is Code.SERVICE_FAILED
        assert (body[:1] == b" ") == ("more than 900 bytes" in str(raised.value))


@pytest.mark.parametrize("answer", [[], {"access_token": 1}, {"access_token": None}, "text"])
def test_a_token_of_another_shape_is_an_error(
    instance: LoopbackSigstore, monkeypatch: pytest.MonkeyPatch, answer: JsonValue
) -> None:
    """What a provider gives in the place of a token ends the signing, with an error of ours."""
    monkeypatch.setattr("builtins.input", lambda _: "code")
    leave = _OAuthFlow.__exit__

    def close(flow: _OAuthFlow, *given: Any) -> None:
        leave(flow, *given)
        flow._server.server_close()  # which the package leaves to the end of the process

    monkeypatch.setattr(_OAuthFlow, "__exit__", close)
    with listening() as service:
        document = {
            "authorization_endpoint": f"{service.url}/auth",
            "token_endpoint": f"{service.url}/token",
        }
        service.routes = {
            ("GET", "/.well-known/openid-configuration"): lambda _: json_response({**document}),
            ("POST", "/token"): lambda _: json_response(answer),
        }
        trust = strange_config(instance, "oidcUrls", service.url)
        signer = SigstoreSigner(trust=trust, credentials=InteractiveToken(out_of_band=True))
        with pytest.raises(OperationError) as raised:
            signer.sign(STATEMENT)
        assert raised.value.code is Code.SERVICE_FAILED
