"""
A bill of materials as CycloneDX 1.6 JSON, with a model card and a pedigree.

Source: ECMA-424, first edition (CycloneDX 1.6), `bom-1.6.schema.json`.

CycloneDX has no place that says whether a value was verified. So each component has a property
for each of its fields, `weighbridge:standing:FIELD`: `verified` or `claimed`, and what it
rests on.
"""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from weighbridge.core.attestation import Binding
from weighbridge.record.bom.bill import Bill, BillBuild, BillFile, BillInput, Fact, Standing
from weighbridge.record.bom.licenses import spdx_license
from weighbridge.record.json_v1 import JsonValue

SPEC_VERSION: Final = "1.6"

Json = dict[str, JsonValue]

_SPACE: Final = uuid.UUID("6f6f1f1c-4c6e-5b8e-9a51-1f0f6e0f4d27")
"""Name space of the serial numbers: the same bill has the same number."""

_STANDING: Final = "weighbridge:standing:"
_HASHES: Final = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


def cyclonedx_document(bill: Bill, /) -> Json:
    """Return *bill* as a CycloneDX 1.6 document, valid against the published schema."""
    reference = _reference(bill)
    document: Json = {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC_VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": _serial_number(bill),
        "version": 1,
        "metadata": {
            "timestamp": _time(bill.created),
            "tools": {
                "components": [
                    {"type": "application", "name": "weighbridge", "version": bill.tool_version}
                ]
            },
            "component": _model(bill, reference),
        },
        "components": [
            *(_file(file, reference) for file in bill.files),
            *(_dataset(fact, index) for index, fact in enumerate(bill.datasets)),
        ],
        "dependencies": [
            {
                "ref": reference,
                "dependsOn": [f"dataset:{index}" for index in range(len(bill.datasets))],
            }
        ],
    }
    if bill.notes:
        document["annotations"] = [
            {
                "subjects": [reference],
                "annotator": {"component": {"type": "application", "name": "weighbridge"}},
                "timestamp": _time(bill.created),
                "text": note,
            }
            for note in bill.notes
        ]
    return document


def _model(bill: Bill, reference: str) -> Json:
    names = bill.digests.names
    model: Json = {
        "type": "machine-learning-model",
        "bom-ref": reference,
        "name": bill.digests.name,
        "hashes": [{"alg": "SHA-256", "content": bill.digests.oms.hex}],
        "modelCard": _model_card(bill),
        "properties": list(_properties(bill)),
    }
    if names is not None:
        model["version"] = f"sha256:{names.hex}"
    licenses: list[JsonValue] = [{"license": _license(fact)} for fact in bill.licenses]
    if licenses:
        model["licenses"] = licenses
    ancestors: list[JsonValue] = [parent for build in bill.builds for parent in _ancestors(build)]
    ancestors += [_claimed_ancestor(fact) for fact in bill.base_models]
    if ancestors:
        model["pedigree"] = {"ancestors": ancestors, "notes": _pedigree_notes(bill)}
    return model


def _model_card(bill: Bill) -> Json:
    parameters: Json = {}
    if bill.task is not None:
        parameters["task"] = bill.task.value
    if bill.family is not None:
        parameters["architectureFamily"] = bill.family.value
    if bill.architectures:
        parameters["modelArchitecture"] = ", ".join(fact.value for fact in bill.architectures)
    if bill.datasets:
        parameters["datasets"] = [{"ref": f"dataset:{i}"} for i in range(len(bill.datasets))]
    card: Json = {"modelParameters": parameters} if parameters else {}
    extra = [
        *(_property("language", fact.value) for fact in bill.languages),
        *(_property("library", fact.value) for fact in bill.libraries),
    ]
    if bill.tensors is not None:
        extra.append(_property("parameters", str(bill.tensors.parameters)))
        extra += [_property(f"parameters:{kind}", str(n)) for kind, n in bill.tensors.types]
    if extra:
        card["properties"] = list(extra)
    return card


