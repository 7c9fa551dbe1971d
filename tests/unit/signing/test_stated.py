"""Digests that a registry or a hub states: what is read, what is left out, what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.sources import MAX_STATED_FILE_BYTES
from weighbridge.signing import stated
from weighbridge.signing.stated import (
    TITLES,
    StatedDigest,
    parse_download,
    parse_manifest,
    parse_pointer,
)

HEX = "ab" * 32
OTHER = "cd" * 32
POINTER = f"version https://example.org/spec/v1\noid sha256:{HEX}\nsize 12\n".encode()
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def parse(document: object) -> dict[str, tuple[str, int | None]]:
    """Return what *document* states, by path."""
    stated = parse_manifest(json.dumps(document).encode(), where="manifest.json")
    return {item.path: (item.sha256.hex, item.size) for item in stated}


def layer(title: str | None = "a.bin", **changes: Any) -> dict[str, Any]:
    """Return a layer of an OCI manifest."""
    made = {"mediaType": "application/octet-stream", "digest": f"sha256:{HEX}", "size": 12}
    annotations = {} if title is None else {"annotations": {TITLES[0]: title}}
    return made | annotations | changes


@pytest.mark.parametrize("name", TITLES)
def test_layers_with_a_title_are_files(name: str) -> None:
    """A layer is the file that one of its annotations names, with its size."""
    annotated = layer(None, annotations={"other": "x", name: "dir/a.bin"})
    assert parse({"schemaVersion": 2, "layers": [annotated, layer("b.bin")]}) == {
        "dir/a.bin": (HEX, 12),
        "b.bin": (HEX, 12),
    }


@pytest.mark.parametrize(
    "left_out",
    [
        layer(None),
        layer("x", mediaType="application/vnd.oci.image.layer.v1.tar"),
        layer("x", mediaType="application/vnd.oci.image.layer.v1.tar+gzip"),
        layer("x", mediaType="application/vnd.example+zstd"),
        layer("x", digest=f"sha512:{HEX}{HEX}"),
        layer(None, annotations={TITLES[0]: 5}),
    ],
)
def test_what_is_no_file_is_left_out(left_out: dict[str, Any]) -> None:
    """A packed, nameless or otherwise hashed layer says nothing about a file."""
    assert parse({"layers": [left_out, layer()]}) == {"a.bin": (HEX, 12)}
    with pytest.raises(MalformedContentError, match="no file"):
        parse({"layers": [left_out]})


LISTED = [
    {"type": "directory", "path": "dir", "oid": "x"},
    {"type": "file", "path": "dir/a.bin", "size": 12, "lfs": {"oid": HEX, "size": 12}},
    {"type": "file", "path": "config.json", "size": 3, "oid": COMMIT},
]


def test_listings_of_a_hub() -> None:
    """Both forms of a hub's list are read; files that Git keeps itself have another hash."""
    assert parse(LISTED) == {"dir/a.bin": (HEX, 12)}
    siblings = [
        {"rfilename": "a.bin", "lfs": {"sha256": HEX, "size": 12, "pointerSize": 3}},
        {"rfilename": "b.bin", "lfs": {"sha256": OTHER}},
        {"rfilename": "c.json", "blobId": COMMIT},
    ]
    assert parse({"sha": COMMIT, "siblings": siblings}) == {
        "a.bin": (HEX, 12),
        "b.bin": (OTHER, None),
    }


