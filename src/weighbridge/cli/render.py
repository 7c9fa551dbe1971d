"""
Print a result in the format that the user asked for; the formats are `record`'s.

Each function imports what it prints with: a signature is verified in less time than it takes to
import every format of every result.
"""

# ruff: noqa: PLC0415  see above

from collections.abc import Sequence
from typing import TYPE_CHECKING

from weighbridge.cli.terminal import Session

if TYPE_CHECKING:
    from pathlib import Path

    from weighbridge.core.artifact import ArtifactDigests
    from weighbridge.core.claims import ClaimsList
    from weighbridge.core.evidence import Severity, Verification
    from weighbridge.core.lineage import Lineage
    from weighbridge.core.verdict import Verdict
    from weighbridge.pipeline.conversion.convert import ConvertResult
    from weighbridge.pipeline.describe import Inspection
    from weighbridge.pipeline.installation import Capability, EngineReport
    from weighbridge.pipeline.keys import KeyFiles
    from weighbridge.pipeline.receipts import Receipt
    from weighbridge.pipeline.recording.attest import AttestedScan
    from weighbridge.pipeline.recording.attest_parts import AttestedParts
    from weighbridge.pipeline.recording.given import Recorded
    from weighbridge.pipeline.sign import SignResult
    from weighbridge.pipeline.trusted_roots import RootRefresh, RootView
    from weighbridge.pipeline.unpickling.unpickle import Unpickled
    from weighbridge.policy.rehearsal import CaseResult
    from weighbridge.policy.selection import RuleSelection
    from weighbridge.record.bom.bill import Bill
    from weighbridge.record.json_v1 import Document
    from weighbridge.record.style import Style
    from weighbridge.scan.report import ScanReport


def show_verdict(session: Session, verdict: "Verdict") -> None:
    """Print the outcome of a check."""
    match session.format:
        case "json":
            from weighbridge.record.json_v1 import verdict_document

            _write_json(session, verdict_document(verdict))
        case "sarif":
            from weighbridge.record.rule_texts import rule_texts
            from weighbridge.record.sarif import verdict_log
            from weighbridge.record.single_file import name_in_verdict

            texts = rule_texts({reason.code for reason in verdict.reasons})
            _write_json(session, verdict_log(name_in_verdict(verdict), texts=texts))
        case _:
            from weighbridge.record.single_file import name_in_verdict
            from weighbridge.record.text_verdict import verdict_text

            session.write(verdict_text(name_in_verdict(verdict), style=_style(session)))


def show_scans(
    session: Session,
    reports: "Sequence[ScanReport]",
    *,
    bar: "Severity",
    folders: "Sequence[str | None]",
) -> None:
    """
    Print the reports of one or more scans; several are one JSON document a line.

    Args:
        session: Where to, and in which format.
        reports: The scans.
        bar: The least severity that counts.
        folders: Where in the current directory each of the artifacts lies; see `record.sarif`.
    """
    style = _style(session)
    session.write(render_scans(reports, session.format, bar=bar, folders=folders, style=style))


def render_scans(
    reports: "Sequence[ScanReport]",
    form: str,
    *,
    bar: "Severity",
    folders: "Sequence[str | None]",
    style: "Style | None" = None,
) -> str:
    """Return the reports in the format *form*: json, sarif, html or text."""
    from weighbridge.record.json_v1 import render_json, scan_document

    if form == "json":
        single = len(reports) == 1
        documents = (scan_document(report, bar=bar) for report in reports)
        return "".join(render_json(document, one_line=not single) for document in documents)
    from weighbridge.record.single_file import name_in_report

    named = [name_in_report(report) for report in reports]
    if form == "sarif":
        from weighbridge.record.rule_texts import rule_texts
        from weighbridge.record.sarif import Scanned, scan_log

        pairs = zip(named, folders, strict=True)
        scanned = [Scanned(report=report, folder=folder) for report, folder in pairs]
        rules = {finding.rule for report in named for finding in report.findings}
        codes = {str(gap.code) for report in named for gap in report.gaps}
        return render_json(scan_log(scanned, texts=rule_texts(rules | codes)))
    from weighbridge.record.catalogue import rule_advice

    advice = rule_advice() if any(report.findings for report in named) else {}
    if form == "html":
        from weighbridge.record.html_scan import scans_html
        from weighbridge.record.sarif import installed_version

        return scans_html(named, bar=bar, version=installed_version(), advice=advice)
    from weighbridge.record.style import PLAIN
    from weighbridge.record.text_scan import scan_text, scans_text

    if len(named) == 1:
        return scan_text(named[0], bar=bar, style=style or PLAIN, advice=advice)
    return scans_text(named, bar=bar, style=style or PLAIN, advice=advice)


def show_signature(session: Session, verification: "Verification") -> None:
    """Print a verification."""
    if session.format == "json":
        from weighbridge.record.json_v1 import signature_document

        _write_json(session, signature_document(verification))
        return
    from weighbridge.record.text_signature import signature_text

    session.write(signature_text(verification, style=_style(session)))


