from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.clients.blob_feed import BlobFeed
from reconciler.clients.content_digest import digest_of
from reconciler.errors import IntegrityError
from tests.clients.images import pieces_of

CONTENT = bytes(range(256)) * 10


def feed_of(content: bytes, held: bytes = b"", opened: list[int] | None = None) -> BlobFeed:
    def open_at(offset: int) -> Generator[bytes, None, None]:
        if opened is not None:
            opened.append(offset)
        return pieces_of((held or content)[offset:], 100)

    return BlobFeed(digest_of(content), len(content), open_at, lambda _: None, "x")


def test_chunks_follow_each_other_from_one_reading() -> None:
    opened: list[int] = []
    feed = feed_of(CONTENT, opened=opened)
    chunks = [b"".join(feed.take(700)) for _ in range(4)]
    assert b"".join(chunks) == CONTENT
    assert [len(chunk) for chunk in chunks] == [700, 700, 700, 460]
    assert opened == [0]


@given(st.lists(st.integers(0, len(CONTENT)), max_size=6), st.integers(1, 900))
def test_after_any_jumps_the_rest_is_right_and_checked(offsets: list[int], count: int) -> None:
    feed = feed_of(CONTENT)
    for offset in offsets:
        feed.seek(offset)
        assert b"".join(feed.take(count)) == CONTENT[offset : offset + count]
    feed.seek(offset := offsets[0] if offsets else 0)
    assert b"".join(feed.take(len(CONTENT))) == CONTENT[offset:]


def test_going_back_within_a_chunk_reads_that_chunk_only() -> None:
    opened: list[int] = []
    feed = feed_of(CONTENT, opened=opened)
    list(feed.take(1000))
    list(feed.take(1000))
    feed.seek(1500)
    assert b"".join(feed.take(5000)) == CONTENT[1500:]
    assert opened == [0, 1000]


@pytest.mark.parametrize(
    "held", [CONTENT[:-1] + b"?", CONTENT[:-1], CONTENT + b"x", CONTENT[:-60], b"y" * len(CONTENT)]
)
def test_a_wrong_source_never_yields_the_last_byte(held: bytes) -> None:
    feed = feed_of(CONTENT, held=held)
    passed: list[bytes] = []
    with pytest.raises(IntegrityError):
        passed.extend(feed.take(len(CONTENT)))
    assert sum(map(len, passed)) < len(CONTENT)


def test_whoever_listens_may_stop_it() -> None:
    def stop(position: int) -> None:
        if position >= 500:
            raise KeyboardInterrupt

    feed = BlobFeed(
        digest_of(CONTENT), len(CONTENT), lambda offset: pieces_of(CONTENT[offset:], 100), stop, "x"
    )
    with pytest.raises(KeyboardInterrupt):
        list(feed.take(len(CONTENT)))
    assert feed.position == 500
