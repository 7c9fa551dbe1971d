"""Files of an artifact that is not at hand, as its signature lists them."""

from dataclasses import replace

import pytest

from support.lineages import artifact_of, attested, build_of, signed
from weighbridge.core.attestation import SignedFiles
from weighbridge.policy.controls.signed_files import listed_files

MODEL = artifact_of("acme/base")
OTHER = artifact_of("acme/other")
WEIGHTS, CONFIG = "aa" * 32, "bb" * 32
LISTED = SignedFiles(paths=("config.json", "model.safetensors"), digests=(CONFIG, WEIGHTS))


def test_the_signature_of_the_artifact_lists_its_files() -> None:
    """Path and digest of each, wherever the signature stands among the claims."""
    claims = [
        attested(OTHER, LISTED, trust="hsm"),
        attested(MODEL, build_of(), trust="runner"),
        attested(MODEL, LISTED, trust="hsm"),
    ]
    files = (("config.json", CONFIG), ("model.safetensors", WEIGHTS))
    assert listed_files(claims, MODEL.binding) == files
    assert listed_files(reversed(claims), MODEL.binding) == files
    assert listed_files(claims[:2], MODEL.binding) == ()


def test_a_single_file_goes_by_the_artifacts_name() -> None:
    """Within its signature it is called `.`, which no platform calls a file."""
    single = attested(MODEL, SignedFiles(paths=(".",), digests=(WEIGHTS,)), trust="hsm")
    assert listed_files([single], MODEL.binding) == ((MODEL.name, WEIGHTS),)


@pytest.mark.parametrize("digests", [(), (CONFIG,), (CONFIG, WEIGHTS, WEIGHTS)])
def test_without_a_digest_for_each_nothing_is_known(digests: tuple[str, ...]) -> None:
    """A part of the files is no list of them."""
    assert (
        listed_files(
            [attested(MODEL, replace(LISTED, digests=digests), trust="hsm")], MODEL.binding
        )
        == ()
    )
    assert listed_files([signed(MODEL)], MODEL.binding) == ()
