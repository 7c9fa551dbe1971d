"""What became of an earlier signature and a manifest, as text and JSON."""

from pathlib import Path

from support.policies import key_identity, sha256
from weighbridge.core.identity import SigningMethod
from weighbridge.pipeline.earlier import Reuse
from weighbridge.pipeline.manifests import ManifestCheck
from weighbridge.record.json_operations import signed_document
from weighbridge.record.text_signed import prior_lines

HOSTILE = "we\x1b[2J\nird"
REUSE = Reuse(
    signature=Path("old.sig"),
    identity=key_identity(),
    taken=("big.bin", HOSTILE),
    unchanged=("a",),
    changed=("b",),
    added=(),
    removed=("c",),
)
MANIFEST = ManifestCheck(
    manifest=Path("manifest.json"), compared=("a", "b"), taken=("big.bin",), unstated=("d",)
)


def test_text_names_every_file_that_was_not_read() -> None:
    """Each file that was not read is named, untrusted names are escaped, the rest is counted."""
    assert list(prior_lines(REUSE, MANIFEST, 2)) == [
        f"since old.sig ({key_identity().label}):",
        "  2 files not read, by their stamps",
        "    big.bin",
        "    we\\x1b[2J\\nird",
        "  1 file read and unchanged",
        "  1 file changed",
        "    b",
        "  1 file removed",
        "    c",
        "by the manifest manifest.json:",
        "  1 file not read, as the manifest says",
        "    big.bin",
        "  2 files read and as it says",
        "  1 file read, and not in the manifest",
        "    d",
        "remembered: 2 files",
    ]
    assert list(prior_lines(None, None, None)) == []


def test_the_document_has_every_list() -> None:
    """The document has each list of files, and null where nothing was asked for."""
    document = signed_document(
        path="model.sig",
        method=SigningMethod.KEY,
        files=5,
        root=sha256(1),
        left_out=(),
        reuse=REUSE,
        manifest=MANIFEST,
        remembered=2,
    )
    assert document["reuse"] == {
        "signature": "old.sig",
        "signed_by": key_identity().label,
        "taken": ["big.bin", HOSTILE],
        "unchanged": ["a"],
        "changed": ["b"],
        "added": [],
        "removed": ["c"],
    }
    assert document["manifest"] == {
        "path": "manifest.json",
        "compared": ["a", "b"],
        "taken": ["big.bin"],
        "unstated": ["d"],
    }
    assert document["remembered"] == 2
    plain = signed_document(
        path="model.sig", method=SigningMethod.KEY, files=5, root=sha256(1), left_out=()
    )
    assert (plain["reuse"], plain["manifest"], plain["remembered"]) == (None, None, None)
