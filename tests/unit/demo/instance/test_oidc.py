"""The issuers of the test instance: discovery, the login that asks for nothing, the runner."""

import base64
import builtins
import hashlib
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from sigstore.oidc import IdentityError, IdentityToken, Issuer, detect_credential

from weighbridge.demo.instance.identity import GITHUB_ISSUER, WorkflowRun
from weighbridge.demo.instance.loopback import LoopbackSigstore, loopback_sigstore
from weighbridge.demo.instance.oidc import OUT_OF_BAND

pytestmark = pytest.mark.filterwarnings(
    # The package's server for the way back from the browser never closes its socket.
    "ignore:.*unclosed <socket:ResourceWarning",
    "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning",
)

VERIFIER = "a-verifier-of-some-length-that-nobody-guesses"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


@pytest.fixture(scope="module")
def private() -> Iterator[LoopbackSigstore]:
    """An instance that knows one client, with a secret."""
    with loopback_sigstore(clients={"acme": "s3cret"}) as running:
        yield running


def _ask(instance: LoopbackSigstore, **changes: str) -> requests.Response:
    query = {
        "response_type": "code",
        "client_id": "sigstore",
        "redirect_uri": OUT_OF_BAND,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "state": "7",
    }
    place = f"{instance.addresses.oidc}/auth"
    return requests.get(place, params={**query, **changes}, allow_redirects=False, timeout=30)


def _redeem(instance: LoopbackSigstore, code: str, **changes: str) -> requests.Response:
    form = {
        "client_id": "sigstore",
        "redirect_uri": OUT_OF_BAND,
        "code": code,
        "code_verifier": VERIFIER,
    }
    return requests.post(f"{instance.addresses.oidc}/token", data={**form, **changes}, timeout=30)


def test_a_token_can_be_checked_with_what_is_discovered(instance: LoopbackSigstore) -> None:
    """From the issuer's name alone its keys are found, and they check its tokens."""
    place = f"{instance.issuer.url}/.well-known/openid-configuration"
    discovered = requests.get(place, timeout=30).json()
    assert discovered["issuer"] == instance.issuer.url
    client = jwt.PyJWKClient(discovered["jwks_uri"])
    token = instance.token("ada@example.org")
    key = client.get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="sigstore")
    assert (claims["iss"], claims["email"]) == (instance.issuer.url, "ada@example.org")


def test_the_client_logs_in_out_of_band(
    instance: LoopbackSigstore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The client shows a link, takes the code that it leads to, and has a token for it."""

    def follow(prompt: str) -> str:
        link = capsys.readouterr().err.split()[-1]
        return requests.get(link, timeout=30).text

    monkeypatch.setattr(builtins, "input", follow)
    token = Issuer(instance.issuer.url).identity_token(force_oob=True)
    assert (token.issuer, token.identity) == (instance.issuer.url, "ada@example.org")


def test_the_client_logs_in_with_a_browser(
    instance: LoopbackSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that is sent to the issuer comes back with a code."""
    browsers = []

    def browse(place: str) -> bool:
        browsers.append(threading.Thread(target=requests.get, args=(place,)))
        browsers[0].start()
        return True

    monkeypatch.setattr("webbrowser.open", browse)
    token = Issuer(instance.issuer.url).identity_token()
    browsers[0].join()
    assert token.identity == "ada@example.org"


def test_a_client_with_a_secret_has_to_know_it(
    private: LoopbackSigstore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its secret the client gets a token that is made for it; with another, nothing."""

    def follow(prompt: str) -> str:
        return requests.get(capsys.readouterr().err.split()[-1], timeout=30).text

    monkeypatch.setattr(builtins, "input", follow)
    issuer = Issuer(private.issuer.url)
    token = issuer.identity_token(client_id="acme", client_secret="s3cret", force_oob=True)
    assert IdentityToken(str(token), "acme").issuer == private.issuer.url
    with pytest.raises(IdentityError, match="401"):
        issuer.identity_token(client_id="acme", client_secret="guess", force_oob=True)


def test_a_code_is_good_once(instance: LoopbackSigstore) -> None:
    """A code gives one token, and then nothing."""
    code = _ask(instance).text
    assert _redeem(instance, code).status_code == 200
    assert _redeem(instance, code).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "another"},
        {"redirect_uri": "http://localhost:1/"},
        {"client_id": "somebody"},
        {"client_secret": "guess"},
    ],
)
def test_a_code_is_good_for_who_asked_for_it(
    instance: LoopbackSigstore, changes: dict[str, str]
) -> None:
    """Without the verifier, for another way back or by another client, a code gives nothing."""
    assert _redeem(instance, _ask(instance).text, **changes).status_code == 401


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_id": "somebody"}, 401),
        ({"response_type": "token"}, 400),
        ({"code_challenge_method": "plain"}, 400),
        ({"redirect_uri": "https://example.org/"}, 400),
    ],
)
def test_nobody_is_sent_elsewhere(
    instance: LoopbackSigstore, changes: dict[str, str], status: int
) -> None:
    """Unknown clients, other flows and ways back to another machine are refused."""
    assert _ask(instance, **changes).status_code == status


def test_the_way_back_has_code_and_state(instance: LoopbackSigstore) -> None:
    """A browser goes back to the client with the code and with what the client gave along."""
    answer = _ask(instance, redirect_uri="http://localhost:1/back")
    back = urlsplit(answer.headers["Location"])
    assert (answer.status_code, back.netloc, back.path) == (302, "localhost:1", "/back")
    assert parse_qs(back.query)["state"] == ["7"]
    code = parse_qs(back.query)["code"][0]
    token = _redeem(instance, code, redirect_uri="http://localhost:1/back").json()
    assert json.dumps(token["id_token"]) == json.dumps(token["access_token"])


def test_malformed_credentials_are_refused(instance: LoopbackSigstore) -> None:
    """A client that does not say who it is in a way that can be read gets nothing."""
    headers = {"Authorization": "Basic !!!"}
    place = f"{instance.addresses.oidc}/token"
    assert requests.post(place, data={}, headers=headers, timeout=30).status_code == 401


def test_the_client_finds_the_tokens_of_a_workflow(
    instance: LoopbackSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the environment of a runner the client finds a token for the run."""
    for name, value in instance.environment().items():
        monkeypatch.setenv(name, value)
    found = detect_credential()
    assert found is not None
    claims: dict[str, Any] = jwt.decode(found, options={"verify_signature": False})
    assert (claims["iss"], claims["aud"]) == (GITHUB_ISSUER, "sigstore")
    assert claims["job_workflow_ref"] in WorkflowRun().identity


def test_a_runner_wants_its_secret(
    instance: LoopbackSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program on the machine, which does not know the runner's secret, gets nothing."""
    for name, value in instance.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "guess")
    with pytest.raises(IdentityError, match="401"):
        detect_credential()
