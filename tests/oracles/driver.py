"""
Signs and verifies with a reference package, inside that package's own environment.

Reads one JSON task a line from standard input and answers each with one JSON line:
`{"error": null}` when the package was content, else what it raised. Run by
`support.oracles`; it imports nothing of the project.
"""

import json
import os
import pathlib
import sys
from typing import Any

import model_signing

Task = dict[str, Any]


def _hashing(task: Task) -> Any:
    options = task.get("hashing")
    if options is None:
        return None
    config = model_signing.hashing.Config()
    if options.get("shard_size"):
        config.use_shard_serialization(
            hashing_algorithm=options["algorithm"], shard_size=options["shard_size"]
        )
    else:
        config.use_file_serialization(hashing_algorithm=options["algorithm"])
    return config.set_ignored_paths(paths=options.get("ignore", []), ignore_git_paths=True)


def _sign(task: Task) -> None:
    config = model_signing.signing.Config()
    if task["method"] == "key":
        config.use_elliptic_key_signer(private_key=task["private_key"])
    elif task["method"] == "pkcs11-key":
        config.use_pkcs11_signer(pkcs11_uri=task["pkcs11_uri"], module_paths=task["module_paths"])
    elif task["method"] == "pkcs11-certificate":
        config.use_pkcs11_certificate_signer(
            pkcs11_uri=task["pkcs11_uri"],
            module_paths=task["module_paths"],
            signing_certificate=pathlib.Path(task["certificate"]),
            certificate_chain=[pathlib.Path(path) for path in task["chain"]],
        )
    elif task["method"] == "sigstore":
        config.use_sigstore_signer(
            identity_token=task["token"], trust_config=pathlib.Path(task["trust_config"])
        )
    else:
        config.use_certificate_signer(
            private_key=task["private_key"],
            signing_certificate=task["certificate"],
            certificate_chain=task["chain"],
        )
    hashing = _hashing(task)
    if hashing is not None:
        config.set_hashing_config(hashing)
    config.sign(pathlib.Path(task["model"]), pathlib.Path(task["signature"]))


def _verify(task: Task) -> None:
    config = model_signing.verifying.Config()
    if task["method"] == "key":
        config.use_elliptic_key_verifier(public_key=task["public_key"])
    elif task["method"] == "sigstore":
        config.use_sigstore_verifier(
            identity=task["identity"],
            oidc_issuer=task["issuer"],
            trust_config=pathlib.Path(task["trust_config"]),
        )
    else:
        config.use_certificate_verifier(certificate_chain=task["roots"])
    hashing = _hashing(task)
    if hashing is not None:
        config.set_hashing_config(hashing)
    config.verify(pathlib.Path(task["model"]), pathlib.Path(task["signature"]))


def main() -> None:
    """Answer tasks until the input ends."""
    # The package prints warnings on standard output; answers go where nobody else writes.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        task = json.loads(line)
        try:
            {"sign": _sign, "verify": _verify}[task["action"]](task)
            error = None
        except Exception as raised:  # noqa: BLE001  whatever it raises is the answer
            error = f"{type(raised).__name__}: {raised}"
        answers.write(json.dumps({"error": error}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
