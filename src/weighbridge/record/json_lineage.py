"""The JSON document of a lineage, version 1: frozen as those of `json_v1`."""

from typing import Final

from weighbridge.core.attestation import Binding, Build
from weighbridge.core.lineage import Lineage, LineageNode, LineageStep

JsonValue = None | bool | int | str | list["JsonValue"] | dict[str, "JsonValue"]
Document = dict[str, JsonValue]

LINEAGE: Final = "weighbridge.lineage/v1"


def lineage_document(lineage: Lineage) -> Document:
    """Return the document of a lineage; the first artifact is the one that was asked for."""
    return {
        "schema": LINEAGE,
        "standing": str(lineage.first.standing),
        "artifacts": [_node(node) for node in lineage.nodes],
    }


def _node(node: LineageNode) -> Document:
    return {
        "name": node.artifact.name,
        "uri": node.artifact.uri,
        "digest": _binding(node.artifact.binding),
        "generation": node.generation,
        "standing": str(node.standing),
        "rule": node.rule,
        "boundary": node.boundary,
        "signed_by": list(node.signers),
        "receipt": node.receipt,
        "problems": list(node.problems),
        "builds": [_step(step) for step in node.steps],
    }


def _step(step: LineageStep) -> Document:
    return {
        "claim": {"place": step.place, "sha256": step.sha256},
        "standing": str(step.standing),
        "trust": step.trust,
        "signer": step.signer,
        **_build(step.build),
        "inputs": list(step.inputs),
        "problems": list(step.problems),
    }


def _build(build: Build) -> Document:
    return {
        "predicate_type": build.predicate_type,
        "build_type": build.build_type,
        "builder": build.builder_id,
        "source": None if build.source is None else build.source.label,
        "parameters": [{"name": name, "value": value} for name, value in build.parameters],
        "invocation": build.invocation_id,
        "started": None if build.started is None else build.started.isoformat(),
        "finished": None if build.finished is None else build.finished.isoformat(),
    }


def _binding(binding: Binding) -> Document:
    return {"oms": str(binding.root), "names": str(binding.names)}
