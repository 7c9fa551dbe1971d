"""Bounds of signatures, certificates, timestamps, logs and tokens."""

from typing import Final

from weighbridge.core.limits.units import KIB, MIB

MAX_BUNDLE_BYTES: Final = 256 * MIB
"""A Sigstore bundle. 20,000 files make 4.2 MB, so this is over `MAX_FILES` files. It is read
whole before anybody is known to have signed it, and takes up to four times as much memory."""

MAX_SIGNATURE_FILES: Final = 16
"""Signatures of one model, `model.sig` and `model.*.sig`; a release has one for each of the few
who have to sign it. Together they have at most `MAX_BUNDLE_BYTES`."""

MAX_WIDE_BUNDLE_BYTES: Final = 32 * MIB
"""A Sigstore bundle with a character outside ASCII, which none needs but in the notes of a log:
one such character makes Python keep four bytes for every character of its string."""

MAX_KEY_FILE_BYTES: Final = 1 * MIB
"""A PEM file with a key or certificates."""

MAX_TOKEN_URI_CHARS: Final = 4096
"""A PKCS#11 URI; a path has at most as many bytes on Linux."""

MAX_CERTIFICATES: Final = 32
"""Certificates in a bundle or a trust file."""

MAX_CHAIN_DEPTH: Final = 8
"""Intermediate certificates in a path."""

MAX_SIGNATURE_BYTES: Final = 8 * KIB
"""A signature; ECDSA on P-521 needs 139 bytes in DER, ML-DSA-87 4627."""

MAX_TIMESTAMPS: Final = 32
"""Timestamps in one signature file, as many as other clients of the bundle format read."""

MAX_TIMESTAMP_BYTES: Final = 64 * KIB
"""One RFC 3161 response; with a chain of RSA certificates they have some 5 KiB."""

MAX_TIMESTAMP_URL_CHARS: Final = 2048
"""Address of a timestamp authority."""

MAX_TIMESTAMP_SECONDS: Final = 30
"""From asking a timestamp authority to the last byte of its answer; they take under a second."""

MAX_TIMESTAMP_INACCURACY_SECONDS: Final = 60
"""What an authority may say its clock is off by; public ones say a second or less."""

MAX_CLOCK_SKEW_SECONDS: Final = 300
"""By which the verifier's clock may be behind an authority's, as in Kerberos (RFC 4120 8.2)."""

MAX_LOG_ENTRY_BYTES: Final = 1 * MIB
"""One entry of a transparency log; it holds a signature and a certificate, some 3 KB."""

MAX_PROOF_HASHES: Final = 64
"""Steps from an entry of a log to its root: enough for every number of entries."""

MAX_CHECKPOINT_CHARS: Final = 16 * KIB
"""What a log signed about itself; some 300 characters, and some 150 for each witness."""

MAX_UNIX_SECONDS: Final = 253_402_300_799
"""The last second of the year 9999, beyond which Python has no times."""

MAX_TRUST_FILE_BYTES: Final = 1 * MIB
"""A trusted root or a client's trust configuration; the public instance's has 7 KB."""

MAX_IDENTITY_TOKEN_BYTES: Final = 64 * KIB
"""A token of an identity provider; some 2 KB."""

MAX_SERVICE_SECONDS: Final = 60
"""Waiting for an answer of a service that takes part in a keyless signature; a log that answers
when the entry is in its tree takes up to 20."""

MAX_SERVICE_ANSWER_BYTES: Final = 8 * MIB
"""An answer of such a service; the first version of the log repeats what it was sent."""
