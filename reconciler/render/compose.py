"""A Compose document from a manifest: each application as a service, for a production-like run on one machine.

Pure. Nothing of the source is mounted: what runs is the built image. What is secret, or known only outside, becomes a variable
that `.env` sets; `.env.example` names them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any

from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.manifest import Manifest
from reconciler.model.resource import Desired
from reconciler.model.value import Ref, TextOf, Value
from reconciler.render.compose_text import yaml_text
from reconciler.render.harmless import harmless

PROFILES_LABEL = "compose.profiles"
"""The label of an application that names the profiles it belongs to, separated by commas."""

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{(?P<inner>[^}]*)\}|\$")
_ENVIRONMENT = re.compile(r"env\.(?P<name>\w+)(?::-(?P<default>.*))?", re.DOTALL)
_ACCOUNT = re.compile(r"[0-9a-f]{32}/")
_DAEMON = "docker-daemon:"

Service = dict[str, Any]


@frozen
class ComposeFile:
    """The document, the example of its `.env`, and what has to be said about both."""

    text: str
    env_example: str
    notes: tuple[str, ...]


@frozen
class Surroundings:
    """What a manifest does not say: where a build's context lies from the file, and which ports its Dockerfile exposes."""

    context: Callable[[str], str] = lambda path: path
    exposed: Mapping[ResourceAddress, tuple[str, ...]] = field(default_factory=dict)


def compose_file(manifest: Manifest, around: Surroundings) -> ComposeFile:
    """Writes the services of one environment; applications that are somebody else's have none."""
    writing = _Writing(manifest, around)
    services = {
        name: service
        for desired in manifest.resources.values()
        if desired.address.kind == "application" and not desired.external
        for name, service in writing.services(desired)
    }
    head = f"# Written by `reconciler compose` from {manifest.path}; secrets and settings come from .env"
    text = f"{harmless(head)}\n{yaml_text({'services': services})}"
    return ComposeFile(text, writing.env_example(), tuple(writing.notes))


