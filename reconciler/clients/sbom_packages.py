"""What package managers leave in an image, read: dpkg, apk, Python's installers, npm. Pure; which files are read is said here.

A list that cannot be understood holds no packages: whoever made it says so nowhere either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.frozen import frozen

READ_TYPES = frozenset({"deb", "apk", "pypi", "npm"})
LARGEST_LIST = 32 * 1024 * 1024

_DPKG = "var/lib/dpkg/status"
_DPKG_PART = re.compile(r"var/lib/dpkg/status\.d/[^/]+(?<!\.md5sums)")
_APK = {"lib/apk/db/installed", "usr/lib/apk/db/installed"}
_PYTHON = re.compile(r"(?:.*/)?[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO|egg-info)")
_NPM = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json")
_RELEASES = ("etc/os-release", "usr/lib/os-release")


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package; `type` is that of its package URL: `deb`, `apk`, `pypi`, `npm`."""

    type: str
    name: str
    version: str
    architecture: str = ""


@frozen
class Distribution:
    """The system that an image is made from: `debian`, `12`."""

    id: str
    version: str = ""


@frozen
class Found:
    """What a file says."""

    packages: tuple[Package, ...] = ()
    distribution: Distribution | None = None


Reader = Callable[[bytes], Found]


def reader_of(path: str) -> Reader | None:
    """What understands a file; None for one that says nothing of packages."""
    if path == _DPKG or _DPKG_PART.fullmatch(path):
        return _dpkg
    if path in _APK:
        return _apk
    if path in _RELEASES:
        return _release
    if path.endswith("package.json"):
        return _npm if _NPM.fullmatch(path) else None
    return _python if _PYTHON.fullmatch(path) else None


def distribution_in(found: dict[str, Found]) -> Distribution | None:
    """What the image says of itself, in the file that counts."""
    return next((found[path].distribution for path in _RELEASES if path in found), None)


def _dpkg(content: bytes) -> Found:
    return Found(tuple(filter(None, map(_debian, _stanzas(content)))))


def _debian(fields: dict[str, str]) -> Package | None:
    # Without a status, as in images that were put together without dpkg, what is listed is there.
    if fields.get("Status", "installed").split()[-1:] != ["installed"]:
        return None
    return _package("deb", fields.get("Package"), fields.get("Version"), fields.get("Architecture", ""))


def _apk(content: bytes) -> Found:
    packages = (_package("apk", one.get("P"), one.get("V"), one.get("A", "")) for one in _stanzas(content))
    return Found(tuple(filter(None, packages)))


def _python(content: bytes) -> Found:
    fields = next(_stanzas(content), {})
    found = _package("pypi", fields.get("Name"), fields.get("Version"))
    return Found((found,) if found else ())


def _npm(content: bytes) -> Found:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return Found()
    if not isinstance(document, dict):
        return Found()
    found = _package("npm", document.get("name"), document.get("version"))
    return Found((found,) if found else ())


def _package(kind: str, name: Any, version: Any, architecture: str = "") -> Package | None:
    if not isinstance(name, str) or not isinstance(version, str) or not name.strip() or not version.strip():
        return None
    return Package(kind, _clean(name), _clean(version), _clean(architecture))


def _clean(text: str) -> str:
    """What a document can hold: half characters, which JSON can name, cannot be written."""
    return text.strip().encode("utf-8", "replace").decode()


def _stanzas(content: bytes) -> Iterator[dict[str, str]]:
    """`Key: value` up to an empty line; what a value says in further lines is left out."""
    fields: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").split("\n"):
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif not line[0].isspace():
            key, _, value = line.partition(":")
            fields.setdefault(key, value.strip())
    if fields:
        yield fields


def _release(content: bytes) -> Found:
    fields = {}
    for line in content.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        fields[key.strip()] = _clean(value).strip("\"'")
    return Found(
        distribution=Distribution(fields["ID"], fields.get("VERSION_ID", "")) if fields.get("ID") else None
    )
