"""
A bill of materials as SPDX 3.0.1 JSON-LD, with the profiles AI, Build and Simple Licensing.

Source: The System Package Data Exchange specification 3.0.1, and its model of those profiles.

What is required and nobody knows, such as who supplied a model, is stated as not asserted. Who
stands for a value is said by one annotation for each field.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from weighbridge.record.bom.bill import Bill, BillBuild, BillFile, BillInput, Fact
from weighbridge.record.bom.licenses import spdx_expression
from weighbridge.record.json_v1 import JsonValue

SPEC_VERSION: Final = "3.0.1"
CONTEXT: Final = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"

Json = dict[str, JsonValue]

_CREATION: Final = "_:creation"
_NO_LICENSE: Final = "expandedlicensing_NoAssertionLicense"
_PROFILES: Final[list[JsonValue]] = ["core", "software", "ai", "build", "simpleLicensing"]


def spdx_document(bill: Bill, /) -> Json:
    """Return *bill* as an SPDX 3.0.1 document."""
    return {"@context": CONTEXT, "@graph": list(_Graph(bill).elements())}


class _Graph:
    """The elements of one bill; their ids begin with a name space of the model's digest."""

    def __init__(self, bill: Bill) -> None:
        self._bill = bill
        digest = bill.digests.names or bill.digests.oms
        self._space = f"urn:weighbridge:bom:sha256:{digest.hex}:"
        self._model = self._id("model")

    def elements(self) -> Iterator[Json]:
        bill = self._bill
        yield self._creation()
        yield {
            **self._element("tool", "SoftwareAgent"),
            "name": f"weighbridge {bill.tool_version}",
        }
        made = list(self._made())
        yield from made
        yield {
            **self._element("document", "SpdxDocument"),
            "name": f"{bill.digests.name}: bill of materials",
            "profileConformance": list(_PROFILES),
            "rootElement": [self._model],
            "element": [element["spdxId"] for element in made],
        }

    def _made(self) -> Iterator[Json]:
        bill = self._bill
        yield {**self._element("supplier", "Organization"), "name": "not asserted"}
        yield self._package()
        yield from self._licensing()
        for index, file in enumerate(bill.files):
            yield self._file(file, index)
        if bill.files:
            yield self._relation(
                "files", "contains", [self._id(f"file:{i}") for i in range(len(bill.files))]
            )
        for index, fact in enumerate(bill.datasets):
            yield self._claimed_package(f"dataset:{index}", fact, purpose="data")
        if bill.datasets:
            datasets = [self._id(f"dataset:{i}") for i in range(len(bill.datasets))]
            yield self._relation("datasets", "trainedOn", datasets)
        for index, fact in enumerate(bill.base_models):
            yield self._claimed_package(f"base:{index}", fact, purpose="model")
        if bill.base_models:
            bases = [self._id(f"base:{i}") for i in range(len(bill.base_models))]
            yield self._relation("bases", "descendantOf", bases)
        for index, build in enumerate(bill.builds):
            yield from self._build(build, f"build:{index}")
        for index, (field, statement) in enumerate(self._standings()):
            yield self._annotation(f"standing:{index}", f"{field}: {statement}")
        for index, note in enumerate(bill.notes):
            yield self._annotation(f"note:{index}", note)

    def _creation(self) -> Json:
        return {
            "type": "CreationInfo",
            "@id": _CREATION,
            "specVersion": SPEC_VERSION,
            "created": _time(self._bill.created),
            "createdBy": [self._id("tool")],
        }

    def _package(self) -> Json:
        bill = self._bill
        package: Json = {
            **self._element("model", "ai_AIPackage"),
            "name": bill.digests.name,
            "software_primaryPurpose": "model",
            "software_downloadLocation": "urn:weighbridge:no-assertion",
            "suppliedBy": self._id("supplier"),
            "verifiedUsing": [_hash(bill.digests.oms.hex, "the OMS root digest")],
        }
        if bill.digests.names is not None:
            package["software_packageVersion"] = f"sha256:{bill.digests.names.hex}"
        released = [build.finished for build in bill.builds if build.finished is not None]
        package["releaseTime"] = _time(max(released, default=bill.created))
        kinds = [fact.value for fact in (*bill.architectures, *_one(bill.family))]
        if kinds:
            package["ai_typeOfModel"] = list(dict.fromkeys(kinds))
        if bill.task is not None:
            package["ai_domain"] = [bill.task.value]
        if bill.tensors is not None:
            package["ai_hyperparameter"] = [
                _entry("parameters", str(bill.tensors.parameters)),
                *(_entry(f"parameters:{kind}", str(n)) for kind, n in bill.tensors.types),
            ]
        return package

    def _licensing(self) -> Iterator[Json]:
        """Exactly one declared and one concluded licence, as the AI profile demands."""
        names = [spdx_expression(fact.value) for fact in self._bill.licenses]
        if names:
            yield {
                **self._element("license", "simplelicensing_LicenseExpression"),
                "simplelicensing_licenseExpression": " AND ".join(names),
            }
        declared = self._id("license") if names else _NO_LICENSE
        yield self._relation("declared-license", "hasDeclaredLicense", [declared])
        yield self._relation("concluded-license", "hasConcludedLicense", [_NO_LICENSE])

    def _file(self, file: BillFile, index: int) -> Json:
        element: Json = {**self._element(f"file:{index}", "software_File"), "name": file.path}
        if file.sha256 is not None:
            element["verifiedUsing"] = [_hash(file.sha256, f"{file.size} bytes")]
        if file.format is not None:
            element["comment"] = f"format {file.format}, told from the content"
        return element

    def _claimed_package(self, name: str, fact: Fact, *, purpose: str) -> Json:
        return {
            **self._element(name, "software_Package"),
            "name": fact.value,
            "software_primaryPurpose": purpose,
            "comment": f"{fact.standing} ({fact.basis})",
        }

    def _build(self, build: BillBuild, name: str) -> Iterator[Json]:
        element: Json = {
            **self._element(name, "build_Build"),
            "build_buildType": build.build_type,
            "comment": f"builder {build.builder}; {build.standing} ({build.basis})",
        }
        if build.invocation_id is not None:
            element["build_buildId"] = build.invocation_id
        if build.started is not None:
            element["build_buildStartTime"] = _time(build.started)
        if build.finished is not None:
            element["build_buildEndTime"] = _time(build.finished)
        if build.source is not None:
            element["build_configSourceUri"] = [build.source]
        yield element
        inputs: list[JsonValue] = []
        for index, item in enumerate((*build.parents, *build.others)):
            part = f"{name}:input:{index}"
            yield self._input(item, part, is_model=index < len(build.parents))
            inputs.append(self._id(part))
        if inputs:
            yield self._relation(f"{name}:inputs", "hasInput", inputs, source=self._id(name))
        yield self._relation(f"{name}:output", "hasOutput", [self._model], source=self._id(name))
        if build.parents:
            parents: list[JsonValue] = inputs[: len(build.parents)]
            yield self._relation(f"{name}:parents", "descendantOf", parents)

    def _input(self, item: BillInput, name: str, *, is_model: bool) -> Json:
        element: Json = {**self._element(name, "software_Package"), "name": item.name}
        if is_model:
            element["software_primaryPurpose"] = "model"
        if item.binding is not None:
            element["software_packageVersion"] = f"sha256:{item.binding.names.hex}"
            element["verifiedUsing"] = [_hash(item.binding.root.hex, "the OMS root digest")]
        else:
            hashes: list[JsonValue] = [
                _hash(value, name) for name, value in item.digests if name == "sha256"
            ]
            if hashes:
                element["verifiedUsing"] = hashes
        if item.uri is not None:
            element["software_sourceInfo"] = item.uri
        return element

    def _standings(self) -> Iterator[tuple[str, str]]:
        """Say of every field who stands for it."""
        bill = self._bill
        yield "verifiedUsing", "verified (computed: the OMS root digest)"
        if bill.digests.names is not None:
            yield "software_packageVersion", "verified (computed: the names digest)"
        yield "name", "claimed (the name of the directory or file)"
        yield "suppliedBy, software_downloadLocation", "not asserted"
        if not any(build.finished for build in bill.builds):
            yield "releaseTime", "not asserted: the time of this bill"
        groups = (
            ("hasDeclaredLicense", bill.licenses),
            ("ai_domain", _one(bill.task)),
            ("ai_typeOfModel", (*bill.architectures, *_one(bill.family))),
            ("language", bill.languages),
            ("library", bill.libraries),
            ("trainedOn", bill.datasets),
            ("descendantOf", bill.base_models),
            ("signer", bill.signers),
        )
        for field, facts in groups:
            for fact in facts:
                yield field, f"{fact.standing} ({fact.basis}): {fact.value}"
        if bill.tensors is not None:
            basis = f"computed: headers of {bill.tensors.files} file(s)"
            yield "ai_hyperparameter", f"verified ({basis})"
        if bill.decision is not None:
            yield "decision", f"{bill.decision} by policy sha256:{bill.policy_sha256}"

    def _annotation(self, name: str, statement: str) -> Json:
        return {
            **self._element(name, "Annotation"),
            "annotationType": "other",
            "subject": self._model,
            "statement": statement,
        }

    def _relation(
        self, name: str, kind: str, to: Sequence[JsonValue], *, source: str | None = None
    ) -> Json:
        return {
            **self._element(f"relation:{name}", "Relationship"),
            "from": self._model if source is None else source,
            "relationshipType": kind,
            "to": list(to),
        }

    def _element(self, name: str, kind: str) -> Json:
        return {"type": kind, "spdxId": self._id(name), "creationInfo": _CREATION}

    def _id(self, name: str) -> str:
        return f"{self._space}{name}"


def _hash(value: str, comment: str) -> Json:
    return {"type": "Hash", "algorithm": "sha256", "hashValue": value, "comment": comment}


def _entry(key: str, value: str) -> Json:
    return {"type": "DictionaryEntry", "key": key, "value": value}


def _one(fact: Fact | None) -> tuple[Fact, ...]:
    return () if fact is None else (fact,)


def _time(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
