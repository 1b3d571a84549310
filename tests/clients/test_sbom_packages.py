from __future__ import annotations

import json

import pytest

from reconciler.clients.sbom_packages import Distribution, Found, Package, distribution_in, reader_of
from tests.clients.sbom_images import DEBIAN, DPKG

APK = "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\n\nP:busybox\nV:1.36\n"


def found(path: str, text: str | bytes) -> Found:
    reader = reader_of(path)
    assert reader is not None
    return reader(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(
    ("path", "text", "packages"),
    [
        ("var/lib/dpkg/status", DPKG, [Package("deb", "libc6", "2.36-9+deb12u4", "amd64")]),
        ("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 1\n", [Package("deb", "tzdata", "1")]),
        ("lib/apk/db/installed", APK, [Package("apk", "musl", "1.2.4-r2", "x86_64"), Package("apk", "busybox", "1.36")]),
        ("usr/lib/apk/db/installed", "P:musl\nV:1\n", [Package("apk", "musl", "1")]),
        ("venv/a.dist-info/METADATA", "Name: A_b\nVersion: 1\n\nName: c\n", [Package("pypi", "A_b", "1")]),
        ("venv/a.egg-info/PKG-INFO", "Name: a\nVersion: 1\n", [Package("pypi", "a", "1")]),
        ("venv/a-1.egg-info", "Name: a\nVersion: 1\n", [Package("pypi", "a", "1")]),
        ("node_modules/a/package.json", '{"name": "a", "version": "1"}', [Package("npm", "a", "1")]),
        ("x/node_modules/@s/a/package.json", '{"name": "@s/a", "version": "1"}', [Package("npm", "@s/a", "1")]),
    ],
)  # fmt: skip
def test_each_manager_has_its_own_way(path: str, text: str, packages: list[Package]) -> None:
    assert list(found(path, text).packages) == packages


@pytest.mark.parametrize(
    "path",
    [
        "var/lib/dpkg/status.d/tzdata.md5sums",
        "var/lib/dpkg/status-old",
        "app/package.json",
        "app/node_modules/a/test/package.json",
        "app/node_modules/.bin/package.json",
        "a.dist-info/RECORD",
        "etc/passwd",
    ],
)
def test_other_files_are_not_read(path: str) -> None:
    assert reader_of(path) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"name": 1, "version": "1"}',
        b'{"name": "a"}',
        b'[{"name": "a"}]',
        json.dumps({"name": "a", "version": " "}).encode(),
    ],
)
@pytest.mark.parametrize("path", ["node_modules/a/package.json", "var/lib/dpkg/status", "a.egg-info"])
def test_what_cannot_be_understood_holds_nothing(path: str, content: bytes) -> None:
    assert found(path, content).packages == ()


def test_half_characters_do_not_get_into_a_document() -> None:
    [package] = found("node_modules/a/package.json", '{"name": "a\\ud800", "version": "1"}').packages
    assert package.name == "a?"


def test_the_system_is_what_counts_first() -> None:
    etc, usr = found("etc/os-release", DEBIAN), found("usr/lib/os-release", "ID='wolfi'\n")
    assert distribution_in({"usr/lib/os-release": usr, "etc/os-release": etc}) == Distribution("debian", "12")
    assert distribution_in({"usr/lib/os-release": usr}) == Distribution("wolfi")
    assert distribution_in({"a.egg-info": Found()}) is None
