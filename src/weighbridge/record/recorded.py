"""A recorded step, or an attested model, as text and as JSON."""

from weighbridge.core.attestation import Artifact, Build, PartDigests
from weighbridge.core.errors import one_line
from weighbridge.core.limits.records import MAX_TEXT_ITEMS
from weighbridge.record.json_v1 import Document
from weighbridge.record.style import counted


def recorded_document(  # noqa: PLR0913  the parts of one document
    *,
    claims: str,
    output: Artifact,
    build: Build,
    carried: int,
    enforced: tuple[str, ...] = (),
    observed: bool = False,
    blind: tuple[str, ...] = (),
    network: bool | None = None,
    undeclared: tuple[str, ...] = (),
    ended: int = 0,
) -> Document:
    """Return the JSON of a build that was signed, `weighbridge.build/v1`."""
    source = build.source
    return {
        "schema": "weighbridge.build/v1",
        "claims": claims,
        "output": _artifact(output),
        "build_type": build.build_type,
        "builder": build.builder_id,
        "source": None
        if source is None
        else {
            "uri": source.uri,
            "ref": source.ref,
            "commit": source.commit,
            "clean": source.clean,
        },
        "inputs": [_artifact(each) for each in build.inputs],
        "parameters": [{"name": name, "value": value} for name, value in build.parameters],
        "carried": carried,
        "enforced": list(enforced),
        "observed": observed,
        "blind": list(blind),
        "network": network,
        "undeclared": list(undeclared),
        "ended": ended,
    }


def recorded_text(*, claims: str, output: Artifact, build: Build, carried: int) -> str:
    """Return what was signed, for people."""
    lines = [
        f"claimed  {one_line(output.name)} ({output.binding.label}): {one_line(claims)}",
        f"builder  {one_line(build.builder_id)}",
    ]
    if build.source is not None:
        state = {True: "", False: ", with changes", None: ""}[build.source.clean]
        commit = build.source.commit
        where = build.source.uri if build.source.ref is None else build.source.label
        at = f" at {commit[:12]}" if commit else ""
        lines.append(f"source   {one_line(where)}{at}{state}")
    lines += [f"input    {one_line(each.name)} ({each.binding.label})" for each in build.inputs]
    if carried:
        lines.append(f"carried  {counted(carried, 'claim')} of the inputs")
    return "\n".join(lines) + "\n"


def warnings_of(
    *,
    undeclared: tuple[str, ...],
    blind: tuple[str, ...],
    unobserved: str | None,
    ended: int,
) -> list[str]:
    """Return what whoever recorded a step should know besides, a line each."""
    lines = [f"read, but not declared: {one_line(path)}" for path in undeclared[:MAX_TEXT_ITEMS]]
    if len(undeclared) > MAX_TEXT_ITEMS:
        lines.append(f"and {len(undeclared) - MAX_TEXT_ITEMS} more files that were not declared")
    lines += [f"not everything was seen: {one_line(reason)}" for reason in blind]
    if unobserved is not None:
        lines.append(f"what the step read was not observed: {one_line(unobserved)}")
    if ended:
        noun = "process" if ended == 1 else "processes"
        lines.append(f"the step left {ended} {noun} behind, which had to be ended")
    return lines


def attested_scan_document(
    *,
    claims: str,
    artifact: Artifact,
    result: str,
    failed: tuple[str, ...],
    warned: tuple[str, ...],
) -> Document:
    """Return the JSON of a scan that was signed."""
    return {
        "schema": "weighbridge.attested-scan/v1",
        "claims": claims,
        "artifact": _artifact(artifact),
        "result": result,
        "failed": list(failed),
        "warned": list(warned),
    }


def attested_scan_text(*, claims: str, artifact: Artifact, result: str) -> str:
    """Return which result was signed, for people."""
    name = one_line(artifact.name)
    return f"claimed  scan of {name} {result} ({artifact.binding.label}): {one_line(claims)}\n"


def attested_parts_document(*, claims: str, artifact: Artifact, parts: PartDigests) -> Document:
    """Return the JSON of digests of parts that were signed."""
    return {
        "schema": "weighbridge.attested-parts/v1",
        "claims": claims,
        "artifact": _artifact(artifact),
        "files": [{"path": file.path, "parts": len(file.parts)} for file in parts.files],
    }


def attested_parts_text(*, claims: str, artifact: Artifact, parts: PartDigests) -> str:
    """Return of how many files the parts were signed, for people."""
    count = counted(sum(len(file.parts) for file in parts.files), "part")
    files = counted(len(parts.files), "file")
    name = one_line(artifact.name)
    return f"claimed  {count} of {files} of {name} ({artifact.binding.label}): {one_line(claims)}\n"


def _artifact(artifact: Artifact) -> Document:
    return {
        "name": artifact.name,
        "uri": artifact.uri,
        "digest": {"oms": str(artifact.binding.root), "names": str(artifact.binding.names)},
    }