def show_signed(session: Session, result: "SignResult") -> None:
    """Print what was signed."""
    if session.format == "json":
        from weighbridge.record.json_operations import signed_document

        _write_json(
            session,
            signed_document(
                path=str(result.path),
                method=result.method,
                files=result.files,
                root=result.root,
                left_out=result.left_out,
                reuse=result.reuse,
                manifest=result.manifest,
                remembered=result.remembered,
            ),
        )
        return
    from weighbridge.core.errors import one_line
    from weighbridge.record.style import counted

    session.write(f"signed {counted(result.files, 'file')}: {one_line(str(result.path))}")
    if result.reuse or result.manifest or result.remembered is not None:
        from weighbridge.record.text_signed import prior_lines

        for line in prior_lines(result.reuse, result.manifest, result.remembered):
            session.write(line)
    for path in result.left_out:
        session.talk(f"not covered: {one_line(path)}")


def show_converted(session: Session, result: "ConvertResult") -> None:
    """Print what was converted."""
    from weighbridge.record.converted import converted_document, converted_text

    if session.format == "json":
        _write_json(session, converted_document(result))
        return
    session.write(converted_text(result))


def show_unpickled(session: Session, found: "Unpickled") -> None:
    """Print what a pickle holds."""
    from weighbridge.record.unpickled import unpickled_document, unpickled_text

    if session.format == "json":
        _write_json(session, unpickled_document(found))
        return
    session.write(unpickled_text(found))


def show_recorded(session: Session, recorded: "Recorded") -> None:
    """Print which build was signed, and what whoever recorded it should know besides."""
    from weighbridge.record.recorded import recorded_document, recorded_text, warnings_of

    claims, report = str(recorded.claims), recorded.report
    seen = report.observation if report else None
    if session.format == "json":
        _write_json(
            session,
            recorded_document(
                claims=claims,
                output=recorded.output,
                build=recorded.build,
                carried=recorded.carried,
                enforced=tuple(map(str, report.enforced)) if report else (),
                observed=seen is not None,
                blind=seen.blind if seen else (),
                network=seen.network if seen else None,
                undeclared=recorded.undeclared,
                ended=report.ended if report else 0,
            ),
        )
        return
    session.write(
        recorded_text(
            claims=claims,
            output=recorded.output,
            build=recorded.build,
            carried=recorded.carried,
        )
    )
    for line in warnings_of(
        undeclared=recorded.undeclared,
        blind=seen.blind if seen else (),
        unobserved=report.unobserved if report else None,
        ended=report.ended if report else 0,
    ):
        session.talk(line)


def show_attested_scan(session: Session, attested: "AttestedScan") -> None:
    """Print which result of a scan was signed."""
    from weighbridge.record.recorded import attested_scan_document, attested_scan_text

    if session.format == "json":
        document = attested_scan_document(
            claims=str(attested.claims),
            artifact=attested.artifact,
            result=attested.result,
            failed=attested.failed,
            warned=attested.warned,
        )
        _write_json(session, document)
        return
    session.write(
        attested_scan_text(
            claims=str(attested.claims), artifact=attested.artifact, result=attested.result
        )
    )


def show_attested_parts(session: Session, attested: "AttestedParts") -> None:
    """Print of which files the digests of parts were signed."""
    from weighbridge.record.recorded import attested_parts_document, attested_parts_text

    claims, artifact, parts = str(attested.claims), attested.artifact, attested.parts
    if session.format == "json":
        document = attested_parts_document(claims=claims, artifact=artifact, parts=parts)
        _write_json(session, document)
        return
    session.write(attested_parts_text(claims=claims, artifact=artifact, parts=parts))


def show_key(session: Session, files: "KeyFiles") -> None:
    """Print where a new key pair is."""
    if session.format == "json":
        from weighbridge.record.json_operations import key_document

        document = key_document(
            private=str(files.private),
            public=str(files.public),
            identity=files.identity,
            encrypted=files.encrypted,
        )
        _write_json(session, document)
        return
    from weighbridge.core.errors import one_line

    session.write(f"private key  {one_line(str(files.private))}")
    session.write(f"public key   {one_line(str(files.public))}")
    session.write(f"signs as     {one_line(files.identity.label)}")
    if not files.encrypted:
        session.talk("the private key has no password: whoever reads the file can sign")


def show_root(session: Session, root: "RootView") -> None:
    """Print whom a trusted root names."""
    from weighbridge.record.trusted_roots import root_document, root_text

    if session.format == "json":
        _write_json(
            session, root_document(where=root.where, sha256=root.sha256, parties=root.parties)
        )
        return
    session.write(root_text(where=root.where, sha256=root.sha256, parties=root.parties))


