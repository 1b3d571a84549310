"""What an account holds gets into an empty manifest, and the plan afterwards has nothing to do."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.clients.images import image, layout_files, write_folder
from tests.harness import Project, project
from tests.kinds.fields.samples import ed25519

MADE = f"""\
version: 1
project: shop
images:
  api: {{archive: image, tags: ["1.2.3"]}}
secrets:
  db: {{from: {{env: ONE}}}}
ssh_public_keys:
  ops: {{public_key: {ed25519(1)}}}
registries:
  hub: {{domain: docker.io, public_credential: shop, private_credential: "${{secrets.db}}"}}
registry_protocols:
  cf: {{domains: [{{domain: "${{registries.hub.domain}}", path: shop}}]}}
workers:
  edge: {{main: worker.js, compatibility_date: "2026-10-01", bindings: {{API: "${{applications.api}}"}}}}
  other: {{main: worker.js, compatibility_date: "2026-10-01"}}
applications:
  api: {{image: "${{images.api}}", class_name: Api, max_instances: 3, constraints: {{regions: [WEUR]}}}}
  batch:
    name: Nightly_Batch
    image: "${{images.api}}"
    instances: 2
    instance_type: {{vcpu: 1, memory_mib: 6144, disk_mb: 5000}}
    environment_variables: {{TEXT: "a ${{project}} b", NO: "no", DOLLAR: "$${{x}}"}}
    secrets: {{DB: "${{secrets.db}}"}}
    ssh_public_key_ids: ["${{ssh_public_keys.ops}}"]
    ports: {{web: {{port: 80}}}}
    checks: {{up: {{type: http, port: web, interval: 30s, timeout: 1m30s, kind: health, http: {{path: /}}}}}}
    observability: {{enabled: true}}
deployments:
  one: {{image: "${{images.api}}", location: sfo06, secrets: {{DB: "${{secrets.db}}"}}}}
"""
EMPTY = """\
# What the shop runs.
version: 1
project: shop   # its name

# To be filled.
applications: {}  # none yet
"""


@pytest.fixture
def maker(tmp_path: Path) -> Iterator[Project]:
    """A project that has made what others find."""
    (tmp_path / "maker").mkdir()
    with project(tmp_path / "maker") as made:
        write_folder(made.folder / "image", layout_files(image(b"layer one")))
        made.write("export class Api {}\nexport default {}\n", "worker.js")
        made.write(MADE)
        made.environ["ONE"] = "s3cret-value"
        made.apply()
        yield made


@pytest.fixture
def finder(maker: Project, tmp_path: Path) -> Project:
    """The same account seen from a folder that knows nothing of it."""
    (tmp_path / "finder").mkdir()
    found = Project(tmp_path / "finder", maker.server)
    found.write(EMPTY)
    return found


FIRST = """\
applications:  # none yet
  api:
    class_name: Api
    worker: ${workers.edge}
    image: IMAGE
    max_instances: 3
    constraints: {regions: [WEUR]}
  nightly-batch:
    name: Nightly_Batch
    image: IMAGE
    instance_type: {vcpu: 1, memory_mib: 6144, disk_mb: 5000}
    instances: 2
    ssh_public_key_ids: ["${ssh_public_keys.ops}"]
    observability: {enabled: true}
    environment_variables: {TEXT: "a shop b", "NO": "no", DOLLAR: "$${x}"}
    secrets: {DB: "${secrets.db}"}
    ports:
      web: {port: 80}
    checks:
      up:
        type: http
        port: web
        http: {path: /}
        interval: "30s"
        timeout: "1m30s"
        kind: health