def _properties(bill: Bill) -> Iterator[Json]:
    """Say of every field who stands for it, and what no field of the format has."""
    yield _standing("hashes", Standing.VERIFIED, "computed: the OMS root digest")
    if bill.digests.names is not None:
        yield _standing("version", Standing.VERIFIED, "computed: the names digest")
    yield _standing("name", Standing.CLAIMED, "the name of the directory or file")
    fields = (
        ("licenses", bill.licenses),
        ("modelCard.modelParameters.task", _one(bill.task)),
        ("modelCard.modelParameters.architectureFamily", _one(bill.family)),
        ("modelCard.modelParameters.modelArchitecture", bill.architectures),
        ("modelCard.modelParameters.datasets", bill.datasets),
        ("modelCard.properties.language", bill.languages),
        ("modelCard.properties.library", bill.libraries),
    )
    for field, facts in fields:
        if facts:
            yield _standing(field, facts[0].standing, facts[0].basis)
    if bill.tensors is not None:
        basis = f"computed: headers of {bill.tensors.files} file(s)"
        yield _standing("modelCard.properties.parameters", Standing.VERIFIED, basis)
    for fact in bill.signers:
        yield _property("signer", fact.value)
        yield _standing("signer", fact.standing, fact.basis)
    for build in bill.builds:
        yield from _build_properties(build)
    if bill.decision is not None:
        yield _property("decision", str(bill.decision))
        yield _property("policy", f"sha256:{bill.policy_sha256}")


def _build_properties(build: BillBuild) -> Iterator[Json]:
    yield _property("build:type", build.build_type)
    yield _property("build:builder", build.builder)
    if build.source is not None:
        yield _property("build:source", build.source)
    if build.invocation_id is not None:
        yield _property("build:invocation", build.invocation_id)
    for item in build.others:
        digests = " ".join(f"{name}:{value}" for name, value in item.digests)
        yield _property("build:used", f"{item.uri or item.name} {digests}".strip())
    yield _standing("build", build.standing, build.basis)


def _ancestors(build: BillBuild) -> Iterator[Json]:
    for parent in build.parents:
        yield {
            **_input(parent),
            "properties": [
                *([] if parent.uri is None else [_property("uri", parent.uri)]),
                *_bound(parent.binding),
                _standing("ancestor", build.standing, build.basis),
            ],
        }


def _input(item: BillInput) -> Json:
    component: Json = {"type": "machine-learning-model", "name": item.name}
    if item.binding is not None:
        component["version"] = f"sha256:{item.binding.names.hex}"
        component["hashes"] = [{"alg": "SHA-256", "content": item.binding.root.hex}]
    else:
        hashes: list[JsonValue] = [
            {"alg": _HASHES[name], "content": value}
            for name, value in item.digests
            if name in _HASHES
        ]
        if hashes:
            component["hashes"] = hashes
    return component


def _claimed_ancestor(fact: Fact) -> Json:
    return {
        "type": "machine-learning-model",
        "name": fact.value,
        "properties": [_standing("ancestor", fact.standing, fact.basis)],
    }


def _bound(binding: Binding | None) -> Iterator[Json]:
    if binding is not None:
        yield _property("digest:names", f"sha256:{binding.names.hex}")


def _pedigree_notes(bill: Bill) -> str:
    verified = sum(build.standing is Standing.VERIFIED for build in bill.builds)
    return (
        f"{verified} of {len(bill.builds)} statement(s) about how the model was built verified; "
        f"{len(bill.base_models)} base model(s) claimed by its card"
    )


def _file(file: BillFile, reference: str) -> Json:
    component: Json = {
        "type": "file",
        "bom-ref": f"{reference}/{file.path}",
        "name": file.path,
        "properties": [
            _property("size", str(file.size)),
            *([] if file.format is None else [_property("format", file.format)]),
            _standing("hashes", Standing.VERIFIED, "computed"),
        ],
    }
    if file.sha256 is not None:
        component["hashes"] = [{"alg": "SHA-256", "content": file.sha256}]
    return component


def _dataset(fact: Fact, index: int) -> Json:
    return {
        "type": "data",
        "bom-ref": f"dataset:{index}",
        "name": fact.value,
        "data": [{"type": "dataset", "name": fact.value}],
        "properties": [_standing("name", fact.standing, fact.basis)],
    }


def _license(fact: Fact) -> Json:
    known = spdx_license(fact.value)
    name: Json = {"name": fact.value} if known is None else {"id": known}
    return {**name, "acknowledgement": "declared"}


def _property(name: str, value: str) -> Json:
    return {"name": f"weighbridge:{name}", "value": value}


def _standing(field: str, standing: Standing, basis: str) -> Json:
    return {"name": f"{_STANDING}{field}", "value": f"{standing} ({basis})"}


def _one(fact: Fact | None) -> tuple[Fact, ...]:
    return () if fact is None else (fact,)


def _reference(bill: Bill) -> str:
    digest = bill.digests.names or bill.digests.oms
    return f"model:sha256:{digest.hex}"


def _serial_number(bill: Bill) -> str:
    return uuid.uuid5(_SPACE, f"{_reference(bill)} {_time(bill.created)}").urn


def _time(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
