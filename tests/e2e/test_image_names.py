"""Every row of the table of names (interface 1.3) and its contradictions, seen in what is deployed and in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.clients import registry_connection
from reconciler.clients.registry import Registry
from reconciler.clients.registry_auth import Credentials
from reconciler.emulator.registry_access import mint
from tests.clients.images import Image, image, index, push
from tests.harness import ACCOUNT, Project

OURS = f"registry.cloudflare.com/{ACCOUNT}"
OTHERS = f"registry.cloudflare.com/{'b' * 32}"
MADE = image(b"what runs" * 1000)
NEWER = image(b"what is newer" * 1000)
INDEX = index(("linux/amd64", MADE), ("linux/arm64", image(b"arm", architecture="arm64")))
DIGEST = MADE.top.digest
SHORT = DIGEST.removeprefix("sha256:")[:12]
ABSENT = "sha256:" + "e" * 64

HEAD = "version: 1\nproject: shop\n"
USER = """
applications:
  api: {image: "${images.api}", instances: 1, instance_type: basic}
"""


@dataclass(frozen=True)
class Row:
    """What stands under `images.api`, and what comes of it; `<source>` is the host of a real registry.

    `there` is in the account's registry before, `more` stands beside `images`. `deployed` is what the application
    runs and `tags` what the account's registry holds of it then; or `error` is all that comes.
    """

    called: str
    block: str
    there: tuple[str, ...] = ()
    more: str = ""
    deployed: str = ""
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    error: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    is_private: bool = False


def managed(called: str, written: str, name: str, tag: str, **more: Any) -> Row:
    """A row of a name that means this account's registry."""
    pinned = f"{OURS}/{name}@{DIGEST}"
    return Row(
        called,
        f"image: {written}",
        (f"{name}:{tag}",),
        deployed=pinned,
        tags={name: (tag,)},
        said=(f"{OURS}/{name}:{tag}",),
        **more,
    )


HUB = "registries: {hub: {domain: docker.io}}\n"
SHARED = "registry_protocols: {shared: {domains: [{domain: registry.cloudflare.com, path: team}]}}\n"
BOTH_WAYS = ("is not in Cloudflare's registry", "push: true", "registries")

