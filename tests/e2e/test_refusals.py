"""Every error constant of the service (reference 1.6), provoked: the message names the resource, its line and what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.remedies import REMEDIES
from reconciler.clients.settings import ApiCredentials
from reconciler.clients.transport import Transport
from reconciler.errors import ProviderError
from tests.clients.images import image, layout_files, write_folder
from tests.e2e.shop import WORKER
from tests.harness import ACCOUNT, Ended, Project, project

HEAD = (
    "version: 1\nproject: shop\nimages: {api: {archive: image}}\nsecrets:\n  db: {from: {env: DB_PASSWORD}}\n"
)
HERE = "# here"
LONG_AGO = 3600
DOCUMENTED = 24  # constants in reference 1.6
OTHER_ACCOUNT = "b" * 32


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a constant is provoked. `applied` is there first; `by_hand` happens after it; then `manifest` is applied."""

    constant: str
    address: str
    manifest: str
    says: str  # part of the remedy
    applied: str = ""
    by_hand: tuple[tuple[str, str, Any], ...] = ()
    faults: tuple[Mapping[str, Any], ...] = ()

    def __str__(self) -> str:
        return self.constant


def application(**unsafe: Any) -> str:
    """An application that sends what the tool itself would not, so that it is the service that refuses."""
    sent = json.dumps(unsafe)
    return f"applications:\n  api: {HERE}\n    image: ${{images.api}}\n    instances: 1\n    unsafe: {sent}\n"


BIG = "instance_type: {vcpu: 3, memory_mib: 12288, disk_mb: 20000}\n    unsafe:"


def unsafe_image(name: str) -> str:
    return application(configuration={"image": name})


def deployment(fields: str) -> str:
    return f"deployments:\n  web: {HERE}\n    image: ${{images.api}}\n    {fields}\n"


def answering(method: str, path: str, status: int, constant: str) -> dict[str, Any]:
    """A fault with the service's own form of a refusal, where it comes of a race with somebody else."""
    message = json.dumps({"error": constant})
    body = {"success": False, "errors": [{"code": 1000, "message": message}], "messages": [], "result": None}
    return {"method": method, "path": path, "fault": {"status": status, "body": body}, "times": 0}


def unseen(path: str) -> dict[str, Any]:
    """Lists that do not show yet what somebody else has just done."""
    return {"method": "GET", "path": path, "fault": {"stale": LONG_AGO}, "times": 0}


NOT_ASKED = {"method": "GET", "path": "/containers/me$", "fault": {"status": 403, "body": {}}, "times": 0}
"""An account that does not tell its limits: what it would refuse cannot be known before."""

CLASSES = """\
workers:
  edge:
    main: worker.js
    bindings: {JOBS: {type: durable_object_namespace, class_name: Jobs}, API: "${applications.web}"}
applications:
  web: {image: "${images.api}", class_name: Api}
"""


def behind(class_name: str) -> str:
    link = f"${{workers.edge.namespaces.{class_name}}}"
    return CLASSES + application(durable_objects={"namespace_id": link}).removeprefix("applications:\n")


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE ops"
HUB = '{domain: docker.io, public_credential: shop, private_credential: "${secrets.db}"}'
REGISTRY = f"registries:\n  hub: {HERE}\n    {HUB[1:-1].replace(', p', chr(10) + '    p')}\n"
PROTOCOL = f"registry_protocols:\n  cf: {HERE}\n    domains: [{{domain: docker.io, path: shop}}]\n"
SECRET = f"  token: {HERE}\n    {{from: {{env: DB_PASSWORD}}, targets: [account]}}\n"
JOB = (
    "applications:\n  tasks: {external: true, name: by-hand}\n"
    f"jobs:\n  migrate: {HERE}\n    application: ${{applications.tasks}}\n    image: ${{images.api}}\n"
)
BY_HAND = {
    "name": "by-hand",
    "scheduling_policy": "default",
    "instances": 370,
    "max_instances": 370,
    "configuration": {"image": "docker.io/library/redis:7", "instance_type": "standard-4"},
}

