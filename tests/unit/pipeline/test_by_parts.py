"""Loads that leave the bytes in their files: what is given out is verified, and nothing else is."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weighbridge as wb
from support.gguf import Tensor, build_gguf
from support.parts import (
    COUNT,
    FILES,
    NAMES,
    PARTS_RULE,
    TENSORS,
    WEIGHTS,
    claimed_model,
    flip,
    place_of,
)
from support.pki import curve_key
from support.signed_model import SignedModel, make_signed_model, safetensors_file
from weighbridge.core.artifact import Inventory
from weighbridge.core.attestation import CutFile, PartDigests
from weighbridge.core.codes import Code
from weighbridge.core.digest import DigestPart, HashAlgorithm, HashLayout
from weighbridge.core.errors import (
    ArtifactChangedError,
    PolicyDeniedError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.load.checked import PartCache
from weighbridge.load.store import STORE_VARIABLE
from weighbridge.pipeline import check as check_module
from weighbridge.pipeline.by_parts import PartReading
from weighbridge.pipeline.check import check
from weighbridge.pipeline.claims.writing import append_claim
from weighbridge.pipeline.recording.attest_parts import AttestedParts, attest_parts
from weighbridge.policy.schema import Policy
from weighbridge.provenance.part_digests import render_parts
from weighbridge.scan.interface import Examiner
from weighbridge.signing.key import KeySigner
from weighbridge.sources.local import locate

LAYOUTS = [
    HashLayout(),
    HashLayout(HashAlgorithm.SHA256, 128 * 1024),
    HashLayout(HashAlgorithm.BLAKE3),
    HashLayout(HashAlgorithm.BLAKE2B),
]


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every read is one of the file: parts that were verified are not kept for the next one."""
    monkeypatch.setattr(PartCache, "put", lambda *_: None)


def codes(verdict: Verdict) -> set[str]:
    """Return the codes of the reasons."""
    return {str(reason.code) for reason in verdict.reasons}


def left(model: SignedModel) -> wb.VerifiedArtifact:
    """Load *model* with its bytes left in their files."""
    return wb.load(model.root, policy=model.policy, hold="file")


def trusted(artifact: wb.VerifiedArtifact) -> bool:
    """Tell whether files were not read whole, by what the verdict says."""
    return str(Code.PARTS_TRUSTED) in codes(artifact.verdict)


def resigned(model: SignedModel, content: PartDigests, attested: AttestedParts) -> None:
    """Have the publisher claim *content* of the model, and nothing else."""
    claims = attested.claims
    claims.unlink()
    statement = render_parts(content, artifacts=[attested.artifact])
    append_claim(locate(model.root), model.signer.sign(statement))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_everything_is_there_without_a_claim(layout: HashLayout, tmp_path: Path) -> None:
    """However it was signed, each file is read and hashed once, and gives the same bytes later."""
    model = make_signed_model(tmp_path, dict(FILES), layout=layout)
    with left(model) as artifact:
        assert not trusted(artifact)
        assert {path: artifact.read(path) for path in artifact.files} == FILES
        with artifact.open("a.safetensors") as file:
            assert file.read() == WEIGHTS
        tensors = artifact.tensors("numpy")
        assert {name: tensors[name].tolist() for name in tensors} == TENSORS


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("at", [0, place_of("second"), len(WEIGHTS) - 1])
def test_one_other_byte_is_denied_without_a_claim(
    layout: HashLayout, at: int, tmp_path: Path
) -> None:
    """Nothing is left unread: one byte that is not the signed one denies the load."""
    model = make_signed_model(tmp_path, dict(FILES), layout=layout)
    flip(model.root / "a.safetensors", at)
    with pytest.raises(PolicyDeniedError):
        left(model)


def test_a_file_that_changes_later_is_noticed(tmp_path: Path) -> None:
    """What was hashed is what is given out, or an error; small files are in memory already."""
    model = make_signed_model(tmp_path, dict(FILES))
    with left(model) as artifact:
        flip(model.root / "a.safetensors", place_of("second"))
        (model.root / "config.json").write_bytes(b"[]\n")
        assert artifact.read("config.json") == FILES["config.json"]
        with pytest.raises(ArtifactChangedError) as caught:
            artifact.tensors("numpy")["second"]
        assert caught.value.where == "a.safetensors"


