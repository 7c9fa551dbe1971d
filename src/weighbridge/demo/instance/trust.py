"""
What clients are told about the test instance: trusted root and signing configuration.

Source: https://github.com/sigstore/protobuf-specs, sigstore_trustroot.proto, in its JSON form.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from weighbridge.core.values import frozen
from weighbridge.demo.instance.authority import ORGANIZATION, Holder, public_der
from weighbridge.demo.instance.encoding import to_base64
from weighbridge.demo.instance.log import log_id
from weighbridge.formats.json import JsonValue

ROOT_TYPE: Final = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
SIGNING_TYPE: Final = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
CONFIG_TYPE: Final = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"


@frozen
class Addresses:
    """Where the services are; without a slash at the end."""

    oidc: str
    fulcio: str
    rekor: str
    tsa: str


@frozen
class TrustedKeys:
    """
    What a client trusts, which need not be what the instance has.

    Attributes:
        fulcio: Chains of certificate authorities, each from the intermediate to the root.
        ctlogs: Keys of certificate logs.
        tlogs: Keys of signature logs.
        tsas: Chains of timestamp authorities, each from the stamping certificate to the root.
        since: From when on all of it is trusted.
        until: Until when; None for as long as it lasts.
    """

    fulcio: tuple[Sequence[Holder], ...]
    ctlogs: tuple[ec.EllipticCurvePrivateKey, ...]
    tlogs: tuple[ec.EllipticCurvePrivateKey, ...]
    tsas: tuple[Sequence[Holder], ...]
    since: datetime
    until: datetime | None = None


def trusted_root(keys: TrustedKeys, addresses: Addresses) -> JsonValue:
    """Return the document that says whom clients trust."""
    return {
        "mediaType": ROOT_TYPE,
        "tlogs": [_log(key, addresses.rekor, keys) for key in keys.tlogs],
        "certificateAuthorities": [
            _authority(chain, addresses.fulcio, keys) for chain in keys.fulcio
        ],
        "ctlogs": [_log(key, addresses.fulcio, keys) for key in keys.ctlogs],
        "timestampAuthorities": [_authority(chain, addresses.tsa, keys) for chain in keys.tsas],
    }


def trust_config(
    root: JsonValue, addresses: Addresses, *, since: datetime, log_version: int = 2
) -> JsonValue:
    """
    Return the document that says whom clients trust, and where they sign.

    Args:
        root: Whom they trust.
        addresses: Where the services are.
        since: From when on they may be used.
        log_version: Which protocol of the signature log clients use. In version 1 the log says
            what time it is, and no timestamp authority is named.
    """

    def service(url: str, *, version: int = 1) -> JsonValue:
        return [
            {
                "url": url,
                "majorApiVersion": version,
                "validFor": {"start": _time(since)},
                "operator": ORGANIZATION,
            }
        ]

    return {
        "mediaType": CONFIG_TYPE,
        "trustedRoot": root,
        "signingConfig": {
            "mediaType": SIGNING_TYPE,
            "caUrls": service(addresses.fulcio),
            "oidcUrls": service(addresses.oidc),
            "rekorTlogUrls": service(addresses.rekor, version=log_version),
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaUrls": [] if log_version == 1 else service(addresses.tsa),
            "tsaConfig": {"selector": "ANY"},
        },
    }


def _log(key: ec.EllipticCurvePrivateKey, url: str, keys: TrustedKeys) -> JsonValue:
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": to_base64(public_der(key)),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": _period(keys),
        },
        "logId": {"keyId": to_base64(log_id(key))},
        "operator": ORGANIZATION,
    }


def _authority(chain: Sequence[Holder], url: str, keys: TrustedKeys) -> JsonValue:
    return {
        "subject": {"organization": ORGANIZATION, "commonName": "loopback"},
        "uri": url,
        "certChain": {"certificates": [{"rawBytes": to_base64(holder.der)} for holder in chain]},
        "validFor": _period(keys),
        "operator": ORGANIZATION,
    }


def _period(keys: TrustedKeys) -> JsonValue:
    if keys.until is None:
        return {"start": _time(keys.since)}
    return {"start": _time(keys.since), "end": _time(keys.until)}


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
