from __future__ import annotations

from typing import Any

import pytest

from reconciler.clients.image_rules import Place
from reconciler.model.address import ResourceAddress
from reconciler.model.value import Ref, Template
from tests.kinds.image_bench import ACCOUNT, HOST, UNKNOWN, bind_image

DIGEST = "sha256:" + "9b1ce04d7a35" + "0" * 52
OURS = f"{HOST}/{ACCOUNT}"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({}, "nothing says where the image comes from; say `build`, `image` or `archive`"),
        (
            {"build": {"context": "."}, "image": "a:1"},
            "`build` and `image` exclude each other; keep one of them",
        ),
        (
            {"build": {}, "image": "a:1", "archive": "x"},
            "`build` and `image` and `archive` exclude each other; keep one of them",
        ),
    ],
)
def test_an_image_has_exactly_one_source(block: dict[str, Any], message: str) -> None:
    assert bind_image(block).messages == [message]


def test_the_second_source_is_the_one_pointed_at() -> None:
    binding = bind_image({"image": "a:1", "archive": "x"})
    assert binding.errors[0][:2] == (("archive",), "I101")


def test_somebody_elses_image_needs_no_source() -> None:
    assert bind_image({}, external=True).messages == []


@pytest.mark.parametrize(
    ("text", "full", "place"),
    [
        ("my-api:1.2.3", f"{OURS}/my-api:1.2.3", Place.MANAGED),
        ("my.app:1", f"{OURS}/my.app:1", Place.MANAGED),
        (f"{HOST}/my-api:1", f"{OURS}/my-api:1", Place.MANAGED),
        ("ghcr.io/acme/api:1", "ghcr.io/acme/api:1", Place.PULLED),
        ("shared://acme/api:1", "shared://acme/api:1", Place.PROTOCOL),
    ],
)
def test_the_name_in_full_is_the_attribute(text: str, full: str, place: Place) -> None:
    binding = bind_image({"image": text}, registries={"hub": "ghcr.io"}, protocols=("shared",))
    assert binding.messages == []
    assert (binding.attributes["image"], binding.bound.settings["place"]) == (full, place)


def test_an_image_of_another_host_is_copied_with_push() -> None:
    binding = bind_image({"image": "docker.io/redis:7.4", "push": True})
    assert binding.attributes == {"image": "docker.io/library/redis:7.4", "push": True}
    assert binding.bound.settings["place"] == Place.COPIED
    assert binding.bound.settings["prefix"] == OURS


def test_push_goes_before_pulling_and_false_goes_before_the_default() -> None:
    registries = {"hub": "ghcr.io"}
    pushed = bind_image({"image": "ghcr.io/acme/api:1", "push": True}, registries=registries)
    pulled = bind_image({"image": "ghcr.io/acme/api:1", "push": False}, registries=registries)
    assert pushed.bound.settings["place"] == Place.COPIED
    assert pulled.bound.settings["place"] == Place.PULLED
    assert "push" not in pulled.attributes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "nginx:alpine",
            (
                "nginx:alpine means Cloudflare's registry, so there is nothing to copy; "
                "write docker.io/library/nginx:alpine to copy it from Docker Hub, or leave `push` out"
            ),
        ),
        (
            f"{HOST}/nginx:alpine",
            f"{HOST}/nginx:alpine is in Cloudflare's registry already; leave `push` out",
        ),
        (
            "shared://acme/api:1",
            "shared://acme/api:1 is pulled by Cloudflare itself; leave `push` out",
        ),
    ],
)
def test_a_written_push_that_copies_nothing_is_an_error(text: str, message: str) -> None:
    binding = bind_image({"image": text, "push": True}, protocols=("shared",))
    assert binding.errors == [(("push",), "I107", message)]


