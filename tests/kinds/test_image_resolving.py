from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.server import LocalServer
from reconciler.errors import ManifestError, StalePlanError
from tests.clients.images import Image, image, index, layout_files, manifest_of, push, write_folder, write_tar
from tests.kinds.image_bench import ACCOUNT, HOST
from tests.kinds.kind_bench import changes, failures, findings
from tests.kinds.registries_bench import API, Registries, registries

REDIS = image(b"redis" * 1000)
NEWER = image(b"newer" * 1000)
ARM = image(b"arm", architecture="arm64")
BOTH = index(("linux/amd64", REDIS), ("linux/arm64", ARM))
OURS = f"{HOST}/{ACCOUNT}"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def there(server: LocalServer, tmp_path: Path) -> Iterator[Registries]:
    with registries(server, tmp_path) as made:
        yield made


def short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def redis(there: Registries) -> dict[str, Any]:
    return {"image": f"{there.elsewhere.host}/lib/redis:7.4", "push": True}


def refused(there: Registries, block: dict[str, Any]) -> list[str]:
    with pytest.raises(ManifestError) as raised:
        there.bench.plan(there.wish(block))
    return findings(raised.value)


def test_a_copy_has_no_unknowns(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    blueprint = there.bench.plan(there.wish(redis(there)))
    digest = REDIS.top.digest
    outputs = blueprint.manifest.resources[API].outputs
    assert outputs == {
        "ref": f"{OURS}/shop-api@{digest}",
        "digest": digest,
        "tag": f"7.4-{short(digest)}",
        "repository": f"{OURS}/shop-api",
        "size": 5000,
        "disk_mb": 17,
        "size_is_estimate": False,
        "origin": digest,
    }
    change = changes(blueprint)["image.api"]
    assert (change.action, change.effect, change.hazards) == ("create", "none", ())
    assert not [one.path for one in change.attributes if one.unknown]


def test_labels_are_told_with_a_digest(there: Registries) -> None:
    labelled = image(b"redis" * 1000, labels={"revision": "4e02ab1", "version": "7.4"})
    push(there.other, "lib/redis", "7.4", labelled)
    blueprint = there.bench.plan(there.wish(redis(there)))
    assert changes(blueprint)["image.api"].details["labels"] == {"commit": "4e02ab1", "version": "7.4"}


def test_of_an_index_the_platform_that_runs_is_deployed(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", BOTH)
    outputs = there.bench.plan(there.wish(redis(there))).manifest.resources[API].outputs
    assert (outputs["digest"], outputs["origin"]) == (REDIS.top.digest, BOTH.top.digest)


def test_an_index_is_kept_where_that_is_said(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", BOTH)
    blueprint = there.bench.plan(there.wish({**redis(there), "platforms": "all"}))
    outputs = blueprint.manifest.resources[API].outputs
    assert (outputs["digest"], outputs["size"]) == (BOTH.top.digest, 5000)


@pytest.mark.parametrize(
    ("pushed", "message"),
    [
        (ARM, "the image is for linux/arm64, not for linux/amd64; build it for linux/amd64"),
        (
            index(("linux/arm64", ARM)),
            "there is no image for linux/amd64, only for linux/arm64; build it for linux/amd64",
        ),
    ],
)
def test_another_platform_is_refused_before_anything_is_done(
    there: Registries, pushed: Any, message: str
) -> None:
    push(there.other, "lib/redis", "7.4", pushed)
    (found,) = refused(there, redis(there))
    assert found == f"image.api: {there.elsewhere.host}/lib/redis@{pushed.top.digest}: {message}"
    assert there.managed_requests() == []


def test_all_that_is_wrong_is_said_at_once(there: Registries) -> None:
    wishes = [
        there.wish({"image": "nginx:alpine"}),
        there.wish({"archive": "no/such.tar"}, key="tool", name="shop-tool"),
        there.wish({"build": {"context": "."}}, key="web", name="shop-web"),
    ]
    with pytest.raises(ManifestError) as raised:
        there.bench.plan(*wishes)
    assert findings(raised.value) == [
        (
            f"image.api: nginx:alpine means {OURS}/nginx:alpine, and that is not in Cloudflare's registry; "
            "to copy it from Docker Hub, write `image: docker.io/library/nginx:alpine` with `push: true` "
            "under `images`"
        ),
        f"image.tool: {there.folder / 'no/such.tar'}: cannot be read (No such file or directory); check the path",
        (
            "image.web: building images is not available in this version; build it with your own tools, then "
            "name the result with `archive:` (an OCI layout, or what `docker save` wrote) or with `image:` and "
            "`push: true`"
        ),
    ]


def test_a_managed_image_is_pinned_to_what_its_tag_is_now(there: Registries) -> None:
    push(there.managed, f"{ACCOUNT}/my-api", "1.2.3", REDIS)
    outputs = there.bench.plan(there.wish({"image": "my-api:1.2.3"})).manifest.resources[API].outputs
    assert outputs["ref"] == f"{OURS}/my-api@{REDIS.top.digest}"
    assert (outputs["tag"], outputs["repository"]) == ("1.2.3", f"{OURS}/my-api")


def test_an_image_that_cloudflare_pulls_is_pinned_where_this_machine_may_read_it(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    text = f"{there.elsewhere.host}/lib/redis:7.4"
    blueprint = there.bench.plan(there.wish({"image": text}))
    outputs = blueprint.manifest.resources[API].outputs
    assert outputs["ref"] == f"{there.elsewhere.host}/lib/redis@{REDIS.top.digest}"
    assert changes(blueprint)["image.api"].hazards == ()


def test_it_is_deployed_as_written_where_this_machine_may_not(there: Registries) -> None:
    there.elsewhere.password = "secret"
    text = f"{there.elsewhere.host}/lib/redis:7.4"
    blueprint = there.bench.plan(there.wish({"image": text}))
    outputs = blueprint.manifest.resources[API].outputs
    assert (outputs["ref"], outputs["digest"], outputs["size"]) == (text, None, None)
    assert [one.code for one in blueprint.plan.diagnostics] == ["UNPINNED_IMAGE"]
    assert "cannot be looked up from here" in blueprint.plan.diagnostics[0].summary
    (hazard,) = changes(blueprint)["image.api"].hazards
    assert (hazard.code, hazard.severity) == ("UNPINNED_IMAGE", "shown")


def test_a_copy_of_what_this_machine_may_not_read_is_an_error(there: Registries) -> None:
    there.elsewhere.password = "secret"
    (found,) = refused(there, redis(there))
    assert f"`docker login {there.elsewhere.host}`" in found


def test_what_cannot_be_read_any_more_keeps_its_digest(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    wish = there.wish({"image": f"{there.elsewhere.host}/lib/redis:7.4"})
    assert failures(there.bench.apply(wish)) == []
    there.elsewhere.password = "secret"
    blueprint = there.bench.plan(wish)
    assert changes(blueprint) == {}
    assert blueprint.plan.diagnostics[0].detail == (
        "it keeps the digest of the last apply, even if its tag moved"
    )


def test_a_protocol_is_left_to_cloudflare(there: Registries) -> None:
    blueprint = there.bench.plan(there.wish({"image": "shared://acme/api:1"}))
    outputs = blueprint.manifest.resources[API].outputs
    assert (outputs["ref"], outputs["tag"]) == ("shared://acme/api:1", "1")
    assert there.managed_requests() == there.other_requests() == []


def test_a_pin_is_looked_up_in_this_account_and_nowhere_else(there: Registries) -> None:
    digest = push(there.managed, f"{ACCOUNT}/shop-api", "x", REDIS)
    blueprint = there.bench.plan(there.wish({"archive": "no/such.tar", "digest": digest}))
    outputs = blueprint.manifest.resources[API].outputs
    assert (outputs["ref"], outputs["tag"]) == (f"{OURS}/shop-api@{digest}", None)
    assert there.other_requests() == []


def test_a_pinned_index_is_deployed_as_it_is(there: Registries) -> None:
    digest = push(there.managed, f"{ACCOUNT}/shop-api", "x", BOTH)
    blueprint = there.bench.plan(there.wish({"archive": "x", "digest": digest}))
    assert blueprint.manifest.resources[API].outputs["digest"] == digest


def test_a_pin_that_is_not_in_this_account_is_an_error_that_offers_a_copy(there: Registries) -> None:
    digest = REDIS.top.digest
    assert refused(there, {**redis(there), "digest": digest}) == [
        (
            f"image.api: {OURS}/shop-api holds no image {digest}; bring it there with "
            f"`images copy SOURCE@{digest} shop-api`, or take `digest` out"
        )
    ]


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_an_archive_is_known_before_it_is_unpacked(there: Registries, form: str) -> None:
    files = layout_files(REDIS)
    write_folder(there.folder / "out", files) if form == "folder" else write_tar(there.folder / "out", files)
    outputs = there.bench.plan(there.wish({"archive": "out"})).manifest.resources[API].outputs
    assert (outputs["digest"], outputs["tag"]) == (REDIS.top.digest, short(REDIS.top.digest))
    assert there.managed_requests() == []


def test_an_image_in_docker_needs_docker(there: Registries) -> None:
    assert refused(there, {"archive": "docker-daemon:api:1"}) == [
        (
            "image.api: reading images out of Docker is not available in this version; "
            "run `docker save api:1 -o image.tar`, and say `archive: image.tar`"
        )
    ]


def test_a_plan_without_changes_asks_once_for_each_written_tag(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", BOTH)
    push(there.managed, f"{ACCOUNT}/my-api", "1", NEWER)
    write_tar(there.folder / "tool.tar", layout_files(REDIS))
    wishes = [
        there.wish(redis(there)),
        there.wish(redis(there), key="copy", name="shop-copy"),
        there.wish({"image": "my-api:1"}, key="mine", name="shop-mine"),
        there.wish({"archive": "tool.tar"}, key="tool", name="shop-tool"),
        there.wish({**redis(there), "digest": NEWER.top.digest}, key="pin", name="shop-pin"),
    ]
    push(there.managed, f"{ACCOUNT}/shop-pin", "x", NEWER)
    assert failures(there.bench.apply(*wishes)) == []
    there.managed_requests(), there.other_requests()
    assert changes(there.bench.plan(*wishes)) == {}
    assert there.managed_requests() == ["HEAD manifests"]
    assert there.other_requests() == ["HEAD manifests"]


def test_a_moved_tag_is_the_change(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    there.bench.apply(there.wish(redis(there)))
    push(there.other, "lib/redis", "7.4", NEWER)
    change = changes(there.bench.plan(there.wish(redis(there))))["image.api"]
    assert (change.action, change.effect) == ("update", "none")
    (digest,) = change.attributes
    assert (digest.path, digest.before, digest.after) == ("digest", REDIS.top.digest, NEWER.top.digest)


def test_a_moved_tag_that_is_to_be_ignored_changes_nothing(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    wish = there.wish(redis(there), ignore_changes=(("digest",),))
    there.bench.apply(wish)
    push(there.other, "lib/redis", "7.4", NEWER)
    blueprint = there.bench.plan(wish)
    assert changes(blueprint) == {}
    handler = there.bench.handlers["image"]
    predicted = handler.predict(blueprint.decided.changes[API])
    assert predicted["ref"] == f"{OURS}/shop-api@{REDIS.top.digest}"


def test_an_index_that_changes_elsewhere_is_no_change(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", BOTH)
    there.bench.apply(there.wish(redis(there)))
    push(there.other, "lib/redis", "7.4", index(("linux/amd64", REDIS)))
    assert changes(there.bench.plan(there.wish(redis(there)))) == {}


def test_a_saved_plan_deploys_what_it_has_shown(there: Registries) -> None:
    push(there.other, "lib/redis", "7.4", REDIS)
    saved = there.bench.plan(there.wish(redis(there)))
    push(there.other, "lib/redis", "7.4", NEWER)
    again = there.bench.plan(there.wish(redis(there)), saved=saved)
    assert again.manifest.resources[API].outputs["digest"] == REDIS.top.digest


def test_a_saved_plan_is_refused_when_the_archive_is_another(there: Registries) -> None:
    write_tar(there.folder / "tool.tar", layout_files(REDIS))
    saved = there.bench.plan(there.wish({"archive": "tool.tar"}))
    write_tar(there.folder / "tool.tar", layout_files(NEWER))
    with pytest.raises(
        StalePlanError, match=r"image\.api: the archive tool\.tar has changed since the plan was made"
    ):
        there.bench.plan(there.wish({"archive": "tool.tar"}), saved=saved)


def test_a_saved_plan_keeps_deploying_as_written(there: Registries) -> None:
    there.elsewhere.password = "secret"
    wish = there.wish({"image": f"{there.elsewhere.host}/lib/redis:7.4"})
    saved = there.bench.plan(wish)
    there.elsewhere.password = ""
    push(there.other, "lib/redis", "7.4", REDIS)
    assert there.bench.plan(wish, saved=saved).manifest.resources[API].outputs["digest"] is None


def test_sizes_of_compressed_layers_are_estimates(there: Registries) -> None:
    there.elsewhere.ranges = False
    squeezed = image(b"z" * 4000)
    document = {**squeezed.top.document}
    document["layers"] = [
        {**layer, "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"} for layer in document["layers"]
    ]
    push(there.other, "lib/redis", "7.4", Image(manifest_of(document), squeezed.blobs))
    outputs = there.bench.plan(there.wish(redis(there))).manifest.resources[API].outputs
    assert (outputs["size"], outputs["size_is_estimate"]) == (10_000, True)
