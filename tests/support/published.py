"""The published protobuf messages of in-toto and SLSA, as an oracle for statements of ours."""

import json
from typing import Any

from google.protobuf import json_format
from in_toto_attestation.predicates.link.v0 import link_pb2
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

MESSAGES: Any = {
    "https://slsa.dev/provenance/v1": provenance_pb2.Provenance,
    "https://slsa.dev/verification_summary/v1": vsa_pb2.VerificationSummary,
    "https://in-toto.io/attestation/link/v0.3": link_pb2.Link,
    "https://in-toto.io/attestation/test-result/v0.1": test_result_pb2.TestResult,
}
"""The message of each kind of statement."""

NEWER = frozenset({"urn:weighbridge:boundary"})
"""Fields of a summary that the message does not have: an extension, as the specification allows."""


def validated(data: bytes) -> Any:
    """
    Return the statement *data* as the published message, with its predicate as one.

    Every field has to be one of the messages' and of its type, and the published checks pass. The
    version of a summary's verifier is newer than the message, and an extension is none of its.
    """
    document = json.loads(data)
    message = json_format.ParseDict(document, statement_pb2.Statement())
    Statement.copy_from_pb(message).validate()
    predicate = {k: v for k, v in document["predicate"].items() if k not in NEWER}
    if "verifier" in predicate:
        predicate["verifier"] = {"id": predicate["verifier"]["id"]}
        # In the released message this is one string, in the specification and since then a list.
        levels = predicate.pop("verifiedLevels")
        assert isinstance(levels, list)
        assert all(isinstance(level, str) for level in levels)
    inner = json_format.ParseDict(predicate, MESSAGES[message.predicate_type]())
    for resource in resources_in(inner):
        ResourceDescriptor.copy_from_pb(resource).validate()
    return message, inner


def resources_in(predicate: Any) -> list[Any]:
    """Return the resources that *predicate* names."""
    if isinstance(predicate, provenance_pb2.Provenance):
        definition, run = predicate.build_definition, predicate.run_details
        return [*definition.resolved_dependencies, *run.byproducts]
    if isinstance(predicate, test_result_pb2.TestResult):
        return list(predicate.configuration)
    return list(predicate.materials) if isinstance(predicate, link_pb2.Link) else []
