from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.diagnostic import Diagnostic, Severity, Source
from reconciler.model.plan import Plan
from reconciler.render.findings import github, plan_annotations, sarif
from tests.render.plans import HOSTILE, change, plan, plans, shop_plan

ERROR = Diagnostic(
    Severity.ERROR, "M1", "wrong", "do this", "application.api", Source("containers.yaml", 7, 3)
)
WARNING = Diagnostic(Severity.WARNING, "W1", "50 %, odd: x")


def test_sarif_has_a_result_with_rule_level_and_place() -> None:
    [run] = json.loads(sarif([ERROR, WARNING]))["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["M1", "W1"]
    first, second = run["results"]
    assert (first["ruleId"], first["level"], first["message"]["text"]) == (
        "M1",
        "error",
        "application.api: wrong; do this",
    )
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 7, "startColumn": 3}
    assert second["locations"] == []


def test_sarif_says_what_each_rule_is_about() -> None:
    again = Diagnostic(Severity.ERROR, "M1", "wrong again")
    document = json.loads(sarif([ERROR, again, WARNING], version="1.2.3", titles={"W1": "be even"}))
    driver = document["runs"][0]["tool"]["driver"]
    assert driver["semanticVersion"] == "1.2.3"
    assert [rule["shortDescription"]["text"] for rule in driver["rules"]] == ["wrong", "be even"]
    assert [one["ruleIndex"] for one in document["runs"][0]["results"]] == [0, 0, 1]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("infra/my app/containers.yaml", "infra/my%20app/containers.yaml"),
        ("a#b?c%.yaml", "a%23b%3Fc%25.yaml"),
        ("/srv/containers.yaml", "file:///srv/containers.yaml"),
    ],
)
def test_sarif_names_files_as_uris(file: str, uri: str) -> None:
    [result] = json.loads(sarif([replace(ERROR, source=Source(file, 1, 1))]))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": uri}


@given(st.lists(st.sampled_from(HOSTILE), min_size=1))
def test_sarif_is_the_same_bytes_again_and_holds_any_text(texts: list[str]) -> None:
    findings = [Diagnostic(Severity.WARNING, "W1", text, text, text, Source(text, 1, 1)) for text in texts]
    assert sarif(findings) == sarif(findings)
    run = json.loads(sarif(findings).encode())["runs"][0]
    assert len(run["results"]) == len(texts)


def test_annotations_of_findings_come_errors_first() -> None:
    assert github([WARNING, ERROR]) == (
        "::error file=containers.yaml,line=7,col=3,title=M1::application.api: wrong; do this\n"
        "::warning title=W1::50 %25, odd: x\n"
    )


def test_annotations_of_a_plan_stand_on_the_lines_that_cause_danger() -> None:
    lines = plan_annotations(shop_plan()).splitlines()
    assert lines[0] == (
        "::warning file=containers.yaml,line=90,col=5,title=replace of application.jobs::application.jobs:"
        " replace (delete, then create), downtime: class_name cannot be changed in place;"
        " 3 running instances stop before new ones start"
    )
    kinds = ["::warning", "::notice", "::notice", "::warning", "::notice", "::notice"]
    assert [line.split(" ")[0] for line in lines] == kinds
    assert lines[3] == (
        "::warning file=containers.yaml,line=52,col=7,title=W014::application.api: LOG_LEVEL=debug in production; say info"
    )
    assert "title=update of application.web::application.web: update: max_instances changes" in lines[5]


def test_annotations_name_files_as_the_repository_does() -> None:
    lines = plan_annotations(shop_plan(), in_repository=lambda path: f"infra/{path}").splitlines()
    assert all(" file=infra/containers.yaml,line=" in line for line in lines)


def test_only_the_worst_ten_are_annotated() -> None:
    updates = [change(f"application.a{n}", "update", effect="rollout", reason=f"r{n}") for n in range(20)]
    lines = plan_annotations(plan(*updates, change("application.z", "delete"))).splitlines()
    assert len(lines) == 10
    assert "title=delete of application.z" in lines[0]


@given(plans(20))
def test_every_annotation_is_one_command_and_nothing_else(of: Plan) -> None:
    findings = [Diagnostic(Severity.ERROR, text, text, text, text, Source(text, 1, 1)) for text in HOSTILE]
    for line in (plan_annotations(of) + github(findings)).splitlines():
        assert re.fullmatch(r"::(warning|notice|error) [^:]*::[^\r\n\x1b]*", line)
