from __future__ import annotations

from typing import Any

import pytest

from reconciler.clients.sbom_difference import package_difference
from reconciler.clients.sbom_document import Sbom
from reconciler.clients.sbom_packages import Package

NOTHING: dict[str, Any] = {"added": [], "changed": [], "removed": []}


def sbom(*texts: str, tool: str = "reconciler") -> Sbom:
    """From `deb:libc6@1`."""
    packages = []
    for text in texts:
        kind, _, rest = text.partition(":")
        name, _, version = rest.partition("@")
        packages.append(Package(kind, name, version))
    return Sbom(tool, frozenset(packages))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (["deb:a@1"], ["deb:a@1"], {}),
        (["deb:a@1"], ["deb:a@2"], {"changed": [{"name": "a", "type": "deb", "before": "1", "after": "2"}]}),
        (["deb:a@1"], [], {"removed": [{"name": "a", "type": "deb", "version": "1"}]}),
        (
            ["deb:a@1"],
            ["pypi:a@1"],
            {
                "added": [{"name": "a", "type": "pypi", "version": "1"}],
                "removed": [{"name": "a", "type": "deb", "version": "1"}],
            },
        ),
        (
            ["npm:a@1", "npm:a@2"],
            ["npm:a@2", "npm:a@3"],
            {"changed": [{"name": "a", "type": "npm", "before": "1", "after": "3"}]},
        ),
        (
            ["npm:a@1"],
            ["npm:a@2", "npm:a@3"],
            {
                "added": [
                    {"name": "a", "type": "npm", "version": "2"},
                    {"name": "a", "type": "npm", "version": "3"},
                ],
                "removed": [{"name": "a", "type": "npm", "version": "1"}],
            },
        ),
    ],
)
def test_packages_come_go_and_change(before: list[str], after: list[str], told: dict[str, Any]) -> None:
    assert package_difference(sbom(*before), sbom(*after)) == {**NOTHING, **told}


def test_what_only_one_tool_looks_for_is_no_difference() -> None:
    ours, theirs = sbom("deb:a@1"), sbom("deb:a@2", "golang:b@1", tool="syft")
    assert package_difference(ours, theirs)["added"] == []
    assert len(package_difference(ours, theirs)["changed"]) == 1
    assert len(package_difference(sbom(tool="syft"), theirs)["added"]) == 2


def test_no_more_names_than_a_reader_can_use() -> None:
    found = package_difference(sbom(), sbom(*(f"deb:p{number:03}@1" for number in range(7))), most=5)
    assert [one["name"] for one in found["added"]] == ["p000", "p001", "p002", "p003", "p004"]
    assert found["more"] == {"added": 2}
