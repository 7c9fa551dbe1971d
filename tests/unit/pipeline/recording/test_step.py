"""Steps that are recorded: what is claimed of them, and when nothing is."""

import base64
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from support.recorded_steps import REPOSITORY, Bench, make_bench
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactChangedError,
    ArtifactRefusedError,
    IndeterminateError,
    NothingToCheckError,
    OperationError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.pipeline.describe import digest
from weighbridge.pipeline.recording import step as recording
from weighbridge.pipeline.recording.given import Recorded
from weighbridge.pipeline.recording.step import Step, record
from weighbridge.pipeline.sign import sign
from weighbridge.provenance.reading import read_claim
from weighbridge.sandbox.steps.interface import (
    Observation,
    StepMeasure,
    StepOrder,
    StepReport,
)
from weighbridge.sandbox.steps.launch import is_supported, run_step

pytestmark = pytest.mark.skipif(not is_supported(), reason="no steps here")

MAKE = "mkdir -p out; cat base/w.bin data/w.bin > out/w.bin"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Go to a directory with two inputs."""
    monkeypatch.chdir(tmp_path)
    return make_bench(tmp_path)


def observed(recorded: Recorded) -> Recorded:
    """Return *recorded*; skip the test where the system tells nothing of what is opened."""
    assert recorded.report is not None
    if recorded.report.observation is None:
        pytest.skip(f"nothing can be observed here: {recorded.report.unobserved}")
    return recorded


def no_claim(bench: Bench) -> bool:
    """Tell whether nothing was claimed of anything."""
    return not list(bench.root.rglob("*.claims.jsonl"))


def test_a_step_is_claimed(bench: Bench) -> None:
    """The claim is about the output and names the inputs, all by both digests."""
    recorded = bench.record(MAKE, inputs=("base", "data"), parameters=(("lr", "0.1"),))
    assert recorded.output.binding == digest("out").binding
    inputs = {each.name: each.binding for each in recorded.build.inputs}
    assert inputs == {"base": digest("base").binding, "data": digest("data").binding}
    (statement,) = bench.claims()
    external = statement["predicate"]["buildDefinition"]["externalParameters"]
    assert external == {"command": ["sh", "-c", MAKE], "params": {"lr": "0.1"}}
    internal = statement["predicate"]["buildDefinition"]["internalParameters"]
    assert internal["isolated"] is False
    assert "enforced" not in internal


def test_the_claim_is_read_as_it_was_meant(bench: Bench) -> None:
    """What the signed bundle says is the build that was recorded."""
    recorded = bench.record(MAKE, inputs=("base",))
    line = (bench.root / "out" / "model.claims.jsonl").read_bytes().splitlines()[-1]
    payload = base64.b64decode(json.loads(line)["dsseEnvelope"]["payload"])
    claim = read_claim(payload, where="line 1")
    assert claim.content == recorded.build
    assert claim.artifacts == (recorded.output,)


@pytest.mark.parametrize("text", ["exit 3", "mkdir out; echo > out/x; exit 1", "kill -9 $$"])
def test_a_step_that_fails_is_not_claimed(bench: Bench, text: str) -> None:
    """Whatever it left, no claim is made, and the error says how it ended."""
    with pytest.raises(OperationError, match=r"exit code|SIGKILL") as caught:
        bench.record(text)
    assert caught.value.code is Code.STEP_FAILED
    assert no_claim(bench)


def test_a_step_without_output_is_not_claimed(bench: Bench) -> None:
    """To end well and to make nothing is a failure; to make no file is nothing to check."""
    with pytest.raises(OperationError, match="made no output"):
        bench.record("true")
    with pytest.raises(NothingToCheckError):
        bench.record("mkdir out")


@pytest.mark.parametrize(
    "text",
    [
        "echo >> data/w.bin",
        "echo > data/new",
        "rm data/w.bin; echo > data/other",
        "cp -p data/w.bin k; echo evil > data/w.bin; cat k > data/w.bin; touch -r k data/w.bin",
        "cp -p data/w.bin k; mv k data/w.bin",
    ],
)
def test_an_input_that_changes_is_told(bench: Bench, text: str) -> None:
    """Other bytes, other files, and the same bytes written again: nobody knows which were read."""
    with pytest.raises(ArtifactChangedError, match="'data' changed") as caught:
        bench.record(f"{MAKE}; {text}", inputs=("data",))
    assert caught.value.code is Code.INPUT_CHANGED
    assert no_claim(bench)


def test_reading_an_input_does_not_change_it(bench: Bench) -> None:
    """The twin: an input that is read and copied is the same."""
    recorded = bench.record(f"{MAKE}; cp -r data out/copy", inputs=("base", "data"))
    assert recorded.claims.exists()


def test_undeclared_reads_are_told(bench: Bench) -> None:
    """A file that was read and is no input is told, and named in the statement with its digest."""
    recorded = observed(bench.record(MAKE, inputs=("base",)))
    assert recorded.undeclared == ("data/w.bin",)
    (other,) = [r for r in recorded.build.others if r.uri == "file:data/w.bin"]
    assert other.digest("sha256") is not None
    assert dict(other.annotations) == {"weighbridge_declared": "false"}


def test_a_strict_step_fails_by_undeclared_reads(bench: Bench) -> None:
    """With everything declared it passes; with one input less it is refused."""
    observed(bench.record(MAKE, inputs=("base", "data"), strict=True))
    with pytest.raises(ArtifactRefusedError, match=r"data/w\.bin") as caught:
        bench.record(MAKE.replace("out", "out2"), output="out2", inputs=("base",), strict=True)
    assert caught.value.code is Code.INPUT_UNDECLARED
    allowed = bench.record(
        MAKE.replace("out", "out3"),
        output="out3",
        inputs=("base",),
        strict=True,
        allow_read=(Path("data"),),
    )
    assert allowed.undeclared == ()


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("mkdir out; mv data/w.bin out", False),
        ("mkdir out; ln data/w.bin out", False),
        ("mkdir out; echo > out/w.bin; mv data/w.bin out/w.bin", False),
        ("mv data out", False),
        ("mkdir out; ln -s ../data/w.bin out/w.bin", True),
        ("mkdir out; ln -s ../base/w.bin out/b; ln -s ../data/w.bin out/w.bin", True),
    ],
)
def test_what_is_given_out_unread_is_told(bench: Bench, text: str, link: bool) -> None:
    """A file that reaches the output by a name alone is as undeclared as one that was read."""
    with pytest.raises(ArtifactRefusedError, match=r"data/w\.bin") as caught:
        bench.record(text, inputs=("base",), strict=True, allow_symlinks=link)
    assert caught.value.code is Code.INPUT_UNDECLARED


def test_declared_files_may_be_given_out_by_a_name(bench: Bench) -> None:
    """The twin: links to files of an input, and new names for what the step made."""
    text = "mkdir out; ln -s ../data/w.bin out/a; echo > out/b; mv out/b out/c; ln -s c out/d"
    recorded = observed(
        bench.record(text, inputs=("base", "data"), strict=True, allow_symlinks=True)
    )
    assert recorded.undeclared == ()


@pytest.mark.parametrize("isolated", [False, True])
def test_a_file_as_standard_input_is_told(bench: Bench, isolated: bool) -> None:
    """A file that the step gets as its standard input is undeclared, unless it is in an input."""
    kept = os.dup(0)
    handed = os.open(bench.root / "data" / "w.bin", os.O_RDONLY)
    try:
        os.dup2(handed, 0)
        more = {"strict": True, "isolated": isolated}
        with pytest.raises(ArtifactRefusedError, match=r"data/w\.bin"):
            bench.record("mkdir -p out; cat > out/a", **more)
        (bench.root / "out" / "a").unlink()
        recorded = bench.record("mkdir -p out; cat > out/a", inputs=("data",), **more)
        assert recorded.undeclared == ()
    finally:
        os.dup2(kept, 0)
        os.close(handed)
        os.close(kept)


@pytest.mark.parametrize("target", ["base", "elsewhere"])
def test_an_output_that_became_a_link_is_refused(bench: Bench, target: str) -> None:
    """A step that puts a link where its output was to be has no claim; nobody else's files do."""
    (bench.root / "elsewhere").mkdir()
    (bench.root / "elsewhere" / "w.bin").write_bytes(b"not the step's")
    with pytest.raises(OperationError, match="link in the place of its output") as caught:
        bench.record(f"ln -s {target} out", inputs=("base",))
    assert caught.value.code is Code.STEP_FAILED
    assert not (bench.root / target / "model.claims.jsonl").exists()


