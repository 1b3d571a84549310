"""What the pages say an import takes is taken, and nothing of what is brought in is made a second time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.images import image, layout_files, write_folder
from tests.harness import ACCOUNT, Project, project
from tests.kinds.fields.samples import ed25519
from tests.resources.page import KINDS

MANIFEST = f"""\
version: 1
project: shop
images:
  one: {{archive: image, tags: ["1.2.3"]}}
secrets:
  one: {{from: {{env: ONE}}, targets: [account]}}
ssh_public_keys:
  one: {{public_key: {ed25519(1)}}}
registries:
  one: {{domain: docker.io, public_credential: shop, private_credential: "${{secrets.one}}"}}
registry_protocols:
  one: {{domains: [{{domain: "${{registries.one.domain}}", path: shop}}]}}
workers:
  one: {{main: worker.js, compatibility_date: "2026-10-01", bindings: {{API: "${{applications.one}}"}}}}
applications:
  one: {{image: "${{images.one}}", class_name: Api}}
  tasks: {{image: "${{images.one}}", jobs: true, instances: 0}}
deployments:
  one: {{image: "${{images.one}}", location: sfo06}}
jobs:
  one: {{application: "${{applications.tasks}}", command: ["true"]}}
account:
  defaults: {{memory_mib: 1024}}
"""
IDS = {
    "image": "shop-one:1.2.3",
    "secret": "shop-one",
    "ssh_public_key": "shop-one",
    "registry": "docker.io",
    "registry_protocol": "one",
    "worker": "shop-one",
    "account": ACCOUNT,
}
"""What a user would write; of the others it is the id that the service gave."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        write_folder(made.folder / "image", layout_files(image(b"layer one")))
        made.write("export class Api {}\nexport default {}\n", "worker.js")
        made.write(MANIFEST)
        made.environ["ONE"] = "s3cret-value"
        made.apply()
        yield made


def remembered(shop: Project, address: str) -> Any:
    return json.loads(shop.run("state", "show", address, "--json").out)


@pytest.mark.parametrize("name", KINDS)
def test_a_resource_is_brought_in_by_what_its_page_says(name: str, shop: Project) -> None:
    address = f"{name}.account" if KINDS[name].singleton else f"{name}.one"
    identity = remembered(shop, address)["identity"]
    assert shop.run("state", "rm", address, "--yes").code == 0
    ended = shop.run("import", address, IDS.get(name, identity))
    assert ended.code == 0, ended.err
    assert remembered(shop, address)["identity"] == identity

    [left] = [one for one in shop.plan()["changes"] if one["address"] == address] or [{"action": "nothing"}]
    assert left["action"] in ("nothing", "update", "run"), left
    shop.apply()
    assert shop.plan()["changes"] == []


HELD = """\
version: 1
project: shop
secrets:
  other: {from: {env: ONE}}
"""
ONE = {
    "secret": "  one: {from: {env: ONE}, targets: [account]}\n",
    "ssh_public_key": f"ssh_public_keys: {{one: {{public_key: {ed25519(1)}}}}}\n",
    "registry": "registries:\n"
    '  one: {domain: docker.io, public_credential: shop, private_credential: "${secrets.other}"}\n',
}


@pytest.mark.parametrize("kind", ONE)
def test_what_was_imported_is_deleted_when_it_leaves_the_manifest(kind: str, tmp_path: Path) -> None:
    address = f"{kind}.one"
    with project(tmp_path) as shop:
        shop.environ["ONE"] = "s3cret-value"
        shop.write(HELD + ONE[kind])
        shop.apply()
        identity = remembered(shop, address)["identity"]
        shop.run("state", "rm", address, "--yes")
        shop.run("import", address, identity)
        assert len(shop.world(kind)) == 1
        shop.write(HELD)
        shop.apply()
        assert shop.world(kind) == []