REFUSED = {
    "number": 5,
    "object": {"files": []},
    "no layer": {"layers": []},
    "layer of another type": {"layers": ["a"]},
    "no size": {"layers": [{"mediaType": "a", "digest": f"sha256:{HEX}"}]},
    "size is a flag": {"layers": [layer(size=True)]},
    "short digest": {"layers": [layer(digest="sha256:ab")]},
    "upper case": {"layers": [layer(digest=f"sha256:{HEX.upper()}")]},
    "twice": {"layers": [layer(), layer(digest=f"sha256:{OTHER}")]},
    "outside": {"layers": [layer("../a.bin")]},
    "absolute": {"layers": [layer("/a.bin")]},
    "not canonical": {"layers": [layer("a//b")]},
    "the model": {"layers": [layer(".")]},
    "empty": {"layers": [layer("")]},
    "list of numbers": [1],
    "list without a path": [{"type": "file"}],
    "list with a short digest": [{"path": "a", "lfs": {"oid": "ab"}}],
}


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(document: object) -> None:
    """What is not such a document, or names a file in two ways, is refused with its place."""
    with pytest.raises(MalformedContentError, match=r"manifest\.json") as caught:
        parse(document)
    assert caught.value.code is Code.MANIFEST_MALFORMED


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"layers": [], "layers": []}'])
def test_no_json_is_refused(data: bytes) -> None:
    """Bytes that are no strict JSON are refused."""
    with pytest.raises(MalformedContentError) as caught:
        parse_manifest(data, where="m")
    assert caught.value.code is Code.MANIFEST_MALFORMED


def test_pointers() -> None:
    """A pointer states digest and size; what is longer or differs in a character is none."""
    stated = parse_pointer(POINTER, path="a.bin")
    assert stated is not None
    assert (stated.path, stated.sha256.hex, stated.size) == ("a.bin", HEX, 12)
    for data in (
        POINTER.replace(b"sha256", b"sha512"),
        POINTER.replace(b"ab", b"AB"),
        POINTER.replace(b"size ", b"size -"),
        POINTER.removeprefix(b"version"),
        POINTER + b"x" * MAX_STATED_FILE_BYTES,
        b"",
    ):
        assert parse_pointer(data, path="a.bin") is None


@pytest.mark.parametrize("tag", [HEX, f'"{HEX}"'])
def test_notes_of_a_download(tag: str) -> None:
    """What a client noted of a download states a SHA-256 where the tag is one."""
    note = f"{COMMIT}\n{tag}\n1753000000.25\n".encode()
    stated = parse_download(note, path="dir/a.bin")
    assert stated == StatedDigest(path="dir/a.bin", sha256=stated.sha256) if stated else False
    assert stated is not None
    assert stated.sha256.hex == HEX
    for data in (
        note.replace(HEX.encode(), COMMIT.encode()),
        note.replace(COMMIT.encode(), b"main"),
        note + b"more\n",
        b"x" * (MAX_STATED_FILE_BYTES + 1),
    ):
        assert parse_download(data, path="a") is None


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["layers", "siblings", "lfs", "oid", "path", "digest"]) | st.text(),
                inner,
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes(data: bytes) -> None:
    """Whatever the bytes are, they are refused in order or state canonical paths, each once."""
    try:
        stated = parse_manifest(data, where="m")
    except (MalformedContentError, LimitExceededError):
        return
    paths = [item.path for item in stated]
    assert paths
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("form", ["layers", "listing"])
def test_a_list_that_is_too_long_is_no_shorter_list(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """What lies beyond the bound is not passed over: the whole manifest is refused."""
    monkeypatch.setattr(stated, "MAX_FILES", 2)
    other = {"mediaType": "a/b", "digest": "sha512:0", "size": 1}
    junk: list[object] = [other if form == "layers" else {"path": "a"}] * 2
    last: object = {"path": "w", "lfs": {"oid": "0" * 64}}
    if form == "layers":
        title = {"org.opencontainers.image.title": "w"}
        last = other | {"digest": f"sha256:{'0' * 64}", "annotations": title}

    def parsed(items: list[object]) -> int:
        document = {"layers": items} if form == "layers" else items
        return len(parse_manifest(json.dumps(document).encode(), where="m"))

    assert parsed([junk[0], last]) == 1
    with pytest.raises(LimitExceededError, match="too many files"):
        parsed([*junk, last])
