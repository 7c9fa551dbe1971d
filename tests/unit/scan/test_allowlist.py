"""The allow-list: exact, closed, without an entry that can harm."""

import pytest

from weighbridge.scan.allowlist import Arguments, Kind, State, find_entry, load_packs
from weighbridge.scan.allowlist.schema import parse_pack
from weighbridge.scan.denylist import find_effect

ENTRIES = [entry for pack in load_packs() for entry in pack.entries]

CALLED_WITH_ANYTHING = {
    "builtins", "datetime", "numpy.ma.core", "numpy.core.numeric", "numpy._core.numeric",
    "torch._utils", "scipy.sparse", "sklearn.tree._tree", "pandas",
}  # fmt: skip
"""Modules whose listed names store what they get and call none of it."""

NEVER = (
    "os.system", "posix.system", "subprocess.Popen", "builtins.eval", "builtins.exec",
    "builtins.getattr", "builtins.open", "builtins.__import__", "builtins.map", "builtins.type",
    "numpy.load", "numpy.fromfile", "numpy.memmap", "numpy.vectorize", "numpy.frompyfunc",
    "numpy.core._ufunc_reconstruct", "torch.load", "torch.hub.load", "torch.jit.load",
    "joblib.numpy_pickle.NDArrayWrapper", "joblib.numpy_pickle.ZNDArrayWrapper", "joblib.load",
    "joblib.numpy_pickle_compat.NDArrayWrapper", "pandas.read_pickle", "scipy.io.FortranFile",
    "re._compile", "importlib.import_module", "pkgutil.resolve_name", "operator.methodcaller",
    "operator.attrgetter", "types.FunctionType", "types.CodeType", "copyreg.__newobj__",
    "sklearn.datasets._base.load_files", "sklearn.utils._mocking.CheckingClassifier",
    "xgboost.core.Booster", "lightgbm.basic.Booster", "pathlib.Path.write_text",
)  # fmt: skip


@pytest.mark.parametrize("name", NEVER)
def test_a_harmful_name_is_not_listed(name: str) -> None:
    """A name that imports, runs, reads or writes has no entry."""
    assert find_entry(name) is None


def test_no_entry_is_known_to_be_harmful() -> None:
    """The two lists share the names that are harmless in spite of their module, and no others."""
    both = {entry.name for entry in ENTRIES if find_effect(*entry.name.rsplit(".", 1))}
    assert both <= {
        name
        for name in both
        if name.startswith(("builtins.", "pathlib.", "copyreg._rec", "functools.par", "types.Sim"))
    }
    assert {n for n in both if n.startswith("builtins.")} == {
        f"builtins.{n}"
        for n in [
            "object",
            "bytes",
            "bytearray",
            "set",
            "frozenset",
            "list",
            "dict",
            "tuple",
            "bool",
            "int",
            "float",
            "complex",
            "str",
            "range",
            "slice",
        ]
    }


def test_what_is_called_with_anything_is_known() -> None:
    """Only names that were read for it may get arguments that are not checked further."""
    for entry in ENTRIES:
        if entry.args is Arguments.ALLOWED:
            parts = entry.name.split(".")
            prefixes = {".".join(parts[:length]) for length in range(1, len(parts))}
            assert prefixes & CALLED_WITH_ANYTHING, entry.name


def test_functions_get_no_state() -> None:
    """A function's result takes a state only where its entry says what that is."""
    for entry in ENTRIES:
        if entry.kind is Kind.CONSTANT:
            assert (entry.args, entry.state) == (Arguments.UNCALLED, State.NONE), entry.name


def test_entries_are_exact() -> None:
    """Each name has one entry, found by exactly that name."""
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    for entry in ENTRIES[:50]:
        assert find_entry(entry.name) == entry
        assert find_entry(entry.name + "x") is None
        assert find_entry(entry.name.upper()) is None


GROUP = 'pack = "x"\nversions = "1"\n[[allow]]\nkind = "class"\nargs = "none"\nstate = "none"\nreason = "r"\nnames = ["a.b"]\n'


def test_a_well_formed_pack_is_read() -> None:
    """The form of the documentation is read."""
    (entry,) = parse_pack(GROUP, source="x").entries
    assert (entry.name, entry.pack, entry.reason) == ("a.b", "x", "r")


@pytest.mark.parametrize(
    "text",
    [
        GROUP.replace("a.b", "a.*"),
        GROUP.replace("a.b", "a"),
        GROUP.replace("a.b", "a.b "),
        GROUP.replace('"none"\nreason', '"anything"\nreason'),
        GROUP.replace("args", "arguments"),
        GROUP.replace('reason = "r"\n', ""),
        GROUP.replace('reason = "r"', 'reason = " "'),
        "extra = 1\n" + GROUP,
    ],
    ids=["wildcard", "no-module", "space", "state", "key", "missing", "blank", "extra"],
)
def test_a_pack_of_another_form_is_refused(text: str) -> None:
    """A file that does not follow the form is an error and not a shorter list."""
    with pytest.raises(ValueError, match=r".+"):
        parse_pack(text, source="x")
