"""A policy with every default spelled out: for `policy show`, and for reading one's own rules."""

from dataclasses import fields

from weighbridge.policy.origin_reader import age_text
from weighbridge.policy.rule import (
    FormatControl,
    IsolationControl,
    LineageControl,
    ProvenanceControl,
    ReceiptControl,
    Rule,
    ScanControl,
    SignatureControl,
    Stamps,
    Suppression,
    Unpickle,
)
from weighbridge.policy.scanners import ScannerAdapter, ScannerEntry
from weighbridge.policy.schema import VERSION, Policy
from weighbridge.policy.toml_text import TomlValue, toml_value
from weighbridge.policy.trust import KeyTrust, SigstoreTrust, TimestampRule, TrustEntry

Section = dict[str, TomlValue]


def trust_view(entry: TrustEntry) -> Section:
    """Return a trust entry by its keys."""
    if isinstance(entry, KeyTrust):
        keys = entry.public_keys
        return {
            "method": "key",
            "public-key": list(keys) if entry.other_keys else entry.public_key,
            **({"nonstandard-keys": True} if entry.nonstandard_keys else {}),
            **({"valid-until": entry.valid_until} if entry.valid_until else {}),
            **_timestamps_view(entry.timestamps),
        }
    if isinstance(entry, SigstoreTrust):
        view: Section = {
            "method": "sigstore",
            "identity": entry.identity.pattern,
            "issuer": entry.issuer,
        }
        if entry.claims:
            view["claims"] = {name: pattern.pattern for name, pattern in entry.claims}
        if entry.trusted_root is not None and entry.trusted_root_sha256 is not None:
            view["trusted-root"] = entry.trusted_root
            view["trusted-root-sha256"] = entry.trusted_root_sha256
        return view
    conditions = {
        "subject": entry.subject,
        "identity": entry.identity,
        "san-uri": entry.san_uri,
    }
    return {
        "method": "certificate",
        "certificate-chain": entry.certificate_chain,
        **{key: text for key, text in conditions.items() if text is not None},
        **({"any-identity": True} if entry.any_identity else {}),
        **_timestamps_view(entry.timestamps),
    }


def _timestamps_view(rule: TimestampRule | None) -> Section:
    if rule is None:
        return {}
    return {
        "timestamp-certificate-chain": rule.certificate_chain,
        **({"require-timestamp": True} if rule.required else {}),
    }


def scanner_view(entry: ScannerEntry) -> Section:
    """Return a scanner's entry by its keys."""
    view: Section = {"adapter": str(entry.adapter), "command": list(entry.command)}
    if entry.adapter is ScannerAdapter.SARIF:
        view["exit-codes"] = list(entry.exit_codes)
    return view


def rule_view(rule: Rule) -> Section:
    """Return a rule by its keys, defaults included."""
    view: Section = {}
    if rule.name is not None:
        view["name"] = rule.name
    if rule.description is not None:
        view["description"] = rule.description
    view |= {
        "match": [glob.pattern for glob in rule.match],
        "boundary": list(rule.boundary),
        "formats": _formats(rule.formats),
        "remote-code": str(rule.remote_code),
    }
    if rule.remote_code_digests:
        view["remote-code-digests"] = sorted(digest.hex for digest in rule.remote_code_digests)
    view |= {
        "symlinks": str(rule.symlinks),
        "suffix-lies": str(rule.suffix_lies),
        "scan": _scan(rule.scan),
        "signature": _signature(rule.signature),
        "provenance": _provenance(rule.provenance),
    }
    if rule.stamps is not Stamps.IGNORE:
        view["stamps"] = str(rule.stamps)
    if rule.lineage is not None:
        view["lineage"] = _lineage(rule.lineage)
    if rule.receipt is not None:
        view["receipt"] = _receipt(rule.receipt)
    if rule.parts is not None:
        view["parts"] = {"from": rule.parts.issuer}
    if rule.isolation is not None:
        view["isolation"] = _isolation(rule.isolation)
    return view


