"""
Listed names as gadgets: what a stream may not do with what models need.

Each pair is what a framework writes, and the least change of it that would run, import, open or
corrupt something on unpickling. Sources: the frameworks' own code, read for
`tools/allowlist/reviewed.toml`; the list in `docs/threat-model.md`.
"""

import pytest

from support import pickles as p
from support.graphs import REDUCE, attack, bare
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Gap, Severity

TEMPLATE = """
def _parse_args(self, a, b,  loc=0, scale=1):
    return (a, b, ), loc, scale

def _parse_args_rvs(self, a, b,  loc=0, scale=1, size=None):
    return self._argcheck_rvs(a, b,  loc, scale, size=size)

def _parse_args_stats(self, a, b,  loc=0, scale=1, moments='mv'):
    return (a, b, ), loc, scale, moments
"""
"""What SciPy makes of the parameters a and b, and runs with exec() on unpickling."""


def _built(kind: bytes, *items: bytes) -> bytes:
    """Return an empty instance of *kind* that gets a dict of *items* as its state."""
    return p.new(kind) + p.dict_of(*items) + p.BUILD


def _network(*described: bytes) -> bytes:
    """Return a network of Ultralytics with the description that it was built from."""
    return _built(NETWORK, p.text("yaml"), p.dict_of(*described))


def _layer(name: str) -> bytes:
    """Return a part of a description with one layer."""
    row = (p.integer(-1), p.integer(1), p.text(name), p.list_of())
    return p.list_of(p.list_of(*row))


def _array(code: str, flags: int, content: bytes) -> bytes:
    """Return an array of one element of the type *code*, of which the state has *flags*."""
    kind = p.call(p.name("numpy", "dtype"), p.text(code), p.FALSE, p.TRUE)
    order = p.text("|" if code.startswith("O") else "<")
    minus = p.integer(-1)
    state = (p.integer(3), order, p.NONE, p.NONE, p.NONE, minus, minus, p.integer(flags))
    shell = p.call(
        p.name("numpy.core.multiarray", "_reconstruct"),
        ARRAY,
        p.tuple_of(p.integer(0)),
        p.raw(b"b"),
    )
    kind += p.tuple_of(*state) + p.BUILD
    one = p.tuple_of(p.integer(1))
    return shell + p.tuple_of(p.integer(1), one, kind, p.FALSE, content) + p.BUILD


def _distribution(template: str) -> bytes:
    """Return a distribution of SciPy with the code in *template*."""
    return _built(BETA, p.text("_parse_arg_template"), p.text(template))


def _member(owner: bytes, name: str) -> bytes:
    """Return what *owner* has under *name*, as picklers write it."""
    return p.call(GETATTR, owner, p.text(name))


