"""Adapters of PEFT with verified bytes, on base models that are verified as well."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import weighbridge as wb
from support.holding import admit, hold_files, make_verdict
from support.hub_models import (
    HubModels,
    edited,
    library,
    needs_libraries,
    same_state,
    write,
)
from support.lineages import binding_of
from support.markers import leave_mark
from support.signed_model import SignedModel, make_signed_model
from weighbridge.core.attestation import Artifact, Binding, Build
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactRefusedError,
    PolicyDeniedError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.core.lineage import Lineage, LineageNode, LineageStep, Standing
from weighbridge.integrations import peft as verified
from weighbridge.integrations.transformers import AutoModel
from weighbridge.load.artifact import VerifiedArtifact

pytestmark = needs_libraries

CONFIG = "adapter_config.json"


@pytest.fixture
def base(models: HubModels, tmp_path: Path) -> SignedModel:
    """Return the base, signed, at a path that ends with `acme/model`."""
    return make_signed_model(tmp_path / "acme", models.bert)


@pytest.fixture
def adapter(models: HubModels, tmp_path: Path) -> SignedModel:
    """Return the adapter, signed."""
    return make_signed_model(tmp_path / "adapter", models.adapter)


def named(files: dict[str, bytes], reference: str) -> VerifiedArtifact:
    """Return *files* as an artifact that a program calls *reference*."""
    return VerifiedArtifact(make_verdict(*files), hold_files(files), reference=reference)


@pytest.fixture
def loaded(models: HubModels) -> object:
    """Return the base, loaded."""
    return named(models.bert, "models/acme/model").pretrained("transformers")


def test_adapters_are_the_same(
    base: SignedModel, adapter: SignedModel, tmp_path: Path, models: HubModels
) -> None:
    """A model with its adapter is what a plain load of the same files gives."""
    transformers, peft = library("transformers"), library("peft")
    plain = peft.PeftModel.from_pretrained(
        transformers.AutoModel.from_pretrained(base.root), write(tmp_path / "a", models.adapter)
    )
    bare = AutoModel.from_pretrained(base.root, policy=base.policy)
    made = verified.PeftModel.from_pretrained(bare, adapter.root, policy=adapter.policy)
    assert type(made) is type(plain)
    assert same_state(made, plain)
    assert any("lora" in name for name in made.state_dict())  # type: ignore[attr-defined]


def test_both_in_one_call(models: HubModels, tmp_path: Path) -> None:
    """An adapter and its base load together, each by the policy; without a base it is an error."""
    signed = make_signed_model(tmp_path / "acme", models.bert)
    sign_too = make_signed_model(tmp_path / "other", models.adapter)
    text = (tmp_path / "other" / "weighbridge.toml").read_text()
    key = 'public-key = "publisher.pub"'
    both = text.replace(key, f'public-key = "{sign_too.root.parent / "publisher.pub"}"').replace(
        "[[rule]]",
        f'[trust.base]\nmethod = "key"\npublic-key = "{signed.root.parent / "publisher.pub"}"\n\n'
        "[[rule]]",
    )
    path = tmp_path / "both.toml"
    path.write_text(both.replace('["publisher"]', '["publisher", "base"]'))
    policy = wb.Policy.from_file(path)
    made = wb.load(sign_too.root, policy=policy, as_="peft", base=signed.root)
    assert type(made).__name__ == "PeftModel"
    with pytest.raises(UsageError, match="needs a base model"):
        wb.load(sign_too.root, policy=policy, as_="peft")
    with pytest.raises(UsageError, match="no adapter"):
        wb.load(sign_too.root, policy=policy, as_="transformers", base=signed.root)
    with pytest.raises(PolicyDeniedError):
        wb.load(sign_too.root, policy=sign_too.policy, as_="peft", base=signed.root)


def test_a_base_that_was_not_verified_is_refused(base: SignedModel, adapter: SignedModel) -> None:
    """A base that a plain load made is refused, though it is the very one."""
    plain = library("transformers").AutoModel.from_pretrained(base.root)
    with pytest.raises(UsageError, match="base of an adapter is verified"):
        verified.PeftModel.from_pretrained(plain, adapter.root, policy=adapter.policy)


@pytest.mark.parametrize(
    ("reference", "claim", "agrees"),
    [
        ("models/acme/model", "acme/model", True),
        ("models/acme/model", "model", True),
        ("acme/model", "acme/model", True),
        ("/srv/acme/model", "/srv/acme/model", True),
        ("models/model", "acme/model", False),
        ("models/acme/model", "evil/model", False),
        ("models/acme/model", "acme/mode", False),
        ("models/acme/model", "", False),
        ("models/acme/model", "/model", False),
        ("models/acme/model", "acme//model", False),
    ],
)
def test_the_base_is_the_one_that_the_adapter_names(
    models: HubModels, reference: str, claim: str, *, agrees: bool
) -> None:
    """A base whose reference does not end with what the adapter calls it is refused."""
    bare = named(models.bert, reference).pretrained("transformers")
    artifact = admit(edited(models.adapter, CONFIG, base_model_name_or_path=claim))
    if agrees:
        assert artifact.pretrained("peft", None, bare) is not None
        return
    with pytest.raises(ArtifactRefusedError, match="another base"):
        artifact.pretrained("peft", None, bare)
    if claim:
        assert artifact.pretrained("peft", None, bare, base_name=claim) is not None
    with pytest.raises(ArtifactRefusedError, match="another base"):
        artifact.pretrained("peft", None, bare, base_name="something/else")


@pytest.mark.parametrize(
    "members",
    [
        {"peft_type": "XLORA"},
        {"peft_type": None},
        {"peft_type": "LORA", "adapters": {"a": "/elsewhere"}},
        {"megatron_config": {"a": 1}, "megatron_core": "evil"},
        {"prompt_tuning_init_state_dict_path": "/elsewhere/state.bin"},
        {"corda_cache_file": "/elsewhere/state.bin"},
        {"corda_config": {"cache_file": "/elsewhere/state.bin"}},
    ],
    ids=str,
)
def test_configurations_that_lead_elsewhere_are_refused(
    models: HubModels, loaded: object, members: dict[str, object]
) -> None:
    """Kinds that load other adapters, and keys under which PEFT imports or reads, are refused."""
    with pytest.raises(ArtifactRefusedError, match="not verified"):
        admit(edited(models.adapter, CONFIG, **members)).pretrained("peft", None, loaded)


def test_a_checkpoint_with_a_payload_is_refused(
    models: HubModels, loaded: object, tmp_path: Path
) -> None:
    """An adapter's checkpoint holds tensors, or is refused before anything of it runs."""
    torch: Any = library("torch")
    marker = tmp_path / "marker"

    class Mark:
        def __reduce__(self) -> tuple[Any, ...]:
            return leave_mark, (marker,)

    state = library("safetensors.torch").load(models.adapter["adapter_model.safetensors"])
    rest = {p: d for p, d in models.adapter.items() if not p.endswith(".safetensors")}
    for value, fine in ((state, True), ({"a": Mark()}, False)):
        file = io.BytesIO()
        torch.save(value, file)
        artifact = admit({**rest, "adapter_model.bin": file.getvalue()})
        if fine:
            assert artifact.pretrained("peft", None, loaded) is not None
        else:
            with pytest.raises(WeighbridgeError, match="more than tensors"):
                artifact.pretrained("peft", None, loaded)
    assert not marker.exists()