REFUSALS = [
    Refusal("VALIDATE_INPUT", "application.api", application(nonsense=1), "correct the field that is named"),
    Refusal(
        "SURPASSED_BASE_LIMITS",
        "application.api",
        application(configuration={"vcpu": 8, "memory_mib": 32768}).replace("unsafe:", BIG),
        "choose a smaller `instance_type`",
    ),
    Refusal(
        "SURPASSED_TOTAL_LIMITS",
        "application.api",
        application(instances=2000),
        "lower `max_instances`",
        by_hand=(("POST", "containers/applications", BY_HAND),),
    ),
    Refusal(
        "LOCATION_NOT_ALLOWED",
        "deployment.web",
        deployment("location: nowhere"),
        "`reconciler account`",
        faults=(NOT_ASKED,),
    ),
    Refusal(
        "LOCATION_SURPASSED_BASE_LIMITS",
        "deployment.web",
        deployment("location: dxb01\n    instance_type: standard-4"),
        "another `location`",
        faults=(NOT_ASKED,),
    ),
    Refusal(
        "IMAGE_REGISTRY_NOT_CONFIGURED", "application.api", unsafe_image("ghcr.io/acme/api:1"), "`registries`"
    ),
    Refusal(
        "IMAGE_REGISTRY_RETURNED_ERROR",
        "application.api",
        unsafe_image(f"registry.cloudflare.com/{OTHER_ACCOUNT}/api:1"),
        "check `image`",
    ),
    Refusal(
        "IMAGE_REGISTRY_DOESNT_CONTAIN_IMAGE",
        "application.api",
        unsafe_image(f"registry.cloudflare.com/{ACCOUNT}/missing:1"),
        "push it",
    ),
    Refusal(
        "JOB_CREATE_NOT_ALLOWED",
        "job.migrate",
        JOB,
        "made without `jobs: true`",
        by_hand=(("POST", "containers/applications", BY_HAND),),
    ),
    Refusal(
        "DURABLE_OBJECT_NOT_FOUND",
        "application.api",
        application(durable_objects={"namespace_id": "0" * 32}),
        "plan again",
    ),
    Refusal("DURABLE_OBJECT_NOT_CONTAINER_ENABLED", "application.api", behind("Jobs"), "plan again", CLASSES),
    Refusal("DURABLE_OBJECT_ALREADY_HAS_APPLICATION", "application.api", behind("Api"), "`adopt: true`", CLASSES),
    Refusal(
        "DEPLOYMENT_NOT_FOUND",
        "deployment.web",
        deployment("location: ams02"),
        "plan again",
        deployment("location: sfo06"),
        faults=(answering("PATCH", "/deployments/.*/v2", 404, "DEPLOYMENT_NOT_FOUND"),),
    ),
    Refusal(
        "SECRET_NAME_ALREADY_EXISTS",
        "secret.token",
        SECRET,
        "`adopt: true`",
        by_hand=(("POST", "containers/secrets", {"name": "shop-token", "value": "x"}),),
        faults=(unseen("/containers/secrets"),),
    ),
    Refusal(
        "IMAGE_REGISTRY_ALREADY_EXISTS",
        "registry.hub",
        REGISTRY,
        "`adopt: true`",
        by_hand=(
            (
                "POST",
                "containers/registries",
                {"domain": "docker.io", "kind": "DockerHub", "is_public": True},
            ),
        ),
        faults=(unseen("/containers/registries$"),),
    ),
    Refusal(
        "IMAGE_REGISTRY_NOT_ALLOWED",
        "registry_protocol.cf",
        PROTOCOL.replace("docker.io", "quay.io"),
        "declare that domain under `registries`",
    ),
    Refusal(
        "IMAGE_REGISTRY_PROTOCOL_NOT_FOUND",
        "registry_protocol.cf",
        PROTOCOL.replace("path: shop", "path: store"),
        "plan again",
        PROTOCOL,
        by_hand=(("DELETE", "containers/registries/protos/cf", None),),
        faults=(unseen("/registries/protos"),),
    ),
    Refusal(
        "IMAGE_REGISTRY_PROTOCOL_ALREADY_EXISTS",
        "registry_protocol.cf",
        PROTOCOL,
        "`adopt: true`",
        by_hand=(
            ("POST", "containers/registries/protos", {"proto": "cf", "domains": [{"domain": "docker.io", "path": "x"}]}),
        ),
        faults=(unseen("/registries/protos"),),
    ),
]  # fmt: skip

