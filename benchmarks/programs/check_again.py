"""
Check a model and say how long the call took: `check_again.py MODEL POLICY PLACE`.

PLACE is where what is remembered goes. Prints one JSON object: the seconds of the call, and whether
the files were read for it.
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Check and report."""
    model, policy, place = map(Path, sys.argv[1:])
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        os.environ[variable] = str(place / variable)
    from weighbridge.pipeline import remembered  # noqa: PLC0415  imported when it is needed, here before
    from weighbridge.pipeline.check import check  # noqa: PLC0415  as above
    from weighbridge.policy.schema import Policy  # noqa: PLC0415  as above

    assert remembered.default_place().is_relative_to(place)
    begun = time.perf_counter()
    verdict = check(model, policy=Policy.from_file(policy))
    seconds = time.perf_counter() - begun
    read = not any(reason.code == "stamps-trusted" for reason in verdict.reasons)
    print(json.dumps({"seconds": seconds, "read": read, "decision": str(verdict.decision)}))


if __name__ == "__main__":
    main()
