"""Work on policies themselves: which rule decides, and do the cases beside it still hold."""

import os
from datetime import UTC, datetime
from pathlib import Path

from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.core.limits.policy import MAX_POLICY_BYTES
from weighbridge.policy.cases import CASES_NAME, parse_cases
from weighbridge.policy.rehearsal import CaseResult, run_cases
from weighbridge.policy.schema import Policy
from weighbridge.policy.selection import RuleSelection, reference_names, select_rule
from weighbridge.sources.reading import read_if_present


def select_for(reference: str, policy: Policy, *, boundary: str) -> RuleSelection:
    """
    Return the rule of *policy* that decides about *reference* at *boundary*.

    Nothing has to be there: a rule can be looked for before a model exists.

    Raises:
        UsageError: The boundary has no name, as of a variable that is not set; a rule for every
            boundary would match it.
    """
    if not boundary:
        raise UsageError("a boundary has a name", expected="such as load", found=repr(boundary))
    directory = os.path.realpath(policy.directory) if policy.path is not None else None
    names = reference_names(reference, resolved=os.path.realpath(reference), directory=directory)
    return select_rule(policy, names=names, boundary=boundary)


def rehearse(policy: Policy, *, cases: Path | None = None) -> tuple[CaseResult, ...]:
    """
    Evaluate *policy* for the cases that are kept beside it.

    Args:
        policy: Read from a file, unless *cases* says where they are.
        cases: The file with the cases; the default is `weighbridge.test.toml` beside the policy.

    Raises:
        UsageError: There are no cases.
        PolicyError: The cases are not valid.
    """
    place = cases or policy.directory / CASES_NAME
    data = read_if_present(place, limit=MAX_POLICY_BYTES)
    if data is None:
        raise UsageError(
            "there are no cases for the policy",
            code=Code.REFERENCE_NOT_FOUND,
            where=os.fspath(place),
            hint="docs/policy.md shows how cases are written",
        )
    return run_cases(policy, parse_cases(data, path=os.fspath(place)), now=datetime.now(UTC))