def test_a_claim_spares_reading_what_nobody_takes(tmp_path: Path) -> None:
    """A byte that is not the signed one is met by who takes its tensor, and by nobody else."""
    model, _ = claimed_model(tmp_path)
    flip(model.root / "a.safetensors", place_of("second"))
    with left(model) as artifact:
        assert trusted(artifact)
        assert artifact.verdict.decision is Decision.ALLOW
        assert artifact.verdict.covered == ("a.safetensors", "config.json")
        names = ["first", "third"]
        taken = artifact.tensors("numpy", names=names)
        assert {name: taken[name].tolist() for name in names} == {n: TENSORS[n] for n in names}
        with pytest.raises(ArtifactChangedError):
            artifact.tensors("numpy", names=["second"])
        with pytest.raises(ArtifactChangedError):
            artifact.read("a.safetensors")


def test_an_untouched_model_is_named_as_ever(tmp_path: Path) -> None:
    """Verdict and bytes are those of a load that reads everything, but for the reason."""
    model, _ = claimed_model(tmp_path)
    with left(model) as artifact, wb.load(model.root, policy=model.policy) as whole:
        assert artifact.verdict.artifact == whole.verdict.artifact
        assert artifact.verdict.covered == whole.verdict.covered
        assert codes(artifact.verdict) - codes(whole.verdict) == {str(Code.PARTS_TRUSTED)}
        assert artifact.read("a.safetensors") == WEIGHTS


@pytest.mark.parametrize(
    "act",
    [
        lambda model: wb.load(model.root, policy=model.policy),
        lambda model: wb.load(model.root, policy=model.policy, hold="memory"),
    ],
)
def test_other_loads_read_everything(act: Callable[[SignedModel], object], tmp_path: Path) -> None:
    """The rule allows it and the claim is there; the program did not ask for it."""
    model, _ = claimed_model(tmp_path)
    flip(model.root / "a.safetensors", place_of("second"))
    with pytest.raises(PolicyDeniedError):
        act(model)
    assert check(model.root, policy=model.policy).decision is Decision.DENY


def test_a_rule_without_parts_reads_everything(tmp_path: Path) -> None:
    """The program asks for it and the claim is there; the rule does not allow it."""
    model = make_signed_model(tmp_path, dict(FILES))
    attest_parts(str(model.root), signer=model.signer)
    with left(model) as artifact:
        assert not trusted(artifact)
    flip(model.root / "a.safetensors", place_of("second"))
    with pytest.raises(PolicyDeniedError):
        left(model)


def test_stamps_have_nothing_to_do_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load goes by no earlier check, also where its bytes stay in their files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    model = make_signed_model(tmp_path, dict(FILES), rule={"stamps": '"trust"'})
    check(model.root, policy=model.policy)
    with left(model) as artifact:
        assert codes(artifact.verdict) == {str(Code.ALLOWED)}


def by_a_stranger(model: SignedModel, attested: AttestedParts) -> None:
    """Claim the same, by somebody whom the rule does not name."""
    statement = render_parts(attested.parts, artifacts=[attested.artifact])
    attested.claims.unlink()
    append_claim(locate(model.root), KeySigner(curve_key(number=7)).sign(statement))


def of_another_model(model: SignedModel, attested: AttestedParts) -> None:
    """Claim it of a model with the same files by other names."""
    names = replace(attested.artifact.binding.names, value=bytes(32))
    binding = replace(attested.artifact.binding, names=names)
    other = replace(attested, artifact=replace(attested.artifact, binding=binding))
    resigned(model, attested.parts, other)


def of_other_content(model: SignedModel, attested: AttestedParts) -> None:
    """Claim it of a model with other content under the same names."""
    root = replace(attested.artifact.binding.root, value=bytes(32))
    binding = replace(attested.artifact.binding, root=root)
    other = replace(attested, artifact=replace(attested.artifact, binding=binding))
    resigned(model, attested.parts, other)


def of_another_file(model: SignedModel, attested: AttestedParts) -> None:
    """Claim the parts of a file that the signature does not name."""
    (file,) = attested.parts.files
    resigned(model, PartDigests(files=(replace(file, path="b.safetensors"),)), attested)


def with_another_header(model: SignedModel, attested: AttestedParts) -> None:
    """Claim another digest of the part that the header is in."""
    (file,) = attested.parts.files
    first = DigestPart(0, file.parts[0].end, bytes(32))
    changed = CutFile(path=file.path, parts=(first, *file.parts[1:]))
    resigned(model, PartDigests(files=(changed,)), attested)


def none(model: SignedModel, attested: AttestedParts) -> None:
    """Claim nothing."""
    del model
    attested.claims.unlink()


def broken(model: SignedModel, attested: AttestedParts) -> None:
    """Have a claims file of which nothing can be read."""
    del model
    attested.claims.write_bytes(b"{}\n")


