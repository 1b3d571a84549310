from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.clients.image_reference import (
    ImageReference,
    is_digest,
    is_repository,
    is_tag,
    referrers_tag,
)
from reconciler.errors import ReconcilerError

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("my-api:1.2.3", "", "my-api", "1.2.3", ""),
        ("name:8080", "", "name", "8080", ""),
        ("my.app:1", "", "my.app", "1", ""),
        ("team/name:1", "", "team/name", "1", ""),
        ("localhost/x", "localhost", "x", "", ""),
        ("localhost:5000/a/b:1", "localhost:5000", "a/b", "1", ""),
        ("ghcr.io/org/app:1.2", "ghcr.io", "org/app", "1.2", ""),
        ("[::1]:5000/app:1", "[::1]:5000", "app", "1", ""),
        ("host:80/app", "host:80", "app", "", ""),
        (f"app@{DIGEST}", "", "app", "", DIGEST),
        (f"ghcr.io/app:1@{DIGEST}", "ghcr.io", "app", "1", DIGEST),
        ("docker.io/nginx:alpine", "docker.io", "library/nginx", "alpine", ""),
        ("index.docker.io/org/app:1", "docker.io", "org/app", "1", ""),
        ("a__b/c---d:_1", "", "a__b/c---d", "_1", ""),
    ],
)
def test_a_reference_is_taken_apart(text: str, host: str, repository: str, tag: str, digest: str) -> None:
    assert ImageReference.parse(text) == ImageReference(repository, host, tag, digest)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the repository is missing"),
        ("ghcr.io/", "the repository is missing"),
        ("My-Api:1", "lower case; write 'my-api'"),
        ("a..b:1", "'a..b' is no repository"),
        ("a/../b:1", "'a/../b' is no repository"),
        ("app:", "'' is no tag"),
        ("app:ä", "is no tag"),
        ("app:" + "x" * 129, "is no tag"),
        ("app@sha256:abc", "is no digest"),
        ("app@", "'' is no digest"),
        (f"app@md5:{'a' * 32}", "is no digest"),
        ("https://ghcr.io/app:1", "no protocol part; write 'ghcr.io/app:1'"),
        ("-bad.host/app", "'-bad.host' is no host"),
        ("a b:1", "'a b' is no repository"),
        ("a" * 256, "too long"),
    ],
)
def test_a_bad_reference_says_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ReconcilerError, match=r"image reference") as caught:
        ImageReference.parse(text)
    assert said in str(caught.value)


components = st.from_regex(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", fullmatch=True).filter(lambda c: len(c) < 40)
repositories = st.lists(components, min_size=1, max_size=3).map("/".join)
hosts = st.sampled_from(
    ["", "ghcr.io", "localhost", "localhost:5000", "127.0.0.1:1", "[::1]:80", "X.example"]
)
tags = st.just("") | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True)


@given(hosts, repositories, tags, st.sampled_from(["", DIGEST]))
def test_what_is_written_is_read_again(host: str, repository: str, tag: str, digest: str) -> None:
    first = repository.partition("/")[0]
    if not host and "/" in repository and ("." in first or first == "localhost"):
        host, repository = "", repository.replace("/", "-")
    reference = ImageReference(repository, host, tag, digest)
    assert ImageReference.parse(str(reference)) == reference


def test_the_digest_is_asked_for_before_the_tag() -> None:
    assert ImageReference("app", tag="1", digest=DIGEST).version == DIGEST
    assert ImageReference("app", tag="1").version == "1"
    assert ImageReference("app").version == ""


@given(st.text(max_size=300))
def test_any_text_is_a_reference_or_an_error(text: str) -> None:
    try:
        found = ImageReference.parse(text)
    except ReconcilerError:
        return
    assert is_repository(found.repository)
    assert not found.tag or is_tag(found.tag)
    assert not found.digest or is_digest(found.digest)


@pytest.mark.parametrize("digest", [DIGEST, "sha512:" + "b" * 128])
def test_what_refers_to_a_digest_is_listed_under_a_tag(digest: str) -> None:
    assert referrers_tag(digest) == digest.replace(":", "-")[: len("sha256-") + 64]
    assert is_tag(referrers_tag(digest))
