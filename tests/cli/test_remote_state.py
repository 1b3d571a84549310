"""Commands over a state that lies elsewhere: a state server for most, since it starts at once; a bucket for a whole run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli.state_migrate import settings_of
from reconciler.errors import ReconcilerError
from tests.harness import Project, project
from tests.storage import places
from tests.storage.places import BUCKET, KEYS, StateServer

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops"
RESOURCES = f"ssh_public_keys:\n  ops: {{public_key: {KEY}}}\n"
MANIFEST = (
    "version: 1\nproject: shop\nstate: {{backend: http, address: '{url}/{{project}}/{{environment}}'}}\n"
)


@dataclass
class Remote:
    """A project, and a state server beside it."""

    project: Project
    server: StateServer
    url: str

    def write(self, text: str = MANIFEST, resources: str = RESOURCES) -> None:
        self.project.write(text.format(url=self.url) + resources)

    def documents(self) -> set[str]:
        return set(self.server.documents)


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Remote]:
    server = StateServer()
    with ExitStack() as stack:
        url = stack.enter_context(places.served(server))
        yield Remote(stack.enter_context(project(tmp_path)), server, url)


def test_a_state_elsewhere_is_planned_with_applied_to_and_destroyed(remote: Remote) -> None:
    remote.write()
    remote.project.apply()
    assert remote.documents() == {"/shop/default"}
    assert remote.project.actions() == {}
    assert not (remote.project.folder / "state").exists()
    assert remote.project.run("state", "list").out == "ssh_public_key.ops\n"
    remote.project.run("destroy", "--yes")
    assert remote.project.world("ssh_public_key") == []
    assert remote.server.locks == {}


def test_a_bucket_holds_a_state(tmp_path: Path) -> None:
    with places.bucket() as url, project(tmp_path) as it:
        it.environ.update(KEYS)
        state = f"state: {{backend: s3, bucket: {BUCKET}, endpoint: '{url}', prefix: team}}\n"
        it.write(f"version: 1\nproject: shop\n{state}{RESOURCES}")
        it.apply()
        assert it.actions() == {}
        assert it.run("state", "history", "--json").document[0]["serial"] == 1
        it.environ["AWS_SECRET_ACCESS_KEY"] = ""
        refused = it.run("plan")
    assert (refused.code, "AWS_SECRET_ACCESS_KEY" in refused.err) == (1, True)


def test_planning_takes_no_lock_and_writes_nothing(remote: Remote) -> None:
    remote.write()
    remote.project.apply()
    remote.server.requests.clear()
    remote.project.plan()
    assert {method for method, _ in remote.server.requests} == {"GET"}


def test_a_held_lock_is_refused_with_who_holds_it(remote: Remote) -> None:
    remote.write()
    remote.server.locks["/shop/default"] = {"ID": "7", "Who": "bob@laptop", "Info": ""}
    refused = remote.project.run("apply", "--yes")
    assert (refused.code, "locked by bob@laptop" in refused.err) == (3, True)
    assert remote.project.world("ssh_public_key") == []
    assert "bob" in remote.project.run("state", "unlock").err
    remote.project.apply()


ENVIRONMENTS = """\
version: 1
project: shop
environments:
  eu: {{state: {{backend: http, address: '{url}/eu-only'}}}}
  us: {{}}
"""


def test_the_overlay_of_an_environment_is_honoured_everywhere(remote: Remote) -> None:
    remote.write(ENVIRONMENTS)
    remote.project.apply("-e", "eu")
    assert remote.documents() == {"/eu-only"}
    assert remote.project.run("state", "list", "-e", "eu").out == "ssh_public_key.ops\n"
    assert remote.project.run("state", "history", "-e", "eu").code == 0
    assert remote.project.run("state", "list", "-e", "us").code == 1


def test_an_address_may_come_from_the_environment(remote: Remote) -> None:
    remote.project.environ["STATE_URL"] = f"{remote.url}/from-env"
    remote.write("version: 1\nproject: shop\nstate: {{backend: http, address: '${{env.STATE_URL}}'}}\n")
    remote.project.apply()
    assert remote.documents() == {"/from-env"}
    assert remote.project.run("state", "pull").code == 0


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("backend: s3", "3:1 state needs bucket for the backend s3"),
        ("backend: http", "3:1 state needs address for the backend http"),
        ("bucket: x", "3:9 state.bucket is a key of the backend s3, and this one is local"),
        ("backend: s3, bucket: x, path: y", "3:33 state.path is a key of the backend local"),
        ("backend: gcs", "3:9 state.backend must be one of"),
        ("backend: s3, buckets: x", '3:22 there is no key "buckets" in state; did you mean bucket?'),
    ],
)
def test_what_is_wrong_with_a_state_section_is_said_with_its_place(
    remote: Remote, state: str, said: str
) -> None:
    remote.write(f"version: 1\nproject: shop\nstate: {{{{{state}}}}}\n")
    refused = remote.project.run("validate")
    assert refused.code == 1
    assert said in " ".join((refused.out + refused.err).split())


def test_a_state_moves_to_where_the_manifest_says(remote: Remote) -> None:
    local = "version: 1\nproject: shop\n"
    remote.write(local)
    remote.project.apply()
    remote.write()
    moved = remote.project.run("state", "migrate")
    assert (moved.code, f"to {remote.url}/shop/default" in moved.err) == (0, True)
    assert remote.project.actions() == {}
    assert remote.project.run("state", "migrate").code == 0
    remote.write(local)
    refused = remote.project.run("apply", "--yes")
    assert (refused.code, "was moved to" in refused.err) == (3, True)
    back = remote.project.run("state", "migrate", "--from", f"http,address={remote.url}/shop/default")
    assert (back.code, remote.project.actions()) == (0, {})


def test_a_state_moves_out_of_default(remote: Remote) -> None:
    remote.write()
    remote.project.apply()
    with_environments = MANIFEST + "environments: {{eu: {{}}}}\n"
    remote.write(with_environments)
    assert remote.project.run("state", "migrate", "--to-environment", "asia").code == 1
    assert remote.project.run("state", "migrate", "--to-environment", "eu").code == 0
    assert remote.documents() == {"/shop/default", "/shop/eu"}
    assert json.loads(remote.project.run("state", "pull", "-e", "eu").out)["environment"] == "eu"
    assert remote.project.actions("-e", "eu") == {}


def test_a_place_is_written_as_under_state() -> None:
    assert settings_of("s3,bucket=x,prefix=a/b=c") == {"backend": "s3", "bucket": "x", "prefix": "a/b=c"}
    for wrong in ("gcs", "s3,path=x", "local,"):
        with pytest.raises(ReconcilerError):
            settings_of(wrong)


def test_every_environments_memory_is_found(remote: Remote) -> None:
    remote.write(MANIFEST + "environments: {{eu: {{}}, us: {{}}}}\n")
    remote.project.apply("-e", "eu")
    ended = remote.project.run("images", "list", "-e", "eu")
    assert ended.code == 0, ended.err
    assert remote.project.run("doctor", "-e", "eu").out.count(f"{remote.url}/shop/eu") == 1
