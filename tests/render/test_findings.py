from __future__ import annotations

import json
import re

from hypothesis import given

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
