from __future__ import annotations

import importlib.resources
import json
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL
from referencing import Registry, Resource

from reconciler.clients.sbom_document import Sbom, document_of, finished, package_url, read_sbom
from reconciler.clients.sbom_layers import Contents
from reconciler.clients.sbom_packages import Distribution, Package

DIGEST = "sha256:" + "1" * 64
DEBIAN = Distribution("debian", "12")
PACKAGES = (
    Package("deb", "libc6", "2.36-9+deb12u4", "amd64"),
    Package("npm", "@scope/a", "1.0.0"),
    Package("pypi", "Some_Name", "1:2.0+local"),
)
TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=10)


@cache
def validator() -> Any:
    """CycloneDX's own schema, as its Python library has it."""
    folder = importlib.resources.files("cyclonedx.schema") / "_res"
    schemas = {
        name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text())
        for name in ("bom-1.5", "spdx", "jsf-0.82")
    }
    registry: Registry[Any] = Registry().with_resources(
        (one["$id"], Resource.from_contents(one)) for one in schemas.values()
    )
    return jsonschema.Draft7Validator(schemas["bom-1.5"], registry=registry)


def document(*packages: Package, system: Distribution | None = DEBIAN) -> bytes:
    return document_of(Contents(packages, system), "registry.example/shop", DIGEST, "1.2.3")


@pytest.mark.parametrize("system", [DEBIAN, Distribution("wolfi"), None])
def test_the_document_is_what_cyclonedx_says(system: Distribution | None) -> None:
    content = document(*PACKAGES, system=system)
    assert [error.message for error in validator().iter_errors(json.loads(content))] == []
    assert json.loads(content)["metadata"]["component"]["version"] == DIGEST


@given(st.lists(st.tuples(st.sampled_from(["deb", "apk", "pypi", "npm"]), TEXT, TEXT), max_size=4))
def test_any_package_makes_a_document_that_can_be_read_again(found: list[tuple[str, str, str]]) -> None:
    packages = {Package(*one) for one in found}
    content = document(*sorted(packages))
    assert [error.message for error in validator().iter_errors(json.loads(content))] == []
    read = read_sbom(content)
    assert read.tool == "reconciler"
    folded = {_folded(one) for one in packages}
    assert {_folded(one) for one in read.packages} == folded


def _folded(package: Package) -> Package:
    """Python's names are written in one way."""
    name = package.name.lower().replace("_", "-") if package.type == "pypi" else package.name
    return Package(package.type, name, package.version)


def test_the_same_image_is_the_same_bytes() -> None:
    assert document(*PACKAGES) == document(*PACKAGES)
    numbers = {
        json.loads(one)["serialNumber"] for one in (document(), document(*PACKAGES), document(system=None))
    }
    assert len(numbers) == 3
    assert b"timestamp" not in document()


@pytest.mark.parametrize(
    ("package", "url"),
    [
        (PACKAGES[0], "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12"),
        (PACKAGES[1], "pkg:npm/%40scope/a@1.0.0"),
        (PACKAGES[2], "pkg:pypi/some-name@1:2.0%2Blocal"),
        (Package("apk", "musl", "1.2.4-r2"), "pkg:apk/debian/musl@1.2.4-r2?distro=debian-12"),
    ],
)
def test_packages_have_the_names_that_scanners_know(package: Package, url: str) -> None:
    assert package_url(package, DEBIAN) == url
    assert PackageURL.from_string(url).to_string() == url


def test_without_a_system_the_usual_one_is_meant() -> None:
    assert package_url(Package("apk", "musl", "1"), None) == "pkg:apk/alpine/musl@1"


def test_a_document_of_another_tool_becomes_one_of_ours() -> None:
    theirs = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:1",
        "metadata": {
            "timestamp": "2026-01-01T00:00:00Z",
            "tools": {"components": [{"name": "syft"}]},
            "component": {"bom-ref": "root", "name": "/tmp/x"},
        },
        "components": [{"name": "go", "purl": "pkg:golang/example.org/x@v1#sub"}],
    }
    content = finished(theirs, "registry.example/shop", DIGEST)
    ours = json.loads(content)
    assert ours["metadata"]["component"] == {
        "type": "container",
        "bom-ref": "root",
        "name": "registry.example/shop",
        "version": DIGEST,
    }
    assert "timestamp" not in ours["metadata"]
    assert (ours["specVersion"], ours["serialNumber"] != "urn:uuid:1") == ("1.6", True)
    assert read_sbom(content) == Sbom("syft", frozenset({Package("golang", "example.org/x", "v1")}))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[" * 100_000,
        b"[]",
        b'{"components": 1, "metadata": 2}',
        b'{"components": [1, {}, {"purl": 1}, {"purl": "x"}], "metadata": {"tools": [1, {"name": 1}]}}',
    ],
)
def test_what_is_no_document_says_nothing(content: bytes) -> None:
    assert read_sbom(content) == Sbom("", frozenset())


def test_tools_may_be_named_in_the_old_way() -> None:
    assert read_sbom(b'{"metadata": {"tools": [{"vendor": "x", "name": "trivy"}]}}').tool == "trivy"