def test_push_as_a_default_does_not_alter_how_a_name_is_read() -> None:
    binding = bind_image({"image": "my-api:1", "push": True}, defaulted=("push",))
    assert binding.messages == []
    assert binding.attributes == {"image": f"{OURS}/my-api:1"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("quay.io/acme/api:1", "I105"),
        (f"{HOST}/{'b' * 32}/api:1", "I104"),
        ("my-api", "I103"),
        ("https://quay.io/acme/api:1", "I106"),
        ("ghcr.io/ACME/api:1", "I102"),
    ],
)
def test_what_the_rules_refuse_is_an_error_at_the_image(text: str, code: str) -> None:
    binding = bind_image({"image": text})
    assert [(path, found) for path, found, _ in binding.errors] == [(("image",), code)]


def test_latest_is_warned_of() -> None:
    binding = bind_image({"image": "my-api:latest"})
    assert binding.warnings == [
        (
            ("image",),
            "UNPINNED_IMAGE",
            "my-api:latest: what `latest` is changes without notice; name a version, or pin it with `digest`",
        )
    ]


@pytest.mark.parametrize(
    "block", [{"image": f"my-api:latest@{DIGEST}"}, {"image": "my-api:latest", "digest": DIGEST}]
)
def test_a_pinned_latest_is_fine(block: dict[str, Any]) -> None:
    assert bind_image(block).warnings == []


@pytest.mark.parametrize(
    ("form", "full"),
    [
        ({"name": "my-api", "tag": "1.2.3"}, f"{OURS}/my-api:1.2.3"),
        ({"name": "my-api", "digest": DIGEST}, f"{OURS}/my-api@{DIGEST}"),
        ({"name": f"{HOST}/my-api", "tag": "1", "digest": DIGEST}, f"{OURS}/my-api:1@{DIGEST}"),
    ],
)
def test_an_image_may_be_written_in_parts(form: dict[str, str], full: str) -> None:
    assert bind_image({"image": form}).attributes["image"] == full


def test_a_name_in_parts_holds_no_tag() -> None:
    binding = bind_image({"image": {"name": "my-api:1", "tag": "2"}})
    assert binding.errors == [
        (
            ("image", "name"),
            "I102",
            "`name` is my-api:1, which holds a tag or digest already; write them as `tag` and `digest`",
        )
    ]


def test_a_name_in_parts_needs_tag_or_digest() -> None:
    assert bind_image({"image": {"name": "my-api"}}).messages == [
        "my-api has neither tag nor digest; say which one is meant, as in my-api:1.2.3"
    ]


@pytest.mark.parametrize("block", [{"image": "my-api:1"}, {"archive": "out/image"}, {"build": {}}])
def test_a_digest_pins_beside_any_source(block: dict[str, Any]) -> None:
    binding = bind_image({**block, "digest": DIGEST})
    assert binding.messages == []
    assert binding.attributes["digest"] == DIGEST
    assert binding.bound.settings["pinned"] is True


@pytest.mark.parametrize("digest", ["sha256:12", "latest", "sha512:" + "0" * 128])
def test_a_digest_is_a_whole_one(digest: str) -> None:
    binding = bind_image({"image": "my-api:1", "digest": digest})
    assert binding.errors == [
        (("digest",), "I109", f'"{digest}" is no digest; a digest is sha256: and 64 hexadecimal digits')
    ]


def test_tags_are_a_set() -> None:
    assert bind_image({"archive": "a.tar", "tags": ["v2", "v1", "v2"]}).attributes["tags"] == ["v1", "v2"]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (
            {"archive": "a.tar", "tags": ["a b"]},
            "\"a b\" is no tag; a tag has up to 128 letters, digits, '_', '.' or '-'",
        ),
        (
            {"image": "ghcr.io/acme/api:1", "tags": ["v1"]},
            (
                "tags cannot be set on an image that is not in Cloudflare's registry; "
                "leave `tags` out, or copy the image with `push: true`"
            ),
        ),
    ],
)
def test_tags_that_cannot_be_set_are_errors(block: dict[str, Any], message: str) -> None:
    assert bind_image(block, registries={"hub": "ghcr.io"}).errors == [(("tags",), "I110", message)]


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({"image": "my-api:1", "platform": "linux/arm64"}, ("platform",)),
        ({"build": {"platform": "linux/arm64"}}, ("build", "platform")),
    ],
)
def test_another_platform_is_an_error(block: dict[str, Any], path: tuple[str, ...]) -> None:
    message = "Cloudflare runs linux/amd64 only, not linux/arm64; leave `platform` out, or say linux/amd64"
    assert bind_image(block).errors == [(path, "I108", message)]


