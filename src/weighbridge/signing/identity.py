"""Whose certificate the caller expects."""

from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.core.values import frozen


@frozen
class ExpectedIdentity:
    """
    Who must have signed; everything that is given must match, exactly.

    A chain to a trusted root says that the root's owner knows the signer, not who it is:
    without an expected identity everybody to whom the authority ever issued a certificate
    could sign. So one is required, or the waiver in so many words.

    Attributes:
        subject: The certificate's whole subject as an RFC 4514 string, such as
            `CN=release,O=Example`, without spaces around the commas; the order of its parts
            counts, and how characters are escaped does not.
        identity: A name of any kind in the subject alternative name: URI, e-mail or DNS.
        san_uri: A URI in the subject alternative name.
        any_identity: Accept every certificate under the given roots.

    Raises:
        UsageError: Nothing is expected and nothing is waived, or both at once.
    """

    subject: str | None = None
    identity: str | None = None
    san_uri: str | None = None
    any_identity: bool = False

    def __post_init__(self) -> None:
        given = [self.subject, self.identity, self.san_uri]
        wanted = [text for text in given if text is not None]
        if self.any_identity and wanted:
            raise UsageError(
                "an identity is expected and waived at once",
                expected="either an identity or --any-identity",
                found="both",
            )
        if "" in wanted or not (wanted or self.any_identity):
            raise UsageError(
                "the certificate method needs the identity of the expected signer",
                code=Code.IDENTITY_REQUIRED,
                expected="a subject or a name of the certificate",
                found="an empty one" if wanted else "none",
                hint="Give --subject, --identity or --san-uri; --any-identity accepts whoever "
                "the authority ever issued a certificate to",
            )