def test_an_output_above_which_a_link_was_put_is_refused(bench: Bench) -> None:
    """The same for a directory above it."""
    (bench.root / "elsewhere" / "out").mkdir(parents=True)
    (bench.root / "elsewhere" / "out" / "w.bin").write_bytes(b"not the step's")
    with pytest.raises(OperationError, match="link in the place of its output"):
        bench.record("ln -s elsewhere there", output="there/out")


@pytest.mark.parametrize(
    "report",
    [
        StepReport(exit_code=0, unobserved="not to be had"),
        StepReport(
            exit_code=0, observation=Observation(files=(), network=False, blind=("it hid",))
        ),
    ],
)
def test_a_strict_step_that_was_not_seen_fails(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, report: StepReport
) -> None:
    """Where something may have been missed nobody can tell, unless the step need not be strict."""
    (bench.root / "made").write_text("x")

    def run(order: object) -> StepReport:
        (bench.root / "made").rename(bench.root / "out.bin")
        return report

    monkeypatch.setattr(recording, "run_step", run)
    with pytest.raises(IndeterminateError) as caught:
        bench.record("true", output="out.bin", strict=True)
    assert caught.value.code is Code.STEP_UNOBSERVED
    (bench.root / "out.bin").rename(bench.root / "made")
    assert bench.record("true", output="out.bin").claims.name == "out.bin.claims.jsonl"


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (StepReport(exit_code=0, stubborn=True), Code.STEP_FAILED),
        (StepReport(failure="no"), Code.IO_FAILED),
        (StepReport(signal=99), Code.STEP_FAILED),
    ],
)
def test_what_did_not_go_well_is_not_claimed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, report: StepReport, code: Code
) -> None:
    """Processes that cannot be ended, programs that cannot be run and unknown signals are errors."""
    monkeypatch.setattr(recording, "run_step", lambda _: report)
    with pytest.raises(OperationError) as caught:
        bench.record("true")
    assert caught.value.code is code


