"""Findings for other tools: SARIF 2.1.0, and GitHub's workflow commands for annotations."""

from __future__ import annotations

import json
from collections.abc import Iterable

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.render.harmless import harmless


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
        f"::{one.severity} {_properties(one)}::{_escaped(harmless(_text(one)))}\n" for one in ranked
    )


def _properties(one: Diagnostic) -> str:
    pairs = {"file": one.source.file, "line": one.source.line, "col": one.source.column, "title": one.code}
    return ",".join(f"{key}={_escaped_property(str(value))}" for key, value in pairs.items() if value)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
