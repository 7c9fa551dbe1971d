"""The command line as its users meet it: results, exit codes, messages."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.pki import AUTHORITY, Plan, root
from support.publisher import Result, make_signed_workplace, make_workplace, weighbridge, write_key

SIGN = ("sign", "key", "model", "--private-key", "publisher.key")
VERIFY = ("verify", "key", "model", "--public-key", "publisher.pub")
CHECK = ("check", "model", "--policy", "weighbridge.toml")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a signed model, keys and a policy."""
    return make_signed_workplace(tmp_path)


def test_sign_verify_check_go_through(place: Path) -> None:
    """What was signed verifies and is allowed, and the output says by whom."""
    verified = weighbridge(place, *VERIFY)
    assert verified.code == 0
    assert "VERIFIED  model" in verified.out
    assert "3 covered" in verified.out
    checked = weighbridge(place, *CHECK)
    assert checked.code == 0
    assert checked.out.startswith("ALLOW")
    assert "publisher (key sha256:" in checked.out


TAMPERINGS = {
    "flipped bit": ("model.safetensors", "digest-mismatch"),
    "added file": ("extra.json", "file-not-covered"),
    "removed file": ("config.json", "file-missing"),
    "renamed file": ("config.json", "file-missing"),
    "added empty file": ("__init__.py", "file-not-covered"),
    "added empty directory": ("empty", "empty-directory"),
    "linked directory": ("link", "symlink-directory"),
    "code in git metadata": (".git/evil.py", "file-not-covered"),
}


def _tamper(model: Path, how: str) -> None:
    match how:
        case "flipped bit":
            data = bytearray((model / "model.safetensors").read_bytes())
            data[-1] ^= 1
            (model / "model.safetensors").write_bytes(data)
        case "added file":
            (model / "extra.json").write_text("{}")
        case "removed file":
            (model / "config.json").unlink()
        case "renamed file":
            (model / "config.json").rename(model / "other.json")
        case "added empty file":
            (model / "__init__.py").touch()
        case "added empty directory":
            (model / "empty").mkdir()
        case "linked directory":
            (model / "link").symlink_to("1_Pooling")
        case _:
            (model / ".git").mkdir()
            (model / ".git" / "evil.py").write_text("import os\n")


@pytest.mark.parametrize("how", list(TAMPERINGS))
def test_each_tampering_is_refused_and_named(place: Path, how: str) -> None:
    """Exit code 10, the file and the code: from verify, and a deny that names it from check."""
    path, code = TAMPERINGS[how]
    _tamper(place / "model", how)
    verified = weighbridge(place, *VERIFY)
    assert verified.code == 10
    assert path in verified.err
    assert f"[{code}]" in verified.err
    checked = weighbridge(place, *CHECK)
    assert checked.code == 10
    assert checked.out.startswith("DENY")
    assert path in checked.out