HEALED = [
    Refusal(
        "SECRET_NAME_NOT_FOUND",
        "secret.token",
        SECRET.replace("DB_PASSWORD", "OTHER"),
        "",
        SECRET,
        by_hand=(("DELETE", "containers/secrets/shop-token", None),),
        faults=(unseen("/containers/secrets"),),
    ),
    Refusal(
        "SSH_PUBLIC_KEY_NOT_FOUND",
        "ssh_public_key.ops",
        "",
        "",
        f"ssh_public_keys:\n  ops: {HERE}\n    public_key: {KEY}\n",
        by_hand=(("DELETE", "containers/ssh-public-keys/shop-ops", None),),
        faults=(unseen("/ssh-public-keys"),),
    ),
    Refusal(
        "IMAGE_REGISTRY_NOT_FOUND",
        "registry.hub",
        "",
        "",
        REGISTRY,
        by_hand=(("DELETE", "containers/registries/docker.io", None),),
        faults=(unseen("/containers/registries$"),),
    ),
]
"""Refusals after which things are as they were meant to be: what was to go is gone, and what is gone is made again."""

IN_USE = Refusal("IMAGE_REGISTRY_PROTO_IS_REFERENCED", "registry_protocol.cf", "", "", PROTOCOL)

NEVER_ASKED = {
    "IMAGE_REGISTRY_IS_PUBLIC": ("POST", "/containers/registries/docker.io/credentials"),
    "INVALID_INSTANCE_ID": ("GET", "/containers/instances/nonsense/ssh"),
}
"""Refusals of requests that no resource comes to: the client words them all the same."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        write_folder(tmp_path / "image", layout_files(image(b"layer one")))
        made.write(WORKER, "worker.js")
        made.environ |= {"DB_PASSWORD": "s3cret-value", "OTHER": "0ther-value"}
        yield made


def applied(shop: Project, refusal: Refusal) -> Ended:
    """Provokes it; gives how the apply ended."""
    if refusal.applied:
        shop.write(HEAD + refusal.applied)
        shop.apply()
    shop.clock(advance=2 * LONG_AGO)
    for method, path, body in refusal.by_hand:
        shop.by_hand(method, path, body)
    shop.write(HEAD + refusal.manifest)
    shop.faults(*refusal.faults)
    return shop.run("apply", "--yes", "--allow-destroy", "1")


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_refusal_names_the_resource_its_line_and_what_to_do(shop: Project, refusal: Refusal) -> None:
    ended = applied(shop, refusal)
    assert ended.code in (1, 4), ended.err + ended.out
    lines = (HEAD + refusal.manifest).splitlines()
    line = next(number for number, line in enumerate(lines, 1) if HERE in line)
    begins = f"error: containers.yaml:{line}:3  {refusal.address}: "
    told = [one for one in ended.err.splitlines() if one.startswith(begins)]
    assert told, ended.err
    assert refusal.says in told[0].partition("; ")[2]
    assert "s3cret" not in ended.err


def test_a_refused_deletion_names_who_is_in_the_way(shop: Project) -> None:
    user = {**BY_HAND, "instances": 1, "max_instances": 1, "configuration": {"image": "cf://redis:7"}}
    ended = applied(shop, replace(IN_USE, by_hand=(("POST", "containers/applications", user),)))
    assert ended.code == 1, ended.err
    assert (
        "error: registry_protocol.cf: images are still named by cf:// in by-hand; give these another"
        in ended.err
    )


@pytest.mark.parametrize("refusal", HEALED, ids=str)
def test_some_refusals_say_that_it_is_as_it_should_be(shop: Project, refusal: Refusal) -> None:
    ended = applied(shop, refusal)
    assert ended.code == 0, ended.err + ended.out
    shop.faults()
    assert shop.actions() == {}


@pytest.mark.parametrize("constant", NEVER_ASKED)
def test_what_no_resource_meets_has_its_remedy_too(shop: Project, constant: str) -> None:
    shop.by_hand(
        "POST", "containers/registries", {"domain": "docker.io", "kind": "DockerHub", "is_public": True}
    )
    method, path = NEVER_ASKED[constant]
    with (
        Transport(shop.server.base_url, ApiCredentials(token="token")) as transport,
        pytest.raises(ProviderError) as caught,
    ):
        transport.request(method, f"/accounts/{ACCOUNT}{path}")
    assert caught.value.code == constant
    assert caught.value.fix == REMEDIES[constant]


def test_every_constant_of_the_reference_is_provoked() -> None:
    provoked = [*(one.constant for one in (*REFUSALS, *HEALED, IN_USE)), *NEVER_ASKED]
    assert sorted(provoked) == sorted(REMEDIES)
    assert len(REMEDIES) == DOCUMENTED
