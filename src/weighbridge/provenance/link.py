"""
in-toto links: a step of a layout, with the command that was run.

A link names no builder: whoever signed ran the step. So the builder's id is the kind of
statement, and a policy says with the signer's entry whom it believes. The environment is one
parameter, `environment`: what is in it is up to who made the link. Subjects and materials are files
that were digested one by one, and never artifacts.

Source: in-toto Attestation Framework, predicate Link v0.3.
"""

from typing import Final

from weighbridge.core.attestation import Build
from weighbridge.core.build_types import LINK
from weighbridge.core.limits.claims import MAX_STATEMENT_RESOURCES
from weighbridge.formats.json import JsonValue
from weighbridge.provenance.build_types.plain import take_source
from weighbridge.provenance.fields import Fields, optional_mapping, optional_texts, required_text
from weighbridge.provenance.parameters import collapsed, parameters_of
from weighbridge.provenance.resources import read_resources

LINK_V03: Final = LINK
"""The predicate's type."""


def read_link(predicate: Fields, /) -> Build:
    """
    Return the build that the link *predicate* describes.

    Raises:
        ClaimError: It does not follow the format, or the command failed.
        LimitExceededError: It is beyond a bound.
    """
    name = required_text(predicate, "name")
    refuse_failure(predicate, optional_mapping(predicate, "byproducts").get("return-value"))
    command: list[JsonValue] = list(
        optional_texts(predicate, "command", limit=MAX_STATEMENT_RESOURCES)
    )
    materials = read_resources(predicate, "materials")
    names = [material.name for material in materials]
    if None in names or len(set(names)) != len(names):
        raise predicate.error(
            "the materials do not have a name each", expected="different names", found="others"
        )
    source, others = take_source(materials)
    environment = collapsed("environment", optional_mapping(predicate, "environment"))
    return Build(
        predicate_type=LINK_V03,
        build_type=LINK,
        builder_id=LINK,
        parameters=tuple(
            sorted((*parameters_of({"name": name, "command": command}), *environment))
        ),
        source=source,
        others=others,
    )


def refuse_failure(predicate: Fields, code: JsonValue, /) -> None:
    """Refuse a step whose command ended with another *code* than 0: what it left is no build."""
    if code not in (None, 0) or isinstance(code, bool):
        raise predicate.error(
            "the command of the step failed", expected="a return value of 0", found=repr(code)[:40]
        )
