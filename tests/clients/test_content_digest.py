from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.clients.content_digest import digest_of, verified
from reconciler.errors import IntegrityError


@given(st.lists(st.binary(max_size=20), max_size=10), st.sampled_from(["sha256", "sha512"]))
def test_what_matches_passes_unchanged(pieces: list[bytes], algorithm: str) -> None:
    content = b"".join(pieces)
    digest = digest_of(content, algorithm)
    assert b"".join(verified(pieces, digest, len(content), "x")) == content


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=10), st.data())
def test_what_does_not_match_is_never_passed_on_whole(pieces: list[bytes], data: st.DataObject) -> None:
    content = b"".join(pieces)
    other = data.draw(st.binary(min_size=len(content), max_size=len(content)).filter(lambda c: c != content))
    passed: list[bytes] = []
    with pytest.raises(IntegrityError):
        passed.extend(verified(pieces, digest_of(other), len(content), "x"))
    assert sum(map(len, passed)) < len(content)


@pytest.mark.parametrize(
    ("size", "found"), [(2, "has more bytes instead of 2"), (4, "has 3 bytes instead of 4")]
)
def test_a_wrong_length_is_named(size: int, found: str) -> None:
    with pytest.raises(IntegrityError, match=found):
        list(verified([b"abc"], digest_of(b"abc"), size, "x"))


def test_digests_are_those_of_the_standard() -> None:
    assert digest_of(b"") == "sha256:" + hashlib.sha256().hexdigest()