def test_an_isolation_that_is_not_to_be_had_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that cannot be isolated has a code of its own, and leaves no directory behind."""
    monkeypatch.setattr(recording, "run_step", lambda _: StepReport(failure="cannot isolate"))
    with pytest.raises(OperationError) as caught:
        bench.record("true", isolated=True)
    assert caught.value.code is Code.ISOLATION_UNAVAILABLE


def test_an_isolated_step(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads its inputs alone, has a home of its own, and no secrets in its environment."""
    monkeypatch.setenv("ACME_TOKEN", "secret")
    text = "cat data/w.bin > out/w.bin; echo $HOME $ACME_TOKEN > out/env; echo > $TMPDIR/x"
    try:
        recorded = bench.record(f"set -e; {text}", inputs=("data",), isolated=True, strict=True)
    except OperationError as error:
        if error.code is Code.ISOLATION_UNAVAILABLE:
            pytest.skip(str(error))
        raise
    (home,) = (bench.root / "out" / "env").read_text().split()
    assert not Path(home).exists()
    assert recorded.report is not None
    assert recorded.report.enforced == tuple(StepMeasure)
    (statement,) = bench.claims()
    internal = statement["predicate"]["buildDefinition"]["internalParameters"]
    assert internal["enforced"] == ["files", "network", "system", "privileges"]
    with pytest.raises(OperationError, match="exit code"):
        bench.record("cat base/w.bin > out2/w.bin", output="out2", isolated=True)