class _Writing:
    """The services so far: the variables that they need, and the ports of this machine that are taken."""

    def __init__(self, manifest: Manifest, around: Surroundings) -> None:
        self._resources = manifest.resources
        self._around = around
        self._variables: dict[str, tuple[str, str]] = {}
        self._taken: set[str] = set()
        self.notes: dict[str, None] = {}

    def services(self, desired: Desired) -> Iterator[tuple[str, Service]]:
        """One service for an application; one for each image of an application that chooses among several."""
        name = "-".join(filter(None, (desired.address.key, desired.address.each)))
        several = desired.attributes.get("images")
        if isinstance(several, Mapping):
            for key, value in several.items():
                yield f"{name}-{key}", self._service(desired, value)
        elif desired.attributes.get("image") is not None:
            yield name, self._service(desired, desired.attributes["image"])

    def _service(self, desired: Desired, image: Value) -> Service:
        attributes = desired.attributes
        dns = attributes.get("dns") or {}
        service: Service = {
            **self._image(desired, image),
            "platform": "linux/amd64",
            "entrypoint": self._texts(attributes.get("entrypoint")),
            "command": self._texts(attributes.get("command")),
            "environment": self._environment(desired),
            "ports": self._ports(desired, image),
            "dns": self._texts(dns.get("servers")),
            "dns_search": self._texts(dns.get("searches")),
            # What runs on the machine itself, a database say, has this name on every system.
            "extra_hosts": ["host.docker.internal:host-gateway"],
            "profiles": _profiles(attributes.get("labels") or {}),
        }
        return {key: value for key, value in service.items() if value}

    def _image(self, desired: Desired, image: Value) -> Service:
        found = self._resources.get(image.address) if isinstance(image, Ref) else None
        if found is None:
            host = str((desired.settings.get("image") or {}).get("registry_host", ""))
            return {"image": self._reference(image, host)}
        if isinstance(found.attributes.get("build"), Mapping):
            return {"build": self._build(found)}
        if found.attributes.get("archive") is not None:
            return {"image": self._archive(found)}
        host = str(found.settings.get("prefix", "")).partition("/")[0]
        digest = found.attributes.get("digest")
        text = self._reference(found.attributes.get("image"), host)
        return {"image": f"{text.partition('@')[0]}@{digest}" if isinstance(digest, str) else text}

    def _reference(self, image: Value, host: str) -> str:
        """An image's name; what lies in Cloudflare's registry lies under an account."""
        text = self._text(image)
        path = text.removeprefix(f"{host}/")
        if not host or path == text or _ACCOUNT.match(path):
            return text
        return f"{host}/{self._variable('CLOUDFLARE_ACCOUNT_ID', 'your account')}/{path}"

    def _build(self, image: Desired) -> Service:
        block = image.attributes["build"]
        if block.get("version_file"):
            path = block["version_file"]
            self.notes[
                f"{image.address}: Compose does not write {path}; the build takes the one that lies there"
            ] = None
        args = {name: self._text(value) for name, value in (block.get("args") or {}).items()}
        build = {
            "context": self._around.context(self._text(block["context"])),
            "dockerfile": self._text(block.get("dockerfile")),
            "target": self._text(block.get("target")),
            "args": args,
        }
        return {key: value for key, value in build.items() if value}

    def _archive(self, image: Desired) -> str:
        archive = str(image.attributes["archive"])
        if archive.startswith(_DAEMON):
            return archive.removeprefix(_DAEMON)
        name = f"cloudflare-dev/{image.address.key}:local"
        self.notes[f"{image.address}: Compose cannot read {archive}; load it into Docker as {name} first"] = (
            None
        )
        return name

    def _environment(self, desired: Desired) -> dict[str, str]:
        attributes = desired.attributes
        plain = attributes.get("environment_variables") or {}
        found = {name: self._text(value) for name, value in plain.items()}
        generation = attributes.get("generation_variable")
        if isinstance(generation, Mapping):
            found[str(generation["name"])] = "1"
        for name, value in (attributes.get("secrets") or {}).items():
            found[name] = self._secret(value)
        return found

    def _secret(self, value: Value) -> str:
        if not isinstance(value, Ref):
            return self._text(value)
        secret = self._resources.get(value.address)
        source = secret.attributes.get("from", {}) if secret else {}
        named = source.get("env") if isinstance(source, Mapping) else None
        name = named if isinstance(named, str) else _as_variable(f"{value.address.key} {value.address.each}")
        return self._variable(name, str(value.address))

    def _ports(self, desired: Desired, image: Value) -> list[str]:
        """The ports of the manifest, else of the Dockerfile; each number of this machine is given once."""
        named = (desired.attributes.get("ports") or {}).values()
        numbers = [str(port["port"]) for port in named if port.get("port") is not None]
        if not numbers and isinstance(image, Ref):
            numbers = list(self._around.exposed.get(image.address, ()))
        found = []
        for number in numbers:
            outside = number.partition("/")[0]
            found.append(number if outside in self._taken else f"{outside}:{number}")
            self._taken.add(outside)
        return found

    def _texts(self, values: Value) -> list[str]:
        return [self._text(value) for value in values or ()]

    def _text(self, value: Value) -> str:
        """A value as Compose reads it: a `$` of the text doubled, what is known only outside a variable."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, TextOf) and value.path == ("name",) and value.address in self._resources:
            value = self._resources[value.address].name
        if not hasattr(value, "expression"):
            return str(value).replace("$", "$$")
        return _PLACEHOLDER.sub(self._filled, value.expression)

    def _filled(self, found: re.Match[str]) -> str:
        inner = found["inner"]
        if inner is None:
            return "$${" if found[0] == "$${" else "$$"
        outside = _ENVIRONMENT.fullmatch(inner)
        if outside is None:
            return self._variable(_as_variable(inner), f"stands for ${{{inner}}}")
        return self._variable(outside["name"], "", outside["default"])

    def _variable(self, name: str, about: str, default: str | None = None) -> str:
        self._variables.setdefault(name, (about, default or ""))
        return f"${{{name}}}" if default is None else f"${{{name}:-{default}}}"

    def env_example(self) -> str:
        """The variables, without the values of secrets."""
        lines = ["# Copy this file to .env and fill it in. Never commit .env."]
        for name, (about, default) in sorted(self._variables.items()):
            lines += [harmless(f"# {about}")] if about else []
            lines.append(harmless(f"{name}={default}"))
        return "\n".join(lines) + "\n"


def _as_variable(text: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")


def _profiles(labels: Mapping[str, Value]) -> list[str]:
    names = labels.get(PROFILES_LABEL, "")
    return [name.strip() for name in str(names).split(",") if name.strip()]