def show_refresh(session: Session, refresh: "RootRefresh") -> None:
    """Print what a refresh of the trusted root changed."""
    from weighbridge.record.trusted_roots import refresh_text, root_document

    path, before, changes = str(refresh.path), refresh.before, refresh.changes
    if session.format == "json":
        _write_json(
            session,
            root_document(
                where=path,
                sha256=refresh.sha256,
                parties=refresh.parties,
                before=before,
                changes=changes,
            ),
        )
        return
    session.write(refresh_text(path=path, sha256=refresh.sha256, before=before, changes=changes))


def show_inspection(session: Session, inspection: "Inspection") -> None:
    """Print what an artifact is made of."""
    if session.format == "json":
        from weighbridge.record.json_v1 import inspection_document

        _write_json(session, inspection_document(inspection))
        return
    from weighbridge.record.text_inspection import inspection_text

    session.write(inspection_text(inspection, style=_style(session)))


def show_digests(session: Session, digests: "ArtifactDigests") -> None:
    """Print the digests that name an artifact."""
    if session.format == "json":
        from weighbridge.record.json_v1 import digest_document

        _write_json(session, digest_document(digests))
        return
    session.write(f"oms    {digests.oms}\nnames  {digests.names}")


def show_capabilities(
    session: Session, capabilities: "Sequence[Capability]", engines: "Sequence[EngineReport]"
) -> None:
    """Print what the installation can do, and what isolates on this machine."""
    if session.format == "json":
        from weighbridge.record.json_operations import capabilities_document

        _write_json(session, capabilities_document(capabilities, engines))
        return
    from weighbridge.record.text_installation import installation_text

    session.write(installation_text(capabilities, engines))


def show_bill(session: Session, bill: "Bill", *, output: "Path | None") -> None:
    """Print a bill of materials, or write it to the file *output*."""
    from weighbridge.pipeline.output import write_whole
    from weighbridge.record.bom.cyclonedx import cyclonedx_document
    from weighbridge.record.bom.spdx import spdx_document
    from weighbridge.record.json_v1 import render_json

    document = spdx_document(bill) if session.format == "spdx" else cyclonedx_document(bill)
    if output is None:
        _write_json(session, document)
    else:
        write_whole(output, render_json(document).encode())


def show_receipt(session: Session, receipt: "Receipt | None") -> None:
    """Say where a receipt was written, if it was; the verdict is the result."""
    from weighbridge.core.errors import one_line

    if receipt is None:
        session.talk("no receipt: the model has no digests that it could be about")
        return
    result = "passed" if receipt.passed else "failed"
    worth = "" if receipt.signed else "; nobody signed it, so nobody will believe it"
    session.talk(f"receipt ({result}): {one_line(str(receipt.path))}{worth}")


def show_lineage(session: Session, lineage: "Lineage") -> None:
    """Print what a model was made from."""
    match session.format:
        case "json":
            from weighbridge.record.json_lineage import lineage_document

            _write_json(session, lineage_document(lineage))
        case "mermaid":
            from weighbridge.record.lineage_graph import lineage_mermaid

            session.write(lineage_mermaid(lineage))
        case "dot":
            from weighbridge.record.lineage_graph import lineage_dot

            session.write(lineage_dot(lineage))
        case _:
            from weighbridge.record.lineage_tree import lineage_text

            session.write(lineage_text(lineage, style=_style(session)))


def show_claims(session: Session, listed: "ClaimsList") -> None:
    """Print the claims about a model."""
    if session.format == "json":
        from weighbridge.record.json_claims import claims_document

        _write_json(session, claims_document(listed))
    else:
        from weighbridge.record.text_claims import claims_text

        session.write(claims_text(listed, style=_style(session)))


def show_appended(session: Session, place: "Path", *, given: int, new: int) -> None:
    """Print what became of claims that were to be appended."""
    if session.format == "json":
        from weighbridge.record.json_claims import appended_document

        _write_json(session, appended_document(place, given=given, new=new))
    else:
        from weighbridge.record.text_claims import appended_text

        session.write(appended_text(place, given=given, new=new))


def show_explanation(session: Session, selection: "RuleSelection") -> None:
    """Print which rule of a policy decides."""
    if session.format == "json":
        from weighbridge.record.json_policy import explanation_document

        _write_json(session, explanation_document(selection))
        return
    from weighbridge.record.text_policy import explanation_text

    session.write(explanation_text(selection, style=_style(session)))


def show_cases(session: Session, results: "tuple[CaseResult, ...]") -> None:
    """Print how the cases of a policy came out."""
    if session.format == "json":
        from weighbridge.record.json_policy import cases_document

        _write_json(session, cases_document(results))
        return
    from weighbridge.record.text_policy import cases_text

    session.write(cases_text(results, style=_style(session)))


def _write_json(session: Session, document: "Document", *, one_line: bool = False) -> None:
    from weighbridge.record.json_v1 import render_json

    session.write(render_json(document, one_line=one_line))


def _style(session: Session) -> "Style":
    from weighbridge.record.style import COLOUR, PLAIN

    return COLOUR if session.colour else PLAIN