def test_a_stranger_s_signature_is_refused(place: Path) -> None:
    """A valid signature by somebody else is not what was asked for."""
    again = ("sign", "key", "model", "--private-key", "stranger.key")
    assert weighbridge(place, *again).code == 0
    for command in (VERIFY, CHECK):
        assert weighbridge(place, *command).code == 10


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("verify", "key", "nowhere", "--public-key", "publisher.pub"), 2, "nothing is there"),
        (("verify", "key", "model", "--public-key", "no.pub"), 2, "no such public key"),
        (("verify", "key", "model", "--public-key", "publisher.key"), 10, "private"),
        (("verify", "key", "model", "--public-key", "weighbridge.toml"), 10, "weighbridge.toml"),
        (("verify", "key", "model"), 2, "--public-key"),
        (("verify", "certificate", "model", "--certificate-chain", "publisher.pub"), 2, "identity"),
        (("verify", "model"), 2, "--identity"),
        (("verify", "model"), 2, "weighbridge verify key, weighbridge verify certificate"),
        (("verify", "sigstore", "model", "--identity", "a@b.example"), 2, "--identity-provider"),
        (("verify", "pkcs11-key", "model"), 2, "method-unavailable"),
        (("check", "model", "--policy", "no.toml"), 2, "policy init"),
        (("check", "model", "--policy", "publisher.pub"), 10, "publisher.pub"),
        (("scan", "empty"), 3, "nothing-to-check"),
        (("scan", "s3://bucket/model"), 2, "reference-unsupported"),
        (("explain", "no-such-code"), 2, "no such code"),
        (("frobnicate",), 2, "No such command"),
        (("scan", "model", "--fail-on", "nothing"), 2, "nothing"),
        (("scan", "model", "--report", "scan.txt"), 2, "ends in none of .html, .json, .sarif"),
        (("scan", "model", "--also", "nobody"), 2, "no such scanner"),
        (("scan", "model", "--jobs", "0"), 2, "--jobs"),
        (
            ("verify", "key", "model", "--public-key", "publisher.pub", "--ignore-paths", "model"),
            2,
            "whole model",
        ),
    ],
)
def test_wrong_input_is_told_apart(
    place: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """Usage, environment, nothing to check and refusal have their own exit codes."""
    (place / "empty").mkdir()
    result = weighbridge(place, *arguments)
    assert result.code == code, result.err
    assert said in result.err
    assert "Traceback" not in result.err
    assert not result.out


def test_results_go_to_stdout_and_talk_to_stderr(place: Path) -> None:
    """JSON on standard output is one document, whatever is said on standard error."""
    (place / "model" / ".gitattributes").write_text("*.bin filter=lfs\n")
    result = weighbridge(place, *SIGN, "--format", "json")
    assert json.loads(result.out)["schema"] == "weighbridge.signed/v1"
    assert json.loads(result.out)["left_out"] == [".gitattributes"]
    quiet = weighbridge(place, *SIGN, "--quiet")
    assert not quiet.err


@pytest.mark.parametrize(
    ("arguments", "schema"),
    [
        (VERIFY, "weighbridge.signature/v1"),
        (CHECK, "weighbridge.verdict/v1"),
        (("scan", "model"), "weighbridge.scan/v1"),
        (("inspect", "model"), "weighbridge.inspection/v1"),
        (("digest", "model"), "weighbridge.digest/v1"),
        (("doctor",), "weighbridge.doctor/v1"),
    ],
)
def test_every_json_document_names_its_schema(
    place: Path, arguments: tuple[str, ...], schema: str
) -> None:
    """Each result has a versioned document."""
    result = weighbridge(place, *arguments, "--format", "json")
    assert result.code == 0
    assert json.loads(result.out)["schema"] == schema


def test_an_error_is_a_document_where_json_was_asked_for(place: Path) -> None:
    """A refusal in JSON has code, place and hint, and the same exit code."""
    (place / "model" / "model.sig").unlink()
    result = weighbridge(place, *VERIFY, "--format", "json")
    document = json.loads(result.out)
    assert (result.code, document["schema"]) == (10, "weighbridge.error/v1")
    assert document["code"] == "signature-missing"


def test_flags_may_be_written_with_underscores(place: Path) -> None:
    """Scripts for other clients of the format write `--public_key`."""
    result = weighbridge(place, "verify", "key", "model", "--public_key", "publisher.pub")
    assert result.code == 0


def test_an_encrypted_key_takes_its_password_from_three_places(place: Path) -> None:
    """A file, the environment or, with a warning, the command line; a wrong one is refused."""
    subprocess.run(
        ["openssl", "pkey", "-in", "publisher.key", "-aes256", "-passout", "pass:secret", "-out",
         "locked.key"],
        cwd=place,
        check=True,
        capture_output=True,
    )  # fmt: skip
    (place / "password").write_text("secret\n")
    sign = ("sign", "key", "model", "--private-key", "locked.key")
    assert weighbridge(place, *sign, "--password-file", "password").code == 0
    assert weighbridge(place, *sign, WEIGHBRIDGE_PASSWORD="secret").code == 0
    by_argument = weighbridge(place, *sign, "--password", "secret")
    assert by_argument.code == 0
    assert "other users could see --password" in by_argument.err
    for wrong in ((), ("--password", "guess")):
        refused = weighbridge(place, *sign, *wrong)
        assert refused.code == 10
        assert "key-password" in refused.err
    assert weighbridge(place, *VERIFY).code == 0


@pytest.mark.parametrize("form", ["pkcs8", "sec1"])
def test_keys_that_openssl_makes_are_welcome(place: Path, form: str) -> None:
    """Both PEM forms of a private key that openssl writes can sign."""
    commands = {
        "pkcs8": "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out o.key",
        "sec1": "openssl ecparam -name prime256v1 -genkey -noout -out o.key",
    }
    subprocess.run(commands[form].split(), cwd=place, check=True, capture_output=True)
    subprocess.run(
        ["openssl", "pkey", "-in", "o.key", "-pubout", "-out", "o.pub"], cwd=place, check=True
    )
    assert weighbridge(place, "sign", "key", "model", "--private-key", "o.key").code == 0
    assert weighbridge(place, "verify", "key", "model", "--public-key", "o.pub").code == 0


@pytest.mark.parametrize("algorithm", ["sha256", "blake2b", "blake3"])
@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
@pytest.mark.parametrize("shards", [(), ("--shard-size", "7")])
def test_every_hash_curve_and_mode_round_trips(
    tmp_path: Path, algorithm: str, curve: str, shards: tuple[str, ...]
) -> None:
    """Sign and verify agree, and one changed byte is refused, in every combination."""
    make_workplace(tmp_path)
    write_key(tmp_path, "publisher", curve=curve)
    assert weighbridge(tmp_path, *SIGN, "--hash", algorithm, *shards).code == 0
    assert weighbridge(tmp_path, *VERIFY).code == 0
    with (tmp_path / "model" / "config.json").open("r+b") as file:
        file.write(b"[")
    assert weighbridge(tmp_path, *VERIFY).code == 10


def test_a_single_file_has_its_signature_beside_it(place: Path) -> None:
    """A file is signed, verified and refused like a directory."""
    shutil.copy(place / "model" / "model.safetensors", place / "one.safetensors")
    assert (
        weighbridge(place, "sign", "key", "one.safetensors", "--private-key", "publisher.key").code
        == 0
    )
    assert (place / "one.safetensors.sig").is_file()
    verify = ("verify", "key", "one.safetensors", "--public-key", "publisher.pub")
    assert weighbridge(place, *verify).code == 0
    with (place / "one.safetensors").open("ab") as file:
        file.write(b"x")
    assert weighbridge(place, *verify).code == 10


def test_what_the_signer_left_out_has_to_be_left_out_by_the_verifier_too(place: Path) -> None:
    """The signer's ignore list is a claim; the message names the flag that accepts the file."""
    (place / "model" / "notes.json").write_text("{}")
    assert weighbridge(place, *SIGN, "--ignore-paths", "model/notes.json").code == 0
    refused = weighbridge(place, *VERIFY)
    assert refused.code == 10
    assert "--ignore-paths" in refused.err
    accepted = weighbridge(place, *VERIFY, "--ignore-paths", "model/notes.json")
    assert accepted.code == 0
    assert "notes.json" in accepted.out
    assert weighbridge(place, *VERIFY, "--ignore-unsigned-files").code == 0


def test_a_malicious_pickle_is_found_and_nothing_runs(place: Path) -> None:
    """A scan names what loading would run; the marker file is never made."""
    marker = place / "marker"
    payload = f"cposix\nsystem\n(S'touch {marker}'\ntR.".encode()
    (place / "model" / "pytorch_model.bin").write_bytes(payload)
    result = weighbridge(place, "scan", "model", "--format", "json")
    document = json.loads(result.out)
    assert (result.code, document["verdict"]) == (10, "findings")
    assert any("system" in str(finding) for finding in document["findings"])
    assert not marker.exists()


def test_a_directory_that_cannot_be_written_leaves_nothing_behind(place: Path) -> None:
    """A signature that has no place is an error of the environment and leaves no file."""
    result = weighbridge(place, *SIGN, "--signature", "nowhere/model.sig")
    assert result.code == 1
    assert "nowhere/model.sig" in result.err
    before = sorted(p.name for p in place.iterdir())
    assert before == sorted(p.name for p in place.iterdir())


def test_a_full_disk_is_an_error_and_keeps_the_old_signature(place: Path) -> None:
    """Where nothing more can be written, the old signature stays and no half of a new one."""
    old = (place / "model" / "model.sig").read_bytes()
    script = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "from weighbridge.cli.main import run\n"
        f"sys.exit(run({list(SIGN)!r}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert (place / "model" / "model.sig").read_bytes() == old
    assert sorted(p.name for p in (place / "model").iterdir()) == [
        "1_Pooling", "config.json", "model.safetensors", "model.sig",
    ]  # fmt: skip


def test_output_that_cannot_be_written_is_no_success(place: Path) -> None:
    """A verdict that nobody could read does not exit with 0."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "weighbridge", *CHECK], cwd=place, stdout=full, check=False,
            capture_output=False, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    assert done.returncode == 1


def test_fingerprints_are_said_when_they_are_asked_for(place: Path) -> None:
    """`--log_fingerprints` names the signer's certificate and its root on standard error only."""
    now = datetime.now(UTC)
    begin, end = now - timedelta(days=1), now + timedelta(days=1)
    authority = root(replace(AUTHORITY, not_before=begin, not_after=end))
    leaf = authority.issue(Plan(not_before=begin, not_after=end))
    (place / "root.pem").write_bytes(authority.pem)
    (place / "leaf.pem").write_bytes(leaf.pem)
    (place / "leaf.key").write_bytes(leaf.key_pem)
    own = ("--private-key", "leaf.key", "--signing-certificate", "leaf.pem")
    assert weighbridge(place, "sign", "certificate", "model", *own).code == 0
    verify = ("verify", "certificate", "model", "--certificate-chain", "root.pem")
    expected = ("--subject", "CN=signer,O=Example")
    digests = [hashlib.sha256(issued.der).hexdigest() for issued in (leaf, authority)]
    asked = weighbridge(place, *verify, *expected, "--log_fingerprints")
    assert asked.code == 0
    assert [digest for digest in digests if f"sha256:{digest}" not in asked.err] == []
    silent = weighbridge(place, *verify, *expected)
    assert silent.code == 0
    assert [digest for digest in digests if digest in silent.err] == []
    assert silent.out == asked.out


def _with_streams(place: Path, redirection: str, *command: str, encoding: str = "utf-8") -> Result:
    """Run a command from a shell that closes or redirects its streams."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m weighbridge "$@" {redirection}', sys.executable, *command],
        cwd=place,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        encoding=encoding,
        check=False,
    )
    return Result(code=done.returncode, out=done.stdout, err=done.stderr)


def test_closed_standard_error_hides_talk_only(place: Path) -> None:
    """Without standard error the result and the exit code are as they would be with it."""
    done = _with_streams(place, "2>&-", *CHECK)
    assert done.code == 0
    assert done.out.startswith("ALLOW")
    assert _with_streams(place, "2>&-", "check", "nosuch", "--policy", "weighbridge.toml").code == 2


def test_closed_standard_output_is_no_success(place: Path) -> None:
    """Without standard output a verdict is an error with its code, not an allow."""
    done = _with_streams(place, ">&-", *CHECK)
    assert done.code == 1
    assert "[io-failed]" in done.err


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_an_error_document_that_cannot_be_written_is_said_as_text(
    place: Path, redirection: str
) -> None:
    """Where the error's JSON cannot be written, standard error names both problems."""
    missing = ("check", "nosuch", "--policy", "weighbridge.toml", "--format", "json")
    done = _with_streams(place, redirection, *missing)
    assert done.code == 1
    assert "[reference-not-found]" in done.err
    assert "[io-failed]" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_that_the_terminal_cannot_show_are_escaped(place: Path, encoding: str) -> None:
    """An encoding without the characters of a name changes how it looks, and no exit code."""
    (place / "model").rename(place / "Vögel 🚀")
    renamed = [word if word != "model" else "Vögel 🚀" for word in VERIFY]
    done = _with_streams(place, "", *renamed, encoding=encoding)
    assert done.code == 0, done.err
    assert ("Vögel 🚀" if encoding == "utf-8" else r"\U0001f680") in done.out


def test_an_interrupt_ends_the_command_without_a_trace(place: Path) -> None:
    """Ctrl-C while a large file is hashed: exit code 130, no traceback, no signature."""
    (place / "model" / "model.sig").unlink()
    with (place / "model" / "big.safetensors").open("wb") as file:
        file.truncate(2_000_000_000_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "weighbridge", *SIGN],
        cwd=place,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        # The command has begun to read once it has the large file open.
        while process.poll() is None and not _has_open(process.pid, "big.safetensors"):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    finally:
        process.kill()
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not (place / "model" / "model.sig").exists()


LOST = """
import os, signal, weakref
from weighbridge.cli import main

class Thing:
    pass

def interrupted_in_a_callback(**_):
    thing = Thing()
    watcher = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGINT))
    del thing
    while True:
        signal.pause()

main.cli.main = interrupted_in_a_callback
main.main()
"""


def test_an_interrupt_where_python_cannot_raise_is_not_lost() -> None:
    """Ctrl-C while a callback of the interpreter runs ends the command like any other."""
    done = subprocess.run(
        [sys.executable, "-c", LOST], stderr=subprocess.PIPE, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "interrupted; nothing is left half-written\n")


def _has_open(pid: int, name: str) -> bool:
    try:
        links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return any(link.endswith(name) for link in links)


def test_help_and_version_need_nothing(tmp_path: Path) -> None:
    """Help and version work from anywhere and print to standard output."""
    assert "Usage: weighbridge" in weighbridge(tmp_path, "--help").out
    assert weighbridge(tmp_path, "--version").out.startswith("weighbridge, version")


def test_several_references_are_one_json_document_a_line(place: Path) -> None:
    """The exit code is the gravest, and each line is a document of its own."""
    (place / "bad.bin").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    result: Result = weighbridge(place, "scan", "model", "bad.bin", "--format", "json")
    verdicts = [json.loads(line)["verdict"] for line in result.out.splitlines()]
    assert (result.code, verdicts) == (10, ["clean", "findings"])
