"""`images sbom`: what is in an image, kept with it, and what a plan makes of that."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.docker_daemon import connected
from reconciler.clients.registry import Registry
from reconciler.errors import UnavailableError
from tests.cli.images_shop import MANIFEST
from tests.clients.conftest import docker_registry
from tests.clients.images import Image, image, layout_files, push, write_folder
from tests.clients.sbom_images import DEBIAN, DPKG, layer, python_image
from tests.harness import ACCOUNT, Project

__all__ = ["docker_registry"]

OLD = python_image(kept="1.0", grown="1.0", gone="1.0")
NEW = python_image(kept="1.0", grown="2.0", come="1.0")
DIFFERENCE = "+ come 1.0 (pypi)\n~ grown 1.0 -> 2.0 (pypi)\n- gone 1.0 (pypi)\npackages: +1 ~1 -1\n"


def deploy(project: Project, made: Image, environment: str = "staging") -> str:
    """Deploys an image; gives its full name."""
    shutil.rmtree(project.folder / "image")
    write_folder(project.folder / "image", layout_files(made))
    project.apply("-e", environment)
    return f"registry.cloudflare.com/{ACCOUNT}/shop-api@{made.top.digest}"


@pytest.fixture
def shop(two_environments: Project, tmp_path: Path) -> Project:
    """A project whose user remembers nothing yet."""
    two_environments.environ["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    two_environments.environ["PATH"] = os.defpath  # no syft
    return two_environments


def forget(project: Project) -> None:
    shutil.rmtree(project.environ["XDG_CACHE_HOME"], ignore_errors=True)


def document(project: Project, *args: str) -> Any:
    ended = project.run("images", "sbom", *args)
    assert ended.code == 0, ended.err
    return ended.document


def names(found: Any) -> list[str]:
    return [f"{one['name']} {one['version']}" for one in found["components"]]


def test_an_image_is_named_in_any_way(shop: Project) -> None:
    reference = deploy(shop, OLD)
    found = document(shop, "api")
    assert names(found) == ["gone 1.0", "grown 1.0", "kept 1.0"]
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.5")
    tag = OLD.top.digest.removeprefix("sha256:")[:12]
    for name in ("image.api", "images.api", reference, f"shop-api:{tag}", f"shop-api@{OLD.top.digest}"):
        assert document(shop, name) == found
    assert document(shop, "api", "--json") == found


def test_environments_with_other_images_have_to_be_named(shop: Project) -> None:
    deploy(shop, OLD)
    deploy(shop, NEW, "production")
    ended = shop.run("images", "sbom", "api")
    assert "image.api is another image in each environment; say -e staging | production" in ended.err
    assert names(document(shop, "api", "-e", "production")) == ["come 1.0", "grown 2.0", "kept 1.0"]


def test_compressed_layers_and_the_system_are_read(shop: Project) -> None:
    base = layer({"var/lib/dpkg/status": DPKG, "usr/lib/os-release": DEBIAN})
    deploy(shop, image(gzip.compress(base)))
    assert names(document(shop, "api")) == ["debian 12", "libc6 2.36-9+deb12u4"]


def test_the_document_is_written_where_it_is_wanted(shop: Project) -> None:
    deploy(shop, OLD)
    ended = shop.run("images", "sbom", "api", "-o", "sbom.json")
    assert (ended.code, ended.out) == (0, "")
    assert stat.S_IMODE((shop.folder / "sbom.json").stat().st_mode) == 0o600
    assert json.loads((shop.folder / "sbom.json").read_text()) == document(shop, "api")
    assert "cannot be written" in shop.run("images", "sbom", "api", "-o", "nowhere/sbom.json").err


def test_it_is_attached_to_the_image(shop: Project) -> None:
    reference = deploy(shop, OLD)
    first = shop.run("images", "sbom", "api", "--attach")
    assert first.out.startswith(f"registry.cloudflare.com/{ACCOUNT}/shop-api@sha256:")
    assert shop.run("images", "sbom", "api", "--attach").out == first.out
    told = shop.run("images", "sbom", reference, "--attach", "--json").document
    assert told == {"image": reference, "attached": first.out.strip()}
    [kept] = [one for one in shop.world("manifest") if one["subject"]]
    assert (kept["subject"], kept["artifact_type"]) == (OLD.top.digest, "application/vnd.cyclonedx+json")
    assert not kept["tags"]


def test_a_difference_is_told(shop: Project) -> None:
    old, new = deploy(shop, OLD), deploy(shop, NEW)
    assert shop.run("images", "sbom", old, new).out == DIFFERENCE
    assert shop.run("images", "sbom", new, new).out == "packages: +0 ~0 -0\n"
    told = shop.run("images", "sbom", old, "api", "--json").document
    assert (told["before"], told["after"]) == (old, new)
    assert told["packages"]["changed"] == [{"name": "grown", "type": "pypi", "before": "1.0", "after": "2.0"}]


def test_attached_lists_are_taken_rather_than_read_again(shop: Project) -> None:
    old, new = deploy(shop, OLD), deploy(shop, NEW)
    for one in (old, new):
        shop.run("images", "sbom", one, "--attach")
    forget(shop)
    layers = [one.top.layers()[0].digest for one in (OLD, NEW)]
    since = shop.last_request()
    assert shop.run("images", "sbom", old, new).out == DIFFERENCE
    assert not [path for _, path in shop.requests(since) if path.endswith(tuple(layers))]


def planned(shop: Project) -> tuple[str, str]:
    """The images of a plan that moves production on, with lists attached to both."""
    old, new = deploy(shop, OLD, "production"), deploy(shop, NEW, "staging")
    for one in (old, new):
        assert shop.run("images", "sbom", one, "--attach").code == 0
    forget(shop)
    shop.run("promote", "api", "--from", "staging", "--to", "production")
    return old, new


def test_a_plan_tells_which_packages_come_and_go(shop: Project) -> None:
    planned(shop)
    text = shop.run("plan", "-e", "production", "--detail", "full").out
    assert "packages  +1 ~1 -1" in text
    assert "+ come 1.0" in text
    assert '~ grown "1.0" → "2.0"' in text
    assert "- gone 1.0" in text
    for form in ("markdown", "html"):
        told = shop.run("plan", "-e", "production", "--detail", "full", "--format", form).out
        assert "packages" in told
        assert "+ come 1.0" in told
    [change] = [one for one in shop.plan("-e", "production")["changes"] if one["address"] == "image.api"]
    assert change["details"]["packages"]["added"] == [{"name": "come", "type": "pypi", "version": "1.0"}]


def test_a_plan_asks_little_for_it(shop: Project) -> None:
    planned(shop)
    since = shop.last_request()
    shop.plan("-e", "production")
    asked = [path for _, path in shop.requests(since) if "/referrers/" in path]
    assert len(asked) == 2
    since = shop.last_request()
    shop.plan("-e", "production")
    assert [path for _, path in shop.requests(since) if "/referrers/" in path] == []
    shop.apply("-e", "production")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("web",), "image.web was never applied; name the image in full, as `images build` prints it"),
        (("application.api",), "application.api is no image"),
        (("api", "other", "--attach"), "a difference is neither attached nor a document"),
        (("shop-api:none",), "is not there"),
        (("registry.cloudflare.com/" + "b" * 32 + "/x:1",), "belongs to account"),
    ],
)
def test_what_cannot_be_done_is_said(shop: Project, args: tuple[str, ...], said: str) -> None:
    deploy(shop, OLD)
    ended = shop.run("images", "sbom", *args)
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


@pytest.mark.registry
def test_images_elsewhere_need_no_account(shop: Project, docker_registry: str) -> None:
    with Registry(docker_registry) as registry:
        push(registry, "app", "1", OLD)
    shop.environ |= {"CLOUDFLARE_API_TOKEN": "", "CLOUDFLARE_ACCOUNT_ID": "", "CLOUDFLARE_API_BASE_URL": ""}
    assert names(document(shop, f"{docker_registry}/app:1")) == ["gone 1.0", "grown 1.0", "kept 1.0"]
    ended = shop.run("images", "sbom", f"{docker_registry}/app:1", "--attach")
    assert ended.code == 0, ended.err
    with Registry(docker_registry) as registry:
        assert len(registry.referrers("app", OLD.top.digest)) == 1


@pytest.mark.docker
def test_an_image_that_docker_has_built_is_read(shop: Project) -> None:
    try:
        with connected(os.environ):
            pass
    except UnavailableError as error:
        pytest.skip(f"no Docker daemon: {error.message}")
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("no busybox (apt-get install busybox-static)")
    shop.environ["PATH"] = os.environ["PATH"]
    shop.write(MANIFEST.replace("{archive: image}", "{build: web}"))
    (shop.folder / "web").mkdir()
    shutil.copy(busybox, shop.folder / "web" / "busybox")
    shop.write(DPKG, "web/status")
    shop.write('{"name": "left-pad", "version": "1.3.0"}', "web/package.json")
    shop.write('{"name": "gone", "version": "1.0"}', "web/gone.json")
    shop.write(
        "FROM scratch\n"
        "COPY busybox /bin/busybox\n"
        "COPY status /var/lib/dpkg/status\n"
        "COPY package.json /app/node_modules/left-pad/package.json\n"
        "COPY gone.json /app/node_modules/gone/package.json\n"
        'RUN ["/bin/busybox", "rm", "-r", "/app/node_modules/gone"]\n',
        "web/Dockerfile",
    )
    built = shop.run("images", "build", "-e", "staging")
    assert built.code == 0, built.err
    assert names(document(shop, built.out.strip())) == ["libc6 2.36-9+deb12u4", "left-pad 1.3.0"]
