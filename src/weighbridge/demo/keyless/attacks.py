"""What does not pass for the workflow that publishes the model, and its undoing."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError
from weighbridge.demo.attacks import deny, flip_a_bit
from weighbridge.demo.damage import replaced
from weighbridge.demo.instance.faults import Faults
from weighbridge.demo.instance.identity import GITHUB_ISSUER, WorkflowRun
from weighbridge.demo.instance.loopback import loopback_sigstore
from weighbridge.demo.instance.oidc import Issuer
from weighbridge.demo.keyless.workshop import RELEASE, KeylessWorkshop
from weighbridge.demo.scene import (
    Expected,
    Scene,
    UnexpectedError,
    say,
    show_command,
    show_lines,
)

_LATER: Final = timedelta(hours=1)


def sign_as_somebody_else(shop: KeylessWorkshop) -> None:
    """Sign with the token of a workflow of the same name, in a repository of somebody else's."""
    fork = WorkflowRun(repository="mallory/models")
    say(shop.console, "Mallory forks the repository. Her workflow signs the model, and signs well:")
    _show_signing(shop, "mallory.token")
    _deny_signature(shop, shop.seal(shop.instance.workflow_token(fork)), Code.IDENTITY_MISMATCH)


def sign_on_a_branch(shop: KeylessWorkshop) -> None:
    """Sign with the token of the right workflow, on a branch that anybody may push to."""
    branch = WorkflowRun(ref="refs/heads/try-this", trigger="pull_request")
    say(shop.console, "The very workflow runs on a branch that anybody may push to:")
    show_lines(shop.console, "CLAIMS  ", [branch.identity])
    _deny_signature(shop, shop.seal(shop.instance.workflow_token(branch)), Code.IDENTITY_MISMATCH)


def sign_by_another_word(shop: KeylessWorkshop) -> None:
    """Get the workflow's very name certified by the word of another issuer."""
    issuer = shop.instance.issuer.url
    say(
        shop.console,
        f"Mallory has the workflow's very name certified, but by the word of {issuer}. A name "
        "means nothing without who vouches for it.",
    )
    token = shop.instance.token(RELEASE.identity)
    _deny_signature(shop, shop.seal(token), Code.IDENTITY_MISMATCH)


def forge_a_token(shop: KeylessWorkshop) -> None:
    """Write a token for the workflow and sign it with another key than the issuer's."""
    say(shop.console, f"Mallory writes a token herself. It says: by {GITHUB_ISSUER}.")
    forged = Issuer(GITHUB_ISSUER).mint(RELEASE.claims(), now=datetime.now(UTC))
    _show_signing(shop, "forged.token")
    try:
        shop.seal(forged)
    except OperationError as error:
        show_lines(shop.console, "REFUSED ", [f"{error.message} [{error.code}]"])
        if error.code is not Code.SERVICE_FAILED:
            raise UnexpectedError(f"expected {Code.SERVICE_FAILED}, found {error.code}") from error
    else:
        raise UnexpectedError("expected no certificate for a forged token, found a signature")
    say(shop.console, "No certificate, so no signature.")


def run_an_instance(shop: KeylessWorkshop) -> None:
    """Sign with another instance, which certifies whatever its owner wants."""
    say(
        shop.console,
        "Mallory runs an instance of her own, which certifies her as the workflow. Token, "
        "certificate, log and timestamp: everything fits together.",
    )
    with loopback_sigstore() as other:
        sealed = shop.seal(other.workflow_token(RELEASE), instance=other)
    _deny_signature(shop, sealed, Code.TIMESTAMP_REQUIRED)
    say(shop.console, "It fits together and hangs in the air: nothing of it is in the root.")


def use_an_old_key(shop: KeylessWorkshop) -> None:
    """Sign with a key whose certificate has expired."""
    say(shop.console, "Mallory gets hold of the key of a run, and uses it an hour later.")
    with shop.instance.misbehaving(Faults(certificate_shift=-_LATER)):
        sealed = shop.seal_carelessly(shop.instance.workflow_token(RELEASE))
    _deny_signature(shop, sealed, Code.CERTIFICATE_EXPIRED)
    say(shop.console, "A timestamp says when: the certificate had expired. The key is worthless.")


def borrow_a_log_entry(shop: KeylessWorkshop) -> None:
    """Put the log's entry of another signature into this one."""
    say(
        shop.console,
        "Mallory signs where no log sees it, and adds the entry of another one, proof and all.",
    )
    other = json.loads(shop.seal(shop.instance.workflow_token(RELEASE)))
    own = json.loads(shop.signature.read_bytes())
    own["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]
    _deny_signature(shop, json.dumps(own).encode(), Code.LOG_ENTRY)


def change_the_statement(shop: KeylessWorkshop) -> None:
    """Change what the signature says that was signed."""
    say(shop.console, "Mallory changes the list of files inside the signature, not the files.")
    own = json.loads(shop.signature.read_bytes())
    statement = base64.b64decode(own["dsseEnvelope"]["payload"])
    changed = statement.replace(b"config.json", b"konfig.json")
    own["dsseEnvelope"]["payload"] = base64.b64encode(changed).decode()
    _deny_signature(shop, json.dumps(own).encode(), Code.SIGNATURE_INVALID)


def _show_signing(shop: KeylessWorkshop, token: str) -> None:
    show_command(
        shop.console,
        f"weighbridge sign sigstore model --identity-token-file {token} "
        f"--trust-config {shop.trust_config}",
    )


def _deny_signature(shop: KeylessWorkshop, content: bytes, code: Code) -> None:
    """Put *content* in the place of the signature while the model is checked and denied."""
    with replaced(shop.signature, content=content):
        deny(shop, Expected(code=code, path=shop.signature.name))


ATTACKS: Final[tuple[Scene[KeylessWorkshop], ...]] = (
    Scene(title="Somebody else signs", play=sign_as_somebody_else),
    Scene(title="The right workflow, on a branch", play=sign_on_a_branch),
    Scene(title="The right name, by another issuer's word", play=sign_by_another_word),
    Scene(title="A forged token", play=forge_a_token),
    Scene(title="An instance of the attacker's own", play=run_an_instance),
    Scene(title="A key that outlived its certificate", play=use_an_old_key),
    Scene(title="The log entry of another signature", play=borrow_a_log_entry),
    Scene(title="A changed statement", play=change_the_statement),
    Scene(title="A flipped bit", play=flip_a_bit),
)
"""In the order of the story; each leaves the model as it found it."""
