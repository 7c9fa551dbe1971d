"""Every signature file that the commands write follows the schemas of the specification."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from support.keyless import ADA
from support.pki import AUTHORITY, CURVES, Plan, curve_key, private_pem, root
from support.publisher import make_workplace
from support.timestamps import make_clock, now, serve_clock
from support.tokens import PIN, make_token
from weighbridge.cli.main import run
from weighbridge.demo.instance.loopback import loopback_sigstore

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors" / "oms"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not VECTORS.is_dir(), reason="the interoperability vectors beside the repository are absent"
    ),
]

Methods = dict[str, tuple[str, ...]]


def schema_validator(name: str) -> Draft202012Validator:
    """Return the validator of the specification's schema *name*."""
    schemas = [json.loads(path.read_text()) for path in (VECTORS / "schemas").glob("*.schema.json")]
    registry: Registry[Any] = Registry().with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in schemas]
    )
    wanted = next(schema for schema in schemas if schema["$id"].endswith(f"/{name}/v1.0/schema"))
    return Draft202012Validator(wanted, registry=registry)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Methods]]:
    """Prepare keys, certificates, a clock, a token and a Sigstore instance, with their flags."""
    place = make_workplace(tmp_path_factory.mktemp("schemas"))
    begin, end = now() - timedelta(days=1), now() + timedelta(days=1)
    authority = root(replace(AUTHORITY, not_before=begin, not_after=end))
    leaf = authority.issue(Plan(not_before=begin, not_after=end), key=curve_key())
    (place / "leaf.pem").write_bytes(leaf.pem)
    (place / "pin").write_text(PIN)
    for curve in CURVES:
        (place / f"{curve}.key").write_bytes(private_pem(curve_key(curve)))
    methods: Methods = {curve: ("key", f"--private-key={place}/{curve}.key") for curve in CURVES}
    methods["certificate"] = (
        "certificate",
        f"--private-key={place}/secp256r1.key",
        f"--signing-certificate={place}/leaf.pem",
    )
    with ExitStack() as stack:
        if shutil.which("softhsm2-util"):
            (place / "token").mkdir()
            token = make_token(place / "token", label="schemas")
            token.add_key(private_pem(curve_key()), label="signer", identifier="01")
            flags = (f"--pkcs11-uri={token.uri('object=signer')}", f"--pin-file={place}/pin")
            methods["pkcs11-key"] = ("pkcs11-key", *flags)
            leaf_flag = f"--signing-certificate={place}/leaf.pem"
            methods["pkcs11-certificate"] = ("pkcs11-certificate", *flags, leaf_flag)
        if shutil.which("openssl"):
            clock = stack.enter_context(serve_clock(make_clock(place / "clock")))
            for name in ("secp256r1", "certificate"):
                methods[f"{name} with a timestamp"] = (
                    *methods[name],
                    f"--timestamp-url={clock.url}",
                )
        instance = stack.enter_context(loopback_sigstore())
        methods["sigstore"] = (
            "sigstore",
            f"--trust-config={instance.trust_config}",
            f"--identity-token={instance.token(ADA)}",
        )
        yield place, methods


NAMES = (
    *CURVES,
    "certificate",
    "pkcs11-key",
    "pkcs11-certificate",
    "secp256r1 with a timestamp",
    "certificate with a timestamp",
    "sigstore",
)
LAYOUTS = {
    "files": (),
    "blake2b": ("--hash=blake2b",),
    "blake3": ("--hash=blake3",),
    "shards": ("--shard-size=64",),
    "reserved": ("--reserve=audit",),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_follows_the_schemas(
    world: tuple[Path, Methods], name: str, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The signature file and the statement in it validate, whoever signed and however."""
    place, methods = world
    if name not in methods:
        pytest.skip("softhsm2-util or openssl is not installed")
    model = str(place / "model")
    arguments = ["sign", *methods[name], *LAYOUTS[layout], model]
    if name.startswith("pkcs11"):
        # A token's library reads its configuration once in a process, and other tests have theirs.
        subprocess.run([sys.executable, "-m", "weighbridge", *arguments], check=True)
    else:
        assert run(arguments) == 0, capsys.readouterr().err
    bundle = json.loads((place / "model" / "model.sig").read_bytes())
    schema_validator("bundle").validate(bundle)
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    schema_validator("statement").validate(statement)


def test_the_schemas_refuse_something() -> None:
    """The stored counter-examples of the specification are refused, so the schemas are in use."""
    texts = [path.read_text() for path in (VECTORS / "schemas" / "invalid").glob("*.json")]
    refused = [json.loads(text) for text in texts if text]
    assert refused
    assert not any(map(schema_validator("bundle").is_valid, refused))