def test_a_step_that_makes_directories_without_end(bench: Bench) -> None:
    """Those in its own directory are gone afterwards, however deep."""
    text = "echo $TMPDIR > out/home; cd $TMPDIR; mkdir -p $(printf 'd/%.0s' $(seq 1000))"
    try:
        bench.record(text, isolated=True)
    except OperationError as error:
        if error.code is Code.ISOLATION_UNAVAILABLE:
            pytest.skip(str(error))
        raise
    assert not Path((bench.root / "out" / "home").read_text().strip()).exists()


def test_an_isolated_step_reads_the_commit_and_nothing_beside_it(bench: Bench) -> None:
    """A key that lies in the checkout, or what git keeps there, is not for the step."""
    bench.check_in()
    (bench.root / "key.pem").write_text("secret")
    try:
        recorded = bench.record("ls; cat train.py > out/x", isolated=True, strict=True)
    except OperationError as error:
        if error.code is Code.ISOLATION_UNAVAILABLE:
            pytest.skip(str(error))
        raise
    assert recorded.undeclared == ()
    for name in ("key.pem", ".git/config"):
        with pytest.raises(OperationError, match="exit code"):
            bench.record(f"cat {name}", output="out2", isolated=True)


@pytest.mark.parametrize(
    ("output", "directory"), [(".", "."), ("model", "."), (".", "plain"), ("..", "plain")]
)
def test_an_isolated_step_has_git_run_nothing(
    bench: Bench,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    directory: str,
) -> None:
    """Where the output is a repository, or becomes one, its configuration runs nothing."""
    mark = tmp_path_factory.mktemp("elsewhere") / "mark"
    bench.check_in()
    (bench.root / "model").mkdir()
    (bench.root / "model" / "w.bin").write_bytes(b"w")
    model = ("-C", "model")
    bench.git(*model, "init", "--quiet")
    bench.git(*model, "add", "w.bin")
    bench.git(*model, "commit", "--quiet", "--message", "first")
    commit = bench.git(*model, "rev-parse", "HEAD")
    bench.git("update-index", "--add", "--cacheinfo", f"160000,{commit},model")
    bench.git("commit", "--quiet", "--message", "model")
    (bench.root / "plain").mkdir()
    (bench.root / "plain" / "w.bin").write_bytes(b"w")
    monkeypatch.chdir(bench.root / directory)
    made = "git init -q; git add w.bin; git -c user.name=a -c user.email=a commit -qm x"
    run = f'[filter "x"]\\nclean = touch {mark}\\n'
    text = (
        f"cd {output}; test -e .git || {{ {made}; }}; printf '{run}' >> .git/config; "
        "echo '* filter=x' > .gitattributes; for each in w.bin train.py; do "
        'test ! -e "$each" || touch "$each"; done'
    )
    try:
        recorded = bench.record(text, output=output, in_place=True, isolated=True)
    except OperationError as error:
        if error.code is Code.ISOLATION_UNAVAILABLE:
            pytest.skip(str(error))
        raise
    assert not mark.exists()
    assert (recorded.build.source is None) is (output != "model")
    place = bench.root / directory / output
    (place / ".gitattributes").write_text("* filter=x\n")
    bench.git("-C", str(place), "status")
    assert mark.exists()  # so it would have been run


