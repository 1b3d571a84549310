from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from reconciler.clients.content_digest import digest_of
from reconciler.clients.image_manifest import OCI_MANIFEST, Descriptor
from reconciler.clients.registry import Registry
from reconciler.clients.sbom_attached import attach, attached
from reconciler.errors import ProviderError
from tests.clients.conftest import ACCOUNT
from tests.clients.faulty_registry import FaultyRegistry
from tests.clients.images import image, manifest_of, push

REPOSITORY = f"{ACCOUNT}/app"


@pytest.fixture(params=["managed", "docker"])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    """One that lists referrers, and Debian's, which does not."""
    if request.param == "managed":
        yield request.getfixturevalue("managed")
        return
    with Registry(request.getfixturevalue("docker_registry")) as found:
        yield found


def pushed(registry: Registry, content: bytes) -> Descriptor:
    digest = push(registry, REPOSITORY, "1", image(content))
    found = registry.head_manifest(REPOSITORY, digest)
    assert found is not None
    return found


@pytest.mark.registry
def test_what_is_attached_is_found_again(registry: Registry) -> None:
    subject = pushed(registry, b"one")
    assert attached(registry, REPOSITORY, subject.digest) is None
    first = attach(registry, REPOSITORY, subject, b'{"one": 1}')
    assert attached(registry, REPOSITORY, subject.digest) == b'{"one": 1}'
    assert attach(registry, REPOSITORY, subject, b'{"one": 1}') == first
    assert [one.digest for one in registry.referrers(REPOSITORY, subject.digest)] == [first]


@pytest.mark.registry
def test_it_refers_to_its_image_and_leaves_that_alone(registry: Registry) -> None:
    subject, other = pushed(registry, b"two"), pushed(registry, b"three")
    digest = attach(registry, REPOSITORY, subject, b"{}")
    document = registry.get_manifest(REPOSITORY, digest).document
    assert document["subject"] == {
        "mediaType": OCI_MANIFEST,
        "digest": subject.digest,
        "size": subject.size,
    }
    assert document["artifactType"] == "application/vnd.cyclonedx+json"
    assert attached(registry, REPOSITORY, other.digest) is None
    assert registry.head_manifest(REPOSITORY, subject.digest) == subject


@pytest.mark.registry
def test_where_referrers_are_not_listed_a_tag_does_it(docker_registry: str) -> None:
    with Registry(docker_registry) as registry:
        subject = pushed(registry, b"four")
        attach(registry, REPOSITORY, subject, b'{"a": 1}')
        attach(registry, REPOSITORY, subject, b'{"b": 1}')
        tag = subject.digest.replace(":", "-")
        listed = registry.get_manifest(REPOSITORY, tag).document["manifests"]
        assert [one["artifactType"] for one in listed] == ["application/vnd.cyclonedx+json"] * 2
        assert attached(registry, REPOSITORY, subject.digest) == b'{"b": 1}'


def test_other_things_that_refer_to_it_are_left_alone(managed: Registry) -> None:
    subject = pushed(managed, b"five")
    signature = manifest_of(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": "application/vnd.example.signature",
            "config": {"mediaType": "a", "digest": image(b"five").top.config().digest, "size": 2},
            "layers": [],
            "subject": {"mediaType": OCI_MANIFEST, "digest": subject.digest, "size": subject.size},
        }
    )
    managed.put_manifest(REPOSITORY, signature.digest, signature)
    assert attached(managed, REPOSITORY, subject.digest) is None


def test_a_list_that_is_too_large_is_not_read(
    connect: Callable[..., Registry], faulty: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.clients.sbom_attached.LARGEST_DOCUMENT", 10)
    registry = connect()
    subject = pushed(registry, b"six")
    attach(registry, REPOSITORY, subject, json.dumps({"a": "x" * 20}).encode())
    with pytest.raises(ProviderError, match="is larger than"):
        attached(registry, REPOSITORY, digest_of(image(b"six").top.content))
