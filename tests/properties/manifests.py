"""Manifests by chance: several kinds, values that the service stores otherwise than written, names that change places."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.clients.images import image, layout_files, write_folder
from tests.e2e.shop import WORKER
from tests.harness import Project

ALLOWED = ("--allow", "DELETES_DATA", "--allow", "DISABLES_CONTAINER")
names = st.sampled_from(["a", "b", "c"])
texts = st.sampled_from(
    ["info", "debug", "1.10", "no", "", "ünïcode", "with ${var.word} inside", "$${not}", "0123"]
)
variables = st.dictionaries(st.sampled_from(["LOG", "MODE", "PORT"]), texts, max_size=3)
instance_types = st.one_of(
    st.sampled_from(["lite", "basic", "standard-1", "standard-4", "dev"]),
    st.fixed_dictionaries(
        {
            "vcpu": st.sampled_from([1, 2]),
            "memory_mib": st.sampled_from([6144, 8192]),
            "disk_mb": st.just(9000),
        }
    ),
)
constraints: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "regions": st.lists(st.sampled_from(["WEUR", "EEUR", "enam"]), min_size=1, max_size=2, unique=True),
        "tiers": st.sampled_from([[1], [2, 1]]),
        "jurisdiction": st.just("eu"),
    },
).filter(lambda it: "jurisdiction" not in it or "enam" not in str(it))
applications = st.fixed_dictionaries(
    {"image": st.sampled_from(["${images.one}", "${images.two.ref}"])},
    optional={
        "instance_type": instance_types,
        "max_instances": st.sampled_from([0, 1, 5, "${var.count}"]),
        "constraints": constraints,
        "environment_variables": variables,
        "labels": variables,
        "rollout_step_percentage": st.sampled_from([25, [100]]),
        "rollout_active_grace_period": st.sampled_from([0, 60]),
        "command": st.just(["run", "--fast"]),
        "observability": st.sampled_from([{"logs": {"enabled": True}}, {"logs": {"enabled": False}}]),
        "ports": st.just([{"name": "http", "port": 80}]),
        "dns": st.just({"servers": ["1.1.1.1"]}),
        "secrets": st.just({"TOKEN": "${secrets.token}"}),
        "rollout_on": st.just(["secret.token"]),
    },
)
workers = st.fixed_dictionaries(
    {},
    optional={
        "vars": variables,
        "secrets": st.just({"DSN": "pg://${secrets.token}@db"}),
        "triggers": st.just({"crons": ["*/5 * * * *"]}),
        "observability": st.just({"enabled": True}),
        "limits": st.just({"cpu_ms": 50}),
        "compatibility_flags": st.just(["nodejs_compat"]),
    },
)

deployments = st.fixed_dictionaries(
    {"image": st.just("${images.one}"), "location": st.sampled_from(["sfo06", "ams02"])},
    optional={
        "instance_type": st.sampled_from(["lite", "basic"]),
        "environment_variables": variables,
        "secrets": st.just({"TOKEN": "${secrets.token}"}),
    },
)
own_names = st.permutations(["first", "second", "third"])
"""Names for a, b and c, exchanged between versions of a manifest: what goes by one may have to go before another comes."""


@st.composite
def secrets(draw: st.DrawFn) -> dict[str, Any]:
    source: dict[str, Any] = {"from": {"env": "TOKEN"}}
    made = {"token": source}
    for key, name in zip("abc", draw(own_names), strict=True):
        if draw(st.booleans()):
            made[key] = {**source, "targets": ["account"], "name": name}
    return made


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    classes = iter(["Api", "Jobs"])
    made: dict[str, Any] = {}
    bindings: dict[str, str] = {}
    named = dict(zip("abc", draw(own_names), strict=True))
    for key, block in draw(st.dictionaries(names, applications, max_size=3)).items():
        class_name = next(classes, None)
        owned = {"class_name": class_name} if class_name else {"instances": 1}
        if class_name is None:
            block.pop("max_instances", None)
        else:
            bindings[key.upper()] = f"${{applications.{key}}}"
        made[key] = {**block, **owned, "name": named[key]}
    manifest: dict[str, Any] = {
        "version": 1,
        "project": "law",
        "variables": {"word": {"default": "w"}, "count": {"type": "integer", "default": 3}},
        "images": {"one": {"archive": "one"}, "two": {"archive": "two"}},
        "secrets": draw(secrets()),
        "deployments": draw(st.dictionaries(names, deployments, max_size=2)),
        "outputs": {key: f"${{applications.{key}.id}}" for key in made},
    }
    manifest["applications"] = made
    if bindings:
        worker = {"main": "worker.js", "compatibility_date": "2026-10-01", **draw(workers)}
        manifest["workers"] = {"edge": {**worker, "bindings": bindings}}
    return manifest


def lay_out(made: Project) -> None:
    """Puts what the manifests read into a project."""
    for name in ("one", "two"):
        write_folder(made.folder / name, layout_files(image(name.encode())))
    made.write(WORKER, "worker.js")
    made.environ["TOKEN"] = "t0ken-value"


def apply_and_look_again(made: Project, manifest: dict[str, Any]) -> None:
    """Applies a manifest, and demands that there is nothing left to do, and nothing to wonder about."""
    made.write(json.dumps(manifest, indent=1))
    ended = made.run("apply", "--yes", *ALLOWED)
    if ended.code == 3:
        plan = made.plan()
        ended = made.run("apply", "--yes", *(word for flag in plan["allow_needed"] for word in flag.split()))
    assert ended.code == 0, ended.err
    looked = made.run("plan", "--json", "--detailed-exitcode")
    assert looked.code == 0, looked.out
    assert (looked.document["changes"], looked.document["drift"]) == ([], [])
