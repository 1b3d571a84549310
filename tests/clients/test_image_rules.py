from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.clients import image_rules
from reconciler.clients.image_reference import ImageReference
from reconciler.clients.image_rules import (
    ImageRules,
    MisplacedImageError,
    Place,
    copy_tag,
    docker_hub_name,
    place_image,
    required_disk_mb,
)

ACCOUNT = "a" * 32
OTHER = "b" * 32
HOST = "registry.cloudflare.com"
OURS = f"{HOST}/{ACCOUNT}"
DIGEST = "sha256:" + "9b1ce04d7a35" + "0" * 52
RULES = ImageRules.of(HOST, ACCOUNT, {"packages": "ghcr.io", "hub": "Docker.io"}, ["shared"])


@pytest.mark.parametrize(
    ("text", "place", "full"),
    [
        ("my-api:1.2.3", Place.MANAGED, f"{OURS}/my-api:1.2.3"),
        ("nginx:alpine", Place.MANAGED, f"{OURS}/nginx:alpine"),
        ("team/api:1", Place.MANAGED, f"{OURS}/team/api:1"),
        # wrangler takes these three for hosts with a port (reference 4.2).
        ("name:1", Place.MANAGED, f"{OURS}/name:1"),
        ("name:8080", Place.MANAGED, f"{OURS}/name:8080"),
        ("my.app:1", Place.MANAGED, f"{OURS}/my.app:1"),
        (f"api@{DIGEST}", Place.MANAGED, f"{OURS}/api@{DIGEST}"),
        (f"api:1@{DIGEST}", Place.MANAGED, f"{OURS}/api:1@{DIGEST}"),
        (f"{HOST}/api:1", Place.MANAGED, f"{OURS}/api:1"),
        (f"{OURS}/api:1", Place.MANAGED, f"{OURS}/api:1"),
        (f"{ACCOUNT}/api:1", Place.MANAGED, f"{OURS}/api:1"),
        # wrangler's prefix test lets another account pass that begins like ours.
        (f"{HOST}/{ACCOUNT}x/api:1", Place.MANAGED, f"{OURS}/{ACCOUNT}x/api:1"),
        ("ghcr.io/acme/api:1", Place.PULLED, "ghcr.io/acme/api:1"),
        ("docker.io/redis:7", Place.PULLED, "docker.io/library/redis:7"),
        ("shared://acme/api:1", Place.PROTOCOL, "shared://acme/api:1"),
    ],
)
def test_a_name_says_where_an_image_is(text: str, place: Place, full: str) -> None:
    placed = place_image(text, RULES)
    assert (placed.place, placed.text) == (place, full)


@pytest.mark.parametrize("text", ["quay.io/acme/api:1", "localhost/api:1", "localhost:5000/api:1"])
def test_another_host_is_copied_from_with_push(text: str) -> None:
    assert place_image(text, RULES, push=True).place is Place.COPIED


