"""What the fields are tried with: a smallest block per kind, what must stand beside some fields, and values that have to be real.

Everything else is derived from the schema. `<n>` in a text becomes the case's number, so that no two share a host or a class.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.model.kind import Kind
from tests.clients.images import image
from tests.kinds.fields.walk import Schema

_KEY_HEAD = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"


def ed25519(byte: int) -> str:
    return f"ssh-ed25519 {base64.b64encode(_KEY_HEAD + bytes([byte]) * 32).decode()} key{byte}"


# Every case has classes of its own: a class takes one application.
_CLASSES = (
    "One",
    "Two",
    *(f"{word}{n:012}" for word in ("First", "Second", "Named", "Managed", "Class") for n in range(200)),
)
_SCRIPT = "".join(f"export class {name} {{}}\n" for name in _CLASSES) + "export default {}\n"

FILES = {
    "worker.js": _SCRIPT,
    "other.js": _SCRIPT + "// another one\n",
    "one.pub": ed25519(1),
    "two.pub": ed25519(2),
    "one.txt": "value one",
    "two.txt": "value two",
    "lib/one.mjs": "export const one = 1\n",
    "lib/two.mjs": "export const two = 2\n",
    "other.Dockerfile": "FROM scratch\nCOPY one.txt /\n",
    ".dockerignore": "containers.yaml\n",
    "context-1/Dockerfile": "FROM scratch AS one\nCOPY . /\nFROM scratch AS two\nCOPY . /\n",
    "context-1/other.Dockerfile": "FROM scratch\nCOPY . /other/\n",
    "context-2/Dockerfile": "FROM scratch\nCOPY . /second/\n",
    "context-2/other.Dockerfile": "FROM scratch\nCOPY . /other/second/\n",
}
ENVIRON = {"ONE": "value one", "TWO": "value two"}

SHARED: dict[str, dict[str, Any]] = {
    "images": {
        "one": {"archive": "image-1"},
        "two": {"archive": "image-2"},
    },
    "secrets": {"one": {"from": {"env": "ONE"}}, "two": {"from": {"env": "TWO"}}},
    "ssh_public_keys": {"one": {"public_key": ed25519(1)}, "two": {"public_key": ed25519(2)}},
    "registries": {"hub": {"domain": "docker.io"}},
    "workers": {
        "classes": {"main": "worker.js", "compatibility_date": "2026-01-01"},
        "service": {"main": "worker.js", "compatibility_date": "2026-01-01"},
    },
    "applications": {
        name: {"image": "${images.one}", "jobs": True, "instances": 0, "instance_type": "standard-2"}
        for name in ("tasks", "others")
    },
}
"""What several cases point to; it is applied before them and stays as it is."""

SEEDS: list[dict[str, Any]] = [
    {"shared": {"archive": "image-1", "name": "shared", "tags": ["first"]}},
    {
        "shared": {"archive": "image-2", "name": "shared", "tags": ["second"]},
        "other": {"archive": "image-2", "name": "other", "tags": ["first"]},
    },
]
"""Images that are pushed one after the other and then left to the registry, for names that say tags and digests."""

BASE: dict[str, dict[str, Any]] = {
    "image": {"archive": "image-1"},
    "secret": {"from": {"env": "ONE"}, "targets": ["account"]},
    "ssh_public_key": {"public_key": ed25519(3)},
    "registry": {
        "domain": "<n>.dkr.ecr.eu-west-1.amazonaws.com",
        "public_credential": "key",
        "private_credential": "${secrets.one}",
    },
    "registry_protocol": {"domains": [{"domain": "docker.io", "path": "shop"}]},
    "account": {},
    "worker": {"main": "worker.js", "compatibility_date": "2026-01-01"},
    "application": {"image": "${images.one}", "instances": 1},
    "deployment": {"image": "${images.one}", "location": "sfo06"},
    "job": {"application": "${applications.tasks}", "command": ["true"]},
}

_PORT = {"ports": {"web": {"port": 80}, "admin": {"port": 81}}}
_CHECK = {"checks": {"one": {"type": "http", "port": "web"}}, **_PORT}
_LISTED_CHECK = {"checks": [{"type": "http", "port": "web"}], **_PORT}
_MANAGED = {
    "scheduling_policy": "durable_object",
    "class_name": "Managed<n>",
    "worker": "classes",
    "image": None,
    "instances": None,
}
_CLASS = {"class_name": "Class<n>", "worker": "classes", "instances": None}

BESIDE: dict[str, dict[str, Any]] = {
    "image.build.context": {"build": {"dockerfile": "other.Dockerfile"}},
    "image.build.": {"build": {"context": "context-1"}},
    "image.image.name": {"image": {"tag": "first"}},
    "application.image.name": {"image": {"tag": "first"}},
    "deployment.image.name": {"image": {"tag": "first"}},
    "job.image.name": {"image": {"tag": "first"}},
    "image.push": {"image": "${env.ELSEWHERE}/thing:first", "archive": None},
    "image.digest": {"name": "shared"},
    "application.worker": {"class_name": "Named<n>", "instances": None},
    "application.class_name": {"worker": "classes", "instances": None},
    "application.jobs": {"instances": 0},
    "application.priorities": {"scheduling_policy": "gpu"},
    "application.instance_type.vcpu": {"instance_type": {"memory_mib": 6144}},
    "application.instance_type.memory_mib": {"instance_type": {"vcpu": 1}},
    "application.instance_type.disk_mb": {"instance_type": {"vcpu": 1, "memory_mib": 6144}},
    "deployment.instance_type.vcpu": {"instance_type": {"memory_mib": 6144}},
    "deployment.instance_type.memory_mib": {"instance_type": {"vcpu": 1}},
    "deployment.instance_type.disk_mb": {"instance_type": {"vcpu": 1, "memory_mib": 6144}},
    "job.instance_type.vcpu": {"instance_type": {"memory_mib": 6144}},
    "job.instance_type.memory_mib": {"instance_type": {"vcpu": 1}},
    "application.checks[]": _LISTED_CHECK,
    "application.checks": _CHECK,
    "deployment.checks[]": _LISTED_CHECK,
    "deployment.checks": _CHECK,
    "application.rollout.gate": {"rollout_kind": "full_manual"},
    "application.generation_variable.vars": _CLASS,
    "worker.routes[].custom_domain": {"routes": [{"pattern": "<n>.example"}]},
    "application.images": _MANAGED,
    "application.prepare_timeout": {**_MANAGED, "images": {"one": "${images.one}"}},
}
"""What stands beside a field so that it may stand; the longest path that fits counts."""

VARIANTS = {
    ("application", "managed"): (
        _MANAGED,
        ("ssh", "authorized_keys", "observability.enabled", "observability.logs"),
    ),
}
"""Other blocks of a kind in which some fields may stand, and are tried once more."""

AFTERWARDS: dict[str, dict[str, Any]] = {"application.class_name": {"worker": None}}
"""What goes together with a field when it is left out."""

_TERMINATION = {"configuration": {"lifecycle": {"max_termination_duration": "10m"}}}
_BOUND = {"type": "durable_object_namespace", "class_name": "One"}
LIVES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "worker.classes.*.renamed_from": (
        {"bindings": {"B": _BOUND}},
        {"bindings": {"B": {**_BOUND, "class_name": "Two"}}, "classes": {"Two": {"renamed_from": "One"}}},
        {"bindings": {"B": {**_BOUND, "class_name": "Two"}}},
    ),
    "application.unsafe.*": (
        {"unsafe": _TERMINATION},
        {"unsafe": {"configuration": {"lifecycle": {"max_termination_duration": "15m"}}}},
        {},
    ),
    "worker.bindings.*.type": (
        {"bindings": {"B": {"type": "kv_namespace", "namespace_id": "a" * 32}}},
        {"bindings": {"B": {"type": "r2_bucket", "bucket_name": "shop"}}},
        {},
    ),
    "worker.placement.*": (
        {"placement": {"mode": "smart"}},
        {"placement": {"region": "aws:eu-west-1"}},
        {},
    ),
    "worker.classes.*.deleted": ({"bindings": {"B": _BOUND}}, {"classes": {"One": {"deleted": True}}}, {}),
}
"""Fields that say what becomes of something: what stands there before, with and after them."""

LAYERS = {"image-1": b"layer 1", "image-2": b"layer 2"}
_DIGESTS = tuple(image(layer).top.digest for layer in LAYERS.values())

TEXTS = ("one", "two")
SAMPLES: dict[str, tuple[Any, ...]] = {
    "image.build": ("context-1", "context-2"),
    "image.build.context": ("context-1", "context-2"),
    "image.build.dockerfile": ("Dockerfile", "other.Dockerfile"),
    "image.build.platform": ("linux/amd64",),
    "image.platform": ("linux/amd64",),
    "image.image": ("shared:first", "shared:second"),
    "image.image.name": ("shared", "other"),
    "image.archive": ("image-1", "image-2"),
    "image.push": (True,),
    "image.build.version_file": ("context-1/one.json", "context-1/two.json"),
    "observability.enabled": (False, True),
    "observability.logs.enabled": (False, True),
    "worker.logpush": (False, True),
    "secret.from.file": ("one.txt", "two.txt"),
    "secret.from.command": (["printf", "one"], ["printf", "two"]),
    "secret.from.onepassword": ("op://vault/item/one", "op://vault/item/two"),
    "secret.from.env": ("ONE", "TWO"),
    "secret.from.sops.file": ("one.txt", "two.txt"),
    "public_key_file": ("one.pub", "two.pub"),
    "registry.domain": ("<n>.dkr.ecr.us-east-1.amazonaws.com", "<n>.dkr.ecr.us-west-2.amazonaws.com"),
    "registry.kind": ("ECR",),
    "registry_protocol.domains.domain": ("docker.io", "registry.cloudflare.com"),
    "private_credential": ("${secrets.one}", "${secrets.two}"),
    "worker.main": ("worker.js", "other.js"),
    "worker.modules": (["lib/one.mjs"], ["lib/*.mjs"]),
    "compatibility_date": ("2026-02-01", "2026-03-01"),
    "worker.bindings": ("${workers.service}", {"type": "kv_namespace", "namespace_id": "a" * 32}),
    "worker.routes": (["one.example/<n>/*"], ["two.example/<n>/*"]),
    "worker.routes.pattern": ("one.example/<n>/*", "two.example/<n>/*"),
    "worker.routes.custom_domain": (True,),
    "triggers.crons": (["0 1 * * *"], ["0 2 * * *"]),
    "image": ("${images.one}", "${images.two}"),
    **dict.fromkeys(
        [f"{kind}.image.name" for kind in ("application", "deployment", "job")], ("shared", "other")
    ),
    "image.tag": ("first", "second"),
    "digest": _DIGESTS,
    "instance_type.vcpu": (1, 2),
    "instance_type.memory_mib": (6144, 8192),
    "instance_type.disk_mb": (4000, 6000),
    "ssh_public_key_ids": (["${ssh_public_keys.one}"], ["${ssh_public_keys.two}"]),
    "authorized_keys": (ed25519(4), ed25519(5)),
    "trusted_user_ca_keys": (ed25519(4), ed25519(5)),
    "public_key": (ed25519(4), ed25519(5)),
    "secrets": ("${secrets.one}", "${secrets.two}"),
    "constraints.regions": (["WEUR"], ["ENAM", "WEUR"]),
    "constraints.jurisdiction": ("eu", "us"),
    "constraints.cities": (["ams"], ["ams", "lhr"]),
    "constraints.tier": (1, 2),
    "constraints.tiers": ([1], [2]),
    "network.mode": ("public", "private"),
    "dns.servers": (["1.1.1.1"], ["8.8.8.8", "1.1.1.1"]),
    "checks.port": ("web", "admin"),
    "checks.tls": (False, True),
    "assign_port.start": (1000, 1001),
    "assign_port.end": (2000, 2001),
    "http.method": ("GET", "HEAD"),
    "application.scheduling_policy": ("moon", "regional"),
    "application.jobs": (True, False),
    "application.worker": ("classes", "service"),
    "application.class_name": ("First<n>", "Second<n>"),
    "application.images": ("${images.one}", "${images.two}"),
    "application.rollout.on_failure": ("revert", "continue"),
    "rollout_step_percentage": (25, [50, 100]),
    "deployment.location": ("sfo06", "ams02"),
    "job.application": ("${applications.tasks}", "${applications.others}"),
    "depends_on": (["secret.one"], ["secret.two"]),
    "replace_on": (["secret.one"], ["secret.two"]),
    "rollout_on": (["secret.one"], ["secret.two"]),
}
"""Values by kind and path, or by the end of a path; the longest that fits counts."""


def value_of(table: Mapping[str, Any], kind: str, path: str) -> Any:
    """The entry for a place: by kind and path, else by the end of the path."""
    path = path.replace("[]", "").replace(".*", "")
    fits = [key for key in table if f"{kind}.{path}" == key or f".{path}".endswith(f".{key}")]
    return table[max(fits, key=lambda key: (f"{kind}.{path}" == key, len(key)))] if fits else None


def above(table: Mapping[str, Any], kind: str, path: str) -> Any:
    """The entry for a place or for the nearest one above it; `a.b.` is for those below only."""
    fits = [key for key in table if re.match(rf"{re.escape(key)}(?=$|[.\[]|(?<=\.).)", f"{kind}.{path}")]
    return table[max(fits, key=len)] if fits else {}


def samples(kind: Kind, path: str, schema: Schema) -> tuple[Any, ...]:
    """Two values of a place, or one where it can have no other."""
    if path == "ignore_changes":
        rows = [row.path for row in kind.attributes if not row.computed]
        return [rows[0]], [rows[-1]]
    values: tuple[Any, ...] = value_of(SAMPLES, kind.name, path) or derived(schema)
    assert values, f"{kind.name}.{path}: no sample satisfies {schema}"
    return values


def derived(schema: Schema) -> tuple[Any, ...]:
    """Values that satisfy a schema."""
    if "anyOf" in schema:
        return tuple(derived(branch)[0] for branch in schema["anyOf"])
    if "const" in schema:
        return (schema["const"],)
    if "enum" in schema:
        default = schema.get("default")
        return tuple([one for one in schema["enum"] if one != default][:2] or schema["enum"])
    kinds = schema.get("type", "string")
    first = kinds if isinstance(kinds, str) else kinds[0]
    return _DERIVED[first](schema)


def _numbers(schema: Schema) -> tuple[Any, ...]:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    if schema["type"] == "number" and schema.get("maximum") == 1:
        return (0.25, 0.5)
    return (low + 2, low + 3) if schema.get("default") != low + 2 else (low + 3, low + 4)


def _texts(schema: Schema) -> tuple[Any, ...]:
    return next((two for two in (TEXTS, ("30s", "45s")) if all(_fits(schema, one) for one in two)), ())


def _fits(schema: Schema, text: str) -> bool:
    return re.search(schema.get("pattern", ""), text) is not None


def _lists(schema: Schema) -> tuple[Any, ...]:
    one, two, *_ = [*derived(schema["items"]), *derived(schema["items"])]
    return ([one], [two, one]) if one != two else ([one],)


_DERIVED: dict[str, Callable[[Schema], tuple[Any, ...]]] = {
    "boolean": lambda schema: (not schema.get("default", False), bool(schema.get("default", False))),
    "integer": _numbers,
    "number": _numbers,
    "string": _texts,
    "array": _lists,
    "object": lambda _schema: ({"key": "one"}, {"key": "two"}),
}
