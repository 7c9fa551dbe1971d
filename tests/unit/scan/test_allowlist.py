"""The allow-list: exact, closed, without an entry that can harm."""

import builtins

import pytest

from weighbridge.scan.allowlist import Arguments, Entry, Kind, State, find_entry, load_packs
from weighbridge.scan.allowlist.schema import parse_pack
from weighbridge.scan.denylist import find_effect
from weighbridge.scan.pickle_escapes import is_guarded
from weighbridge.scan.pickle_states import NOT_CALLED_BY_OTHERS

ENTRIES = [entry for pack in load_packs() for entry in pack.entries]

CALLED_WITH_ANYTHING = {
    "datetime", "dateutil.tz.tz", "numpy.core.numeric", "numpy._core.numeric", "torch._utils",
    "scipy.sparse", "scipy.stats", "sklearn.tree._tree", "pandas", "sklearn.impute",
    "sklearn._loss.glm_distribution", "sklearn.gaussian_process.kernels",
    "statsmodels.tsa.statespace", "surprise.prediction_algorithms",
}  # fmt: skip
"""Modules whose listed names store what they get and call none of it."""

NEVER = (
    "os.system", "posix.system", "subprocess.Popen", "builtins.eval", "builtins.exec",
    "builtins.open", "builtins.__import__", "builtins.map", "builtins.setattr", "builtins.vars",
    "numpy.load", "numpy.fromfile", "numpy.memmap", "numpy.frompyfunc", "builtins.str.format",
    "torch.load", "torch.hub.load", "torch.jit.load",
    "joblib.numpy_pickle.ZNDArrayWrapper", "joblib.load",
    "joblib.numpy_pickle_compat.ZNDArrayWrapper", "pandas.read_pickle", "scipy.io.FortranFile",
    "importlib.import_module", "pkgutil.resolve_name", "operator.methodcaller",
    "types.FunctionType", "types.CodeType", "copyreg.__newobj__",
    "sklearn.datasets._base.load_files", "sklearn.utils._mocking.CheckingClassifier",
    "pathlib.Path.write_text", "xgboost.core.DMatrix", "lightgbm.basic.Dataset",
    "lightgbm.basic._InnerPredictor", "sklearn.callback._scoring_monitor.ScoringMonitor",
    "gensim.models.word2vec.LineSentence", "gensim.models.poincare.PoincareRelations",
    "nltk.parse.malt.MaltParser", "dateutil.tz.tz.tzfile",
    "sklearn.metrics._dist_metrics.PyFuncDistance", "operator.attrgetter", "builtins.print",
    "catboost.core.Pool", "cmdstanpy.model.CmdStanModel", "prophet.forecaster.Prophet",
    "torch_geometric.nn.conv.gcn_conv.GCNConv", "torch.fx.graph_module.reduce_package_graph_module",
    "numba.core.serialize._unpickle__CustomPickled", "skorch.classifier.NeuralNetClassifier",
    "monai.bundle.config_item.ConfigExpression", "transformers.pipelines.base.Pipeline",
    "torch.utils.data.dataloader.DataLoader", "torch.jit._script.unpackage_script_module",
)  # fmt: skip


@pytest.mark.parametrize("name", NEVER)
def test_a_harmful_name_is_not_listed(name: str) -> None:
    """A name that imports, runs, reads or writes has no entry."""
    assert find_entry(name) is None


HARMLESS_IN_SPITE_OF_THEIR_MODULE = {
    "argparse", "copyreg._reconstructor", "functools.partial", "logging.getLogger",
    "types.SimpleNamespace", "http.HTTPStatus",
}  # fmt: skip

BUILTINS = {
    "Ellipsis", "NotImplemented", "abs", "all", "any", "bool", "bytearray", "bytes", "complex", "dict", "float",
    "frozenset", "getattr", "hash", "int", "len", "list", "max", "min", "object", "range", "round", "set",
    "slice", "sorted", "str", "sum", "tuple",
    "type",
}  # fmt: skip