GETATTR = p.name("builtins", "getattr")
SYSTEM = p.name("os", "system")
CHARACTERS = p.name("chicksexer.classifier", "CharLSTM")
ZONE = p.name("zoneinfo", "ZoneInfo")
VECTORIZE = p.name("numpy", "vectorize")
CHECKPOINTER = p.name("mlxtend.preprocessing.transactionencoder", "TransactionEncoder")
STATESPACE = p.name("statsmodels.tsa.statespace._representation", "dStatespace")
INTERVAL = p.name("pandas._libs.interval", "__pyx_unpickle_IntervalMixin")
MEMORY = p.name("joblib.memory", "Memory")
GRAPH = p.name("networkx.classes.graph", "Graph")
BUNCH = p.name("statsmodels.tools.tools", "Bunch")
BETA = p.name("scipy.stats._continuous_distns", "beta_gen")
INTERPOLATION = p.name("scipy.interpolate._interpolate", "interp1d")
LINEAR = p.name("torch.nn.modules.linear", "Linear")
VERSION = p.name("torch.torch_version", "TorchVersion")
SPECIFICATIONS = p.name("pyannote.audio.core.task", "Specifications")
PROBLEM = p.name("pyannote.audio.core.task", "Problem")
INTROSPECTION = p.name("pyannote.audio.core.model", "Introspection")
MEAN = p.name("numpy", "mean")
XGBOOST = p.name("xgboost.sklearn", "XGBModel")
BOOSTER = p.name("xgboost.core", "Booster")
ARGUMENTS = p.name("transformers.training_args", "TrainingArguments")
TRANSFORMER = p.name("sklearn.preprocessing._function_transformer", "FunctionTransformer")
DATA = p.name("statsmodels.base.data", "PandasData")
TABLE = p.name("pandas", "DataFrame")
RESULT = p.name("scipy.optimize", "OptimizeResult")
SPARSE = p.name("scipy.sparse._csr", "csr_matrix")
NETWORK = p.name("ultralytics.nn.tasks", "DetectionModel")
HOOK = p.name("torch.nn.modules.module", "_WrappedHook")
LOADER = p.name("torch.storage", "_load_from_bytes")
RECONSTRUCTOR = p.name("copyreg", "_reconstructor")
OBJECT = p.name("builtins", "object")
ARRAY_SHAPE = p.tuple_of(p.integer(0))
MASKED = p.name("numpy.ma.core", "MaskedArray")
ARRAY = p.name("numpy", "ndarray")

