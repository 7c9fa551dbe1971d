"""What a program gives to be loaded: a reference and a policy, or what was verified already."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from weighbridge.core.errors import UsageError
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.pipeline.check import DEFAULT_BOUNDARY
from weighbridge.pipeline.load import admit
from weighbridge.policy.schema import Policy

Model: TypeAlias = str | os.PathLike[str] | VerifiedArtifact
"""A reference, or an artifact that was verified; the latter is not read again, and stays open."""


@contextmanager
def verified(
    model: Model, *, policy: Policy | None, boundary: str | None
) -> Iterator[VerifiedArtifact]:
    """
    Give the verified artifact that *model* is.

    Args:
        model: What is loaded.
        policy: What has to hold; only for a reference.
        boundary: Where it is applied; `load` where nothing is said.

    Raises:
        UsageError: A reference without a policy, or a verified artifact with one.
        PolicyDeniedError, PolicyIndeterminateError, OperationError: As for `weighbridge.load`.
    """
    if isinstance(model, VerifiedArtifact):
        if policy is not None or boundary is not None:
            raise UsageError(
                "the artifact was verified already, by the policy that it was loaded with",
                found="a policy or a boundary",
                hint="Leave it out, or give the reference",
            )
        yield model
        return
    if policy is None:
        raise UsageError(
            "a reference is checked against a policy before it is loaded",
            expected="policy=weighbridge.Policy.from_file(PATH)",
            found="none",
        )
    place = model if isinstance(model, str) else Path(model)
    with admit(place, policy=policy, boundary=boundary or DEFAULT_BOUNDARY, sealed=True) as made:
        yield made
