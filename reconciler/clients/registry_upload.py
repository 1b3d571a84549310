"""One blob into one repository: in chunks, going on where the registry stopped, whole where it takes no chunks.

Reads in constant memory and completes no blob that does not match its digest. Where the bytes come from is the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

from reconciler.clients.blob_feed import BlobFeed
from reconciler.clients.registry_answer import Answer
from reconciler.clients.registry_connection import RegistryConnection
from reconciler.errors import IntegrityError, ProviderError, UnavailableError

_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,18})")
_DONE = {200, 201, 202, 204}
_TAKES_NO_CHUNKS = {400, 405, 411, 415, 501}
_PASSING = {401, 408, 416, 429, 500, 502, 503, 504}
_MOST_SESSIONS = 3
_FINISH_SECONDS = 900.0


class _SessionLostError(Exception):
    """The registry has forgotten or spoilt the upload; `cause` is what the user hears if that goes on."""

    def __init__(self, cause: ProviderError) -> None:
        self.cause = cause


class _NoChunksError(Exception):
    """The registry takes a blob only whole."""


class BlobUpload:
    """The upload of one blob; `on_session` hears the path under which another run can go on, "" if it is elsewhere."""

    def __init__(
        self,
        connection: RegistryConnection,
        repository: str,
        feed: BlobFeed,
        digest: str,
        size: int,
        *,
        chunk_size: int,
        on_session: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._start = f"/v2/{repository}/blobs/uploads/"
        self._blob = f"/v2/{repository}/blobs/{digest}"
        self._feed = feed
        self._digest = digest
        self._size = size
        self._chunk_size = chunk_size
        self._on_session = on_session
        self._scopes = (f"repository:{repository}:pull,push",)
        self._subject = f"{connection.host}/{repository}: upload of {digest}"
        self._url = ""
        self._failures = 0
        self.takes_chunks = chunk_size > 0

    def run(self, url: str = "") -> None:
        """Uploads the blob, going on with the upload at `url` if the registry still knows it."""
        self._url = url
        try:
            self._run_sessions(_MOST_SESSIONS)
        except IntegrityError:
            self._abandon()
            raise

    def _run_sessions(self, left: int) -> None:
        try:
            self._run_session()
        except _SessionLostError as lost:
            if left <= 1:
                raise lost.cause from None
            self._url = ""
            self._run_sessions(left - 1)

    def _run_session(self) -> None:
        try:
            if self.takes_chunks:
                self._send_chunks()
        except _NoChunksError:
            self.takes_chunks = False
        if self.takes_chunks:
            self._finish()
        else:
            self._send_whole()

    def _send_chunks(self) -> None:
        offset = self._reached() if self._url else self._begin()
        while offset < self._size:
            self._feed.seek(offset)
            offset = self._send_chunk(offset)
        self._feed.seek(offset)

    def _begin(self) -> int:
        answer = self._connection.send("POST", self._start, scopes=self._scopes)
        if answer.status not in _DONE:
            raise self._refusal(answer)
        self._follow(answer)
        return 0

    def _send_chunk(self, offset: int) -> int:
        """Sends one chunk and gives the offset at which the registry wants to go on."""
        count = min(self._chunk_size, self._size - offset)
        pieces = self._feed.take(count)
        span = {"Content-Range": f"{offset}-{offset + count - 1}"}
        try:
            answer = self._connection.send_pieces(
                "PATCH", self._url, pieces, count, scopes=self._scopes, headers=span
            )
        except UnavailableError as error:
            return self._recover(error, offset)
        if answer.status in _DONE:
            return self._after_chunk(answer, offset, count)
        if answer.status in _TAKES_NO_CHUNKS and offset == 0:
            raise _NoChunksError
        if answer.status in _PASSING:
            return self._recover(self._refusal(answer), offset, answer.retry_after)
        raise self._lost_or_refused(answer)

    def _after_chunk(self, answer: Answer, offset: int, count: int) -> int:
        self._follow(answer)
        said = _RANGE.fullmatch(answer.headers.get("range", ""))
        reached = int(said[1]) + 1 if said else offset + count
        if not offset < reached <= self._size:
            return self._recover(self._refusal(answer), offset)
        self._failures = 0
        return reached

    def _recover(self, error: ProviderError, offset: int, wait: float = 0.0) -> int:
        """Waits and asks how far the registry got; gives up with `error` when that was tried often enough."""
        self._failures += 1
        if not self._connection.pause(self._failures, wait):
            raise error
        reached = self._reached()
        if reached > offset:
            self._failures = 0
        return reached

    def _reached(self) -> int:
        answer = self._connection.send("GET", self._url, scopes=self._scopes)
        said = _RANGE.fullmatch(answer.headers.get("range", ""))
        # "0-0" is how registries say that they have nothing yet.
        reached = int(said[1]) + 1 if said and said[1] != "0" else 0
        if answer.status not in _DONE or reached > self._size:
            raise _SessionLostError(self._refusal(answer))
        self._follow(answer)
        return reached

    def _finish(self) -> None:
        answer = self._concluded(self._close)
        if answer is None or answer.status in _DONE:
            return
        if answer.status == 404 and self._is_there():
            return
        raise self._lost_or_refused(answer)

    def _send_whole(self) -> None:
        answer = self._concluded(self._close_with_body)
        if answer is not None and answer.status not in _DONE:
            raise self._refusal(answer)

    def _concluded(self, close: Callable[[], Answer]) -> Answer | None:
        """Asks for the end of the upload until there is an answer to go by; None if the blob is there without one."""
        while True:
            try:
                answer = close()
            except UnavailableError as error:
                failure: ProviderError = error
            else:
                if answer.status not in _PASSING:
                    return answer
                failure = self._refusal(answer)
            if self._is_there():
                return None
            self._failures += 1
            if not self._connection.pause(self._failures):
                raise failure

    def _close(self) -> Answer:
        return self._connection.send(
            "PUT", self._closing_url(), scopes=self._scopes, repeat=False, timeout=_FINISH_SECONDS
        )

    def _close_with_body(self) -> Answer:
        self._begin()
        self._feed.seek(0)
        pieces = self._feed.take(self._size)
        return self._connection.send_pieces(
            "PUT", self._closing_url(), pieces, self._size, scopes=self._scopes, timeout=_FINISH_SECONDS
        )

    def _closing_url(self) -> str:
        return f"{self._url}{'&' if '?' in self._url else '?'}digest={quote(self._digest, safe='')}"

    def _is_there(self) -> bool:
        return self._connection.send("HEAD", self._blob, scopes=self._scopes).status == 200

    def _abandon(self) -> None:
        with suppress(ProviderError):
            if self._url:
                self._connection.send("DELETE", self._url, scopes=self._scopes, repeat=False)

    def _follow(self, answer: Answer) -> None:
        if location := answer.headers.get("location"):
            self._url = self._connection.url(location, relative_to=answer.url)
            self._on_session(self._connection.path_of(self._url))

    def _lost_or_refused(self, answer: Answer) -> Exception:
        # 404: forgotten. 400 and 416 at the end: it holds other bytes than ours, which match their digest.
        if answer.status in (400, 404, 416):
            return _SessionLostError(self._refusal(answer))
        return self._refusal(answer)

    def _refusal(self, answer: Answer) -> ProviderError:
        return self._connection.refusal(answer, self._subject)