"""


def manifest(project: Project) -> str:
    text = (project.folder / "containers.yaml").read_text()
    return re.sub(r"shop-api@sha256:[0-9a-f]{64}", "IMAGE", text)


def brought_in(project: Project, *args: str) -> str:
    """What is said by an import that writes; nothing is left to do afterwards."""
    ended = project.run("import", "--all", "--write", *args)
    assert ended.code == 0, ended.err
    assert project.run("validate").code == 0
    planned = project.run("plan", "--detailed-exitcode", *args)
    assert planned.code == 0, planned.out + planned.err
    return ended.err


def test_all_that_is_there_is_written_and_nothing_is_left_to_do(finder: Project) -> None:
    said = brought_in(finder)
    assert FIRST in manifest(finder)
    assert "containers.yaml:7  added application.api\n" in said
    assert "left out: worker shop-other: nothing that is written here runs behind it" in said
    assert finder.actions() == {}


def test_nothing_else_in_the_file_changes(finder: Project) -> None:
    brought_in(finder)
    before = [*filter(None, EMPTY.replace("applications: {}", "applications:").splitlines())]
    assert [line for line in manifest(finder).splitlines() if line in before] == before


def test_what_cannot_be_read_is_somebody_elses_and_says_why(finder: Project) -> None:
    said = brought_in(finder)
    external = {"secret.db": "value", "registry.docker-io": "credential", "worker.edge": "code"}
    for address, what in external.items():
        assert f"added {address} as somebody else's: its {what} cannot be read\n" in said
        assert f"  # its {what} cannot be read\n  # to manage it here, put `" in manifest(finder)


def test_a_second_run_has_nothing_to_write(finder: Project) -> None:
    brought_in(finder)
    before = manifest(finder)
    assert "nothing to write" in brought_in(finder)
    assert manifest(finder) == before


def test_what_is_written_is_managed_from_then_on(finder: Project) -> None:
    brought_in(finder)
    finder.write(EMPTY)
    assert finder.actions() == {
        "application.api": "delete",
        "application.nightly-batch": "delete",
        "deployment.api-sfo06": "delete",
        "registry_protocol.cf": "delete",
        "ssh_public_key.ops": "delete",
    }


def test_it_goes_with_all_only(finder: Project) -> None:
    ended = finder.run("import", "application.api", "some-id", "--write")
    assert (ended.code, manifest(finder)) == (1, EMPTY)
    assert "import --all --write" in ended.err


# what a manifest would say otherwise


MANAGED = {
    "db": "{from: {env: ONE}, adopt: true}",
    "docker-io": '{domain: docker.io, public_credential: shop, private_credential: "${secrets.db}", adopt: true}',
    "edge": '{main: worker.js, bindings: {API: "${applications.api}"}, compatibility_date: "2026-10-01", adopt: true}',
}
LITE = {"instances": 1, "max_instances": 20, "scheduling_policy": "default", "constraints": {"tiers": [1, 2]}}


def by_hand(finder: Project, name: str, image: str, **more: Any) -> None:
    configuration = {"image": image, "instance_type": "lite", **more}
    finder.by_hand("POST", "containers/applications", {**LITE, "name": name, "configuration": configuration})


def image_of(finder: Project, tag: str = "") -> str:
    image = str(finder.world("application")[0]["configuration"]["image"])
    return f"{image.partition('@')[0]}:{tag}" if tag else image


def block(finder: Project, section: str, key: str) -> Any:
    return YAML(typ="safe").load(manifest(finder))[section][key]


def test_an_image_that_is_run_by_its_tag_is_left_so(finder: Project) -> None:
    by_hand(finder, "shop-tagged", image_of(finder, "1.2.3"))
    assert "left as it is: `image`" in brought_in(finder)
    assert block(finder, "applications", "tagged") == {"image": "shop-api:1.2.3", "ignore_changes": ["image"]}


def test_an_image_that_is_gone_leaves_an_application_to_others(finder: Project) -> None:
    by_hand(finder, "shop-lost", image_of(finder, "1.2.3"))
    finder.faults({"path": r"/manifests/1\.2\.3", "fault": {"status": 404, "body": ""}, "times": 0})
    assert "added application.lost as somebody else's: it cannot be managed as it is: " in brought_in(finder)
    assert block(finder, "applications", "lost").keys() == {"external", "id"}


def test_nothing_is_written_while_a_registry_does_not_answer(finder: Project) -> None:
    finder.faults({"path": "/v2/", "fault": {"status": 503, "body": ""}, "times": 0})
    ended = finder.run("import", "--all", "--write")
    assert ended.code not in (0, 2)
    assert "nothing was written: " in ended.err
    assert manifest(finder) == EMPTY


def test_what_is_somebody_elses_can_be_managed_as_its_comment_says(finder: Project) -> None:
    brought_in(finder)
    finder.environ["ONE"] = "s3cret-value"
    finder.write("export class Api {}\nexport default {}\n", "worker.js")
    text = (finder.folder / "containers.yaml").read_text()
    for key, said in MANAGED.items():
        text = re.sub(
            rf"(?m)^  {key}:\n    external: true\n(?:    domain: .*\n)?", f"  {key}: {said}\n", text
        )
    assert text.count("adopt: true}") == 3
    finder.write(text)
    finder.apply()
    assert finder.actions() == {}


def test_what_a_worker_of_the_manifest_hands_down_is_said_otherwise(finder: Project) -> None:
    finder.write("export class Api {}\nexport default {}\n", "worker.js")
    edge = "{main: worker.js, bindings: {API: {type: durable_object_namespace, class_name: Api}}"
    finder.write(f"{EMPTY}workers:\n  edge: {edge}, observability: {{enabled: true}}}}\n")
    assert finder.run("import", "--all", "--write").code == 0
    assert block(finder, "applications", "api")["observability"] == {"enabled": False}
    assert finder.actions() == {"worker.edge": "update"}


def test_what_only_the_state_knows_is_not_referred_to(finder: Project) -> None:
    brought_in(finder)
    finder.write(EMPTY)
    by_hand(
        finder, "shop-keyed", image_of(finder), ssh_public_key_ids=[finder.world("ssh_public_key")[0]["id"]]
    )
    assert finder.run("import", "--all", "--write").code == 0
    keys = block(finder, "applications", "keyed")["ssh_public_key_ids"]
    assert keys == [finder.world("ssh_public_key")[0]["id"]]


def posts(finder: Project) -> list[Any]:
    """Those that are not answered yet."""
    return [one for one in finder.page("ledger") if (one["method"], one["status"]) == ("POST", 0)]


def test_what_a_run_left_behind_is_settled_first(finder: Project) -> None:
    finder.write(f"{EMPTY}ssh_public_keys: {{two: {{public_key: {ed25519(2)}}}}}\n")
    finder.faults({"method": "POST", "fault": {"delay": 1}})
    with finder.process("apply", "--yes") as process:
        while process.poll() is None and not posts(finder):
            time.sleep(0.005)
        process.kill()
        process.communicate()
    assert "an earlier run was cut off" in finder.run("import", "--all", "--write").err


def test_what_the_manifest_would_refuse_is_somebody_elses(finder: Project) -> None:
    secrets = [{"name": "A", "type": "env", "secret": "shop-db"}]
    by_hand(
        finder,
        "shop-twice",
        image_of(finder),
        environment_variables=[{"name": "A", "value": "a"}],
        secrets=secrets,
    )
    assert "A is among `environment_variables` too" in brought_in(finder)
    assert block(finder, "applications", "twice").keys() == {"external", "id"}


def test_a_protocol_that_is_no_key_is_somebody_elses(finder: Project) -> None:
    finder.by_hand(
        "POST",
        "containers/registries/protos",
        {"proto": "cf.2", "domains": [{"domain": "docker.io", "path": ""}]},
    )
    brought_in(finder)
    assert "its name cannot be a key" in manifest(finder)


def test_a_name_that_is_none_is_found_by_its_id(finder: Project) -> None:
    key = {"name": "my key", "public_key": ed25519(2)}
    finder.by_hand("POST", "containers/ssh-public-keys", key)
    brought_in(finder)
    assert block(finder, "ssh_public_keys", "my-key").keys() == {"external", "id"}


def test_defaults_of_the_manifest_are_said_otherwise_or_ignored(finder: Project) -> None:
    by_hand(finder, "shop-plain", image_of(finder))
    defaults = "defaults: {applications: {max_instances: 7, labels: {team: shop}}}\n"
    finder.write(EMPTY + defaults)
    brought_in(finder)
    plain = block(finder, "applications", "plain")
    assert (plain["max_instances"], plain["ignore_changes"]) == (20, ["labels.team"])
    assert "max_instances" in block(finder, "applications", "api")


def test_two_of_one_name_are_told_apart_by_their_ids(finder: Project) -> None:
    finder.by_hand("POST", "containers/ssh-public-keys", {"name": "shop-ops", "public_key": ed25519(2)})
    brought_in(finder)
    keys = YAML(typ="safe").load(manifest(finder))["ssh_public_keys"]
    assert sorted(keys) == ["ops", "ops-2"]
    assert "external" in keys["ops-2"]


# environments

STAGES = """\
version: 1
project: shop
environments:
  prod: {}   # what runs
  test:
    applications:
      api: {name: shop-api, image: "x@sha256:%s"}
""" % ("0" * 64)


def test_an_environment_gets_its_own_and_nothing_of_another(finder: Project) -> None:
    finder.write(STAGES)
    brought_in(finder, "-e", "prod")
    assert manifest(finder).startswith(STAGES.partition("prod:")[0] + "prod:   # what runs\n    secrets:\n")
    stages = YAML(typ="safe").load(manifest(finder))["environments"]
    assert list(stages["prod"]["applications"]) == ["nightly-batch"]
    assert stages["prod"]["secrets"]["db"] == {"name": "shop-db", "external": True}
    assert list(stages["test"]) == ["applications"]


def test_what_another_environment_remembers_is_not_brought_in(finder: Project) -> None:
    finder.write("version: 1\nproject: shop\nenvironments: {prod: {}, test: {}}\n")
    brought_in(finder, "-e", "prod")
    said = brought_in(finder, "-e", "test")
    assert "added application" not in said
    stages = YAML(typ="safe").load(manifest(finder))["environments"]
    assert "applications" not in stages["test"]
