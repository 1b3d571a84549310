"""Two versions of a manifest: going from one to the other creates, updates, replaces and deletes things of every kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.clients.images import image, layout_files, write_folder
from tests.kinds.fields.samples import ed25519

CLASSES = ("Kept", "Moved", "Other", "Gone", "New")
ENVIRON = {"ONE": "value one", "TWO": "value two"}
HEAD: dict[str, Any] = {"version": 1, "project": "all"}
_SCRIPT = "".join(f"export class {name} {{}}\n" for name in CLASSES) + "export default {}\n"
_WORKER = {"main": "worker.js", "compatibility_date": "2026-01-01"}
_ALONE = {"image": "${images.kept}", "instances": 1}
_PLACED = {"image": "${images.kept}", "location": "sfo06"}
_RUN = {"application": "${applications.tasks}", "command": ["true"]}
_ACCOUNT = {"targets": ["account"]}


def _behind(class_name: str, **more: Any) -> dict[str, Any]:
    return {"image": "${images.kept}", "class_name": class_name, "worker": "kept", "max_instances": 2, **more}


def _hub(key: str, number: int) -> dict[str, Any]:
    domain = f"{number}23456789012.dkr.ecr.eu-west-1.amazonaws.com"
    return {"domain": domain, "public_credential": key, "private_credential": "${secrets.plain}"}


FIRST: dict[str, Any] = {
    **HEAD,
    "account": {"defaults": {"vcpus": 0.5}},
    "images": {
        "kept": {"archive": "image-1"},
        "named": {"archive": "image-2", "name": "first-name"},
        "gone": {"archive": "image-3"},
    },
    "secrets": {
        "plain": {"from": {"env": "ONE"}},
        "kept": {"from": {"env": "ONE"}, **_ACCOUNT},
        "named": {"from": {"env": "ONE"}, "name": "first_name", **_ACCOUNT},
        "gone": {"from": {"env": "ONE"}, **_ACCOUNT},
    },
    "ssh_public_keys": {
        key: {"public_key": ed25519(n)} for n, key in enumerate(("kept", "other", "gone"), 1)
    },
    "registries": {"kept": _hub("first", 1), "moved": _hub("first", 2), "gone": _hub("first", 3)},
    "registry_protocols": {
        "kept": {"domains": [{"domain": "docker.io", "path": "one"}]},
        "gone": {"domains": [{"domain": "docker.io", "path": "one"}]},
    },
    "workers": {
        "kept": {**_WORKER, "vars": {"A": "one"}, "secrets": {"S": "${secrets.kept}"}},
        "named": {**_WORKER, "name": "first-name"},
        "gone": {**_WORKER},
    },
    "applications": {
        "tasks": {**_ALONE, "instances": 0, "jobs": True},
        "kept": _behind("Kept", environment_variables={"A": "one"}, secrets={"S": "${secrets.kept}"}),
        "moved": _behind("Moved"),
        "gone": _behind("Gone"),
        "alone": {**_ALONE},
        "apart": {**_ALONE, "name": "first-name"},
        "leaving": {**_ALONE},
    },
    "deployments": {
        "kept": {**_PLACED, "environment_variables": {"A": "one"}},
        "fixed": {**_PLACED, "ports": {"web": {"port": 80}}},
        "gone": {**_PLACED},
    },
    "jobs": {"kept": {**_RUN}, "gone": {**_RUN}},
    "outputs": {"id": "${applications.kept.id}"},
}

SECOND: dict[str, Any] = {
    **HEAD,
    "account": {"defaults": {"vcpus": 1, "memory_mib": 512}},
    "images": {
        "kept": {"archive": "image-2"},
        "named": {"archive": "image-2", "name": "second-name"},
        "new": {"archive": "image-4"},
    },
    "secrets": {
        "plain": {"from": {"env": "ONE"}},
        "kept": {"from": {"env": "TWO"}, **_ACCOUNT},
        "named": {"from": {"env": "ONE"}, "name": "second_name", **_ACCOUNT},
        "new": {"from": {"env": "ONE"}, **_ACCOUNT},
    },
    "ssh_public_keys": {
        key: {"public_key": ed25519(n)} for key, n in (("kept", 1), ("other", 5), ("new", 6))
    },
    "registries": {"kept": _hub("second", 1), "moved": _hub("first", 4), "new": _hub("first", 5)},
    "registry_protocols": {
        "kept": {"domains": [{"domain": "docker.io", "path": "two"}]},
        "new": {"domains": [{"domain": "docker.io", "path": "one"}]},
    },
    "workers": {
        "kept": {**_WORKER, "vars": {"A": "two"}, "secrets": {"S": "${secrets.kept}"}},
        "named": {**_WORKER, "name": "second-name"},
        "new": {**_WORKER},
    },
    "applications": {
        "tasks": {**_ALONE, "instances": 0, "jobs": True},
        "kept": _behind("Kept", environment_variables={"A": "two"}, secrets={"S": "${secrets.kept}"}),
        "moved": _behind("Other"),
        "new": _behind("New"),
        "alone": {**_ALONE, "instances": 2},
        "apart": {**_ALONE, "name": "second-name"},
        "coming": {**_ALONE},
    },
    "deployments": {
        "kept": {**_PLACED, "environment_variables": {"A": "two"}, "image": "${images.new}"},
        "fixed": {**_PLACED, "ports": {"web": {"port": 81}}},
        "new": {**_PLACED},
    },
    "jobs": {"kept": {**_RUN, "command": ["false"], "entrypoint": ["echo"]}, "new": {**_RUN}},
    "outputs": {"id": "${applications.kept.id}"},
}


def write(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Puts the manifest and all that it reads into a folder."""
    for number in range(1, 5):
        write_folder(folder / f"image-{number}", layout_files(image(f"layer {number}".encode())))
    (folder / "worker.js").write_text(_SCRIPT)
    (folder / "containers.yaml").write_text(json.dumps(manifest, indent=1))