ROWS = (
    managed("no host", "my-api:1.2.3", "my-api", "1.2.3"),
    managed("no host, an official image's name", "nginx:alpine", "nginx", "alpine"),
    managed("dots without a slash are no host", "my.app:1", "my.app", "1"),
    managed("a numeric tag is no port", "name:8080", "name", "8080"),
    managed("a folder without a dot is no host", "team/api:1", "team/api", "1"),
    managed("in parts", "{name: my-api, tag: 1.2.3}", "my-api", "1.2.3"),
    managed("the registry without the account", "registry.cloudflare.com/my-api:1", "my-api", "1"),
    managed("the registry with the account", f"{OURS}/my-api:1", "my-api", "1"),
    managed("pushing by default alters nothing", "my-api:1", "my-api", "1", more="defaults: {images: {push: true}}\n"),
    managed("latest is resolved", "my-api:latest", "my-api", "latest"),
    Row(
        "latest is warned of",
        "image: my-api:latest",
        ("my-api:latest",),
        deployed=f"{OURS}/my-api@{DIGEST}",
        tags={"my-api": ("latest",)},
        said=("UNPINNED_IMAGE", "changes without notice"),
    ),
    Row(
        "by digest",
        f"image: my-api@{DIGEST}",
        ("my-api:1",),
        deployed=f"{OURS}/my-api@{DIGEST}",
        tags={"my-api": ("1",)},
        quiet=("UNPINNED_IMAGE",),
    ),
    Row("missing", "image: nginx:alpine", error=("docker.io/library/nginx:alpine", "push: true", f"{OURS}/nginx:alpine")),
    Row("missing, in a folder", "image: team/api:1", error=("docker.io/team/api:1", "push: true")),
    Row(
        "a push that is written",
        "{image: nginx:alpine, push: true}",
        ("nginx:alpine",),
        tags={"nginx": ("alpine",)},
        error=("docker.io/library/nginx:alpine",),
    ),
    Row("another account", f"image: {OTHERS}/my-api:1", error=("b" * 32, "copy the image into this account")),
    Row(
        "another host is copied",
        "{image: '<source>/team/api:1.2', push: true}",
        deployed=f"{OURS}/shop-api@{DIGEST}",
        tags={"shop-api": (f"1.2-{SHORT}",)},
    ),
    Row(
        "another host is copied by default",
        "image: '<source>/team/api:1.2'",
        more="defaults: {images: {push: true}}\n",
        deployed=f"{OURS}/shop-api@{DIGEST}",
        tags={"shop-api": (f"1.2-{SHORT}",)},
    ),
    Row(
        "a port makes localhost a host",
        "{image: '<localhost>/team/api:1.2', push: true}",
        deployed=f"{OURS}/shop-api@{DIGEST}",
        tags={"shop-api": (f"1.2-{SHORT}",)},
    ),
    Row(
        "a copy by digest has no tag to keep",
        "{image: '<source>/team/api@<digest>', push: true}",
        deployed=f"{OURS}/shop-api@{DIGEST}",
        tags={"shop-api": (SHORT,)},
    ),
    Row(
        "a copy under a name of its own, with further tags",
        "{image: '<source>/team/api:1.2', push: true, name: mine, tags: [stable]}",
        deployed=f"{OURS}/mine@{DIGEST}",
        tags={"mine": (f"1.2-{SHORT}", "stable")},
    ),
    Row(
        "of an index the platform that runs is copied",
        "{image: '<source>/team/mixed:3', push: true}",
        deployed=f"{OURS}/shop-api@{DIGEST}",
        tags={"shop-api": (f"3-{SHORT}",)},
    ),
    Row(
        "an index that is to be kept",
        "{image: '<source>/team/mixed:3', push: true, platforms: all}",
        deployed=f"{OURS}/shop-api@{INDEX.top.digest}",
        tags={"shop-api": (f"3-{INDEX.top.digest[7:19]}",)},
    ),
    Row("a copy of what is not there", "{image: '<source>/team/none:1', push: true}", error=("/team/none:1 is not there",)),
    Row("another host, neither", "image: '<source>/team/api:1.2'", error=BOTH_WAYS),
    Row("localhost, neither", "image: localhost/api:1", error=BOTH_WAYS),
    Row("localhost with a port, neither", "image: localhost:5000/api:1", error=BOTH_WAYS),
    Row("Docker Hub, neither", "image: docker.io/library/nginx:alpine", error=BOTH_WAYS),
    Row(
        "a registry of the manifest, pinned where it can be read",
        "image: docker.io/team/api:1.2",
        more=HUB,
        deployed=f"docker.io/team/api@{DIGEST}",
        quiet=("UNPINNED_IMAGE",),
    ),
    Row(
        "a registry of the manifest, as written where it cannot",
        "image: docker.io/team/api:1.2",
        more=HUB,
        deployed="docker.io/team/api:1.2",
        said=("UNPINNED_IMAGE",),
        is_private=True,
    ),
    Row(
        "a protocol, as written",
        "image: shared://api:1",
        ("team/api:1",),
        more=SHARED,
        deployed="shared://api:1",
        tags={"team/api": ("1",)},
    ),
    Row("a protocol that nobody declared", "image: shared://api:1", error=("shared is no protocol", "registry_protocols")),
    Row("neither tag nor digest", "image: my-api", ("my-api:1",), tags={"my-api": ("1",)}, error=("neither tag nor digest",)),
    Row("neither, on a host", "{image: '<source>/team/api', push: true}", error=("neither tag nor digest",)),
    Row(
        "a pin deploys that digest and copies nothing",
        "{image: '<source>/team/newer:1', push: true, digest: '<digest>'}",
        ("shop-api:old",),
        deployed=f"{OURS}/shop-api@{DIGEST}",
        tags={"shop-api": ("old",)},
    ),
    Row(
        "a pin that is absent",
        "{image: '<source>/team/api:1.2', push: true, digest: '<absent>'}",
        error=(f"holds no image {ABSENT}", f"images copy SOURCE@{ABSENT} shop-api"),
    ),
    Row("two sources", "{image: my-api:1, archive: image}", error=("exclude each other",)),
    Row("no source", "{name: api}", error=("nothing says where the image comes from",)),
)  # fmt: skip


@pytest.fixture(scope="module")
def source(docker_registry: str) -> str:
    """A real registry that is not Cloudflare's, with images in it; gives its host."""
    with Registry(docker_registry) as registry:
        push(registry, "team/api", "1.2", MADE)
        push(registry, "team/newer", "1", NEWER)
        push(registry, "team/mixed", "3", INDEX)
    return docker_registry


