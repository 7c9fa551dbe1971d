"""A pickle that asks the program that loads it for objects by name."""

from collections.abc import Iterator

from weighbridge.core.evidence import Severity
from weighbridge.core.limits.scanning import MAX_FINDINGS_PER_FILE
from weighbridge.formats.pickle.render import render
from weighbridge.scan.interface import Match, Rule
from weighbridge.scan.pickle_facts import TORCH_DIALECTS, Dialect, PickleFacts
from weighbridge.scan.pickle_storage import read_module, read_storage


class PicklePersistentId(Rule[PickleFacts]):
    """Only torch's checkpoints have these, for storages and classes, and in one form each."""

    id = "pickle-persistent-id"
    severity = Severity.MEDIUM
    consumes = PickleFacts

    def check(self, facts: PickleFacts, /) -> Iterator[Match]:
        """Yield ids that torch did not write."""
        count = 0
        for node in facts.summary.persistent:
            known = read_storage(node.pid) or read_module(node.pid)
            if facts.dialect in TORCH_DIALECTS and known is not None:
                continue
            if facts.dialect is Dialect.TORCH_TAR and isinstance(node.pid, int | str):
                continue  # the number of a tensor or storage
            count += 1
            if count > MAX_FINDINGS_PER_FILE:
                return
            yield Match(
                message="Unpickling asks the loading program for a persistent object that is "
                "not a storage or class of a checkpoint.",
                offset=facts.at(node.offset),
                evidence=(render(node),),
            )