def test_a_build_for_the_only_platform_is_one_that_names_none() -> None:
    named = bind_image({"build": {"platform": "linux/amd64"}})
    assert named.attributes == bind_image({"build": {}}).attributes == {"build": {"context": "."}}


def test_all_platforms_are_kept_where_that_is_said() -> None:
    binding = bind_image({"archive": "a.tar", "platform": "linux/amd64", "platforms": "all"})
    assert binding.messages == []
    assert binding.attributes == {"archive": "a.tar", "platforms": "all"}


@pytest.mark.parametrize(
    ("build", "attribute"),
    [
        ("web", {"context": "web"}),
        ({}, {"context": "."}),
        (
            {"context": "web", "dockerfile": "Dockerfile", "target": "run", "args": {"APP": "api"}},
            {"context": "web", "dockerfile": "Dockerfile", "target": "run", "args": {"APP": "api"}},
        ),
    ],
)
def test_a_build_has_a_context(build: Any, attribute: dict[str, Any]) -> None:
    assert bind_image({"build": build}).attributes == {"build": attribute}


@pytest.mark.parametrize("name", ["DB_PASSWORD", "NPM_TOKEN", "api_key", "CLIENT_SECRET", "SIGNING_KEY"])
def test_a_build_argument_that_looks_like_a_secret_is_refused(name: str) -> None:
    binding = bind_image({"build": {"args": {name: "hunter2"}}})
    message = (
        f"the build argument {name} looks like a secret, and secrets never enter a build; "
        f"hand it to the application under `secrets`, or say `not_secret: [{name}]`"
    )
    assert binding.errors == [(("build", "args", name), "I111", message)]
    assert bind_image({"build": {"args": {name: "x"}, "not_secret": [name]}}).messages == []


@pytest.mark.parametrize("name", ["APP", "MONKEY", "TARGETARCH", "TOKENIZER_VERSION", "PASSAGE", "KEY"])
def test_a_harmless_build_argument_is_not(name: str) -> None:
    assert bind_image({"build": {"args": {name: "x"}}}).messages == []


def test_validating_knows_no_account_no_environment_and_no_domain() -> None:
    assert bind_image({"image": "my-api:1"}, account_id=UNKNOWN).messages == []
    assert bind_image({"image": UNKNOWN}).attributes == {"image": UNKNOWN}
    assert bind_image({"image": {"name": "a", "tag": UNKNOWN}}).messages == []
    assert bind_image({"archive": UNKNOWN, "digest": UNKNOWN, "tags": UNKNOWN}).messages == []
    assert bind_image({"image": "quay.io/a/b:1"}, registries={"hub": UNKNOWN}).messages == []


@pytest.mark.parametrize("key", ["image", "archive"])
def test_a_source_must_be_known_before_anything_is_applied(key: str) -> None:
    ref = Ref(ResourceAddress("worker", "edge"), ("version_id",), "${workers.edge.version_id}")
    message = (
        f"`{key}` is known only after other resources have been applied; "
        "say it in full, or with ${var...} or ${env...}"
    )
    assert bind_image({key: Template(("api:", ref))}).errors == [((key,), "I112", message)]


def test_the_registry_that_the_environment_names_is_cloudflares() -> None:
    binding = bind_image({"image": "localhost:5000/api:1"}, host="localhost:5000")
    assert binding.attributes["image"] == f"localhost:5000/{ACCOUNT}/api:1"
