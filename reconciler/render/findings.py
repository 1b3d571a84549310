"""Findings for other tools: SARIF 2.1.0, and annotations on the lines of the manifest as GitHub's workflow commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import quote

from reconciler.frozen import frozen
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Plan, PlannedSource
from reconciler.render.folding import waves
from reconciler.render.harmless import harmless
from reconciler.render.notices import finding_groups
from reconciler.render.verdict import Danger, addresses, dangers, few, verb_of

MOST_ANNOTATIONS = 10
"""So many of a kind are shown per step; GitHub drops the rest without a word."""
_GRAVE = ("delete", "replace", "refused")


def sarif(
    findings: Iterable[Diagnostic], *, version: str = "", titles: Mapping[str, str] | None = None
) -> str:
    """One SARIF run with a result for each finding. `titles` says what a code is about; else its first finding does."""
    found = list(findings)
    told = {one.code: one.summary for one in reversed(found)} | dict(titles or {})
    codes = sorted({one.code for one in found})
    driver: dict[str, object] = {"name": "reconciler", "rules": [_rule(code, told[code]) for code in codes]}
    if version:
        driver["semanticVersion"] = version
    results = [_result(one, codes.index(one.code)) for one in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str, title: str) -> dict[str, object]:
    text = {"text": harmless(title)}
    return {"id": code, "shortDescription": text, "fullDescription": text, "help": text}


def _result(one: Diagnostic, rule: int) -> dict[str, object]:
    region = {"startLine": max(1, one.source.line), "startColumn": max(1, one.source.column)}
    artifact = {"uri": _uri(one.source.file)} if one.source.file else {}
    location = {"artifactLocation": artifact, "region": region}
    return {
        "ruleId": one.code,
        "ruleIndex": rule,
        "level": str(one.severity),
        "message": {"text": harmless(_text(one))},
        "locations": [{"physicalLocation": location}] if artifact else [],
    }


def _uri(file: str) -> str:
    """A path as SARIF wants it: relative ones stay so, since the repository's root is where they are read."""
    encoded = quote(file.encode(errors="replace"), safe="/._-~")
    return f"file://{encoded}" if file.startswith("/") else encoded


def _text(one: Diagnostic) -> str:
    where = f"{one.address}: " if one.address else ""
    return f"{where}{one.summary}" + (f"; {one.detail}" if one.detail else "")


def github(findings: Iterable[Diagnostic]) -> str:
    """GitHub annotations, errors first, since only ten of a kind are shown per step."""
    ranked = sorted(findings, key=lambda one: one.severity is not Severity.ERROR)
    return "".join(
        _annotation(
            str(one.severity), one.source.file, one.source.line, one.source.column, one.code, _text(one)
        )
        for one in ranked
    )


def plan_annotations(
    plan: Plan, most: int = MOST_ANNOTATIONS, in_repository: Callable[[str], str] = str
) -> str:
    """GitHub annotations on the lines of the manifest that change something, the worst first; equal ones are one.

    `in_repository` makes of a path of the plan the one that the repository has it under.
    """
    remarks = sorted((*_of_dangers(plan), *_of_findings(plan), *_of_changes(plan)), key=lambda one: one.rank)
    return "".join(
        _annotation(
            one.severity,
            in_repository(one.source.file),
            one.source.line,
            one.source.column,
            one.title,
            one.text,
        )
        for one in [one for one in remarks if one.source.line][:most]
    )


@frozen
class _Remark:
    """Something to say at a line; the lower the rank, the worse."""

    rank: int
    severity: str
    source: PlannedSource
    title: str
    text: str


def _of_dangers(plan: Plan) -> Iterator[_Remark]:
    for danger in dangers(plan):
        first = danger.first
        is_grave = first.action in _GRAVE or any(one.severity == "blocked" for one in danger.hazards)
        said = "; ".join([first.reason, *(one.message for one in danger.hazards)])
        text = f"{few(addresses(danger.changes))}: {verb_of(first)}: {said}"
        title = f"{first.action} of {first.address}"
        yield _Remark(0 if is_grave else 2, "warning" if is_grave else "notice", danger.source, title, text)


def _of_findings(plan: Plan) -> Iterator[_Remark]:
    for members in finding_groups(plan.diagnostics):
        one, names = members[0], [each.address for each in members if each.address]
        who = f"{few(names)}: " if names else ""
        fix = f"; {one.detail}" if one.detail else ""
        is_error = one.severity == "error"
        severity = "error" if is_error else "warning"
        yield _Remark(1 if is_error else 3, severity, one.source, one.code, f"{who}{one.summary}{fix}")


def _of_changes(plan: Plan) -> Iterator[_Remark]:
    """What is in no danger: a note where it is wanted or changed."""
    dangerous = {change.address for danger in dangers(plan) for change in danger.changes}
    for wave in waves(plan):
        for group in wave.groups:
            first = group.first
            if first.address not in dangerous:
                text = f"{few(addresses(group.changes))}: {verb_of(first)}: {first.reason}"
                source = Danger(group.changes).source
                yield _Remark(4, "notice", source, f"{first.action} of {first.address}", text)


def _annotation(severity: str, file: str, line: int, column: int, title: str, text: str) -> str:
    pairs = {"file": file, "line": line, "col": column, "title": title}
    properties = ",".join(f"{key}={_property(harmless(str(value)))}" for key, value in pairs.items() if value)
    return f"::{severity} {properties}::{_data(harmless(text))}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