def play_hub(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Has Docker Hub played by something on this machine: only its address is another."""
    found = registry_connection._public_url
    monkeypatch.setattr(
        registry_connection,
        "_public_url",
        lambda host: f"http://{address}" if host == "docker.io" else found(host),
    )


def put_there(shop: Project, reference: str, made: Image = MADE) -> None:
    """Puts an image into the account's registry, as somebody else would."""
    name, _, tag = reference.partition(":")
    password = mint(shop.server.world, ACCOUNT, ["pull", "push"], minutes=15)
    endpoint = f"http://127.0.0.1:{shop.server.port}"
    with Registry(
        "registry.cloudflare.com", credentials=lambda: Credentials("v1", password), endpoint=endpoint
    ) as registry:
        push(registry, f"{ACCOUNT}/{name}", tag, made)


def tags_there(shop: Project) -> dict[str, tuple[str, ...]]:
    """The tags in the account's registry, by repository."""
    found: dict[str, tuple[str, ...]] = {}
    for one in shop.world("manifest"):
        name = one["repository"].removeprefix(f"{ACCOUNT}/")
        found[name] = tuple(sorted((*found.get(name, ()), *one["tags"])))
    return {name: tags for name, tags in found.items() if tags}


def assert_whole(shop: Project, repository: str) -> None:
    """Every blob that a manifest in the registry names is there with it."""
    blobs = {(one["repository"], one["digest"]) for one in shop.world("blob")}
    held = {one["digest"] for one in shop.world("manifest") if one["repository"].endswith(f"/{repository}")}
    for made in (MADE, INDEX):
        if made.top.digest in held:
            missing = {digest for digest in made.blobs if (f"{ACCOUNT}/{repository}", digest) not in blobs}
            assert missing == set()


def manifest_of(row: Row, source: str) -> str:
    local = source.replace("127.0.0.1", "localhost")
    block = row.block.replace("<source>", source).replace("<localhost>", local).replace("<digest>", DIGEST)
    block = block.replace("<absent>", ABSENT)
    inner = block if block.startswith("{") else f"{{{block}}}"
    return HEAD + row.more + f"images:\n  api: {inner}\n" + USER


@pytest.mark.parametrize("row", ROWS, ids=[row.called for row in ROWS])
def test_a_name(shop: Project, source: str, monkeypatch: pytest.MonkeyPatch, row: Row) -> None:
    # The emulator lets nobody in without credentials of its own, which nobody has for Docker Hub.
    play_hub(monkeypatch, f"127.0.0.1:{shop.server.port}" if row.is_private else source)
    for reference in row.there:
        put_there(shop, reference)
    before = tags_there(shop)
    shop.write(manifest_of(row, source))
    since = shop.last_request()
    planned = shop.run("plan", "--detail", "full")
    assert tags_there(shop) == before
    assert [one for one in shop.requests(since) if one[0] in ("PUT", "PATCH", "DELETE")] == []
    assert [one for one in row.said if one not in planned.out + planned.err] == []
    assert [one for one in row.quiet if one in planned.out + planned.err] == []
    ended = shop.run("apply", "--yes")
    assert tags_there(shop) == {name: tuple(sorted(tags)) for name, tags in row.tags.items()}
    if row.error:
        assert (planned.code, ended.code, shop.world("application")) == (1, 1, [])
        assert [one for one in row.error if one not in planned.err] == []
        return
    assert ended.code == 0, ended.err
    [application] = shop.world("application")
    assert application["configuration"]["image"] == row.deployed
    for name in row.tags:
        assert_whole(shop, name)
    assert shop.actions() == {}


WITHOUT_IMAGES = tuple(
    row for row in ROWS if row.block.startswith("image: ") and not row.more.startswith("defaults")
)


@pytest.mark.parametrize("row", WITHOUT_IMAGES, ids=[row.called for row in WITHOUT_IMAGES])
def test_a_name_that_an_application_says_itself(
    shop: Project, source: str, monkeypatch: pytest.MonkeyPatch, row: Row
) -> None:
    play_hub(monkeypatch, f"127.0.0.1:{shop.server.port}" if row.is_private else source)
    for reference in row.there:
        put_there(shop, reference)
    block = f"  api: {{{row.block}, instances: 1, instance_type: basic}}\n".replace("<source>", source)
    shop.write(HEAD + row.more + "applications:\n" + block)
    ended = shop.run("apply", "--yes")
    assert tags_there(shop) == {name: tuple(sorted(tags)) for name, tags in row.tags.items()}
    if row.error:
        assert (ended.code, shop.world("application")) == (1, [])
        assert [one for one in row.error if one not in ended.err] == []
        return
    assert ended.code == 0, ended.err
    [application] = shop.world("application")
    assert application["configuration"]["image"] == row.deployed
    assert shop.actions() == {}


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("{image: 'docker.io/team/api:1.2', push: true}", f"1.2-{SHORT}"),
        ("{image: '<source>/<account>/shop-api:there'}", "there"),
        ("{image: '<source>/shop-api:there'}", "there"),
        ("{image: shop-api:there}", "there"),
    ],
)
def test_the_registry_that_the_environment_names_is_cloudflares(
    shop: Project, source: str, monkeypatch: pytest.MonkeyPatch, written: str, tag: str
) -> None:
    play_hub(monkeypatch, source)
    shop.environ["CLOUDFLARE_CONTAINER_REGISTRY"] = source
    repository = f"{ACCOUNT}/shop-api"
    with Registry(source) as registry:
        push(registry, repository, "there", MADE)
        block = written.replace("<source>", source).replace("<account>", ACCOUNT)
        shop.write(HEAD + f"images: {{api: {block}}}\noutputs: {{image: '${{images.api.ref}}'}}\n")
        shop.apply()
        found = registry.head_manifest(repository, tag)
    assert found is not None
    assert found.digest == DIGEST
    assert shop.run("output", "image").out.strip() == f"{source}/{repository}@{DIGEST}"
    assert tags_there(shop) == {}
    assert shop.actions() == {}


