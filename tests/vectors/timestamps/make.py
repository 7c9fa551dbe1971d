"""
Writes the files beside it: `PYTHONPATH=src:tests python tests/vectors/timestamps/make.py`, where
OpenSSL's command is installed; `openssl ts` is the authority, with a key of each kind.
"""

import tempfile
from datetime import timedelta
from pathlib import Path

from support.pki import curve_key, rsa_key
from support.timestamps import clock_root, make_clock, stamping_plan

FOLDER = Path(__file__).parent
SIGNATURE = b"the bytes of a signature"


def main() -> None:
    """Write a timestamp by an ECDSA key, one by an RSA key, and their root."""
    top = clock_root(rest=36_500)
    (FOLDER / "root.pem").write_bytes(top.pem)
    plan = stamping_plan(rest=timedelta(days=36_000))
    with tempfile.TemporaryDirectory() as directory:
        for name, key in (("ecdsa", curve_key(number=32)), ("rsa", rsa_key())):
            clock = make_clock(Path(directory) / name, plan=plan, authority=top, key=key)
            (FOLDER / f"{name}.tsr").write_bytes(clock.over(SIGNATURE))


if __name__ == "__main__":
    main()
