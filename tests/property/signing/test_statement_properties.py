"""What holds for every manifest, however odd."""

import json

from hypothesis import given
from hypothesis import strategies as st

from support.inventories import inventory_of
from support.signatures import key_signer, verified
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.errors import IndeterminateError, RefusedError
from weighbridge.signing.bundle import parse_bundle
from weighbridge.signing.coverage import IgnoreRules, compare
from weighbridge.signing.manifest import make_statement, names_digest
from weighbridge.signing.problems import CoverageRejectedError
from weighbridge.signing.resources import Resource, path_problem, split_name
from weighbridge.signing.statement import parse_statement, render_statement

components = st.text(alphabet="ab:.0-é ", min_size=1, max_size=6)
paths = (
    st.lists(components, min_size=1, max_size=3)
    .map("/".join)
    .filter(lambda p: p != "." and path_problem(p) is None)
)
contents = st.binary(min_size=1, max_size=12)
models = st.dictionaries(paths, contents, min_size=1, max_size=6)
layouts = st.builds(
    HashLayout, st.sampled_from(HashAlgorithm), st.none() | st.integers(min_value=1, max_value=7)
)
STRICT = IgnoreRules(git_metadata=False)


@given(files=models, layout=layouts)
def test_a_signed_model_is_covered(files: dict[str, bytes], layout: HashLayout) -> None:
    """Whatever files a model has, its signature covers exactly them."""
    inventory = inventory_of(files, layout=layout)
    statement = make_statement(inventory, layout, ignored=(), allow_symlinks=False)
    _, received = verified(key_signer().sign(render_statement(statement)))
    assert received == statement
    assert compare(received, inventory, accepted=STRICT).covered == tuple(sorted(files))


@given(files=models, layout=layouts, others=models)
def test_any_other_model_is_refused(
    files: dict[str, bytes], layout: HashLayout, others: dict[str, bytes]
) -> None:
    """The signature of one model covers no other, and the error names each file that differs."""
    inventory = inventory_of(files, layout=layout)
    statement = make_statement(inventory, layout, ignored=(), allow_symlinks=False)
    different = {p for p in files.keys() | others.keys() if files.get(p) != others.get(p)}
    refused: set[str] = set()
    try:
        compare(statement, inventory_of(others, layout=layout), accepted=STRICT)
    except CoverageRejectedError as error:
        refused = {problem.path for problem in error.problems}
    assert refused == different


@given(files=models, others=models)
def test_equal_names_digests_mean_equal_models(
    files: dict[str, bytes], others: dict[str, bytes]
) -> None:
    """Two models have the same names digest if and only if names and contents are the same."""
    one = names_digest(inventory_of(files).entries, name="m")
    other = names_digest(inventory_of(others).entries, name="m")
    assert (one == other) == (files == others)


@given(path=paths, start=st.integers(0, 10**18), length=st.integers(1, 10**9))
def test_a_shards_name_is_read_back(path: str, start: int, length: int) -> None:
    """Path and range of a shard survive their name, colons and digits in the path included."""
    resource = Resource(path, start, start + length, b"")
    layout = HashLayout(shard_size=10**9)
    assert split_name(resource.name, layout) == (path, start, start + length)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "mediaType",
                    "verificationMaterial",
                    "dsseEnvelope",
                    "payload",
                    "signatures",
                    "_type",
                    "subject",
                    "predicate",
                    "predicateType",
                    "name",
                    "digest",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def refusals(data: bytes) -> list[str]:
    """Return what the two parsers say against *data*; any other failure is an error."""
    found = []
    for parse in (parse_bundle, parse_statement):
        try:
            parse(data, where="model.sig")
        except (RefusedError, IndeterminateError) as error:
            found.append(str(error))
    return found


@given(document=documents)
def test_any_json_is_read_or_refused(document: object) -> None:
    """No document makes the parsers fail in any way but a refusal that names the file."""
    found = refusals(json.dumps(document).encode())
    assert all("model.sig" in text for text in found)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """No handful of bytes is a signature, and none makes the parsers fail otherwise."""
    found = refusals(data)
    assert len(found) == 2
    assert all("model.sig" in text for text in found)


@given(path=st.text(max_size=40))
def test_an_acceptable_path_stays_below_the_root(path: str) -> None:
    """No acceptable path is absolute, leaves the root, or has an empty or dot component."""
    if path_problem(path) is None and path != ".":
        assert not path.startswith("/")
        assert not {"", ".", ".."} & set(path.split("/"))
        assert path.encode().decode() == path
