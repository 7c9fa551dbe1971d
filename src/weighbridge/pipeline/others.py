"""Ask the scanners that a caller or a policy names besides our own."""

from collections.abc import Callable, Iterable

from weighbridge.core.artifact import Inventory
from weighbridge.core.errors import UsageError, WeighbridgeError, one_line
from weighbridge.core.limits.scanning import MAX_OTHER_SCANNERS
from weighbridge.inventory.contents import DiskContents
from weighbridge.policy.scanners import ScannerAdapter, ScannerEntry
from weighbridge.policy.schema import Policy
from weighbridge.scan.others.catalogue import ADAPTERS
from weighbridge.scan.others.consult import OtherScanner, consult
from weighbridge.scan.others.sarif import Sarif
from weighbridge.scan.report import ScanReport
from weighbridge.sources.interface import LocalHandle


def ask_others(
    report: ScanReport,
    names: Iterable[str],
    *,
    handle: LocalHandle,
    policy: Policy | None = None,
) -> ScanReport:
    """
    Return *report* with what the scanners *names* add.

    They open the files by themselves, so these are compared with the inventory before and
    after. They can only add; one that is missing or fails is a gap.

    Args:
        report: What this tool says.
        names: Entries of the policy, or scanners known by name.
        handle: Where the artifact is.
        policy: Whose entries say how scanners are run.

    Raises:
        UsageError: A name is not known, or there are too many.
    """
    scanners = scanners_for(names, policy=policy)
    if not scanners:
        return report
    return consult(
        report,
        scanners,
        root=handle.root,
        unchanged=_comparison(handle, report.inventory),
    )


def scanners_for(names: Iterable[str], *, policy: Policy | None = None) -> tuple[OtherScanner, ...]:
    """
    Return how each of *names* is run, each once.

    Raises:
        UsageError: A name is not known, or there are too many.
    """
    wanted = tuple(dict.fromkeys(names))
    if len(wanted) > MAX_OTHER_SCANNERS:
        raise UsageError("too many other scanners", expected=f"at most {MAX_OTHER_SCANNERS}")
    return tuple(_scanner(name, policy) for name in wanted)


def _scanner(name: str, policy: Policy | None) -> OtherScanner:
    entry = None if policy is None else policy.scanner(name)
    if entry is not None:
        return _configured(entry)
    adapter = ADAPTERS.get(name)
    if adapter is None:
        raise UsageError(
            "no such scanner is known",
            where=one_line(name),
            expected=", ".join(sorted(ADAPTERS)),
            hint="Others are configured in a policy, as [scanner.NAME], and asked by its rules",
        )
    return OtherScanner(name=name, adapter=adapter)


def _configured(entry: ScannerEntry) -> OtherScanner:
    if entry.adapter is ScannerAdapter.SARIF:
        adapter = Sarif(command=entry.command[1:], exit_codes=frozenset(entry.exit_codes))
        return OtherScanner(name=entry.name, adapter=adapter, program=entry.command[:1])
    known = ADAPTERS[entry.adapter.value]
    return OtherScanner(name=entry.name, adapter=known, program=entry.command)


def _comparison(handle: LocalHandle, inventory: Inventory) -> Callable[[], str | None]:
    """Return what compares the files on disk with *inventory*, by their stamps."""
    contents = DiskContents(handle, inventory)

    def compare() -> str | None:
        for entry in inventory.entries:
            try:
                with contents.open(entry.path):
                    pass
            except WeighbridgeError as error:
                return f"{one_line(entry.path)}: {error.message}"
        return None

    return compare
