"""What a listed name may get is checked against its entry."""

import pytest

from support import pickles as p
from support.scanning import examined
from support.torch_files import vector
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity


def _found(data: bytes) -> list[Finding]:
    """Return the rule's findings about a raw pickle."""
    evidence = examined(data, format=FileFormat.PICKLE)
    return [e for e in evidence if isinstance(e, Finding) and e.rule == "pickle-argument"]


TENSOR = vector("0", 4)

BAD = {
    "load-computed-bytes": p.stream(
        p.call(p.name("torch.storage", "_load_from_bytes"), p.call(p.name("builtins", "bytes")))
    ),
    "rebuild-calls-unlisted": p.stream(
        p.call(
            p.name("torch._tensor", "_rebuild_from_type_v2"),
            p.name("os", "system"),
            p.name("torch", "Tensor"),
            p.tuple_of(p.text("x")),
            p.NONE,
        )
    ),
    "partial-of-unlisted": p.stream(
        p.call(p.name("functools", "partial"), p.name("os", "system"), p.text("x"))
    ),
    "partial-of-loader": p.stream(
        p.call(
            p.name("functools", "partial"), p.name("torch.storage", "_load_from_bytes"), p.raw(b"x")
        )
    ),
    "partial-state": p.stream(
        p.call(p.name("functools", "partial"), p.name("numpy", "mean")),
        p.tuple_of(p.name("os", "system"), p.EMPTY_TUPLE, p.NONE, p.NONE),
        p.BUILD,
    ),
    "reconstructor-of-unlisted": p.stream(
        p.call(
            p.name("copyreg", "_reconstructor"),
            p.name("acme", "Model"),
            p.name("builtins", "object"),
            p.NONE,
        )
    ),
    "random-constructor": p.stream(
        p.call(
            p.name("numpy.random._pickle", "__randomstate_ctor"),
            p.raw(b"x"),
            p.name("torch.storage", "_load_from_bytes"),
        )
    ),
    "ordered-dict-of-text": p.stream(p.call(p.name("collections", "OrderedDict"), p.text("abc"))),
    "size-of-text": p.stream(p.call(p.name("torch", "Size"), p.text("abc"))),
    "bytes-of-a-length": p.stream(p.call(p.name("builtins", "bytearray"), p.integer(1 << 60))),
    "factory": p.stream(p.call(p.name("collections", "defaultdict"), p.name("numpy", "mean"))),
    "object-scalar": p.stream(
        p.call(
            p.name("numpy.core.multiarray", "scalar"),
            p.call(p.name("numpy", "dtype"), p.text("O8"), p.FALSE, p.TRUE),
            p.raw(bytes(8)),
        )
    ),
    "objects-from-bytes": p.stream(
        p.call(
            p.name("numpy.core.multiarray", "_reconstruct"),
            p.name("numpy", "ndarray"),
            p.tuple_of(p.integer(0)),
            p.raw(b"b"),
        ),
        p.tuple_of(
            p.integer(1),
            p.tuple_of(p.integer(1)),
            p.call(p.name("numpy", "dtype"), p.text("O8"), p.FALSE, p.TRUE),
            p.FALSE,
            p.raw(bytes(8)),
        ),
        p.BUILD,
    ),
    "state-of-dtype": p.stream(
        p.call(p.name("numpy", "dtype"), p.text("V8"), p.FALSE, p.TRUE),
        p.tuple_of(
            p.integer(3),
            p.text("|"),
            p.NONE,
            p.tuple_of(p.text("a")),
            p.dict_of(
                p.text("a"),
                p.tuple_of(
                    p.call(p.name("numpy", "dtype"), p.text("i8"), p.FALSE, p.TRUE), p.integer(4)
                ),
            ),
            p.integer(8),
            p.integer(1),
            p.integer(0),
        ),
        p.BUILD,
    ),
    "tensor-beyond-storage": p.stream(
        p.call(
            p.name("torch._utils", "_rebuild_tensor_v2"),
            p.tuple_of(
                p.text("storage"),
                p.name("torch", "FloatStorage"),
                p.text("0"),
                p.text("cpu"),
                p.integer(4),
            )
            + p.BINPERSID,
            p.integer(0),
            p.tuple_of(p.integer(5)),
            p.tuple_of(p.integer(1)),
            p.FALSE,
            p.call(p.name("collections", "OrderedDict")),
        )
    ),
    "tensor-offset-beyond": p.stream(
        p.call(
            p.name("torch._utils", "_rebuild_tensor_v2"),
            p.tuple_of(
                p.text("storage"),
                p.name("torch", "FloatStorage"),
                p.text("0"),
                p.text("cpu"),
                p.integer(4),
            )
            + p.BINPERSID,
            p.integer(4),
            p.tuple_of(p.integer(1)),
            p.tuple_of(p.integer(1)),
            p.FALSE,
            p.call(p.name("collections", "OrderedDict")),
        )
    ),
    "tensor-negative-offset": p.stream(
        p.call(
            p.name("torch._utils", "_rebuild_tensor_v2"),
            p.tuple_of(
                p.text("storage"),
                p.name("torch", "FloatStorage"),
                p.text("0"),
                p.text("cpu"),
                p.integer(4),
            )
            + p.BINPERSID,
            p.integer(-1),
            p.tuple_of(p.integer(1)),
            p.tuple_of(p.integer(1)),
            p.FALSE,
            p.call(p.name("collections", "OrderedDict")),
        )
    ),
    "tensor-negative-stride": p.stream(
        p.call(
            p.name("torch._utils", "_rebuild_tensor_v2"),
            p.tuple_of(
                p.text("storage"),
                p.name("torch", "FloatStorage"),
                p.text("0"),
                p.text("cpu"),
                p.integer(4),
            )
            + p.BINPERSID,
            p.integer(3),
            p.tuple_of(p.integer(2)),
            p.tuple_of(p.integer(-1)),
            p.FALSE,
            p.call(p.name("collections", "OrderedDict")),
        )
    ),
    "encode-with-codec": p.stream(p.call(p.name("_codecs", "encode"), p.text("x"), p.text("zip"))),
    "special-attribute": p.stream(
        p.new(p.name("torch.nn.modules.linear", "Linear")),
        p.dict_of(p.text("__class__"), p.name("torch", "Tensor")),
        p.BUILD,
    ),
    "estimator-with-arguments": p.stream(
        p.new(p.name("sklearn.linear_model._logistic", "LogisticRegression"), p.text("x"))
    ),
    "constant-called": p.stream(p.call(p.name("torch", "float32"), p.text("x"))),
    "arguments-computed": p.stream(
        p.name("collections", "OrderedDict"), p.call(p.name("collections", "OrderedDict")), p.REDUCE
    ),
    "items-given-to-dtype": p.stream(
        p.call(p.name("numpy", "dtype"), p.text("f4"), p.FALSE, p.TRUE), p.NONE, p.APPEND
    ),
    "state-of-set": p.stream(
        p.call(p.name("builtins", "set"), p.EMPTY_LIST), p.EMPTY_DICT, p.BUILD
    ),
}
GOOD = {
    "partial-of-listed": p.stream(
        p.call(p.name("functools", "partial"), p.name("numpy", "mean")),
        p.tuple_of(
            p.name("numpy", "mean"), p.EMPTY_TUPLE, p.dict_of(p.text("axis"), p.integer(0)), p.NONE
        ),
        p.BUILD,
    ),
    "rebuild-calls-listed": p.stream(
        p.call(
            p.name("torch._tensor", "_rebuild_from_type_v2"),
            p.name("torch._utils", "_rebuild_parameter"),
            p.name("torch", "Tensor"),
            p.tuple_of(TENSOR, p.TRUE, p.NONE),
            p.NONE,
        )
    ),
    "reconstructor-of-listed": p.stream(
        p.call(
            p.name("copyreg", "_reconstructor"),
            p.name("torch.nn.modules.linear", "Linear"),
            p.name("builtins", "object"),
            p.NONE,
        ),
        p.dict_of(p.text("training"), p.TRUE),
        p.BUILD,
    ),
    "random-constructor": p.stream(
        p.call(
            p.name("numpy.random._pickle", "__randomstate_ctor"),
            p.text("MT19937"),
            p.name("numpy.random._pickle", "__bit_generator_ctor"),
        )
    ),
    "ordered-dict-of-pairs": p.stream(
        p.call(p.name("collections", "OrderedDict"), p.list_of(p.tuple_of(p.text("a"), p.NONE)))
    ),
    "size-of-integers": p.stream(p.call(p.name("torch", "Size"), p.tuple_of(p.integer(3)))),
    "bytes-of-text": p.stream(
        p.call(p.name("builtins", "bytearray"), p.text("a"), p.text("latin-1"))
    ),
    "plain-factory": p.stream(
        p.call(p.name("collections", "defaultdict"), p.name("builtins", "list"))
    ),
    "number-scalar": p.stream(
        p.call(
            p.name("numpy.core.multiarray", "scalar"),
            p.call(p.name("numpy", "dtype"), p.text("f8"), p.FALSE, p.TRUE),
            p.raw(bytes(8)),
        )
    ),
    "objects-from-list": p.stream(
        p.call(
            p.name("numpy.core.multiarray", "_reconstruct"),
            p.name("numpy", "ndarray"),
            p.tuple_of(p.integer(0)),
            p.raw(b"b"),
        ),
        p.tuple_of(
            p.integer(1),
            p.tuple_of(p.integer(1)),
            p.call(p.name("numpy", "dtype"), p.text("O8"), p.FALSE, p.TRUE),
            p.FALSE,
            p.list_of(p.NONE),
        ),
        p.BUILD,
    ),
    "numbers-from-bytes": p.stream(
        p.call(
            p.name("numpy.core.multiarray", "_reconstruct"),
            p.name("numpy", "ndarray"),
            p.tuple_of(p.integer(0)),
            p.raw(b"b"),
        ),
        p.tuple_of(
            p.integer(1),
            p.tuple_of(p.integer(1)),
            p.call(p.name("numpy", "dtype"), p.text("f8"), p.FALSE, p.TRUE),
            p.FALSE,
            p.raw(bytes(8)),
        ),
        p.BUILD,
    ),
    "state-of-dtype": p.stream(
        p.call(p.name("numpy", "dtype"), p.text("V8"), p.FALSE, p.TRUE),
        p.tuple_of(
            p.integer(3),
            p.text("|"),
            p.NONE,
            p.tuple_of(p.text("a")),
            p.dict_of(
                p.text("a"),
                p.tuple_of(
                    p.call(p.name("numpy", "dtype"), p.text("i4"), p.FALSE, p.TRUE), p.integer(4)
                ),
            ),
            p.integer(8),
            p.integer(1),
            p.integer(0),
        ),
        p.BUILD,
    ),
    "tensor-within-storage": p.stream(
        p.call(
            p.name("torch._utils", "_rebuild_tensor_v2"),
            p.tuple_of(
                p.text("storage"),
                p.name("torch", "FloatStorage"),
                p.text("0"),
                p.text("cpu"),
                p.integer(4),
            )
            + p.BINPERSID,
            p.integer(0),
            p.tuple_of(p.integer(4)),
            p.tuple_of(p.integer(1)),
            p.FALSE,
            p.call(p.name("collections", "OrderedDict")),
        )
    ),
    "tensor-at-the-end": p.stream(
        p.call(
            p.name("torch._utils", "_rebuild_tensor_v2"),
            p.tuple_of(
                p.text("storage"),
                p.name("torch", "FloatStorage"),
                p.text("0"),
                p.text("cpu"),
                p.integer(4),
            )
            + p.BINPERSID,
            p.integer(3),
            p.tuple_of(p.integer(1)),
            p.tuple_of(p.integer(1)),
            p.FALSE,
            p.call(p.name("collections", "OrderedDict")),
        )
    ),
    "empty-tensor": p.stream(
        p.call(
            p.name("torch._utils", "_rebuild_tensor_v2"),
            p.tuple_of(
                p.text("storage"),
                p.name("torch", "FloatStorage"),
                p.text("0"),
                p.text("cpu"),
                p.integer(4),
            )
            + p.BINPERSID,
            p.integer(4),
            p.tuple_of(p.integer(0)),
            p.tuple_of(p.integer(1)),
            p.FALSE,
            p.call(p.name("collections", "OrderedDict")),
        )
    ),
    "encode-as-bytes": p.stream(p.call(p.name("_codecs", "encode"), p.text("x"), p.text("latin1"))),
    "attribute": p.stream(
        p.new(p.name("torch.nn.modules.linear", "Linear")),
        p.dict_of(p.text("bias"), p.NONE),
        p.BUILD,
    ),
    "state-dict-metadata": p.stream(
        p.call(p.name("collections", "OrderedDict")),
        p.dict_of(p.text("_metadata"), p.NONE),
        p.BUILD,
        p.MARK,
        p.text("a"),
        p.NONE,
        p.SETITEMS,
    ),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_it_is_reported(data: bytes) -> None:
    """The stream has a finding of the rule, with a place and a message."""
    found = _found(data)
    assert found
    assert found[0].offset is not None
    assert found[0].message
    assert found[0].severity is Severity.HIGH


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_its_twin_is_not(data: bytes) -> None:
    """The same stream without the offence has no finding of the rule."""
    assert not _found(data)
