"""Lists of packages as CycloneDX documents: written the same for the same image, byte for byte, and read again.

Pure. A document holds no time and no chance: its number is made from what it says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode
from uuid import NAMESPACE_URL, uuid5

from reconciler.clients.sbom_layers import Contents
from reconciler.clients.sbom_packages import Distribution, Package
from reconciler.frozen import frozen

MEDIA_TYPE = "application/vnd.cyclonedx+json"
OWN_TOOL = "reconciler"

_SPEC_VERSION = "1.5"
_SCHEMA = f"http://cyclonedx.org/schema/bom-{_SPEC_VERSION}.schema.json"
_PURL = re.compile(r"pkg:([A-Za-z0-9.+-]+)/(?:([^?#]*)/)?([^/@?#]+)(?:@([^?#]*))?(?:[?#].*)?")


@frozen
class Sbom:
    """What a document says: the packages, and the tool that looked for them."""

    tool: str
    packages: frozenset[Package]


def document_of(contents: Contents, name: str, digest: str, version: str) -> bytes:
    """The document about an image; `version` is this tool's."""
    system = contents.distribution
    libraries = [_component(package, system) for package in contents.packages]
    document = {
        "metadata": {
            "tools": {"components": [{"type": "application", "name": OWN_TOOL, "version": version}]},
        },
        "components": [*([_system(system)] if system else []), *libraries],
    }
    return finished(document, name, digest)


def finished(document: Mapping[str, Any], name: str, digest: str) -> bytes:
    """A document, whoever made it, about this image: without a time, and with a number that is its own."""
    known = dict(document.get("metadata") or {})
    known.pop("timestamp", None)
    reference = (known.get("component") or {}).get("bom-ref") or f"{name}@{digest}"
    subject = {"type": "container", "bom-ref": reference, "name": name, "version": digest}
    said = {
        "$schema": document.get("$schema", _SCHEMA),
        "bomFormat": "CycloneDX",
        "specVersion": document.get("specVersion", _SPEC_VERSION),
        **{key: value for key, value in document.items() if key != "serialNumber"},
        "version": 1,
        "metadata": {**known, "component": subject},
    }
    number = uuid5(NAMESPACE_URL, json.dumps(said, sort_keys=True))
    whole = {
        "$schema": said["$schema"],
        "bomFormat": "CycloneDX",
        "serialNumber": f"urn:uuid:{number}",
        **said,
    }
    return (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()


def package_url(package: Package, system: Distribution | None) -> str:
    """The name of a package that every scanner understands."""
    name, space, qualifiers = package.name, "", {}
    if package.type in ("deb", "apk"):
        usual = "debian" if package.type == "deb" else "alpine"
        space = f"{quote(system.id if system else usual, safe='')}/"
        qualifiers = {"arch": package.architecture, "distro": _distro(system)}
    elif package.type == "pypi":
        name = name.lower().replace("_", "-")
    elif package.type == "npm" and name.startswith("@") and "/" in name:
        scope, name = name.split("/", 1)
        space = f"{quote(scope, safe='')}/"
    told = urlencode({key: value for key, value in qualifiers.items() if value}, safe=":")
    version = quote(package.version, safe=":")
    return f"pkg:{package.type}/{space}{quote(name, safe='')}@{version}{f'?{told}' if told else ''}"


def read_sbom(content: bytes) -> Sbom:
    """What a CycloneDX document says, whoever made it; nothing where it is none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return Sbom("", frozenset())
    components = document.get("components")
    listed = components if isinstance(components, list) else []
    return Sbom(_tool(document), frozenset(filter(None, map(_package, listed))))


def _component(package: Package, system: Distribution | None) -> dict[str, Any]:
    url = package_url(package, system)
    return {
        "type": "library",
        "bom-ref": url,
        "name": package.name,
        "version": package.version,
        "purl": url,
    }


def _system(system: Distribution) -> dict[str, Any]:
    version = {"version": system.version} if system.version else {}
    return {"type": "operating-system", "bom-ref": f"os:{_distro(system)}", "name": system.id, **version}


def _distro(system: Distribution | None) -> str:
    if system is None:
        return ""
    return f"{system.id}-{system.version}" if system.version else system.id


def _package(component: Any) -> Package | None:
    url = component.get("purl") if isinstance(component, dict) else None
    found = _PURL.fullmatch(url) if isinstance(url, str) else None
    if found is None:
        return None
    kind, space, name, version = found[1].lower(), found[2] or "", unquote(found[3]), unquote(found[4] or "")
    if space and kind not in ("deb", "apk", "rpm"):
        name = f"{unquote(space)}/{name}"
    return Package(kind, name, version)


def _tool(document: Mapping[str, Any]) -> str:
    """The tool that made it, in either way of saying it."""
    metadata = document.get("metadata")
    tools = metadata.get("tools") if isinstance(metadata, dict) else None
    return next(_names(tools), "")


def _names(tools: Any) -> Iterator[str]:
    listed = tools.get("components") if isinstance(tools, dict) else tools
    for tool in listed if isinstance(listed, list) else []:
        name = tool.get("name") if isinstance(tool, dict) else None
        if isinstance(name, str):
            yield name