def test_a_checkout_in_shared_memory_is_no_source_of_an_isolated_step(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There an isolated step can write as well; one that is not isolated can anywhere."""
    bench.check_in()
    monkeypatch.setattr(recording, "SHARED_MEMORY", str(bench.root))
    try:
        recorded = bench.record("echo > out/x", isolated=True)
    except OperationError as error:
        if error.code is Code.ISOLATION_UNAVAILABLE:
            pytest.skip(str(error))
        raise
    assert recorded.build.source is None
    assert bench.record("mkdir out2; echo > out2/x", output="out2").build.source is not None


def test_an_output_that_has_files_is_refused(bench: Bench) -> None:
    """What was there before is not the step's work; claims that were there stay."""
    bench.record(MAKE)
    before = (bench.root / "out" / "model.claims.jsonl").read_bytes()
    with pytest.raises(OperationError) as caught:
        bench.record(MAKE)
    assert caught.value.code is Code.OUTPUT_EXISTS
    (bench.root / "out" / "w.bin").unlink()
    bench.record(MAKE)
    after = (bench.root / "out" / "model.claims.jsonl").read_bytes()
    assert after.startswith(before)
    assert len(after.splitlines()) == 2


def test_in_place_what_was_there_is_an_input(bench: Bench) -> None:
    """A step that changes a model has the model as it was among its inputs."""
    before = digest("base").binding
    recorded = bench.record("echo >> base/w.bin", output="base", in_place=True)
    assert [(i.name, i.binding) for i in recorded.build.inputs] == [("base", before)]
    assert recorded.output.binding == digest("base").binding != before


def test_in_place_is_for_the_output_alone(bench: Bench) -> None:
    """Other inputs have to be the same still."""
    with pytest.raises(ArtifactChangedError):
        bench.record(
            "echo >> base/w.bin; echo >> data/w.bin",
            output="base",
            inputs=("base", "data"),
            in_place=True,
        )


@pytest.mark.parametrize(
    ("output", "given"), [("data/out", "data"), ("data", "data"), (".", "data")]
)
def test_outputs_and_inputs_are_apart(bench: Bench, output: str, given: str) -> None:
    """An output within an input, or around one, is refused before anything runs."""
    with pytest.raises((UsageError, OperationError)):
        bench.record("touch ran", output=output, inputs=(given,))
    with pytest.raises(UsageError, match="overlap"):
        bench.record("touch ran", output=output if output != "data" else "data/w.bin",
                     inputs=(given,), in_place=True)  # fmt: skip
    assert not (bench.root / "ran").exists()


def test_links_lead_where_they_lead(bench: Bench) -> None:
    """An output that is a link into an input is one that overlaps."""
    (bench.root / "link").symlink_to("data")
    with pytest.raises(UsageError, match="overlap"):
        bench.record("true", output="link/new", inputs=("data",))


def test_links_in_the_output(bench: Bench) -> None:
    """A link in the output is refused, unless links to files count as files."""
    text = "mkdir out; echo > out/a; ln -s a out/b"
    with pytest.raises(ArtifactRefusedError):
        bench.record(text)
    (bench.root / "out" / "b").unlink()
    (bench.root / "out" / "a").unlink()
    recorded = bench.record(text.replace("mkdir", "mkdir -p"), allow_symlinks=True)
    assert recorded.claims.exists()


def test_claims_that_are_a_link_are_not_followed(bench: Bench) -> None:
    """A step that plants a link in the place of its claims has no claim, and nothing is written."""
    target = bench.root / "target"
    target.write_text("{}")
    with pytest.raises(WeighbridgeError):
        bench.record("mkdir out; echo > out/a; ln -s ../target out/model.claims.jsonl")
    assert target.read_text() == "{}"


def test_what_inputs_carry_goes_along(bench: Bench) -> None:
    """Signatures and claims of the inputs are in the output's claims, and the new one is last."""
    sign("base", signer=bench.signer)
    bench.record("mkdir out; cp base/w.bin out", inputs=("base",))
    recorded = bench.record(
        "mkdir out2; cp out/w.bin out2", output="out2", inputs=("out", "data"), name="final"
    )
    assert recorded.carried == 2
    kinds = [each["predicateType"] for each in bench.claims("out2/model.claims.jsonl")]
    assert kinds[0] == "https://model_signing/signature/v1.0"
    assert kinds[1:] == ["https://slsa.dev/provenance/v1"] * 2
    assert recorded.output.name == "final"


def test_a_signed_input_is_named_as_its_signature_does(bench: Bench) -> None:
    """The repository's own files, which signatures leave out, are left out of the input too."""
    plain = digest("base").binding
    (bench.root / "base" / ".gitattributes").write_text("*.bin filter=lfs\n")
    assert bench.record(MAKE, inputs=("base",)).build.inputs[0].binding != plain
    sign("base", signer=bench.signer)
    text, output = MAKE.replace("out", "out2"), "out2"
    assert bench.record(text, output=output, inputs=("base",)).build.inputs[0].binding == plain


def test_what_a_signed_input_leaves_out_is_not_declared(bench: Bench) -> None:
    """Files that are in no digest of the input are not part of it, where they are read either."""
    (bench.root / "base" / ".gitattributes").write_text("x")
    sign("base", signer=bench.signer)
    recorded = observed(
        bench.record("mkdir out; cat base/.git* base/w.bin > out/x", inputs=("base",))
    )
    assert recorded.undeclared == ("base/.gitattributes",)


def test_the_source_is_looked_up(bench: Bench) -> None:
    """The commit, the branch and the remote are found out, without the user's name in it."""
    commit = bench.check_in()
    recorded = bench.record(MAKE, inputs=("base", "data"))
    source = recorded.build.source
    assert source is not None
    assert (source.uri, source.ref, source.commit) == (REPOSITORY, "refs/heads/main", commit)
    assert source.clean is True


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (MAKE, True),
        (f"cat new.py; {MAKE}", False),
        (f"cp new.py ignored.py; cat ignored.py; {MAKE}", False),
    ],
)
def test_what_lies_beside_the_source_counts_where_it_was_read(
    bench: Bench, text: str, clean: bool
) -> None:
    """A file that the commit does not have makes the source another one if the step read it."""
    bench.check_in()
    (bench.root / "new.py").touch()
    source = observed(bench.record(text, inputs=("base", "data"))).build.source
    assert source is not None
    assert source.clean is clean


