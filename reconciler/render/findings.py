"""Findings for other tools: SARIF 2.1.0, and annotations on the lines of the manifest as GitHub's workflow commands."""

from __future__ import annotations

import json
from collections.abc import Iterable

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Plan
from reconciler.render.harmless import harmless
from reconciler.render.verdict import addresses, dangers, few, verb_of

MOST_ANNOTATIONS = 10
"""So many of a kind are shown per step; GitHub drops the rest without a word."""
_GRAVE = ("delete", "replace", "refused")


def sarif(findings: Iterable[Diagnostic]) -> str:
    """One SARIF run with a result for each finding."""
    found = list(findings)
    rules = sorted({one.code for one in found})
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "reconciler", "rules": [{"id": code} for code in rules]}},
                "results": [_result(one) for one in found],
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _result(one: Diagnostic) -> dict[str, object]:
    region = {"startLine": max(1, one.source.line), "startColumn": max(1, one.source.column)}
    location = {"artifactLocation": {"uri": one.source.file}, "region": region}
    return {
        "ruleId": one.code,
        "level": str(one.severity),
        "message": {"text": _text(one)},
        "locations": [{"physicalLocation": location}] if one.source.file else [],
    }


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


def plan_annotations(plan: Plan, most: int = MOST_ANNOTATIONS) -> str:
    """GitHub annotations on the lines that cause danger, the worst first; equal dangers are one."""
    lines: list[str] = []
    for danger in dangers(plan):
        if not danger.source.line or len(lines) == most:
            continue
        first = danger.first
        is_grave = first.action in _GRAVE or any(one.severity == "blocked" for one in danger.hazards)
        said = "; ".join(one.message for one in danger.hazards)
        text = f"{few(addresses(danger.changes))}: {verb_of(first)}: {first.reason}" + (
            f"; {said}" if said else ""
        )
        source = danger.source
        severity = "warning" if is_grave else "notice"
        title = f"{first.action} of {first.address}"
        lines.append(_annotation(severity, source.file, source.line, source.column, title, text))
    return "".join(lines)


def _annotation(severity: str, file: str, line: int, column: int, title: str, text: str) -> str:
    pairs = {"file": file, "line": line, "col": column, "title": title}
    properties = ",".join(f"{key}={_property(harmless(str(value)))}" for key, value in pairs.items() if value)
    return f"::{severity} {properties}::{_data(harmless(text))}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