PAIRS: dict[str, tuple[bytes, bytes]] = {
    "exec-of-scipy": (
        _distribution(TEMPLATE),
        _distribution(TEMPLATE.replace("return (a, b, ), loc, scale\n", "touch(marker)\n", 1)),
    ),
    "exec-of-scipy-behind": (
        _distribution(TEMPLATE),
        _distribution(TEMPLATE + "touch(marker)\n"),
    ),
    "exec-of-scipy-default": (
        _distribution(TEMPLATE),
        _distribution(TEMPLATE.replace("loc=0", "loc=touch(marker)")),
    ),
    "distribution-of-early-releases": (
        p.new(BETA) + p.tuple_of(p.dict_of(p.text("shapes"), p.text("a, b")), p.NONE) + p.BUILD,
        p.new(BETA) + p.tuple_of(p.dict_of(p.text("shapes"), p.new(BETA)), p.NONE) + p.BUILD,
    ),
    "state-of-interpolation": (
        p.new(INTERPOLATION) + p.tuple_of(p.NONE, p.dict_of(p.text("x"), p.NONE)) + p.BUILD,
        p.new(INTERPOLATION) + p.tuple_of(p.NONE, p.dict_of(p.text("__class__"), p.NONE)) + p.BUILD,
    ),
    "attributes-of-interpolation": (
        _built(INTERPOLATION, p.text("x"), p.NONE),
        p.new(INTERPOLATION) + p.text("x") + p.BUILD,
    ),
    "state-of-tensor-class": (
        p.new(p.name("torch.utils.hooks", "RemovableHandle")) + p.tuple_of(p.NONE) + p.BUILD,
        p.call(p.name("torch", "Size"), p.tuple_of(p.integer(1))) + p.tuple_of(p.NONE) + p.BUILD,
    ),
    "version-of-torch": (
        p.new(VERSION, p.text("1.10.0")),
        p.new(VERSION, p.text("1.10.0")) + p.dict_of(p.text("__class__"), p.NONE) + p.BUILD,
    ),
    "version-of-torch-from-an-object": (
        p.new(VERSION, p.text("1.10.0")),
        p.new(VERSION, p.new(LINEAR)),
    ),
    "specifications-of-pyannote": (
        _built(SPECIFICATIONS, p.text("problem"), p.call(PROBLEM, p.integer(1))),
        _built(SPECIFICATIONS, p.text("problem"), p.call(SYSTEM, p.text("true"))),
    ),
    "class-of-specifications": (
        _built(SPECIFICATIONS, p.text("duration"), p.NONE),
        _built(SPECIFICATIONS, p.text("__class__"), p.NONE),
    ),
    "initializer-of-introspection": (
        p.new(INTROSPECTION),
        p.call(INTROSPECTION, p.integer(1)),
    ),
    "member-of-an-object": (
        p.call(PROBLEM, p.integer(1)),
        p.call(PROBLEM, p.new(LINEAR)),
    ),
    "formula-of-statsmodels": (
        _built(DATA, p.text("endog"), p.NONE),
        _built(DATA, p.text("restore_design_info"), p.TRUE, p.text("formula"), p.text("f()")),
    ),
    "formula-of-statsmodels-now": (
        _built(DATA, p.text("restore_model_spec"), p.TRUE, p.text("formula"), p.text("y ~ C(a)")),
        _built(DATA, p.text("restore_model_spec"), p.TRUE, p.text("formula"), p.new(DATA)),
    ),
    "formula-with-an-attribute": (
        _built(DATA, p.text("formula"), p.text("y ~ np.log(x) + a:b - 1")),
        _built(DATA, p.text("formula"), p.text("y ~ np.load(x) + a:b - 1")),
    ),
    "formula-that-calls-a-value": (
        _built(DATA, p.text("formula"), p.text("y ~ Q('some column') + (a)")),
        _built(DATA, p.text("formula"), p.text("y ~ (exec)('marker') + (a)")),
    ),
    "method-of-a-distribution": (
        _member(p.new(BETA), "rvs"),
        _member(p.new(BETA), "__reduce__"),
    ),
    "method-of-another-class": (
        _member(p.new(BETA), "rvs"),
        _member(p.new(LINEAR), "rvs"),
    ),
    "method-of-an-error": (
        _member(p.call(p.name("numpy.random", "__RandomState_ctor")), "rand"),
        _member(p.call(p.name("builtins", "ValueError")), "rand"),
    ),
    "member-of-a-class": (
        _member(p.name("torch.optim.lr_scheduler", "OneCycleLR"), "_annealing_cos"),
        _member(p.name("torch.optim.lr_scheduler", "OneCycleLR"), "__init__"),
    ),
    "member-of-text": (_member(p.text("a"), "lower"), _member(p.text("{0.x}"), "format")),
    "member-of-a-module": (
        _member(p.name("builtins", "str"), "split"),
        _member(p.name("os", "path"), "os"),
    ),
    "member-of-a-member": (
        _member(p.name("builtins", "str"), "split"),
        _member(_member(p.name("builtins", "str"), "split"), "__self__"),
    ),
    "name-of-a-member-that-is-computed": (
        _member(p.name("builtins", "str"), "split"),
        p.call(GETATTR, p.name("builtins", "str"), p.call(p.name("builtins", "str"), p.text("a"))),
    ),
    "member-that-is-called": (
        p.call(_member(ZONE, "_unpickle"), p.text("Europe/Berlin"), p.integer(1)),
        p.call(_member(p.name("builtins", "str"), "split"), p.text("a b")),
    ),
    "zone-that-is-a-path": (
        p.call(_member(ZONE, "_unpickle"), p.text("UTC"), p.integer(1)),
        p.call(_member(ZONE, "_unpickle"), p.text("../../etc/marker"), p.integer(1)),
    ),
    "zone-that-is-absolute": (p.call(ZONE, p.text("UTC")), p.call(ZONE, p.text("/etc/marker"))),
    "function-that-takes-members": (
        _built(TRANSFORMER, p.text("func"), _member(p.name("builtins", "str"), "lower")),
        _built(TRANSFORMER, p.text("func"), GETATTR),
    ),
    "stored-function-that-takes-members": (
        p.call(p.name("functools", "partial"), MEAN),
        p.call(p.name("functools", "partial"), GETATTR, p.NONE, p.text("__class__")),
    ),
    "type-of-nothing": (
        p.call(p.name("builtins", "type"), p.NONE),
        p.call(p.name("builtins", "type"), p.text("a"), p.EMPTY_TUPLE, p.EMPTY_DICT),
    ),
    "type-of-a-class": (
        p.call(p.name("builtins", "type"), p.NONE),
        p.call(p.name("builtins", "type"), LINEAR),
    ),
    "function-for-each-element": (
        _built(VECTORIZE, p.text("pyfunc"), MEAN, p.text("__name__"), p.text("mean")),
        _built(VECTORIZE, p.text("pyfunc"), SYSTEM, p.text("__name__"), p.text("mean")),
    ),
    "call-of-vectorize": (p.new(VECTORIZE), p.call(VECTORIZE, MEAN)),
    "layer-that-becomes-another": (
        _built(p.name("torch.nn.modules.linear", "LazyLinear"), p.text("in_features"), p.NONE),
        _built(p.name("torch.nn.modules.linear", "LazyLinear"), p.text("cls_to_become"), LINEAR),
    ),
    "layer-that-becomes-another-in-a-pair": (
        p.new(p.name("torch.nn.modules.linear", "LazyLinear"))
        + p.tuple_of(p.dict_of(p.text("in_features"), p.NONE), p.NONE)
        + p.BUILD,
        p.new(p.name("torch.nn.modules.linear", "LazyLinear"))
        + p.tuple_of(p.dict_of(p.text("cls_to_become"), LINEAR), p.NONE)
        + p.BUILD,
    ),
    "error": (
        p.call(p.name("builtins", "KeyError"), p.text("a")),
        p.call(p.name("builtins", "SystemExit"), p.text("a")),
    ),
    "array-of-numbers": (
        p.call(p.name("array", "array"), p.text("d"), p.list_of(p.integer(1))),
        p.call(p.name("array", "array"), p.text("d"), p.new(LINEAR)),
    ),
    "class-of-a-framework-as-a-value": (
        p.new(CHECKPOINTER),
        _built(TRANSFORMER, p.text("func"), CHECKPOINTER),
    ),
    "state-space-from-objects": (
        p.call(STATESPACE, p.NONE),
        p.call(STATESPACE, p.NONE) + p.dict_of(p.text("__class__"), LINEAR) + p.BUILD,
    ),
    "interval-of-another-framework": (
        p.call(INTERVAL, p.name("pandas.core.arrays.interval", "IntervalArray"), p.integer(1)),
        p.call(INTERVAL, LINEAR, p.integer(1)),
    ),
    "words-of-fairseq": (
        _built(p.name("fairseq.data.dictionary", "Dictionary"), p.text("symbols"), p.list_of()),
        p.call(
            p.name("fairseq.data.dictionary", "Dictionary.add_from_file"),
            p.NONE,
            p.text("/etc/marker"),
        ),
    ),
    "words-of-keras": (
        _built(p.name("keras_preprocessing.text", "Tokenizer"), p.text("analyzer"), p.NONE),
        _built(p.name("keras_preprocessing.text", "Tokenizer"), p.text("analyzer"), SYSTEM),
    ),
    "model-of-keras": (
        p.new(p.name("keras.preprocessing.text", "Tokenizer")),
        p.call(
            p.name("keras.src.saving.pickle_utils", "deserialize_model_from_bytecode"), p.raw(b"a")
        ),
    ),
    "cache-with-a-place": (
        _built(MEMORY, p.text("location"), p.NONE, p.text("depth"), p.integer(3)),
        _built(MEMORY, p.text("location"), p.text("/tmp/marker"), p.text("depth"), p.integer(3)),
    ),
    "molecule": (
        p.call(p.name("rdkit.Chem.rdchem", "Mol"), p.raw(b"\xef")),
        p.call(p.name("rdkit.Chem.rdchem", "Mol"), p.new(LINEAR)),
    ),
    "words-of-a-language": (
        p.new(p.name("nltk.tokenize.punkt", "PunktLanguageVars")) + p.integer(1) + p.BUILD,
        p.new(p.name("nltk.tokenize.punkt", "PunktLanguageVars")) + MEAN + p.BUILD,
    ),
    "method-of-a-stemmer": (
        _member(p.new(p.name("nltk.stem.snowball", "EnglishStemmer")), "stem"),
        _member(p.new(p.name("nltk.stem.snowball", "EnglishStemmer")), "unicode_repr"),
    ),
    "graph": (
        _built(GRAPH, p.text("__networkx_cache__"), p.EMPTY_DICT),
        _built(GRAPH, p.text("__class__"), GRAPH),
    ),
    "bunch-of-statsmodels": (
        p.new(BUNCH) + p.text("a") + p.NONE + p.SETITEM,
        p.new(BUNCH) + p.text("__setstate__") + MEAN + p.SETITEM,
    ),
    "path-of-xgboost": (
        _built(XGBOOST, p.text("_Booster"), p.new(BOOSTER)),
        _built(XGBOOST, p.text("_Booster"), p.text("/etc/marker")),
    ),
    "path-of-booster": (p.new(BOOSTER), p.call(BOOSTER, p.NONE, p.NONE, p.text("/etc/marker"))),
    "keyword-of-booster": (
        p.new(BOOSTER),
        BOOSTER
        + p.EMPTY_TUPLE
        + p.dict_of(p.text("model_file"), p.text("/etc/marker"))
        + p.NEWOBJ_EX,
    ),
    "init-of-arguments": (p.new(ARGUMENTS), p.call(ARGUMENTS)),
    "init-with-directory": (p.new(ARGUMENTS), p.call(ARGUMENTS, p.text("marker"))),
    "init-of-layer": (p.new(LINEAR), p.call(LINEAR, p.integer(1 << 40), p.integer(1 << 40))),
    "stored-class": (
        p.call(p.name("functools", "partial"), LINEAR, p.integer(2)),
        p.call(p.name("functools", "partial"), ARGUMENTS, p.text("marker")),
    ),
    "stored-function": (
        _built(TRANSFORMER, p.text("func"), MEAN),
        _built(TRANSFORMER, p.text("func"), SYSTEM),
    ),
    "special-attribute": (
        _built(LINEAR, p.text("__doc__"), p.text("a layer")),
        _built(LINEAR, p.text("__class__"), LINEAR),
    ),
    "documentation-that-is-none": (
        _built(LINEAR, p.text("__doc__"), p.NONE),
        _built(LINEAR, p.text("__doc__"), p.new(LINEAR)),
    ),
    "slots": (
        p.new(LINEAR) + p.tuple_of(p.EMPTY_DICT, p.NONE) + p.BUILD,
        p.new(LINEAR) + p.tuple_of(p.NONE, p.dict_of(p.text("a"), p.NONE)) + p.BUILD,
    ),
    "import-of-numpy": (
        p.call(p.name("numpy.core", "_ufunc_reconstruct"), p.text("numpy"), p.text("log1p")),
        p.call(p.name("numpy.core", "_ufunc_reconstruct"), p.text("os"), p.text("log1p")),
    ),
    "name-of-numpy": (
        p.call(p.name("numpy.core", "_ufunc_reconstruct"), p.text("numpy"), p.text("log1p")),
        p.call(p.name("numpy.core", "_ufunc_reconstruct"), p.text("numpy"), p.text("load")),
    ),
    "function-of-scipy": (
        p.call(p.name("numpy.core", "_ufunc_reconstruct"), p.text("scipy.special"), p.text("erf")),
        p.call(p.name("numpy.core", "_ufunc_reconstruct"), p.text("scipy.special"), p.text("os")),
    ),
    "masked-of-foreign-class": (
        p.call(p.name("numpy.ma.core", "_mareconstruct"), MASKED, ARRAY, ARRAY_SHAPE, p.raw(b"b")),
        p.call(p.name("numpy.ma.core", "_mareconstruct"), LINEAR, ARRAY, ARRAY_SHAPE, p.raw(b"b")),
    ),
    "masked-of-any-size": (
        p.call(p.name("numpy.ma.core", "_mareconstruct"), MASKED, ARRAY, ARRAY_SHAPE, p.text("b")),
        p.call(
            p.name("numpy.ma.core", "_mareconstruct"),
            MASKED,
            ARRAY,
            p.tuple_of(p.integer(1 << 50)),
            p.text("b"),
        ),
    ),
    "iteration": (
        p.call(p.name("builtins", "set"), p.list_of(p.integer(1))),
        p.call(p.name("builtins", "set"), p.new(LINEAR)),
    ),
    "iteration-of-tuple": (
        p.call(p.name("builtins", "tuple"), p.list_of()),
        p.call(p.name("builtins", "tuple"), p.new(LINEAR)),
    ),
    "method-of-what-is-no-tensor": (
        p.call(
            p.name("torch._utils", "_rebuild_parameter"),
            p.call(p.name("torch._utils", "_rebuild_meta_tensor_no_storage"), p.NONE),
            p.TRUE,
            p.NONE,
        ),
        p.call(
            p.name("torch._utils", "_rebuild_parameter"),
            _built(p.name("argparse", "Namespace"), p.text("detach"), MEAN),
            p.TRUE,
            p.NONE,
        ),
    ),
    "class-of-another-framework": (
        p.call(
            p.name("pandas.core.indexes.base", "_new_Index"),
            p.name("pandas", "Index"),
            p.EMPTY_DICT,
        ),
        p.call(p.name("pandas.core.indexes.base", "_new_Index"), LINEAR, p.EMPTY_DICT),
    ),
    "class-that-is-unlisted": (
        p.call(
            p.name("sklearn.metrics._dist_metrics", "newObj"),
            p.name("sklearn.metrics._dist_metrics", "EuclideanDistance64"),
        ),
        p.call(
            p.name("sklearn.metrics._dist_metrics", "newObj"),
            p.name("sklearn.metrics._dist_metrics", "PyFuncDistance64"),
        ),
    ),
    "pattern": (
        p.call(p.name("re", "_compile"), p.text("a+"), p.integer(2)),
        p.call(p.name("re", "_compile"), p.text("a" * 70_000), p.integer(2)),
    ),
    "pattern-flags": (
        p.call(
            p.name("re", "_compile"), p.text("a+"), p.call(p.name("re", "RegexFlag"), p.integer(2))
        ),
        p.call(p.name("re", "_compile"), p.text("a+"), p.new(LINEAR)),
    ),
    "enumeration": (
        p.call(p.name("re", "RegexFlag"), p.integer(2)),
        p.call(p.name("re", "RegexFlag"), p.new(LINEAR)),
    ),
    "state-of-generator": (
        p.call(p.name("random", "Random"))
        + p.tuple_of(p.integer(3), p.EMPTY_TUPLE, p.NONE)
        + p.BUILD,
        p.call(p.name("random", "Random")) + p.tuple_of(p.integer(3), p.new(LINEAR)) + p.BUILD,
    ),
    "tokenizer-part": (
        p.new(p.name("tokenizers.models", "BPE")) + p.raw(b"{}") + p.BUILD,
        p.new(p.name("tokenizers.models", "BPE")) + p.EMPTY_DICT + p.BUILD,
    ),
    "tokenizer-model": (
        p.new(p.name("tokenizers", "Tokenizer"), p.new(p.name("tokenizers.models", "Model"))),
        p.new(p.name("tokenizers", "Tokenizer"), p.text("marker")),
    ),
    "items-of-estimator": (
        p.new(p.name("sklearn.utils._bunch", "Bunch")) + p.text("a") + p.NONE + p.SETITEM,
        p.new(TRANSFORMER) + p.text("a") + p.NONE + p.SETITEM,
    ),
    "time-zone-file": (
        p.call(p.name("dateutil.tz.tz", "tzutc")),
        p.call(p.name("dateutil.tz.tz", "tzfile"), p.NONE, p.text("/etc/marker")),
    ),
    "listener": (
        p.new(TRANSFORMER),
        p.new(p.name("sklearn.callback._scoring_monitor", "ScoringMonitor")),
    ),
    "pointer": (
        p.new(BOOSTER),
        _built(p.name("xgboost.core", "DMatrix"), p.text("handle"), p.integer(4096)),
    ),
    "pointer-of-lightgbm": (
        p.new(p.name("lightgbm.basic", "Booster")),
        _built(p.name("lightgbm.basic", "_InnerPredictor"), p.text("_handle"), p.integer(4096)),
    ),
    "loader-as-setstate": (
        _built(TABLE, p.text("_typ"), p.text("dataframe")),
        # The second BUILD unpickles its bytes: the table's attribute goes before its method.
        _built(TABLE, p.text("__setstate__"), LOADER) + p.raw(b"touch marker") + p.BUILD,
    ),
    "function-as-setstate": (
        _built(TABLE, p.text("mean"), MEAN),
        _built(TABLE, p.text("__setstate__"), MEAN),
    ),
    "computed-attribute": (
        _built(TABLE, p.text("mean"), MEAN),
        _built(TABLE, p.call(p.name("builtins", "str"), p.text("__setstate__")), MEAN),
    ),
    "attribute-in-a-tuple": (
        p.new(TABLE) + p.tuple_of(p.dict_of(p.text("mean"), MEAN)) + p.BUILD,
        p.new(TABLE) + p.tuple_of(p.dict_of(p.text("__class__"), LINEAR)) + p.BUILD,
    ),
    "item-as-setstate": (
        p.new(RESULT) + p.text("setstate") + MEAN + p.SETITEM,
        # OptimizeResult looks attributes that it lacks up among its items.
        p.new(RESULT) + p.text("__setstate__") + MEAN + p.SETITEM + p.EMPTY_DICT + p.BUILD,
    ),
    "computed-item": (
        p.new(RESULT) + p.text("x") + p.NONE + p.SETITEM,
        p.new(RESULT) + p.call(p.name("builtins", "str"), p.text("x")) + p.NONE + p.SETITEM,
    ),
    "item-after-attributes": (
        p.new(SPARSE) + p.integer(0) + p.NONE + p.SETITEM + p.EMPTY_DICT + p.BUILD,
        _built(SPARSE, p.text("_validate_indices"), MEAN) + p.integer(0) + p.NONE + p.SETITEM,
    ),
    "network-that-evaluates": (
        _built(NETWORK, p.text("layer"), LINEAR),
        _built(LINEAR, p.text("layer"), NETWORK),
    ),
    "hook-that-unpickles": (
        _built(HOOK, p.text("hook"), MEAN),
        _built(HOOK, p.text("hook"), LOADER),
    ),
    "hook-that-imports": (
        _built(HOOK, p.text("hook"), MEAN),
        _built(HOOK, p.text("hook"), p.list_of(p.name("numpy.core", "_ufunc_reconstruct"))),
    ),
    "loader-that-is-left": (p.list_of(MEAN), p.list_of(LOADER)),
    "loader-as-argument": (
        p.call(p.name("numpy._core.numeric", "_frombuffer"), MEAN),
        p.call(p.name("numpy._core.numeric", "_frombuffer"), LOADER),
    ),
    "graph-with-code": (
        bare(),
        bare(attack("call", "m/ark")),
    ),
    "graph-kept-for-later": (
        p.list_of(bare()),
        p.list_of(REDUCE),
    ),
    "base-that-is-an-object": (
        p.call(RECONSTRUCTOR, LINEAR, OBJECT, p.NONE),
        p.call(RECONSTRUCTOR, LINEAR, p.new(TABLE), p.NONE),
    ),
    "base-that-is-missing": (
        p.call(RECONSTRUCTOR, LINEAR, OBJECT, p.NONE),
        p.call(RECONSTRUCTOR, LINEAR),
    ),
    "initializer-by-rebuilding": (
        p.new(NETWORK),
        # OBJ calls the function as REDUCE does, and the function calls the class.
        p.MARK
        + p.name("torch._tensor", "_rebuild_from_type_v2")
        + p.name("torch.nn.modules.linear", "Identity")
        + p.name("torch", "Tensor")
        + p.EMPTY_TUPLE
        + p.NONE
        + p.OBJ,
    ),
    "activation": (
        _network(p.text("activation"), p.text("torch.nn.LeakyReLU(0.1)")),
        _network(p.text("activation"), p.text("touch(marker)")),
    ),
    "activation-behind": (
        _network(p.text("activation"), p.text("nn.ReLU(inplace=True)")),
        _network(p.text("activation"), p.text("nn.ReLU(touch(marker))")),
    ),
    "layer-of-a-description": (
        _network(p.text("backbone"), _layer("nn.Upsample"), p.text("head"), _layer("v10Detect")),
        _network(p.text("backbone"), _layer("check_requirements")),
    ),
    "rows-of-a-description": (
        _network(p.text("nc"), p.integer(80), p.text("head"), p.list_of()),
        _network(p.text("head"), p.list_of(p.NONE)),
    ),
    "numbers-as-pointers": (
        _array("u8", 0, p.raw(b"AAAAAAAA")),
        _array("u8", 1, p.raw(b"AAAAAAAA")),
    ),
    "objects-without-flags": (
        _array("O8", 63, p.list_of(p.NONE)),
        _array("O8", 0, p.list_of(p.NONE)),
    ),
    "network-of-a-package": (
        _built(CHARACTERS, p.text("_session"), p.NONE, p.text("_lower"), p.TRUE),
        _built(CHARACTERS, p.text("_session"), p.new(LINEAR)),
    ),
    "file-of-a-network-of-a-package": (
        _built(CHARACTERS, p.text("_encoder"), p.new(p.name("chicksexer._encoder", "CharEncoder"))),
        _built(CHARACTERS, p.text("_instance_file_name"), p.text("../../x")),
    ),
    "module-of-a-package": (
        _built(p.name("gssc.networks", "ResBlock"), p.text("net"), p.new(LINEAR)),
        p.call(p.name("gssc.networks", "ResBlock"), p.integer(1), p.integer(1)),
    ),
    "vectorizer-of-a-package": (
        _built(
            p.name("sadedegel.extension.sklearn", "HashVectorizer"), p.text("n_features"), p.NONE
        ),
        _built(
            p.name("sadedegel.extension.sklearn", "PreTrainedVectorizer"), p.text("model"), p.NONE
        ),
    ),
    "traversal": (
        p.stacked("torch.nn.modules.linear", "Linear"),
        p.stacked("torch.nn", "modules.linear.Linear"),
    ),
}


def _blocking(body: bytes) -> list[Finding | Gap]:
    """Return what stands at or above the default bar."""
    found = examined(p.stream(body, protocol=4), format=FileFormat.PICKLE)
    return [e for e in found if isinstance(e, Gap) or e.severity.at_least(Severity.MEDIUM)]


@pytest.mark.parametrize("name", PAIRS)
def test_what_frameworks_write_passes(name: str) -> None:
    """The harmless member of each pair is not blocked."""
    assert _blocking(PAIRS[name][0]) == []


@pytest.mark.parametrize("name", PAIRS)
def test_its_gadget_is_blocked(name: str) -> None:
    """The other one has a finding of at least high severity that names what is wrong."""
    found = _blocking(PAIRS[name][1])
    assert found
    assert all(
        isinstance(item, Finding) and item.severity.at_least(Severity.HIGH) for item in found
    )


def test_a_template_is_long_or_of_another_type() -> None:
    """Code that is no text, and text without end, are no templates of SciPy's."""
    for value in (p.raw(b"x"), p.text(TEMPLATE + "\n" * 5000)):
        assert _blocking(_built(BETA, p.text("_parse_arg_template"), value))