def test_what_lies_beside_the_source_counts_where_nobody_saw(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is not known what was read, every file that the commit does not have counts."""
    bench.check_in()

    def unseen(order: StepOrder) -> StepReport:
        return run_step(replace(order, observe=False))

    monkeypatch.setattr(recording, "run_step", unseen)
    for clean in (True, False):
        name = f"out{clean}"
        source = bench.record(MAKE.replace("out", name), output=name).build.source
        assert source is not None
        assert source.clean is clean
        (bench.root / "new.py").touch()


def test_an_edited_source_is_not_clean(bench: Bench) -> None:
    """A file of the commit that was edited counts, whether it was read or not."""
    bench.check_in()
    (bench.root / "train.py").write_text("print('other')\n")
    source = bench.record(MAKE).build.source
    assert source is not None
    assert source.clean is False


@pytest.mark.parametrize("told", ["assume-unchanged", "skip-worktree"])
def test_what_git_was_told_not_to_look_at_is_not_clean(bench: Bench, told: str) -> None:
    """A file that git takes for unchanged unseen counts as one beside the commit."""
    bench.check_in()
    bench.git("update-index", f"--{told}", "train.py")
    (bench.root / "train.py").write_text("print('another')\n")
    recorded = observed(bench.record("mkdir out; cp train.py out/a"))
    assert recorded.build.source is not None
    assert recorded.build.source.clean is False
    assert recorded.undeclared == ("train.py",)
    unread = observed(bench.record("mkdir out2; echo > out2/a", output="out2"))
    assert unread.build.source is not None
    assert unread.build.source.clean is True
    (bench.root / "train.py").unlink()
    sparse = bench.record("mkdir out3; echo > out3/a", output="out3")
    assert sparse.build.source is not None
    assert sparse.build.source.clean is True


def test_files_of_the_commit_are_declared_with_it(bench: Bench) -> None:
    """A file that the commit has is declared; one beside it is not."""
    bench.check_in()
    (bench.root / "helper.py").write_text("")
    recorded = observed(bench.record("mkdir out; cat train.py helper.py > out/x"))
    assert recorded.undeclared == ("helper.py",)


@pytest.mark.parametrize(
    "text", ["echo >> train.py", "git commit -q --allow-empty -m x", "rm -rf .git"]
)
def test_a_source_that_changes_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """An edit, another commit, or the end of the checkout, while the step runs."""
    bench.check_in()
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@acme.example")
    with pytest.raises(ArtifactChangedError, match="source changed") as caught:
        bench.record(f"{text}; {MAKE}")
    assert caught.value.code is Code.INPUT_CHANGED


@pytest.mark.parametrize(
    ("stated", "ref"),
    [
        (REPOSITORY, None),
        (f"{REPOSITORY}.git@refs/heads/main", "refs/heads/main"),
        ("git+ssh://git.example/team/train@refs/tags/v1", "refs/tags/v1"),
        ("https://git.example/team/train@COMMIT", None),
    ],
)
def test_a_stated_source_is_held_against_the_checkout(
    bench: Bench, stated: str, ref: str | None
) -> None:
    """What is true of the checkout is taken as it is stated."""
    commit = bench.check_in()
    bench.git("tag", "v1")
    recorded = bench.record(MAKE, source=stated.replace("COMMIT", commit))
    assert recorded.build.source is not None
    assert (recorded.build.source.ref, recorded.build.source.commit) == (ref, commit)


@pytest.mark.parametrize(
    "stated",
    [
        "git+https://git.example/team/other",
        f"{REPOSITORY}@refs/heads/other",
        f"{REPOSITORY}@{'0' * 40}",
    ],
)
def test_another_source_is_refused(bench: Bench, stated: str) -> None:
    """Another repository, branch or commit than what is there."""
    bench.check_in()
    with pytest.raises(UsageError) as caught:
        bench.record(MAKE, source=stated)
    assert caught.value.code is Code.SOURCE_MISMATCH


def test_a_source_needs_a_checkout(bench: Bench) -> None:
    """Where nothing is checked out no source can be claimed."""
    with pytest.raises(UsageError, match="checkout"):
        bench.record(MAKE, source=REPOSITORY)
    assert bench.record(MAKE).build.source is None


@pytest.mark.parametrize("source", ["train", f"{REPOSITORY}@main", "git+https://git.example"])
def test_sources_are_written_in_full(bench: Bench, source: str) -> None:
    """A source without a host, or with an abbreviated revision, is not understood."""
    with pytest.raises(UsageError):
        bench.record(MAKE, source=source)


@pytest.mark.parametrize(
    "more",
    [
        {"builder": "me"},
        {"name": "x#manifest"},
        {"parameters": (("a", "1"), ("a", "2"))},
        {"ports": (1,)},
        {"inputs": ("base", "base")},
        {"inputs": ("nothing",)},
    ],
)
def test_what_cannot_be_meant(bench: Bench, more: dict[str, object]) -> None:
    """Builders that are no URI, names that mean something else, and things said twice."""
    with pytest.raises(UsageError):
        bench.record("touch ran", **more)
    assert not (bench.root / "ran").exists()


@pytest.mark.parametrize("given", [("x", "\udcff"), ("\udcff", "x")])
def test_what_no_statement_can_say(bench: Bench, given: tuple[str, str]) -> None:
    """An argument or a parameter of other bytes than text is refused before anything runs."""
    with pytest.raises(UsageError, match="no text"):
        bench.record("touch ran", parameters=(given,))
    with pytest.raises(UsageError, match="no text"):
        record(Step(command=("touch", "ran", *given), output=Path("out")), signer=bench.signer)
    assert not (bench.root / "ran").exists()


def test_nothing_to_run(bench: Bench) -> None:
    """A step without a command is none."""
    with pytest.raises(UsageError, match="nothing to run"):
        record(Step(command=(), output=Path("out")), signer=bench.signer)


def test_a_full_disk_leaves_what_was_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the claim cannot be written the claims file is as before."""
    bench.record(MAKE)
    before = (bench.root / "out" / "model.claims.jsonl").read_bytes()
    (bench.root / "out" / "w.bin").unlink()

    def full(*_arguments: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OperationError, match="No space"):
        bench.record(MAKE)
    assert (bench.root / "out" / "model.claims.jsonl").read_bytes() == before
    assert sorted(path.name for path in (bench.root / "out").iterdir()) == [
        "model.claims.jsonl",
        "w.bin",
    ]