def _is_tame(entry: Entry) -> bool:
    """Tell whether *entry* is an error, or a method that is named and not called."""
    kind = getattr(builtins, entry.qualname, None)
    error = isinstance(kind, type) and issubclass(kind, BaseException)
    return error or ("." in entry.qualname and entry.args is Arguments.UNCALLED)


def test_what_takes_members_is_not_kept() -> None:
    """getattr and type are called by the stream with checked arguments, or not at all."""
    for name in ("builtins.getattr", "builtins.type"):
        assert is_guarded(name)
        entry = find_entry(name)
        assert entry is not None
        assert entry.args in NOT_CALLED_BY_OTHERS


def test_methods_are_of_classes_and_plain_names() -> None:
    """What may be taken from an instance is exact, and nothing that Python looks up itself."""
    for entry in ENTRIES:
        assert all(m.isidentifier() and not m.startswith("__") for m in entry.methods), entry.name


def test_no_entry_is_known_to_be_harmful() -> None:
    """The two lists share the names that are harmless in spite of their module, and no others."""
    both = {entry for entry in ENTRIES if find_effect(entry.module, entry.qualname)}
    plain = {e.qualname for e in both if e.module == "builtins" and not _is_tame(e)}
    assert plain == BUILTINS
    others = {e for e in both if e.module != "builtins" and not e.module.startswith("pathlib")}
    operators = {e for e in others if e.module in {"operator", "_operator"}}
    assert all(e.args in {Arguments.UNCALLED, Arguments.PLAIN} for e in operators)
    assert {e.name for e in others - operators} <= HARMLESS_IN_SPITE_OF_THEIR_MODULE


def test_what_is_called_with_anything_is_known() -> None:
    """Only names that were read for it may get arguments that are not checked further."""
    for entry in ENTRIES:
        if entry.args is Arguments.ALLOWED:
            parts = entry.name.split(".")
            prefixes = {".".join(parts[:length]) for length in range(1, len(parts))}
            assert prefixes & CALLED_WITH_ANYTHING, entry.name


def test_one_name_writes() -> None:
    """Only the file of sklearn-crfsuite may be written by unpickling, with content that is checked."""
    writing = [entry for entry in ENTRIES if entry.state is State.MODEL_FILE]
    assert [entry.name for entry in writing] == ["sklearn_crfsuite._fileresource.FileResource"]
    assert all(entry.args is Arguments.NEW for entry in writing)


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


GROUP = (
    'pack = "x"\npackages = ["a"]\nversions = "1"\n[[allow]]\nkind = "class"\nargs = "none"\n'
    'state = "none"\nversions = "1"\nreason = "r"\n[allow.names]\n"a" = "b"\n'
)


def test_a_well_formed_pack_is_read() -> None:
    """The form of the documentation is read."""
    (entry,) = parse_pack(GROUP, source="x").entries
    assert (entry.name, entry.pack, entry.reason) == ("a.b", "x", "r")


@pytest.mark.parametrize(
    "text",
    [
        GROUP.replace('"b"', '"b*"'),
        GROUP.replace('"b"', '"b  c"'),
        GROUP.replace('"a" =', '"a." ='),
        GROUP.replace('"a" =', '"other" ='),
        GROUP.replace('"none"\nstate', '"anything"\nstate'),
        GROUP.replace("args", "arguments"),
        GROUP.replace('reason = "r"\n', ""),
        GROUP.replace('reason = "r"', 'reason = " "'),
        "extra = 1\n" + GROUP,
    ],
    ids=[
        "wildcard",
        "space",
        "module",
        "foreign",
        "kind",
        "key",
        "missing",
        "blank",
        "extra",
    ],
)
def test_a_pack_of_another_form_is_refused(text: str) -> None:
    """A file that does not follow the form is an error and not a shorter list."""
    with pytest.raises(ValueError, match=r".+"):
        parse_pack(text, source="x")


def test_a_state_may_forbid_attributes() -> None:
    """A group can name attributes that its classes may not get; other extras are refused."""
    forbidding = GROUP.replace('reason = "r"', 'forbids = ["code"]\nreason = "r"')
    (entry,) = parse_pack(forbidding, source="x").entries
    assert entry.forbids == {"code"}
    assert not parse_pack(GROUP, source="x").entries[0].forbids
