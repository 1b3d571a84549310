"""Cloudflare's own wrangler against the stand-in.

Wants Node 22 or newer and wrangler: `npm install wrangler@4.164.0`, found through `RECONCILER_WRANGLER` (the path of
the program), on `PATH`, or in `node_modules/.bin` of the folder the tests are started in.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.emulator.registry_access import mint
from reconciler.emulator.registry_manifest import digest_of
from reconciler.emulator.server import LocalServer
from tests.emulator.cloud import ACCOUNT

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]

SCRIPT = """
import { DurableObject } from "cloudflare:workers";
export class App extends DurableObject {}
export default { async fetch() { return new Response("hello"); } };
"""
OLDEST = (4, 164)
IMAGE = f"registry.cloudflare.com/{ACCOUNT}/app"


@functools.cache
def wrangler() -> str:
    local = Path("node_modules/.bin/wrangler").absolute()
    found = (
        os.environ.get("RECONCILER_WRANGLER")
        or shutil.which("wrangler")
        or (str(local) if local.exists() else "")
    )
    if not found:
        pytest.skip("wrangler is not installed; see the top of this file")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=60)
    if version.returncode != 0:
        pytest.skip(f"{found} does not run: {(version.stderr or version.stdout).strip()[:200]}")
    numbers = re.search(r"(\d+)\.(\d+)\.\d+", version.stdout)
    if not numbers or (int(numbers[1]), int(numbers[2])) < OLDEST:
        pytest.skip(f"{found} is {version.stdout.strip()}; wanted is {OLDEST[0]}.{OLDEST[1]} or newer")
    return found


class Project:
    """A folder with a Worker, and wrangler to be run in it against one server."""

    def __init__(self, folder: Path, server: LocalServer) -> None:
        self.folder = folder
        self.server = server
        (folder / "index.js").write_text(SCRIPT)

    def configure(self, **container: Any) -> None:
        config = {
            "name": "shop",
            "main": "index.js",
            "compatibility_date": "2026-10-01",
            "durable_objects": {"bindings": [{"name": "APP", "class_name": "App"}]},
            "migrations": [{"tag": "v1", "new_sqlite_classes": ["App"]}],
            "containers": [{"class_name": "App", **container}],
        }
        (self.folder / "wrangler.json").write_text(json.dumps(config))

    def run(self, *arguments: str, stdin: str = "", fails: bool = False) -> str:
        environment = {
            **os.environ,
            "CLOUDFLARE_API_BASE_URL": self.server.base_url,
            "CLOUDFLARE_API_TOKEN": "local",
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
            "CLOUDFLARE_CF_FETCH_ENABLED": "false",
            "WRANGLER_SEND_METRICS": "false",
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "NO_COLOR": "1",
            "CI": "1",
        }
        done = subprocess.run(
            [wrangler(), *arguments],
            cwd=self.folder,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def push(self, tag: str) -> str:
        """Puts an image with nothing in it into the registry, and gives its digest."""
        password = mint(self.server.world, ACCOUNT, ["push", "pull"], minutes=5)
        base = f"http://127.0.0.1:{self.server.port}/v2/{ACCOUNT}/app"
        with httpx.Client(auth=("v1", password)) as registry:
            config = json.dumps({"architecture": "amd64", "os": "linux", "tag": tag}).encode()
            digest = digest_of(config)
            assert registry.post(f"{base}/blobs/uploads/?digest={digest}", content=config).status_code == 201
            kind = "application/vnd.oci.image.{}.v1+json"
            manifest = {
                "schemaVersion": 2,
                "mediaType": kind.format("manifest"),
                "config": {"mediaType": kind.format("config"), "digest": digest, "size": len(config)},
                "layers": [],
            }
            headers = {"Content-Type": kind.format("manifest")}
            answer = registry.put(f"{base}/manifests/{tag}", content=json.dumps(manifest), headers=headers)
            assert answer.status_code == 201
            return str(answer.headers["Docker-Content-Digest"])

    def applications(self) -> list[dict[str, Any]]:
        world: dict[str, list[dict[str, Any]]] = self.page("GET", "world")
        return world.get("application", [])

    def page(self, method: str, name: str, body: Any = None) -> Any:
        return httpx.request(method, f"http://127.0.0.1:{self.server.port}/emulator/{name}", json=body).json()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    wrangler()
    with LocalServer() as server:
        yield Project(tmp_path, server)


def test_deploy_twice_then_with_another_image(project: Project) -> None:
    project.push("1")
    project.push("2")
    project.configure(image=f"{IMAGE}:1", max_instances=2, instance_type="basic")
    assert "Created application shop-app" in project.run("deploy")
    assert "no changes shop-app" in project.run("deploy")
    project.configure(image=f"{IMAGE}:2", max_instances=2, instance_type="basic")
    assert "Modified application shop-app" in project.run("deploy")
    project.page("POST", "clock", {"advance": 60})
    (application,) = project.applications()
    assert [(run["version"], run["image"], run["instances"]) for run in application["running"]] == [
        (2, f"{IMAGE}:2", count) for count in (1, 1)
    ]
    assert "no changes shop-app" in project.run("deploy")


def test_everything_set_then_dropped_converges(project: Project) -> None:
    project.push("1")
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC0chNcjRotdsxXTwPPNoqVCGn4EcEWdUkkBPNm/v4gm"
    full = {
        "instance_type": {"vcpu": 1.5, "memory_mib": 6144, "disk_mb": 5000},
        "constraints": {"regions": ["ENAM", "WEUR"]},
        "affinities": {"colocation": "datacenter"},
        "ssh": {"enabled": True, "port": 2222},
        "authorized_keys": [{"name": "me", "public_key": key}],
        "rollout_step_percentage": 25,
        "rollout_active_grace_period": 120,
        "unsafe": {"configuration": {"labels": [{"name": "team", "value": "a"}]}},
    }
    for container in (full, {}):
        project.configure(image=f"{IMAGE}:1", max_instances=7, **container)
        project.run("deploy")
        assert "no changes shop-app" in project.run("deploy")


def test_a_missing_image_is_told_by_name(project: Project) -> None:
    project.configure(image=f"{IMAGE}:none")
    assert "IMAGE_REGISTRY_DOESNT_CONTAIN_IMAGE" in project.run("deploy", fails=True)
    assert project.applications() == []


def test_list_info_instances_delete(project: Project) -> None:
    project.push("1")
    project.configure(image=f"{IMAGE}:1", max_instances=1)
    found = re.search(r"Application ID: ([0-9a-f-]{36})", project.run("deploy"))
    assert found
    assert re.search(rf"{found[1]}.*shop-app.*active.*1", project.run("containers", "list"))
    assert json.loads(project.run("containers", "info", found[1]))["name"] == "shop-app"
    assert "shop-app-0" in project.run("containers", "instances", found[1])
    assert "has been deleted" in project.run("containers", "delete", found[1])
    project.page("POST", "clock", {"advance": 60})
    assert project.applications() == []
    assert "Created application shop-app" in project.run("deploy")


def test_secrets_and_the_end_of_a_worker(project: Project) -> None:
    project.push("1")
    project.configure(image=f"{IMAGE}:1")
    project.run("deploy")
    assert "Uploaded secret KEY" in project.run("secret", "put", "KEY", stdin="hush-hush")
    assert '"KEY"' in project.run("secret", "list")
    assert "no changes shop-app" in project.run("deploy")
    assert '"KEY"' in project.run("secret", "list")
    assert "keeps running and billing" in project.run("delete", "--force")
    assert [item["name"] for item in project.applications()] == ["shop-app"]
    assert "hush-hush" not in json.dumps(project.page("GET", "ledger"))
    assert "hush-hush" not in json.dumps(project.page("GET", "world"))


def test_a_container_that_its_durable_object_manages(project: Project) -> None:
    images = {"main": {"image": f"{IMAGE}@{project.push('1')}"}}
    project.configure(
        name="managed", scheduling_policy="durable_object", images=images, ssh={"enabled": True}
    )
    for _ in range(2):
        assert "main is ready to run" in project.run("deploy")
    (application,) = project.applications()
    assert application["id"] == application["durable_objects"]["namespace_id"]
    assert "managed" in project.run("containers", "list")


def test_a_registry_is_configured_and_deleted(project: Project) -> None:
    project.configure(image="docker.io/me/private:1")
    arguments = (
        "registries",
        "configure",
        "docker.io",
        "--dockerhub-username",
        "me",
        "--secret-name",
        "hub",
        "-y",
    )
    project.run("containers", *arguments, stdin="token-of-mine")
    assert "DockerHub" in project.run("containers", "registries", "list")
    assert "Created application shop-app" in project.run("deploy")
    assert "token-of-mine" not in json.dumps(project.page("GET", "ledger"))