@pytest.mark.parametrize(
    "claim",
    [
        by_a_stranger,
        of_another_model,
        of_other_content,
        of_another_file,
        with_another_header,
        none,
        broken,
    ],
)
def test_other_claims_spare_nothing(
    claim: Callable[[SignedModel, AttestedParts], None], tmp_path: Path
) -> None:
    """Without a claim that counts the file is read whole: it loads, and a changed one does not."""
    model, attested = claimed_model(tmp_path)
    claim(model, attested)
    with left(model) as artifact:
        assert not trusted(artifact)
        assert artifact.read("a.safetensors") == WEIGHTS
    flip(model.root / "a.safetensors", place_of("second"))
    with pytest.raises(PolicyDeniedError):
        left(model)


@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_signatures_that_name_no_model_by_both_digests(layout: HashLayout, tmp_path: Path) -> None:
    """A claim is about a model by two digests, which only SHA-256 of whole files give."""
    model = make_signed_model(tmp_path, dict(FILES), layout=layout, rule={"parts": PARTS_RULE})
    attest_parts(str(model.root), signer=model.signer)
    with left(model) as artifact:
        assert not trusted(artifact)
        assert artifact.read("a.safetensors") == WEIGHTS


def test_a_claim_that_counts_is_found_among_others(tmp_path: Path) -> None:
    """Claims that say nothing of this model change nothing about one that does."""
    model, attested = claimed_model(tmp_path)
    line = attested.claims.read_bytes()
    by_a_stranger(model, attested)
    attested.claims.write_bytes(b"{}\n" + attested.claims.read_bytes() + line)
    with left(model) as artifact:
        assert trusted(artifact)


def test_a_claim_with_wrong_digests_gives_nothing_out(tmp_path: Path) -> None:
    """A claim that is not about the signed bytes makes their tensors errors, not others."""
    model, attested = claimed_model(tmp_path)
    (file,) = attested.parts.files
    parts = tuple(
        replace(part, value=bytes(32)) if part.start <= place_of("second") < part.end else part
        for part in file.parts
    )
    resigned(model, PartDigests(files=(replace(file, parts=parts),)), attested)
    with left(model) as artifact, pytest.raises(ArtifactChangedError):
        artifact.tensors("numpy", names=["second"])


@pytest.mark.parametrize("size", [-1, 1])
def test_a_claim_about_another_size_denies_nothing_away(size: int, tmp_path: Path) -> None:
    """A file that is longer or shorter than its parts is not given out as if it were not."""
    model, _ = claimed_model(tmp_path)
    data = WEIGHTS + b"x" if size > 0 else WEIGHTS[:-1]
    (model.root / "a.safetensors").write_bytes(data)
    with pytest.raises(WeighbridgeError) as caught:
        left(model)
    assert caught.value.code in {Code.FILE_CHANGED, Code.POLICY_DENIED}


@pytest.mark.parametrize("path", ["config.json", "a.safetensors"])
def test_files_beside_tensors_are_as_signed(path: str, tmp_path: Path) -> None:
    """What has no parts is read whole; the header, and what tells the format, is read always."""
    model, _ = claimed_model(tmp_path)
    flip(model.root / path, 1)
    with pytest.raises(PolicyDeniedError):
        left(model)


def test_a_file_that_nobody_signed_is_denied(tmp_path: Path) -> None:
    """A claim says nothing about which files belong to the model."""
    model, _ = claimed_model(tmp_path)
    (model.root / "more.safetensors").write_bytes(safetensors_file(w=[1.0]))
    with pytest.raises(PolicyDeniedError):
        left(model)


def test_files_that_may_carry_code_are_read_whole(tmp_path: Path) -> None:
    """Whoever signs parts does not decide about code, whatever is claimed of such a file."""
    source = b"# " + b"x" * 100_000 + b"\n"
    files = {**FILES, "notes.md": source}
    model, attested = claimed_model(tmp_path, files)
    changed = CutFile(
        path="notes.md",
        parts=(DigestPart(0, len(source), bytes(32)),),
    )
    resigned(model, PartDigests(files=(*attested.parts.files, changed)), attested)
    with left(model) as artifact:
        assert artifact.read("notes.md") == source
    flip(model.root / "notes.md", 50_000)
    with pytest.raises(PolicyDeniedError):
        left(model)