def test_another_account_is_refused_before_anything_is_asked(shop: Project) -> None:
    shop.write(HEAD + f"images: {{api: {{image: {OTHERS}/my-api:1}}}}\n" + USER)
    since = shop.last_request()
    assert shop.run("apply", "--yes").code == 1
    assert [path for _, path in shop.requests(since) if path.startswith("/v2/")] == []


def test_a_tag_that_moved_is_the_change(shop: Project) -> None:
    put_there(shop, "my-api:1")
    shop.write(HEAD + "images: {api: {image: my-api:1}}\n" + USER)
    shop.apply()
    put_there(shop, "my-api:1", NEWER)
    assert shop.actions() == {"image.api": "update", "application.api": "update"}
    shop.apply()
    [application] = shop.world("application")
    assert application["configuration"]["image"] == f"{OURS}/my-api@{NEWER.top.digest}"


PULLED = "image: docker.io/team/api:1.2"
PULLING = {
    "application": f"applications: {{api: {{{PULLED}, instances: 1, instance_type: basic}}}}\n",
    "deployment": f"deployments: {{api: {{{PULLED}, location: ams02, instance_type: basic}}}}\n",
    "job": "images: {own: {image: my-api:1}}\n"
    "applications: {api: {image: '${images.own}', jobs: true, instances: 0, instance_type: basic}}\n"
    f"jobs: {{api: {{{PULLED}, application: '${{applications.api}}', command: [go]}}}}\n",
    "image": f"images: {{api: {{{PULLED}}}}}\n{USER}",
}


@pytest.mark.parametrize("kind", PULLING)
def test_what_cannot_be_read_any_more_stays_pinned(
    shop: Project, source: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    put_there(shop, "my-api:1")
    play_hub(monkeypatch, source)
    shop.write(HEAD + HUB + PULLING[kind])
    shop.apply()
    play_hub(monkeypatch, f"127.0.0.1:{shop.server.port}")
    assert shop.actions() == {}
    planned = shop.run("plan")
    assert "docker.io/team/api:1.2 cannot be looked up from here" in planned.out + planned.err
    assert "keeps the digest of the last apply, even if its tag moved" in planned.out + planned.err
    shop.write(HEAD + HUB + PULLING[kind].replace("api:1.2", "api:1.3"))
    assert shop.actions()[f"{kind}.api"] in ("update", "run")
    planned = shop.run("plan")
    assert "it is deployed as written" in planned.out + planned.err
