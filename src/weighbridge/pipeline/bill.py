"""Gather a bill of materials: files, tensors, signers, builds, and what the model claims."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import Final

from weighbridge.core.artifact import ArtifactDigests, FileEntry, FileFormat, Inventory
from weighbridge.core.attestation import Artifact, Binding, Build
from weighbridge.core.errors import (
    ArtifactChangedError,
    ClaimError,
    IndeterminateError,
    LimitExceededError,
    MalformedContentError,
)
from weighbridge.core.limits.documents import MAX_CONFIG_BYTES, MAX_FRONT_MATTER_BYTES
from weighbridge.core.limits.records import MAX_BILL_ITEMS
from weighbridge.core.verdict import Verdict
from weighbridge.formats.front_matter import FrontMatter, read_front_matter
from weighbridge.formats.gguf import parse_header as parse_gguf
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.formats.safetensors import parse_header as parse_safetensors
from weighbridge.inventory.contents import DiskContents
from weighbridge.inventory.progress import Progress
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.inventory.walk import SymlinkRule
from weighbridge.pipeline.accounting import require_complete, require_files
from weighbridge.pipeline.check import DEFAULT_BOUNDARY, check
from weighbridge.pipeline.claims.reading import read_claims
from weighbridge.pipeline.claims.verifying import all_trust, read_line, verify_claims
from weighbridge.pipeline.naming import digests_of
from weighbridge.pipeline.signatures import find_signatures
from weighbridge.policy.schema import Policy
from weighbridge.record.bom.bill import (
    Bill,
    BillBuild,
    BillFile,
    BillInput,
    BillTensors,
    Fact,
    Standing,
)
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate

_CARD: Final = "README.md"
_CONFIG: Final = "config.json"
_WEIGHTS: Final = frozenset({FileFormat.SAFETENSORS, FileFormat.GGUF})


def make_bill(
    reference: str | Path,
    *,
    policy: Policy | None = None,
    boundary: str = DEFAULT_BOUNDARY,
    allow_symlinks: bool = False,
    progress: Progress | None = None,
) -> Bill:
    """
    Return the bill of materials of an artifact.

    With a policy, signers and builds that the policy's trust entries vouch for are verified, and
    the policy's decision is part of the bill; a deny is no error. Without one, what statements say
    is claimed. Digests, formats and sizes are computed in any case.

    Raises:
        UsageError: The reference names nothing.
        NothingToCheckError: The artifact holds no file.
        RefusedError, IndeterminateError: A file cannot be accounted for, or the artifact changed
            between the check and the reading; no bill is partial.
        OperationError: Reading failed.
    """
    handle = locate(reference)
    verdict = None
    if policy is not None:
        verdict = check(reference, policy=policy, boundary=boundary, progress=progress)
    inventory = _take(handle, allow_symlinks=allow_symlinks, progress=None if policy else progress)
    digests = digests_of(inventory, inventory.model_entries, root=None)
    _require_same(verdict, digests, where=handle.reference)
    reading = _Reading(handle, inventory)
    bill = Bill(
        digests=digests,
        files=tuple(_files(inventory)),
        tensors=reading.tensors(),
        created=datetime.now(UTC).replace(microsecond=0),
        tool_version=version("weighbridge"),
    )
    bill = reading.describe(bill)
    if verdict is not None:
        bill = replace(bill, decision=verdict.decision, policy_sha256=verdict.policy.sha256)
    built = _builds(handle, policy, digests.binding, at=bill.created)
    return replace(
        bill,
        signers=tuple(_signers(verdict, handle)),
        builds=tuple(build for build in built if isinstance(build, BillBuild)),
        notes=(*bill.notes, *reading.notes, *(note for note in built if isinstance(note, str))),
    )


def _take(handle: LocalHandle, *, allow_symlinks: bool, progress: Progress | None) -> Inventory:
    plan = InventoryPlan(
        symlinks=SymlinkRule.FILES if allow_symlinks else SymlinkRule.REFUSE,
        signatures=find_signatures(handle).inside(handle),
    )
    inventory = take_inventory(handle, plan, progress=progress)
    require_files(handle, inventory)
    require_complete(inventory.gaps, name=inventory.name)
    return inventory


def _require_same(verdict: Verdict | None, digests: ArtifactDigests, *, where: str) -> None:
    """
    Refuse to put the verdict on other bytes.

    Raises:
        ArtifactChangedError: The artifact is not the one that was checked.
    """
    if verdict is None or verdict.artifact is None or verdict.artifact.names == digests.names:
        return
    raise ArtifactChangedError(
        "the artifact changed after it was checked",
        where=where,
        expected=str(verdict.artifact.names),
        found=str(digests.names),
    )


def _files(inventory: Inventory) -> Iterator[BillFile]:
    for entry in inventory.model_entries:
        digest = entry.sha256
        yield BillFile(
            path=inventory.name if entry.path == "." else entry.path,
            size=entry.size,
            format=None if entry.format is None else str(entry.format),
            sha256=None if digest is None else digest.hex,
        )


def _builds(
    handle: LocalHandle, policy: Policy | None, binding: Binding | None, *, at: datetime
) -> list[BillBuild | str]:
    """Return the builds that claims tell of, and notes about claims that cannot be read."""
    claims = read_claims(handle)
    found: list[BillBuild | str] = [gap.reason for gap in claims.gaps]
    known: set[str] = set()
    if policy is not None:
        attestations, _ = verify_claims(claims.lines, policy, trust=all_trust(policy), at=at)
        for attestation in attestations:
            known.add(attestation.sha256)
            if isinstance(attestation.content, Build) and _is_about(attestation.artifacts, binding):
                basis = f"signed by {attestation.signer.label}, trust entry {attestation.trust}"
                found.append(_build(attestation.content, Standing.VERIFIED, basis))
    for line in claims.lines:
        if line.sha256 in known:
            continue
        try:
            said = read_line(line)
        except (ClaimError, IndeterminateError) as error:
            found.append(f"a claim was left out: {error.message}")
            continue
        if isinstance(said.content, Build) and _is_about(said.artifacts, binding):
            basis = f"{line.place}, whose signature nobody verified"
            found.append(_build(said.content, Standing.CLAIMED, basis))
    return _bounded(found)


def _bounded(found: list[BillBuild | str]) -> list[BillBuild | str]:
    """Return as many builds as a bill has room for, with a note about the others."""
    kept: list[BillBuild | str] = []
    items = left = 0
    for each in found:
        size = 1 if isinstance(each, str) else 1 + len(each.parents) + len(each.others)
        if items + size > MAX_BILL_ITEMS:
            left += 1
        else:
            items += size
            kept.append(each)
    return kept if not left else [*kept, f"{left} claim(s) were left out: a bill has no room"]


def _is_about(artifacts: tuple[Artifact, ...], binding: Binding | None) -> bool:
    return any(artifact.binding == binding for artifact in artifacts)


def _build(build: Build, standing: Standing, basis: str) -> BillBuild:
    return BillBuild(
        build_type=build.build_type,
        builder=build.builder_id,
        source=None if build.source is None else build.source.label,
        invocation_id=build.invocation_id,
        started=build.started,
        finished=build.finished,
        parents=tuple(
            BillInput(name=each.name, uri=each.uri, binding=each.binding) for each in build.inputs
        ),
        others=tuple(
            BillInput(
                name=each.name or each.uri or "unnamed",
                uri=each.uri,
                binding=None,
                digests=each.digests,
            )
            for each in build.others
        ),
        standing=standing,
        basis=basis,
    )


class _Reading:
    """What the files of an inventory say of themselves; each is read only if it is unchanged."""

    def __init__(self, handle: LocalHandle, inventory: Inventory) -> None:
        self._contents = DiskContents(handle, inventory)
        self._entries = {entry.path: entry for entry in inventory.model_entries}
        self.notes: list[str] = []

    def tensors(self) -> BillTensors | None:
        """Count the elements that the headers of safetensors and GGUF files list."""
        kinds: Counter[str] = Counter()
        read = 0
        unread = []
        for path, entry in self._entries.items():
            if entry.format not in _WEIGHTS:
                continue
            try:
                kinds.update(dict(self._elements(entry)))
            except (MalformedContentError, LimitExceededError) as error:
                unread.append(path)
                self.notes.append(f"{path}: the header was not read: {error.message}")
            else:
                read += 1
        if not read:
            return None
        return BillTensors(
            parameters=kinds.total(),
            types=tuple(sorted(kinds.items())),
            files=read,
            unread=tuple(sorted(unread)),
        )

    def _elements(self, entry: FileEntry) -> Counter[str]:
        counted: Counter[str] = Counter()
        with self._contents.open(entry.path) as source:
            if entry.format is FileFormat.GGUF:
                for packed in parse_gguf(source).tensors:
                    counted[packed.type] += prod(packed.shape)
            else:
                for tensor in parse_safetensors(source).tensors:
                    counted[tensor.dtype] += prod(tensor.shape)
        return counted

    def describe(self, bill: Bill) -> Bill:
        """Add to *bill* what the model's card and configuration claim."""
        card = self._card()
        config = self._config()
        task = _facts(card, "pipeline_tag")
        return replace(
            bill,
            licenses=_facts(card, "license"),
            task=task[0] if task else None,
            libraries=_facts(card, "library_name"),
            languages=_facts(card, "language"),
            datasets=_facts(card, "datasets"),
            base_models=_facts(card, "base_model"),
            architectures=tuple(
                _claimed(name, _CONFIG) for name in _texts(config.get("architectures"))
            ),
            family=next((_claimed(n, _CONFIG) for n in _texts(config.get("model_type"))), None),
        )

    def _card(self) -> FrontMatter:
        data = self._bytes(_CARD, limit=MAX_FRONT_MATTER_BYTES)
        card = FrontMatter() if data is None else read_front_matter(data)
        self.notes.extend(f"{_CARD}: {name} is not plain and was left out" for name in card.skipped)
        return card

    def _config(self) -> dict[str, JsonValue]:
        entry = self._entries.get(_CONFIG)
        if entry is None:
            return {}
        if entry.size > MAX_CONFIG_BYTES:
            self.notes.append(f"{_CONFIG} is too large and was not read")
            return {}
        data = self._bytes(_CONFIG, limit=MAX_CONFIG_BYTES)
        try:
            document = parse_json(data or b"", what=_CONFIG)
        except (MalformedContentError, LimitExceededError) as error:
            self.notes.append(f"{_CONFIG} was not read: {error.message}")
            return {}
        return document if isinstance(document, dict) else {}

    def _bytes(self, path: str, *, limit: int) -> bytes | None:
        """Return the first *limit* bytes of the file at *path*; None where there is none."""
        entry = self._entries.get(path)
        if entry is None:
            return None
        with self._contents.open(path) as source:
            return source.read_at(0, min(entry.size, limit))


def _facts(card: FrontMatter, name: str) -> tuple[Fact, ...]:
    return tuple(_claimed(value, _CARD) for value in card.get(name) if value)


def _claimed(value: str, basis: str) -> Fact:
    return Fact(value=value, standing=Standing.CLAIMED, basis=basis)


def _texts(value: JsonValue) -> tuple[str, ...]:
    """Return the texts that *value* is or has; nothing of it is trusted to have a type."""
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, str) and item)


def _signers(verdict: Verdict | None, handle: LocalHandle) -> Iterator[Fact]:
    if verdict is not None:
        for signature in verdict.signers:
            basis = f"trust entry {signature.trust}"
            yield Fact(value=signature.identity.label, standing=Standing.VERIFIED, basis=basis)
        if verdict.signers:
            return
    for file in find_signatures(handle).files:
        value = f"a signature by {file.bundle.method}"
        yield _claimed(value, f"{file.path.name}, which nobody verified")
