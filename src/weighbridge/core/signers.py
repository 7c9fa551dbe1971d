"""How many different signers there are, when one of them may go by several names."""

from collections.abc import Iterable

from weighbridge.core.identity import (
    CertificateIdentity,
    KeyIdentity,
    SigstoreIdentity,
    VerifiedIdentity,
)


def count_signers(signatures: Iterable[tuple[str, VerifiedIdentity]]) -> int:
    """
    Return how many different signers made *signatures*, pairs of a trust entry and an identity.

    Identities with one label are one signer, and so are those that share

    - a key: one that is trusted by itself and in a certificate does not make two;
    - a URI or an e-mail address, by whichever method and whoever vouches for it;
    - a subject, where one of the certificates has no other name.

    DNS names are those of an organisation: they join only certificates that have nothing else.
    The result is the largest number of pairs of a trust entry and a signer in which neither
    occurs twice (maximum bipartite matching by augmenting paths).
    """
    pairs = tuple(signatures)
    subjects = frozenset(
        identity.subject
        for _, identity in pairs
        if isinstance(identity, CertificateIdentity) and not _alternative_names(identity)
    )
    names = _Names()
    for _, identity in pairs:
        names.join(_names(identity, subjects=subjects))
    signers: dict[str, set[str]] = {}
    for trust, identity in pairs:
        signers.setdefault(trust, set()).add(names.find(identity.label))
    owner: dict[str, str] = {}

    def assign(trust: str, tried: set[str]) -> bool:
        for signer in sorted(signers[trust] - tried):
            tried.add(signer)
            if signer not in owner or assign(owner[signer], tried):
                owner[signer] = trust
                return True
        return False

    return sum(assign(trust, set()) for trust in sorted(signers))


def _names(identity: VerifiedIdentity, *, subjects: frozenset[str]) -> tuple[str, ...]:
    """Return all by which *identity* can be known again; *subjects* are those without names."""
    match identity:
        case KeyIdentity():
            return (identity.label, f"key {identity.fingerprint}")
        case SigstoreIdentity():
            return (identity.label, f"name {identity.name}")
        case CertificateIdentity():
            names = [identity.label, *(f"name {name}" for name in _alternative_names(identity))]
            if identity.key_fingerprint is not None:
                names.append(f"key {identity.key_fingerprint}")
            if identity.subject in subjects:
                names.append(f"subject {identity.subject}")
            return tuple(names)


def _alternative_names(identity: CertificateIdentity) -> tuple[str, ...]:
    return (*identity.san_uris, *identity.san_emails) or identity.san_dns


class _Names:
    """Names that belong together (a disjoint-set forest)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def find(self, name: str) -> str:
        """Return the one name that stands for all that *name* was joined with."""
        while (above := self._above.setdefault(name, name)) != name:
            name = above
        return name

    def join(self, names: tuple[str, ...]) -> None:
        """Take *names* for one."""
        first = self.find(names[0])
        for name in names[1:]:
            self._above[self.find(name)] = first
