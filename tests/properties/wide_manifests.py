"""Manifests of every kind by chance, with all that can be said of a container."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.kinds.fields.samples import ed25519
from tests.properties.manifests import manifests, names, variables

KEYS = [ed25519(number) for number in (1, 2, 3)]
_http = st.sampled_from([{"path": "/healthz"}, {"method": "HEAD", "headers": {"A": "b"}}])
_check = {
    "port": st.just("web"),
    "interval": st.sampled_from(["30s", "1m", "1m30s"]),
    "timeout": st.sampled_from(["5s", "1s"]),
    "kind": st.sampled_from(["health", "ready"]),
}
_more = {
    "attempts_before_failure": st.integers(1, 3),
    "grace_period": st.sampled_from(["0s", "2m"]),
    "tls": st.booleans(),
}
checks = st.one_of(
    st.fixed_dictionaries({"type": st.just("tcp"), **_check}, optional=_more),
    st.fixed_dictionaries({"type": st.just("http"), **_check}, optional={**_more, "http": _http}),
)
in_containers: dict[str, st.SearchStrategy[Any]] = {
    "entrypoint": st.sampled_from([["serve"], ["sh", "-c", "exec serve"]]),
    "command": st.sampled_from([["run"], ["run", "--fast"], []]),
    "environment_variables": st.one_of(variables, st.just([{"name": "LOG", "value": "info"}])),
    "labels": variables,
    "dns": st.sampled_from([{"servers": ["1.1.1.1", "8.8.8.8"]}, {"searches": ["a.example"]}, {}]),
    "network": st.sampled_from([{"mode": "private"}, {"mode": "public", "assign_ipv4": "none"}, {}]),
    "ssh_public_key_ids": st.just(["${ssh_public_keys.ops}"]),
    "trusted_user_ca_keys": st.sampled_from([{"one": KEYS[1]}, [{"public_key": KEYS[2]}]]),
    "authorized_keys": st.sampled_from([{"one": KEYS[1]}, {"one": KEYS[1], "two": KEYS[2]}]),
    "ssh": st.sampled_from([{"enabled": True}, {"enabled": True, "port": 2222}, {"enabled": False}]),
    "provisioner": st.sampled_from([{"type": "none"}, {"type": "cloudinit"}]),
    "experimental_flags": st.just(["one"]),
    "observability": st.sampled_from([{"enabled": True}, {"enabled": False}, {"logs": {"enabled": True}}]),
}


@st.composite
def container_keys(draw: st.DrawFn) -> dict[str, Any]:
    """Keys that applications and deployments share, in all their spellings."""
    made = draw(st.fixed_dictionaries({}, optional=in_containers))
    made = {key: value for key, value in made.items() if draw(st.booleans())}
    if draw(st.booleans()):
        made["ports"] = {"web": {"port": draw(st.sampled_from([80, 8080]))}}
        made["checks"] = draw(st.dictionaries(names, checks, max_size=2))
    return made


own_account = st.fixed_dictionaries(
    {"vcpus": st.sampled_from([0.5, 1])},
    optional={"memory_mib": st.sampled_from([512, 1024]), "disk_mb": st.just(2000)},
)
protocols = st.fixed_dictionaries(
    {"domain": st.just("docker.io"), "path": st.sampled_from(["a", "b/c", "with/a/longer/path"])}
).map(lambda one: [one])
hubs = st.fixed_dictionaries(
    {
        "domain": st.sampled_from([f"{n}23456789012.dkr.ecr.eu-west-1.amazonaws.com" for n in (1, 2)]),
        "public_credential": st.sampled_from(["first", "second"]),
        "private_credential": st.just("${secrets.token}"),
    }
)
unlike_hubs = st.lists(hubs, max_size=2, unique_by=lambda one: one["domain"])
runs = st.fixed_dictionaries(
    {"application": st.just("${applications.tasks}"), "command": st.sampled_from([["true"], ["echo", "x"]])},
    optional={
        "run": st.sampled_from(["on_change", "once"]),
        "environment_variables": variables,
        "timeout": st.sampled_from(["30s", "5m"]),
        "secrets": st.just({"DSN": "pg://${secrets.token}@db"}),
    },
)
TASKS = {"image": "${images.one}", "instances": 0, "jobs": True, "instance_type": "standard-1"}


@st.composite
def wide_manifests(draw: st.DrawFn) -> dict[str, Any]:
    """Manifests of every kind."""
    made = draw(manifests())
    for section in ("applications", "deployments"):
        for block in made[section].values():
            block |= draw(container_keys())
    made["ssh_public_keys"] = {"ops": {"public_key": draw(st.sampled_from(KEYS))}}
    made["registry_protocols"] = {
        key: {"domains": some} for key, some in draw(st.dictionaries(names, protocols, max_size=2)).items()
    }
    made["registries"] = {f"hub{at}": one for at, one in enumerate(draw(unlike_hubs))}
    if draw(st.booleans()):
        made["account"] = {"defaults": draw(own_account)}
    if draw(st.booleans()):
        made["applications"]["tasks"] = TASKS
        made["jobs"] = draw(st.dictionaries(names, runs, max_size=2))
    return made