def test_push_as_a_default_does_not_alter_how_a_name_is_read() -> None:
    assert place_image("my-api:1", RULES, push=True).place is Place.MANAGED
    assert place_image("ghcr.io/acme/api:1", RULES, push=True).place is Place.COPIED


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            "quay.io/acme/api:1",
            image_rules.UNREACHABLE_HOST,
            (
                "quay.io/acme/api:1 is not in Cloudflare's registry; copy it there with `push: true` under `images`, "
                "or name quay.io under `registries`, so that Cloudflare pulls it itself"
            ),
        ),
        (
            f"{HOST}/{OTHER}/api:1",
            image_rules.FOREIGN_ACCOUNT,
            (
                f"{HOST}/{OTHER}/api:1 belongs to account {OTHER}, not to {ACCOUNT}; "
                "leave the account out, and copy the image into this account first"
            ),
        ),
        (
            f"{OTHER}/api:1",
            image_rules.FOREIGN_ACCOUNT,
            (
                f"{OTHER}/api:1 belongs to account {OTHER}, not to {ACCOUNT}; "
                "leave the account out, and copy the image into this account first"
            ),
        ),
        (
            "my-api",
            image_rules.NO_VERSION,
            "my-api has neither tag nor digest; say which one is meant, as in my-api:1.2.3",
        ),
        (
            "shared://acme/api",
            image_rules.NO_VERSION,
            "shared://acme/api has neither tag nor digest; say which one is meant, as in shared://acme/api:1.2.3",
        ),
        (
            "https://docker.io/library/redis:7",
            image_rules.UNKNOWN_PROTOCOL,
            (
                '"https://docker.io/library/redis:7": https is no protocol of this manifest; '
                "write docker.io/library/redis:7 without it, or declare https under `registry_protocols`"
            ),
        ),
        (
            "ghcr.io/Acme/api:1",
            image_rules.BAD_REFERENCE,
            "image reference 'ghcr.io/Acme/api:1': a repository is written in lower case; write 'acme/api'",
        ),
        (
            "api@sha256:12",
            image_rules.BAD_REFERENCE,
            (
                "image reference 'api@sha256:12': 'sha256:12' is no digest; "
                "a digest is sha256: and 64 hexadecimal digits"
            ),
        ),
    ],
)
def test_what_cannot_be_deployed_says_what_to_do(text: str, code: str, message: str) -> None:
    with pytest.raises(MisplacedImageError) as raised:
        place_image(text, RULES)
    assert (raised.value.code, str(raised.value)) == (code, message)


def test_the_registry_that_the_environment_names_is_cloudflares() -> None:
    rules = ImageRules.of("localhost:5000", ACCOUNT, {}, [])
    assert place_image("localhost:5000/api:1", rules).text == f"localhost:5000/{ACCOUNT}/api:1"
    assert place_image(f"{HOST}/api:1", rules, push=True).place is Place.COPIED


def test_what_is_not_known_yet_is_no_error() -> None:
    rules = ImageRules.of(HOST, object(), {"hub": object()}, [])
    assert place_image("api:1", rules).text == f"{HOST}/api:1"
    assert place_image(f"{HOST}/{OTHER}/api:1", rules).text == f"{HOST}/{OTHER}/api:1"
    assert place_image("quay.io/acme/api:1", rules).place is Place.PULLED


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("nginx:alpine", "docker.io/library/nginx:alpine"),
        ("acme/api:1", "docker.io/acme/api:1"),
        (f"{ACCOUNT}/nginx:1", "docker.io/library/nginx:1"),
    ],
)
def test_a_name_without_host_may_have_meant_docker_hub(text: str, meant: str) -> None:
    assert docker_hub_name(ImageReference.parse(text), ACCOUNT) == meant


@pytest.mark.parametrize(
    ("source_tag", "tag"),
    [
        ("7.4", "7.4-9b1ce04d7a35"),
        ("", "9b1ce04d7a35"),
        ("x" * 128, "x" * 115 + "-9b1ce04d7a35"),
    ],
)
def test_a_copy_is_tagged_by_source_and_digest(source_tag: str, tag: str) -> None:
    assert copy_tag(source_tag, DIGEST) == tag


def test_the_repository_of_a_protocol_keeps_it() -> None:
    assert place_image(f"shared://acme/api:1@{DIGEST}", RULES).repository == "shared://acme/api"


def test_the_disk_an_image_needs_is_a_tenth_more_and_something_for_each_layer() -> None:
    assert required_disk_mb(1_000_000_000, 2) == 1134
    assert required_disk_mb(0, 0) == 0


NAMES = st.text(alphabet="abAB01.:/@_-é \x00", max_size=40) | st.text(max_size=40)


@given(NAMES, st.booleans())
def test_any_text_is_placed_or_refused_and_a_full_name_stays_as_it_is(text: str, push: bool) -> None:
    try:
        placed = place_image(text, RULES, push=push)
    except MisplacedImageError:
        return
    assert place_image(placed.text, RULES, push=push) == placed
