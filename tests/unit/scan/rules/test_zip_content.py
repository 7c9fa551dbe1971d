"""Rule `zip-content`."""

from support import pickles as p
from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined, rules_of
from support.zips import Part, build_zip
from weighbridge.core.artifact import FileFormat

RULE = "zip-content"


def test_vector() -> None:
    """A wrong checksum is found, a right one is not."""
    assert_vector_holds(RULE)


def test_the_content_is_examined_all_the_same() -> None:
    """A payload in members with wrong checksums is found, and the members are named at once."""
    wrong = {"crc": 7}
    parts = [
        Part(name=name, data=p.stream(p.system()), deflate=deflate, local=wrong, central=wrong)
        for name, deflate in ((b"a.pkl", True), (b"b.pkl", False))
    ]
    evidence = examined(build_zip(parts), format=FileFormat.ZIP)
    assert "pickle-dangerous-global" in rules_of(evidence)
    (finding,) = findings_of(RULE, evidence)
    assert "a.pkl and 1 further members" in finding.message
    assert len(finding.evidence) == 2
