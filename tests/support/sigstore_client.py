"""The `sigstore` package as a client of the test instance: the plain way to sign and verify."""

from pathlib import Path

from sigstore import dsse
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

STATEMENT = (
    dsse.StatementBuilder(
        subjects=[dsse.Subject(name="model", digest=dsse.DigestSet({"sha256": "00" * 32}))],
        predicate_type="https://example.org/predicate",
        predicate={"about": "nothing"},
    )
    .build()
    ._contents
)


def read_config(place: Path) -> ClientTrustConfig:
    """Return the client trust configuration at *place*."""
    return ClientTrustConfig.from_json(place.read_text())


def client_signs(config: Path, token: str, *, statement: bytes = STATEMENT) -> str:
    """Sign *statement* as whoever *token* is about, and return the bundle."""
    context = SigningContext.from_trust_config(read_config(config))
    with context.signer(IdentityToken(token)) as signer:
        return signer.sign_dsse(dsse.Statement(statement)).to_json()


def client_verifies(config: Path, bundle: str | bytes, *, identity: str, issuer: str) -> bytes:
    """Return the statement that *identity* signed; raises what the package raises."""
    verifier = Verifier(trusted_root=read_config(config).trusted_root)
    policy = Identity(identity=identity, issuer=issuer)
    return verifier.verify_dsse(Bundle.from_json(bundle), policy)[1]
