"""
The claim that a model was made from another one by a conversion.

Both are named by both digests. What is known of the input, its claims and signatures, goes along in
the result's claims, so that its lineage travels with it.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.core.artifact import ArtifactDigests, ArtifactKind
from weighbridge.core.attestation import Artifact, Binding, Build
from weighbridge.core.build_types import BUILDER_ID, CONVERT_BUILD_TYPE
from weighbridge.core.errors import OperationError
from weighbridge.core.values import frozen
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.pipeline.accounting import require_complete
from weighbridge.pipeline.claims.carrying import carry
from weighbridge.pipeline.claims.reading import claims_place
from weighbridge.pipeline.claims.writing import append_claims
from weighbridge.pipeline.naming import digests_of
from weighbridge.pipeline.recording.inputs import require_name
from weighbridge.provenance.slsa import PROVENANCE_V1, render_build
from weighbridge.signing.interface import Signer
from weighbridge.sources.interface import LocalHandle

if TYPE_CHECKING:
    from weighbridge.pipeline.conversion.convert import Conversion


@frozen
class Made:
    """
    A claim that was written.

    Attributes:
        claims: Name of the claims file, relative to the result.
        name: What the claim calls the input.
        source: The digests of the input.
        result: The digests of the result.
        carried: How many claims and signatures of the input went along.
    """

    claims: str
    name: str
    source: ArtifactDigests
    result: ArtifactDigests
    carried: int


@frozen
class Claiming:
    """
    Who says that a conversion took place.

    Attributes:
        signer: Signs the statement.
        builder: URI of the builder.
        name: What the claim calls the input, by which a policy finds the input's rule; None for
            its base name.
    """

    signer: Signer
    builder: str = BUILDER_ID
    name: str | None = None

    def carry(self, handle: LocalHandle, *, result: str) -> tuple[bytes, ...]:
        """
        Return what is claimed of the input, before anything is converted.

        Args:
            handle: The input.
            result: What the result will be called.

        Raises:
            UsageError: No statement can call the input or the result so.
            LimitExceededError, OperationError: As for `carry` of the claims.
        """
        require_name(self._called(handle))
        require_name(result)
        return carry((handle,))

    def _called(self, handle: LocalHandle) -> str:
        return self.name if self.name is not None else handle.name

    def make(
        self,
        root: Path,
        *,
        name: str,
        source: ArtifactDigests,
        handle: LocalHandle,
        how: "Conversion",
        carried: tuple[bytes, ...],
        started: datetime,
    ) -> Made:
        """
        Sign what was made of *handle* and write the claims of the result.

        Args:
            root: The result, before it has its name.
            name: What it will be called.
            source: The digests of the input.
            handle: The input.
            how: How it was converted.
            carried: What `carry` returned.
            started: When the conversion began.

        Raises:
            OperationError: Signing or writing failed.
            RefusedError, LimitExceededError: The statement cannot be made, or a claim written.
        """
        kind = ArtifactKind.DIRECTORY if root.is_dir() else ArtifactKind.FILE
        made = LocalHandle(reference=name, root=root, kind=kind, name=name)
        inventory = take_inventory(made, InventoryPlan())
        require_complete(inventory.gaps, name=inventory.name)
        result = digests_of(inventory, inventory.model_entries, root=None)
        called = self._called(handle)
        build = Build(
            predicate_type=PROVENANCE_V1,
            build_type=CONVERT_BUILD_TYPE,
            builder_id=self.builder,
            parameters=_parameters(how, handle),
            inputs=(Artifact(name=called, binding=_binding(source)),),
            started=started.replace(microsecond=0),
            finished=datetime.now(UTC).replace(microsecond=0),
        )
        subject = Artifact(name=name, binding=_binding(result))
        bundle = self.signer.sign(render_build(build, artifacts=(subject,)))
        append_claims(made, (*carried, bundle))
        return Made(
            claims=claims_place(made).name,
            name=called,
            source=source,
            result=result,
            carried=len(carried),
        )


def _parameters(how: "Conversion", handle: LocalHandle) -> tuple[tuple[str, str], ...]:
    """
    Return what the caller chose, where it is not what everybody gets.

    A policy has to expect every parameter by its name, so the usual conversion has only one.
    """
    chosen: dict[str, object] = {"to": "safetensors"}
    if how.key is not None:
        chosen["key"] = how.key
    if how.tensors_only:
        chosen["tensors-only"] = True
    if how.shared is not type(how.shared).COPY:
        chosen["shared-tensors"] = str(how.shared)
    if how.selection.ignore_paths:
        # Relative to the model: what is around it is nobody's business.
        chosen["ignore-paths"] = sorted(how.selection.ignored(handle))
    if not how.selection.ignore_git_paths:
        chosen["ignore-git-paths"] = False
    return tuple(sorted((name, _canonical(value)) for name, value in chosen.items()))


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _binding(digests: ArtifactDigests) -> Binding:
    binding = digests.binding
    if binding is None:
        raise OperationError("the files were not hashed as claims need it")
    return binding
