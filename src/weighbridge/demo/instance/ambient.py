"""
What a runner of GitHub's gives to the workflow that it runs: a place to ask for tokens.

Source: https://docs.github.com/en/actions/concepts/security/openid-connect, "Requesting the
token using environment variables".
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from weighbridge.demo.instance.identity import WorkflowRun
from weighbridge.demo.instance.oidc import AUDIENCE, Issuer
from weighbridge.demo.instance.server import (
    Request,
    RequestRefusedError,
    Response,
    Routes,
    json_response,
)

_PATH: Final = "/ambient/token"


class Runner:
    """
    Gives tokens for a run of a workflow to whoever holds the runner's secret.

    Attributes:
        run: What the tokens are about.
    """

    def __init__(self, issuer: Issuer, *, run: WorkflowRun) -> None:
        self.run = run
        self._issuer: Final = issuer
        self._secret: Final = secrets.token_urlsafe(16)

    def environment(self, url: str) -> Mapping[str, str]:
        """Return the variables that the workflow finds, where the runner is served at *url*."""
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}{_PATH}?api-version=2",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self._secret,
        }

    def routes(self) -> Routes:
        """Return what is served."""
        return {("GET", _PATH): self._give}

    def _give(self, request: Request) -> Response:
        if not hmac.compare_digest(request.bearer(), self._secret):
            raise RequestRefusedError("this is somebody else's secret", status=401)
        audience = request.query.get("audience", AUDIENCE)
        token = self._issuer.mint(self.run.claims(), now=datetime.now(UTC), audience=audience)
        return json_response({"value": token})
