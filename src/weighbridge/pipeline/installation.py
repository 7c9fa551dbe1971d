"""What this installation can do on this machine, and what is missing."""

import importlib.util
import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from weighbridge.core.errors import OperationError
from weighbridge.core.values import frozen
from weighbridge.inventory.hashers import available_cores
from weighbridge.pipeline.guard.servers import SERVERS, find_order
from weighbridge.policy.scanners import KNOWN
from weighbridge.sandbox.groups.group import limitable
from weighbridge.sandbox.groups.interface import RESOURCES
from weighbridge.sandbox.launcher import Launcher, is_supported
from weighbridge.sandbox.walls.demands import demands, policy_key
from weighbridge.sandbox.walls.engines import BY_THEMSELVES, ENGINES
from weighbridge.sandbox.walls.interface import Engine
from weighbridge.scan.worker.client import ALLOWANCE, TARGET

_PACKAGES: Final = (
    "weighbridge",
    "click",
    "cryptography",
    "blake3",
    "sigstore",
    "rfc3161-client",
)

_EXTRAS: Final = {
    "numpy": ("numpy", "ml_dtypes"),
    "torch": ("torch",),
    "hub": ("huggingface_hub",),
    "pkcs11": ("pkcs11",),
    "demo": ("numpy", "ml_dtypes", "tokenizers", "asn1crypto", "jwt"),
}


@frozen
class Capability:
    """
    One line of the report.

    Attributes:
        name: What.
        present: Whether it is there.
        detail: A version, a number, or what to do to get it.
    """

    name: str
    present: bool
    detail: str


def capabilities() -> tuple[Capability, ...]:
    """Return what is there; nothing is run for it but one confined process that reads nothing."""
    return (
        Capability(name="Python", present=True, detail=platform.python_version()),
        *(_package(name) for name in _PACKAGES),
        *(_extra(name, modules) for name, modules in _EXTRAS.items()),
        _ml_dsa(),
        Capability(name="cores", present=True, detail=str(available_cores())),
        _sealed_memory(),
        _confinement(),
        _limits(),
        *(_scanner(name) for name in sorted(KNOWN)),
        *(_plugin(name) for name in SERVERS if importlib.util.find_spec(name) is not None),
    )


@frozen
class EngineReport:
    """
    What an engine of `weighbridge run` does on this machine.

    Attributes:
        engine: Its name.
        works: Whether programs can be run behind it.
        named: Whether it has to be named to be taken.
        version: Of what it is made with; None where that says nothing.
        walls: What it holds.
        missing: What it does not, each with the reason.
        cannot: What a rule may demand and is refused, by its key in policies, with the reason.
        remedies: What to install or to set so that more of it holds.
    """

    engine: str
    works: bool
    named: bool
    version: str | None
    walls: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    cannot: tuple[tuple[str, str], ...]
    remedies: tuple[str, ...]


def engine_reports() -> tuple[EngineReport, ...]:
    """Return what each engine does here; each tries it on something harmless."""
    return tuple(map(_engine_report, ENGINES))


def _engine_report(engine: Engine) -> EngineReport:
    strength = engine.probe()
    lacks = ((f"isolation.{policy_key(demand)}", engine.lacks(demand)) for demand in demands())
    return EngineReport(
        engine=engine.name,
        works=strength.works,
        named=engine not in BY_THEMSELVES,
        version=strength.version,
        walls=tuple(sorted(strength.walls)),
        missing=tuple((str(wall), reason) for wall, reason in strength.missing),
        cannot=tuple((key, reason) for key, reason in lacks if reason is not None),
        remedies=strength.remedies,
    )


def _limits() -> Capability:
    """Say what can be limited for all processes of a program together."""
    found = limitable()
    lacking = ", ".join(sorted(RESOURCES - found))
    detail = "memory and processes are limited for all processes of a program together"
    if lacking:
        detail = (
            f"no control group can be made here for {lacking}: each process is limited by itself, "
            "and root's processes are not counted"
        )
    return Capability(name="isolation: control groups", present=not lacking, detail=detail)


def _package(name: str) -> Capability:
    try:
        return Capability(name=name, present=True, detail=version(name))
    except PackageNotFoundError:
        return Capability(
            name=name, present=False, detail="not installed; run: pip install weighbridge"
        )


def _extra(name: str, modules: tuple[str, ...]) -> Capability:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        detail = f"without {', '.join(missing)}; run: pip install 'weighbridge[{name}]'"
        return Capability(name=f"extra {name}", present=False, detail=detail)
    return Capability(name=f"extra {name}", present=True, detail="installed")


def _ml_dsa() -> Capability:
    """Say whether the library under `cryptography` has the keys of FIPS 204."""
    # Imported here: the report needs cryptography, and importing this module should not.
    from weighbridge.signing.algorithms import MISSING_ML_DSA  # noqa: PLC0415  see above
    from weighbridge.signing.generation import can_generate  # noqa: PLC0415

    if can_generate("ml-dsa-65"):
        detail = "available, with --allow-nonstandard-keys"
        return Capability(name="ML-DSA keys", present=True, detail=detail)
    return Capability(name="ML-DSA keys", present=False, detail=MISSING_ML_DSA)


def _plugin(server: str) -> Capability:
    """Say which policy our plugin enforces in a server that is installed here."""
    name = f"plugin for {server}"
    try:
        order = find_order(server, variables=os.environ)
    except OperationError as error:
        told = ". ".join(filter(None, (error.message, error.hint)))
        return Capability(name=name, present=False, detail=told)
    how = "would refuse and only records" if order.audit else "refuses"
    return Capability(name=name, present=True, detail=f"{how} what {order.path} does not allow")


def _scanner(name: str) -> Capability:
    """Say whether another scanner can be asked without an entry in a policy."""
    found = shutil.which(name)
    detail = f"not on PATH; `scan --also {name}` needs it" if found is None else found
    return Capability(name=f"scanner {name}", present=found is not None, detail=detail)


def _sealed_memory() -> Capability:
    present = hasattr(os, "memfd_create")
    detail = "loads hold bytes in sealed memory files"
    if not present:
        detail = "this system has no sealed memory files; loads hold bytes in private memory"
    return Capability(name="sealed memory", present=present, detail=detail)


def _confinement() -> Capability:
    name = "confinement"
    if not is_supported():
        detail = "this system has no confined processes; scans run in the command's own"
        return Capability(name=name, present=False, detail=detail)
    try:
        with Launcher(TARGET, allowance=ALLOWANCE) as launcher:
            confinement = launcher.start().confinement
    except OperationError as error:
        return Capability(name=name, present=False, detail=str(error))
    if confinement.is_complete:
        return Capability(name=name, present=True, detail="scans run in confined processes")
    refused = ", ".join(f"{measure} ({reason})" for measure, reason in confinement.refused)
    return Capability(name=name, present=False, detail=f"the system refuses: {refused}")
