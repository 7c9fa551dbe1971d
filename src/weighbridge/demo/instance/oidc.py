"""
The OIDC issuers of the test instance: tokens for any identity, for whoever asks.

Source: OpenID Connect Core 1.0 and Discovery 1.0; RFC 6749, RFC 7636 (PKCE). One issuer is
served over HTTP, with a login that asks for nothing; others are only played, under the names
that clients know, so that identities look as they do in the wild.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import jwt
from jwt.algorithms import ECAlgorithm

from weighbridge.core.values import frozen
from weighbridge.demo.instance.authority import new_key, public_der
from weighbridge.demo.instance.server import (
    Request,
    RequestRefusedError,
    Response,
    Routes,
    json_response,
)
from weighbridge.formats.json import JsonValue, parse_json

AUDIENCE: Final = "sigstore"
"""The client that clients of Sigstore are, unless they say otherwise."""

LIFETIME: Final = timedelta(minutes=10)
ALGORITHM: Final = "ES256"
OUT_OF_BAND: Final = "urn:ietf:wg:oauth:2.0:oob"

Claims = Mapping[str, str | bool | int]


class Issuer:
    """
    Somebody who gives tokens.

    Attributes:
        url: Its name, which is the claim `iss`.
        key: What its tokens are signed with.
    """

    def __init__(self, url: str) -> None:
        self.url: Final = url
        self.key = new_key()
        self.key_id = hashlib.sha256(public_der(self.key)).hexdigest()[:16]

    def mint(
        self,
        claims: Claims,
        *,
        now: datetime,
        audience: str = AUDIENCE,
        lifetime: timedelta = LIFETIME,
    ) -> str:
        """Return a token with *claims*, those of the protocol added where they lack."""
        issued = int(now.timestamp())
        registered = {
            "iss": self.url,
            "aud": audience,
            "iat": issued,
            "nbf": issued,
            "exp": issued + int(lifetime.total_seconds()),
        }
        return jwt.encode(
            {**registered, **claims},
            self.key,
            algorithm=ALGORITHM,
            headers={"kid": self.key_id},
        )

    def key_set(self) -> JsonValue:
        """Return the public key as a JSON Web Key Set."""
        key = parse_json(ECAlgorithm.to_jwk(self.key.public_key()).encode(), what="key")
        assert isinstance(key, dict)
        return {"keys": [{**key, "kid": self.key_id, "alg": ALGORITHM, "use": "sig"}]}


@frozen
class _Grant:
    """What an authorization code stands for."""

    client: str
    redirect: str
    challenge: str
    claims: Claims


class Login:
    """
    The login page of an issuer: whoever comes is *identity*, without a question.

    Attributes:
        claims: Who comes.
        clients: Secrets of the clients that may ask, by their ids; empty for none.
    """

    def __init__(self, issuer: Issuer, *, claims: Claims, clients: Mapping[str, str]) -> None:
        self.claims = claims
        self.clients: Final = dict(clients)
        self._issuer: Final = issuer
        self._grants: Final[dict[str, _Grant]] = {}

    def routes(self, *, url: str) -> Routes:
        """Return what is served at *url*."""
        discovery: JsonValue = {
            "issuer": url,
            "authorization_endpoint": f"{url}/auth",
            "token_endpoint": f"{url}/token",
            "jwks_uri": f"{url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "code_challenge_methods_supported": ["S256"],
        }
        return {
            ("GET", "/.well-known/openid-configuration"): lambda _: json_response(discovery),
            ("GET", "/keys"): lambda _: json_response(self._issuer.key_set()),
            ("GET", "/auth"): self._authorize,
            ("POST", "/token"): self._redeem,
        }

    def _authorize(self, request: Request) -> Response:
        """Send the browser back with a code, or show it where there is no way back."""
        query = request.query
        redirect = query.get("redirect_uri", "")
        if query.get("client_id") not in self.clients:
            raise RequestRefusedError("nobody knows this client", status=401)
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            raise RequestRefusedError("expected a request for a code, with PKCE")
        if redirect != OUT_OF_BAND and not redirect.startswith("http://localhost:"):
            raise RequestRefusedError("expected a way back to this machine")
        code = secrets.token_urlsafe(16)
        self._grants[code] = _Grant(
            client=query["client_id"],
            redirect=redirect,
            challenge=query.get("code_challenge", ""),
            claims=self.claims,
        )
        if redirect == OUT_OF_BAND:
            return Response(body=code.encode(), content_type="text/plain")
        back = urlencode({"code": code, "state": query.get("state", "")})
        return Response(status=302, location=f"{redirect}?{back}")

    def _redeem(self, request: Request) -> Response:
        """Give a token for a code, once."""
        form = request.form()
        client, secret = _credentials(request, form)
        grant = self._grants.pop(form.get("code", ""), None)
        if grant is None or (grant.client, grant.redirect) != (client, form.get("redirect_uri")):
            raise RequestRefusedError("the code is not for this", status=401)
        if not hmac.compare_digest(self.clients.get(client, ""), secret):
            raise RequestRefusedError("the client's secret is another", status=401)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(proof).rstrip(b"=").decode() != grant.challenge:
            raise RequestRefusedError("the code was given to somebody else", status=401)
        token = self._issuer.mint(grant.claims, now=datetime.now(UTC), audience=client)
        # Clients of Sigstore take the identity from the access token.
        answer = {"access_token": token, "token_type": "Bearer", "id_token": token}
        return Response(body=json.dumps(answer).encode())


def _credentials(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Return a client's id and secret: from the header where there is one, else from the form."""
    scheme, _, text = request.authorization.partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError as error:
        raise RequestRefusedError("the credentials are malformed", status=401) from error
    return client, secret
