"""Loading an object in one call: what the policy allows, and of that only what was judged."""

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest

import weighbridge as wb
from support.markers import Call, leave_mark, marking_pickle
from support.protobuf import external, tensor
from support.protobuf import model as onnx_model
from support.signed_model import make_signed_model
from weighbridge.core.codes import Code
from weighbridge.core.errors import ArtifactRefusedError, PolicyDeniedError, UsageError
from weighbridge.load import artifact as artifact_module

VALUE = OrderedDict(a=[1.5, None])
FORMATS = ("pickle", "json", "text")


def test_loads_an_allowed_object(tmp_path: Path) -> None:
    """A signed, harmless pickle in an allowed format is loaded in one call."""
    model = make_signed_model(tmp_path, {"m.pkl": pickle.dumps(VALUE)}, formats=FORMATS)
    assert wb.load(model.root, policy=model.policy, as_="pickle") == VALUE
    assert wb.load(model.root, policy=model.policy, as_="pickle", file="m.pkl") == VALUE
    with wb.load(model.root, policy=model.policy) as artifact:
        assert artifact.as_("joblib") == VALUE


def test_nothing_of_a_hostile_twin_runs(tmp_path: Path) -> None:
    """A signed pickle that calls something else is denied before any of it is executed."""
    marker = tmp_path / "ran"
    files = {"m.pkl": marking_pickle(marker, VALUE)}
    model = make_signed_model(tmp_path, files, formats=FORMATS)
    with pytest.raises(PolicyDeniedError):
        wb.load(model.root, policy=model.policy, as_="pickle")
    assert not marker.exists()


def test_a_policy_that_accepts_findings_makes_none_harmless(tmp_path: Path) -> None:
    """Bytes of a pickle that a lenient policy allows are given out, and not unpickled."""
    marker = tmp_path / "ran"
    files = {"m.pkl": pickle.dumps([VALUE, Call(leave_mark, marker)])}
    model = make_signed_model(tmp_path, files, formats=FORMATS)
    place = tmp_path / "weighbridge.toml"
    place.write_text(place.read_text().replace('fail-on = "medium"', 'fail-on = "critical"'))
    lenient = wb.Policy.from_file(place)
    with wb.load(model.root, policy=lenient) as artifact:
        assert artifact.read("m.pkl") == files["m.pkl"]
    with pytest.raises(ArtifactRefusedError) as caught:
        wb.load(model.root, policy=lenient, as_="pickle")
    assert caught.value.code is Code.LOAD_REFUSED
    assert not marker.exists()
    pickle.loads(files["m.pkl"])
    assert marker.exists(), "the payload is one that works"


def test_a_file_without_a_kind(tmp_path: Path) -> None:
    """Naming a file and not what to make of it is wrong use, told before anything is read."""
    model = make_signed_model(tmp_path, {"m.pkl": pickle.dumps(VALUE)}, formats=FORMATS)
    with pytest.raises(UsageError):
        wb.load(model.root, policy=model.policy, file="m.pkl")  # type: ignore[call-overload]  # that


def test_a_model_that_reads_elsewhere_is_denied(tmp_path: Path) -> None:
    """A signed ONNX model with data outside of its directory is denied; its twin is not."""
    outside, inside = (
        onnx_model(tensors=(tensor(2, extra=external(location=location, length="8")),))
        for location in ("../m.onnx_data", "m.onnx_data")
    )
    formats = ("onnx", "raw-tensors")
    (tmp_path / "good").mkdir()
    (tmp_path / "m.onnx_data").write_bytes(bytes(8))
    files = {"m.onnx": inside, "m.onnx_data": bytes(8)}
    good = make_signed_model(tmp_path / "good", files, formats=formats)
    assert wb.load(good.root, policy=good.policy).files == ("m.onnx", "m.onnx_data")
    evil = make_signed_model(
        tmp_path, {"m.onnx": outside, "m.onnx_data": bytes(8)}, formats=formats
    )
    with pytest.raises(PolicyDeniedError):
        wb.load(evil.root, policy=evil.policy, as_="onnxruntime")


def test_options_of_a_kind_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a kind takes besides reaches its loader, and only that kind's."""
    seen: list[dict[str, object]] = []

    def note(kind: str, files: object, **options: object) -> str:
        assert files is not None
        seen.append({"kind": kind, **{k: v for k, v in options.items() if v is not None}})
        return kind

    monkeypatch.setattr(artifact_module, "load_object", note)
    model = make_signed_model(tmp_path, {"m.pkl": pickle.dumps(VALUE)}, formats=FORMATS)
    common = {"name": "model"}
    wb.load(model.root, policy=model.policy, as_="onnxruntime", providers=["A"])
    wb.load(model.root, policy=model.policy, as_="skops", trusted=["b.C"], file="m.pkl")
    wb.load(model.root, policy=model.policy, as_="llama", settings={"n_ctx": 1})
    assert seen == [
        {"kind": "onnxruntime", "providers": ["A"], **common},
        {"kind": "skops", "trusted": ["b.C"], "file": "m.pkl", **common},
        {"kind": "llama", "settings": {"n_ctx": 1}, **common},
    ]


def test_options_of_another_kind_are_refused(tmp_path: Path) -> None:
    """An option that the kind does not have is wrong use, and so is one without a kind."""
    model = make_signed_model(tmp_path, {"m.pkl": pickle.dumps(VALUE)}, formats=FORMATS)
    with pytest.raises(UsageError, match="no trusted"):
        wb.load(model.root, policy=model.policy, as_="pickle", trusted=["x"])  # type: ignore[call-overload]  # that
    with pytest.raises(UsageError, match="nothing to make"):
        wb.load(model.root, policy=model.policy, trusted=["x"])  # type: ignore[call-overload]  # that


@pytest.mark.parametrize("said", [{"file": "m.pkl"}, {"trusted": ["x"]}])
def test_an_adapter_with_a_base_takes_no_options_either(
    tmp_path: Path, said: dict[str, object]
) -> None:
    """What an adapter cannot take is refused where a base is given too, and not left unread."""
    model = make_signed_model(tmp_path, {"m.pkl": pickle.dumps(VALUE)}, formats=FORMATS)
    make: Callable[..., object] = wb.load
    with pytest.raises(UsageError, match="has no"):
        make(model.root, policy=model.policy, as_="peft", base=model.root, **said)