@pytest.mark.parametrize("target", ["AutoPeftModel", "LoraConfig", "Missing", "os"])
def test_what_is_no_adapter_class_is_refused(
    models: HubModels, loaded: object, target: str
) -> None:
    """Classes that would load the base themselves cannot be asked for."""
    with pytest.raises(UsageError, match="no such class"):
        admit(models.adapter).pretrained("peft", target, loaded)


def test_arguments_that_loosen_are_refused(models: HubModels, loaded: object) -> None:
    """An argument by which other bytes would be used is refused by its name."""
    for arguments in ({"revision": "main"}, {"subfolder": ".."}, {"config": "other/repo"}):
        with pytest.raises(UsageError, match=next(iter(arguments))):
            admit(models.adapter).pretrained("peft", None, loaded, **arguments)
    with pytest.raises(ArtifactRefusedError, match="no configuration"):
        admit(models.bert).pretrained("peft", None, loaded)


class TestLineage:
    """Where a rule asks for the adapter's lineage, the base is one that it was made from."""

    def adapter(self, models: HubModels, *parents: Binding) -> VerifiedArtifact:
        """Return the adapter, with a verdict whose lineage has *parents*."""
        files = edited(models.adapter, CONFIG, base_model_name_or_path="acme/model")
        inputs = tuple(Artifact(name=f"input {n}", binding=b) for n, b in enumerate(parents))
        build = Build(predicate_type="p", build_type="t", builder_id="b", inputs=inputs)
        own = Artifact(name="adapter", binding=binding_of("adapter"))
        step = LineageStep(
            place="model.claims.jsonl:1",
            sha256="00" * 32,
            build=build,
            inputs=(None,) * len(inputs),
            standing=Standing.HOLDS,
        )
        node = LineageNode(artifact=own, generation=0, steps=(step,), standing=Standing.HOLDS)
        verdict = replace(make_verdict(*files), lineage=Lineage(nodes=(node,)))
        return VerifiedArtifact(verdict, hold_files(files), reference="adapter")

    def test_the_very_base(self, models: HubModels) -> None:
        """The base whose digests the adapter's build names is taken."""
        base = named(models.bert, "models/acme/model")
        digests = base.verdict.artifact
        assert digests is not None
        assert digests.binding is not None
        adapter = self.adapter(models, binding_of("data"), digests.binding)
        bare = base.pretrained("transformers")
        assert adapter.pretrained("peft", None, bare) is not None

    def test_another_base_of_that_name(self, models: HubModels) -> None:
        """A base that is called like it and has other digests is refused, with any name given."""
        bare = named(models.bert, "models/acme/model").pretrained("transformers")
        adapter = self.adapter(models, binding_of("data"), binding_of("the base"))
        for more in ({}, {"base_name": "acme/model"}):
            with pytest.raises(ArtifactRefusedError, match="not made from this base") as caught:
                adapter.pretrained("peft", None, bare, **more)
            assert caught.value.code is Code.LINEAGE_BASE
