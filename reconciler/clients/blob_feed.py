"""A blob read from front to back for an upload: cut to measure, hashed on the way, able to go back after a break.

Holds one piece in memory at a time; where the bytes come from and go to is for others.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from reconciler.clients.content_digest import check_digest, new_hash, wrong_size

Reader = Callable[[int], Generator[bytes, None, None]]


class BlobFeed:
    """Gives a blob's bytes from `position` on; the last piece only if size and digest are right.

    `open_at(offset)` reads the blob from there; `on_position` hears of every step and may raise to stop it.
    """

    def __init__(
        self, digest: str, size: int, open_at: Reader, on_position: Callable[[int], None], subject: str
    ) -> None:
        self._digest = digest
        self._size = size
        self._open_at = open_at
        self._on_position = on_position
        self._subject = subject
        self._pieces: Generator[bytes, None, None] | None = None
        self._rest = b""
        self._hash = new_hash(digest)
        self._mark = (0, self._hash.copy())
        self.position = 0

    def take(self, count: int) -> Iterator[bytes]:
        """Gives the next `count` bytes, fewer at the end."""
        self._mark = (self.position, self._hash.copy())
        end = min(self.position + count, self._size)
        while self.position < end:
            yield self._next(end - self.position)

    def seek(self, offset: int) -> None:
        """Makes `offset` the next byte to be taken; what lies between is read again, to be hashed."""
        if offset == self.position:
            return
        if offset < self._mark[0]:
            self._mark = (0, new_hash(self._digest))
        self.close()
        self.position, self._hash = self._mark[0], self._mark[1].copy()
        while self.position < offset:
            self._next(offset - self.position)

    def close(self) -> None:
        """Lets go of the source."""
        if self._pieces is not None:
            self._pieces.close()
        self._pieces, self._rest = None, b""

    def _next(self, limit: int) -> bytes:
        self._on_position(self.position)
        piece = self._rest or self._read()
        piece, self._rest = piece[:limit], piece[limit:]
        self._hash.update(piece)
        self.position += len(piece)
        if self.position == self._size:
            self._check_end()
        return piece

    def _read(self) -> bytes:
        if self._pieces is None:
            self._pieces = self._open_at(self.position)
        for piece in self._pieces:
            if piece:
                return piece
        raise wrong_size(self._subject, self._digest, self._size, str(self.position))

    def _check_end(self) -> None:
        if self._rest or any(self._pieces or ()):
            raise wrong_size(self._subject, self._digest, self._size, "more")
        check_digest(self._digest, self._hash, self._subject)
