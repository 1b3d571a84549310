"""Whatever is sent, the answer is a yes or a reasoned no: never 500, and a no changes nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.cloud import IMAGE, Cloud, wish

AUTH = {"public_credential": "me", "private_credential": {"store_id": "s", "secret_name": "n"}}
FULL = {
    **wish(constraints={"regions": ["WEUR"], "tiers": [1]}, observability={"logs": {"enabled": True}}),
    "configuration": {
        "image": f"{IMAGE}:1",
        "vcpu": 1,
        "memory": "4GB",
        "disk": {"size": "2GB", "size_mb": 2000},
        "environment_variables": [{"name": "A", "value": "B"}],
        "labels": [{"name": "a", "value": "b"}],
        "checks": [{"type": "http", "port": "web", "interval": "1s", "timeout": "1s", "kind": "ready"}],
        "network": {"mode": "public"},
    },
}
STEP = {"step_size": {"percentage": 100}, "description": "all"}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "applications"): FULL,
    ("PATCH", "applications/{id}"): {
        key: FULL[key] for key in ("configuration", "constraints", "max_instances")
    },
    ("POST", "applications/{id}/rollouts"): {
        "description": "d",
        "strategy": "rolling",
        "steps": [STEP],
        "target_configuration": FULL["configuration"],
    },
    ("POST", "applications/{id}/jobs"): {
        "entrypoint": ["a"],
        "command": ["b"],
        "vcpu": 1,
        "memory_mib": 4096,
    },
    ("POST", "deployments/v2"): {**FULL["configuration"], "location": "sfo06"},
    ("POST", "secrets"): {"name": "a", "value": "b"},
    ("POST", "ssh-public-keys"): {"name": "a", "public_key": "ssh-ed25519 AAAA"},
    ("POST", "registries"): {"domain": "docker.io", "kind": "DockerHub", "auth": AUTH},
    ("POST", "registries/protos"): {"proto": "cf", "domains": [{"domain": "docker.io", "path": "x"}]},
    ("POST", "registries/registry.cloudflare.com/credentials"): {
        "permissions": ["pull"],
        "expiration_minutes": 1,
    },
    ("PATCH", "me"): {"defaults": {"vcpus": 1, "memory_mib": 4096, "disk_mb": 2000}},
    ("POST", "image-preparations"): {"image": f"{IMAGE}@sha256:{'1' * 64}"},
}
strange = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in items for found in paths(item, (*path, key)))]


@st.composite
def spoilt(draw: st.DrawFn, body: dict[str, Any]) -> Any:
    """The body with one value, anywhere, replaced by something else, or gone."""
    path = draw(st.sampled_from(paths(body)))
    if not path:
        return draw(strange)
    changed = copy.deepcopy(body)
    target = changed
    for key in path[:-1]:
        target = target[key]
    if draw(st.booleans()):
        target[path[-1]] = draw(strange)
    else:
        del target[path[-1]]
    return changed


@pytest.mark.parametrize(("method", "path"), list(BODIES))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_body_gets_a_reasoned_answer(cloud: Cloud, method: str, path: str, data: st.DataObject) -> None:
    body = data.draw(spoilt(BODIES[method, path]))
    cloud.delete("/emulator/world")
    application = cloud.application(jobs=True, instances=0)
    before = cloud.get("/emulator/world").json
    reply = cloud.ask(method, path.format(id=application["id"]), body)
    assert reply.status < 500, reply.body
    if reply.status >= 400:
        assert reply.error
        assert cloud.get("/emulator/world").json == before
