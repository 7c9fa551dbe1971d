"""
Where the token of an identity provider is from: given, of the CI system, or of a browser.

A token is a secret for as long as it is valid: whoever has it can sign in the owner's name. It
is in no message and in no value that is printed.
"""

import contextlib
import sys
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from id import IdentityError as AmbientError
from requests import Session
from sigstore.errors import Error as SigstoreError
from sigstore.oidc import ExpiredIdentity, IdentityToken, Issuer, IssuerError, detect_credential

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, OperationError
from weighbridge.core.limits.signing import MAX_IDENTITY_TOKEN_BYTES
from weighbridge.core.values import frozen
from weighbridge.signing.sigstore.services import ANSWER_ERRORS, bound, require_confidential

DEFAULT_CLIENT: Final = "sigstore"
"""The client that identity providers of Sigstore know without a secret."""

_FOREIGN: Final = (
    *ANSWER_ERRORS,
    SigstoreError,
    AmbientError,
    ExpiredIdentity,
    IssuerError,
    EOFError,
    OSError,
)

T = TypeVar("T")


class Credentials(Protocol):
    """Gets a token when it is needed: tokens are valid for minutes, or for one."""

    def token(self, *, provider: str | None) -> IdentityToken:
        """
        Return a token; *provider* is the identity provider of the instance, if it has one.

        Raises:
            KeyRejectedError: There is none, or it cannot be used.
            OperationError: The provider cannot be reached.
        """
        ...


@frozen
class GivenToken:
    """A token that the caller has."""

    text: str
    client: str = DEFAULT_CLIENT

    def __repr__(self) -> str:
        return "GivenToken(...)"

    def token(self, *, provider: str | None) -> IdentityToken:
        """Return the token, if it is current and for the client."""
        del provider
        return _read(self.text, client=self.client)


@frozen
class AmbientToken:
    """A token that the CI system gives to its job, asked for anew each time."""

    client: str = DEFAULT_CLIENT

    def token(self, *, provider: str | None) -> IdentityToken:
        """Return the token of the job that this process is part of."""
        del provider
        try:
            text = detect_credential(self.client)
        except _FOREIGN as error:
            raise _no_ambient(str(error).splitlines()[0][:200] if str(error) else "none") from error
        if text is None:
            raise _no_ambient("no CI system that gives tokens")
        return _read(text, client=self.client)


@frozen
class InteractiveToken:
    """
    A token that a person gets by signing in with a browser.

    Attributes:
        client: Id of the OAuth client.
        secret: Its secret; empty where it has none.
        out_of_band: Show an address and ask for a code, instead of opening a browser here.
        before: Called when a person is about to be asked for something.
    """

    client: str = DEFAULT_CLIENT
    secret: str = ""
    out_of_band: bool = False
    before: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return f"InteractiveToken(client={self.client!r}, ...)"

    def token(self, *, provider: str | None) -> IdentityToken:
        """Have a person sign in at *provider*; talk goes to standard error."""
        if provider is None:
            raise KeyRejectedError(
                "the instance has no identity provider to sign in at",
                code=Code.IDENTITY_TOKEN,
                hint="Use --identity-token-file or --use-ambient-credentials",
            )
        require_confidential(provider, what="identity provider")
        self.before()
        # The dependency asks for the code on standard output, which is for results.
        with contextlib.redirect_stdout(sys.stderr):
            issuer = _foreign(provider, lambda: _BoundedIssuer(provider))
            # The provider says where to: the code and the client's secret go there.
            for url in issuer.endpoints:
                require_confidential(url, what="identity provider")
            return _foreign(
                provider,
                lambda: issuer.identity_token(self.client, self.secret, self.out_of_band),
            )


class _BoundedIssuer(Issuer):
    """An identity provider whose answers have an end."""

    def __setattr__(self, name: str, value: object) -> None:
        # The constructor makes its session and uses it at once.
        if isinstance(value, Session):
            bound(value)
        super().__setattr__(name, value)

    @property
    def endpoints(self) -> tuple[str, str]:
        """Where a person signs in, and where the token is from, as the provider says."""
        found = self.oidc_config
        return found.authorization_endpoint, found.token_endpoint


def _read(text: str, *, client: str) -> IdentityToken:
    """Return the token *text*; what it says is for the certificate authority to judge."""
    stripped = text.strip()
    problem = None
    if not stripped:
        problem = "nothing"
    elif len(stripped) > MAX_IDENTITY_TOKEN_BYTES or not stripped.isascii():
        problem = "something else than a token"
    if problem is None:
        try:
            return IdentityToken(stripped, client)
        except _FOREIGN as error:
            problem = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
    raise KeyRejectedError(
        "the identity token cannot be used",
        code=Code.IDENTITY_TOKEN,
        expected=f"a current token for the audience '{client}'",
        found=problem,
    )


def _foreign(provider: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except _FOREIGN as error:
        cause = error.__cause__ or error
        raise OperationError(
            "nobody signed in at the identity provider",
            code=Code.SERVICE_FAILED,
            where=provider,
            found=(str(cause).splitlines() or [type(cause).__name__])[0][:200],
        ) from error


def _no_ambient(found: str) -> KeyRejectedError:
    return KeyRejectedError(
        "there are no credentials around this process",
        code=Code.IDENTITY_TOKEN,
        expected="a job of a CI system that may ask for identity tokens",
        found=found,
        hint="In GitHub Actions the job needs 'permissions: id-token: write'",
    )