def test_what_is_accepted_by_a_digest_is_read_whole(tmp_path: Path) -> None:
    """An acceptance is of the very bytes, and a claim is somebody's word about some of them."""
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    accepted = (
        f'[{{ rule = "chat-template", path = "a.safetensors", sha256 = "{digest}", reason = "read", '
        "expires = 2099-12-31 }]"
    )
    scan = f'{{ fail-on = "medium", on-gap = "deny", suppress = {accepted} }}'
    model, _ = claimed_model(tmp_path, scan=scan)
    with left(model) as artifact:
        assert not trusted(artifact)
    flip(model.root / "a.safetensors", place_of("second"))
    with pytest.raises(PolicyDeniedError):
        left(model)


@pytest.mark.parametrize(
    "rule",
    [
        {"receipt": f'{{ from = "publisher", max-age = "30d", policy = "sha256:{"0" * 64}" }}'},
        {"scan": '{ fail-on = "medium", on-gap = "indeterminate", also = ["picklescan"] }'},
    ],
)
def test_what_others_say_of_files_is_said_of_files_that_are_read(
    rule: dict[str, str], tmp_path: Path
) -> None:
    """Neither an earlier verdict nor another scanner is about bytes that nobody has compared."""
    model, _ = claimed_model(tmp_path, FILES, **rule)
    flip(model.root / "a.safetensors", place_of("second"))
    with pytest.raises(PolicyDeniedError) as caught:
        left(model)
    assert str(Code.PARTS_TRUSTED) not in codes(caught.value.verdict)


def test_a_directory_in_the_place_of_a_claimed_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies below what was a file a moment ago has no digest, and is no reason to crash."""
    model, _ = claimed_model(tmp_path)
    consult = PartReading.consult

    def exchange(reading: PartReading, *arguments: Any) -> None:
        consult(reading, *arguments)
        path = model.root / "a.safetensors"
        path.unlink()
        path.mkdir()
        (path / "b.safetensors").write_bytes(WEIGHTS)

    monkeypatch.setattr(PartReading, "consult", exchange)
    with pytest.raises(ArtifactChangedError):
        left(model)


def test_no_result_is_kept_by_a_digest_that_is_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the scan found in some bytes is not kept as what it found in the signed ones."""
    asked: list[Examiner] = []

    def keeping(examiner: Examiner, _: Inventory) -> Examiner:
        asked.append(examiner)
        return examiner

    monkeypatch.setattr(check_module, "_keeping", keeping)
    scan = '{ fail-on = "medium", on-gap = "deny", cache = true }'
    model, attested = claimed_model(tmp_path, scan=scan)
    left(model).close()
    assert asked == []
    attested.claims.unlink()
    left(model).close()
    assert len(asked) == 1


def test_a_model_that_nobody_has_to_sign(tmp_path: Path) -> None:
    """The bytes are those that were scanned, also where no signature is asked for."""
    model = make_signed_model(tmp_path, dict(FILES), rule={"signature": "{ required = false }"})
    (model.root / "model.sig").unlink()
    with left(model) as artifact:
        flip(model.root / "a.safetensors", place_of("second"))
        with pytest.raises(ArtifactChangedError):
            artifact.tensors("numpy")["second"]


