"""What a pickle needs: each name that it refers to, and what is known of it."""

from collections.abc import Iterator

from weighbridge.formats.pickle.values import GlobalNode
from weighbridge.scan.allowlist import find_entry
from weighbridge.scan.denylist import find_effect
from weighbridge.scan.need import Need, NeedStatus
from weighbridge.scan.pickle_facts import PickleFacts


def is_listed(node: GlobalNode) -> bool:
    """
    Tell whether *node* is on the allow-list, by the very module that its entry names.

    `a` and `b.c` reach another object than `a.b` and `c` where an attribute hides a module.
    """
    entry = find_entry(node.dotted)
    return entry is not None and entry.module == node.module


def needs_of(facts: PickleFacts) -> Iterator[Need]:
    """Yield what the stream of *facts* refers to, in the order in which it does."""
    summary = facts.summary
    for name, node in summary.names.items():
        entry = find_entry(node.dotted) if is_listed(node) else None
        status = NeedStatus.UNKNOWN
        if entry is not None:
            status = NeedStatus.LISTED
        elif find_effect(node.module, node.name) is not None:
            status = NeedStatus.DANGEROUS
        yield Need(
            path=facts.subject.path,
            member=facts.subject.member,
            name=name,
            count=summary.counts[node.dotted],
            status=status,
            pack=None if entry is None else entry.pack,
        )
