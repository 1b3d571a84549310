"""Collecting what is wrong: once each, in the order of the file, and not without end."""

from __future__ import annotations

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest.findings import MOST, Findings, listed, nearest
from reconciler.model.diagnostic import Source


def place(line: int) -> Source:
    return Source("containers.yaml", line, 1)


def test_findings_come_in_the_order_of_the_file_and_once() -> None:
    findings = Findings()
    for line in (3, 1, 3, 2):
        findings.error("E202", "wrong", place(line))
    assert [one.source.line for one in findings.errors] == [1, 2, 3]


def test_what_all_instances_have_in_common_is_said_of_the_first() -> None:
    findings = Findings()
    for address in ('play.w["a"]', 'play.w["b"]', "play.x"):
        findings.error("E202", "wrong", place(1), address=address)
    assert [one.address for one in findings.errors] == ['play.w["a"]', "play.x"]


def test_warnings_stop_nothing() -> None:
    findings = Findings()
    findings.warn("W601", "careful", place(1))
    findings.raise_errors()
    assert len(findings.warnings) == 1


def test_errors_carry_the_warnings_along() -> None:
    findings = Findings()
    findings.warn("W601", "careful", place(1))
    findings.error("E202", "wrong", place(2))
    with pytest.raises(ManifestError, match=r"containers.yaml:2:1  wrong") as raised:
        findings.raise_errors()
    assert len(raised.value.diagnostics) == 2


def test_too_many_are_counted_only() -> None:
    findings = Findings()
    for line in range(MOST + 5):
        findings.error("E202", "wrong", place(line + 1))
    assert len(findings.errors) == MOST + 1
    assert findings.sorted()[-1].summary == "there are at least 5 more mistakes"


def test_a_fork_sees_what_was_found_and_gives_back_its_own() -> None:
    findings = Findings()
    findings.error("E202", "wrong", place(1), address="play.a")
    twin = findings.fork()
    twin.error("E202", "wrong", place(2), address="play.b")
    assert (twin.failed("play.a"), findings.failed("play.b")) == (True, False)
    findings.join(twin)
    assert findings.broken() == {"play.a", "play.b"}
    assert len(findings.errors) == 2


@pytest.mark.parametrize(
    ("word", "hint"),
    [("regoin", "did you mean region?"), ("xyz", "there is a, region and zone"), ("", "there is a, region and zone")],
)  # fmt: skip
def test_the_nearest_name_or_all_there_is(word: str, hint: str) -> None:
    assert Findings().did_you_mean(word, ["zone", "region", "a"]) == hint
    assert Findings().did_you_mean(word, []) == ""


def test_names_are_listed_and_the_rest_counted() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b"], "or") == "a or b"
    assert listed([str(n) for n in range(15)]).endswith("10, 11 and 3 more")
    assert nearest("x" * 200, ["x" * 199]) == ""