def test_systems_that_cannot_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files cannot be read at a position, there is an error and no other way."""
    model = make_signed_model(tmp_path, dict(FILES))
    monkeypatch.delattr(os, "preadv")
    with pytest.raises(UsageError, match="cannot be left"):
        left(model)


def test_a_model_of_one_file(tmp_path: Path) -> None:
    """A single file is named by its base name, in signature and claim alike."""
    made = make_signed_model(tmp_path, dict(FILES), rule={"parts": PARTS_RULE})
    file = tmp_path / "one.safetensors"
    file.write_bytes(WEIGHTS)
    from weighbridge.pipeline.sign import sign  # noqa: PLC0415

    sign(file, signer=made.signer)
    attest_parts(str(file), signer=made.signer)
    flip(file, place_of("second"))
    with wb.load(file, policy=made.policy, hold="file") as artifact:
        assert trusted(artifact)
        assert artifact.tensors("numpy", names=["first"])["first"].tolist() == TENSORS["first"]
        with pytest.raises(ArtifactChangedError):
            artifact.tensors("numpy", names=["second"])


def test_tensors_of_gguf_files(tmp_path: Path) -> None:
    """GGUF files are cut at their tensors as well."""
    values = np.arange(len(NAMES) * COUNT, dtype="f4")
    tensors = [
        Tensor(name=name, shape=(COUNT,), offset=4 * COUNT * number)
        for number, name in enumerate(NAMES)
    ]
    data = build_gguf(tensors=tensors, data=values.tobytes())
    model, attested = claimed_model(tmp_path, {"m.gguf": data})
    start = len(data) - values.nbytes
    borders = {part.end for part in attested.parts.files[0].parts}
    assert start + NAMES.index("third") * 4 * COUNT in borders
    flip(model.root / "m.gguf", start + NAMES.index("second") * 4 * COUNT + COUNT)
    with left(model) as artifact:
        assert trusted(artifact)
        (third,) = artifact.tensors("numpy", names=["third"]).values()
        assert np.array_equal(third, values[NAMES.index("third") * COUNT :][:COUNT])
        with pytest.raises(ArtifactChangedError):
            artifact.tensors("numpy", names=["second"])


def test_links_count_where_the_rule_says_so(tmp_path: Path) -> None:
    """A link to a file of tensors is followed as for any other load, or refused."""
    model, attested = claimed_model(tmp_path, symlinks='"files"')
    blob = tmp_path / "blob"
    (model.root / "a.safetensors").rename(blob)
    (model.root / "a.safetensors").symlink_to(blob)
    with left(model) as artifact:
        assert trusted(artifact)
    text = Path(model.policy.path or "").read_text().replace('symlinks = "files"\n', "")
    strict = Policy.from_toml(text.encode(), path=model.policy.path)
    with pytest.raises(PolicyDeniedError):
        wb.load(model.root, policy=strict, hold="file")
    assert attested.claims.exists()


def test_a_copy_in_the_store_outlives_the_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the bytes in the store, nothing that happens to the model matters."""
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    model = make_signed_model(tmp_path, dict(FILES))
    with wb.load(model.root, policy=model.policy, hold="store") as artifact:
        for path in FILES:
            (model.root / path).write_bytes(b"other")
        assert {path: artifact.read(path) for path in artifact.files} == FILES
        assert artifact.tensors("numpy")["second"].tolist() == TENSORS["second"]
        (copy,) = (tmp_path / "store").glob("*/a.safetensors")
        assert copy.stat().st_mode & 0o222 == 0


def test_a_changed_copy_in_the_store_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte of the copy that changes after the artifact was admitted is never given out."""
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    model = make_signed_model(tmp_path, dict(FILES))
    with wb.load(model.root, policy=model.policy, hold="store") as artifact:
        tensors = artifact.tensors("numpy")
        assert tensors["second"].tolist() == TENSORS["second"]
        (copy,) = (tmp_path / "store").glob("*/a.safetensors")
        copy.chmod(0o600)
        flip(copy, place_of("second"))
        with pytest.raises(ArtifactChangedError):
            tensors["second"]
    # The next one does not go by what it finds there.
    with wb.load(model.root, policy=model.policy, hold="store") as artifact:
        assert artifact.tensors("numpy")["second"].tolist() == TENSORS["second"]


@pytest.mark.parametrize(
    "arguments", [{"hold": "disk"}, {"hold": "file", "as_": "pickle"}, {"hold": None}]
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, str], tmp_path: Path) -> None:
    """Objects are made of bytes in memory, and there are three places for bytes."""
    model = make_signed_model(tmp_path, dict(FILES))
    with pytest.raises(UsageError):
        wb.load(model.root, policy=model.policy, **arguments)  # type: ignore[call-overload]


PROGRAM = """
import sys
import weighbridge as wb
model, policy = sys.argv[1:]
with wb.load(model, policy=wb.Policy.from_file(policy), hold="file") as artifact:
    tensors = artifact.tensors("numpy")
    total = sum(float(tensors[name][0]) for name in tensors)
    assert total == len(tensors), total
with open("/proc/self/status") as status:
    (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM"))
print(peak)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_a_model_can_be_larger_than_the_memory_that_it_takes(tmp_path: Path) -> None:
    """A program that takes one tensor after the other never has the model in memory."""
    size, count = 48 * 2**20, 8
    header = ",".join(
        f'"t{n}":{{"dtype":"F32","shape":[{size // 4}],"data_offsets":[{n * size},{(n + 1) * size}]}}'
        for n in range(count)
    )
    text = f"{{{header}}}".encode()
    text += b" " * (-len(text) % 8)
    model = make_signed_model(tmp_path, dict(FILES))
    with (model.root / "a.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for n in range(count):
            file.seek(8 + len(text) + n * size)
            file.write(np.float32(1).tobytes())
        file.truncate(8 + len(text) + count * size)  # the rest is a hole, and takes no disk
    (model.root / "model.sig").unlink()
    from weighbridge.pipeline.sign import sign  # noqa: PLC0415

    sign(model.root, signer=model.signer)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    command = [sys.executable, "-c", PROGRAM, str(model.root), str(model.policy.path)]
    ended = subprocess.run(command, capture_output=True, check=False, env=environment, text=True)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) * 1024 < count * size // 2