def policy_toml(policy: Policy) -> str:
    """Return a policy file that means the same as *policy*, with nothing left to defaults."""
    lines = [f"version = {VERSION}"]
    for entry in policy.trust:
        lines += _table(f"[trust.{toml_value(entry.name)}]", trust_view(entry))
    for builder in policy.builders:
        keys: Section = {
            "id": builder.id,
            "signed-by": builder.signed_by,
            "max-level": builder.max_level,
        }
        lines += _table(f"[builder.{toml_value(builder.name)}]", keys)
    for scanner in policy.scanners:
        lines += _table(f"[scanner.{toml_value(scanner.name)}]", scanner_view(scanner))
    for rule in policy.rules:
        lines += _table("[[rule]]", rule_view(rule))
    return "\n".join(lines) + "\n"


def _table(header: str, keys: Section) -> list[str]:
    return ["", header, *(f"{key} = {toml_value(value)}" for key, value in keys.items())]


def _formats(control: FormatControl) -> Section:
    view: Section = {}
    if control.allow is not None:
        view["allow"] = list(control.allow_names)
    if control.deny_names:
        view["deny"] = list(control.deny_names)
    view["deny-executable"] = control.deny_executable
    return view


def _scan(control: ScanControl) -> Section:
    view: Section = {"fail-on": str(control.fail_on), "on-gap": str(control.on_gap)}
    if control.also:
        view["also"] = list(control.also)
    view["cache"] = control.cache
    if control.suppress:
        view["suppress"] = [_suppression(item) for item in control.suppress]
    if control.approve:
        view["approve"] = [
            {
                "sha256": item.sha256.hex,
                "globals": sorted(item.globals),
                "reason": item.reason,
                "expires": item.expires,
            }
            for item in control.approve
        ]
    return view


def _suppression(item: Suppression) -> Section:
    pinned: Section = {} if item.member is None else {"member": item.member.pattern}
    if item.sha256 is not None:
        pinned["sha256"] = item.sha256.hex
    return {
        "rule": item.rule,
        "path": item.path.pattern,
        **pinned,
        "reason": item.reason,
        "expires": item.expires,
    }


def _signature(control: SignatureControl) -> Section:
    if not control.required:
        return {"required": False}
    return {
        "required": True,
        "any-of": list(control.any_of),
        "threshold": control.threshold,
        "uncovered": str(control.uncovered),
    }


def _provenance(control: ProvenanceControl) -> Section:
    if not control.required:
        return {"required": False}
    view: Section = {
        "required": True,
        "builder": list(control.builder),
        "min-level": control.min_level,
    }
    if control.source is not None:
        view["source"] = control.source.pattern
    if control.build_type:
        view["build-type"] = list(control.build_type)
    if control.parameters:
        view["parameters"] = {
            name: [glob.pattern for glob in wanted] if isinstance(wanted, tuple) else wanted.pattern
            for name, wanted in control.parameters
        }
    return view


def _lineage(control: LineageControl) -> Section:
    view: Section = {"inputs": str(control.inputs), "depth": control.depth}
    if control.boundary is not None:
        view["boundary"] = control.boundary
    if control.parents:
        view["from"] = [glob.pattern for glob in control.parents]
    return view


def _receipt(control: ReceiptControl) -> Section:
    view: Section = {
        "from": control.issuer,
        "max-age": age_text(control.max_age),
        "policy": str(control.policy),
        "verifier": control.verifier,
        "required": control.required,
    }
    if control.boundary is not None:
        view["boundary"] = control.boundary
    if control.resource:
        view["resource"] = [glob.pattern for glob in control.resource]
    return view


def _isolation(control: IsolationControl) -> Section:
    view: Section = {
        "network": str(control.network),
        "read": list(control.read),
        "write": list(control.write),
        "env": list(control.env),
    }
    if control.listen:
        view["listen"] = [e.port if e.address is None else str(e) for e in control.listen]
    if control.connect:
        view["connect"] = [str(each) for each in control.connect]
    if control.unpickle is not Unpickle.JUDGED:
        view["unpickle"] = str(control.unpickle)
    if control.interfaces:
        view["interfaces"] = True
    if control.gpus:
        view["gpus"] = True
    if control.engines:
        view["engines"] = list(control.engines)
    for field in fields(control.limits):
        if value := getattr(control.limits, field.name):
            view[field.name.replace("_", "-")] = value
    return view
