"""The OCI distribution protocol as plain methods: manifests, blobs, uploads, tags, the catalogue.

One object per registry, under its public name, safe to share between threads; no daemon. Reading an image as a
whole is `image_source`, copying one `image_copy`; kinds import these modules when they need them, since httpx is slow to load.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from reconciler.clients.content_digest import verified
from reconciler.clients.image_manifest import (
    LARGEST_MANIFEST,
    MANIFEST_TYPES,
    OCI_INDEX,
    Descriptor,
    Manifest,
)
from reconciler.clients.image_reference import is_digest, is_repository, is_tag, referrers_tag
from reconciler.clients.registry_answer import Answer
from reconciler.clients.registry_auth import Credentials
from reconciler.clients.registry_connection import RegistryConnection
from reconciler.clients.upload_memory import UploadMemory
from reconciler.errors import IntegrityError, NotFoundError, ProviderError, UnavailableError

if TYPE_CHECKING:
    from reconciler.clients.blob_feed import Reader

CHUNK_SIZE = 64 * 1024 * 1024

_ACCEPT = {"Accept": ", ".join(MANIFEST_TYPES)}
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')
_LARGEST_LISTING = 64 * 1024 * 1024
_MOST_PAGES = 10_000


class Registry:
    """A registry spoken to as `host`; `endpoint` is where it really is, `credentials` is asked anew after every 401.

    `uploads` remembers what was begun, for a later run; without it, nothing is.
    """

    def __init__(
        self,
        host: str,
        *,
        credentials: Callable[[], Credentials | None] = lambda: None,
        endpoint: str = "",
        sleep: Callable[[float], None] = time.sleep,
        timeout: float = 60.0,
        chunk_size: int = CHUNK_SIZE,
        uploads: UploadMemory | None = None,
    ) -> None:
        self.host = host
        self._chunk_size = chunk_size
        self._uploads = uploads or UploadMemory()
        self._connection = RegistryConnection(
            host, credentials=credentials, endpoint=endpoint, sleep=sleep, timeout=timeout
        )

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._connection.close()

    def head_manifest(self, repository: str, reference: str) -> Descriptor | None:
        """Looks a tag or digest up without reading it; None if it is not there."""
        answer = self._ask("HEAD", repository, f"manifests/{_checked(reference)}", headers=_ACCEPT)
        if answer.status == 404:
            return None
        digest = answer.headers.get("docker-content-digest", "")
        if answer.status == 405 or (answer.ok and not is_digest(digest)):
            return self._described(repository, reference)
        self._expect(answer, repository, reference)
        size = answer.headers.get("content-length", "")
        return Descriptor(_media_type(answer), digest, int(size) if size.isdecimal() else 0)

    def get_manifest(self, repository: str, reference: str) -> Manifest:
        """Reads a manifest; its bytes match the digest that was asked for, or that the registry named."""
        answer = self._ask(
            "GET", repository, f"manifests/{_checked(reference)}", headers=_ACCEPT, limit=LARGEST_MANIFEST
        )
        self._expect(answer, repository, reference)
        stated = answer.headers.get("docker-content-digest", "")
        digest = reference if is_digest(reference) else stated if is_digest(stated) else ""
        subject = self.name(repository, reference)
        return Manifest.read(answer.body, _media_type(answer), subject=subject, digest=digest)

    def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> None:
        """Stores a manifest under a tag or its digest, byte for byte."""
        answer = self._ask(
            "PUT",
            repository,
            f"manifests/{_checked(reference)}",
            headers={"Content-Type": manifest.media_type},
            content=manifest.content,
        )
        self._expect(answer, repository, reference)
        stored = answer.headers.get("docker-content-digest", manifest.digest)
        if stored != manifest.digest and stored.startswith(manifest.digest.partition(":")[0]):
            raise IntegrityError(
                f"{self.name(repository, reference)}: the registry stored {stored} instead of {manifest.digest}"
            )

    def delete_manifest(self, repository: str, reference: str) -> bool:
        """Deletes a tag (Cloudflare) or a digest (others); False if it was not there."""
        scopes = (f"repository:{repository}:pull,push,delete",)
        path = _path(repository, f"manifests/{_checked(reference)}")
        answer = self._connection.send("DELETE", path, scopes=scopes)
        if answer.status == 404:
            return False
        self._expect(answer, repository, reference)
        return True

    def collect_garbage(self) -> None:
        """Has Cloudflare's registry drop layers that no manifest needs (reference 4.4)."""
        headers = {"Content-Type": "application/json"}
        answer = self._connection.send("PUT", "/v2/gc/layers", scopes=(), headers=headers, content=b"{}")
        if not answer.ok:
            raise self._connection.refusal(answer, f"{self.host}: collecting layers")

    def has_blob(self, repository: str, digest: str) -> bool:
        """Tells whether a blob is in a repository."""
        answer = self._ask("HEAD", repository, f"blobs/{_checked(digest)}")
        if answer.status != 404:
            self._expect(answer, repository, digest)
        return answer.status != 404

    def open_blob(self, repository: str, digest: str, size: int) -> Generator[bytes, None, None]:
        """Reads a blob piece by piece; the last piece comes only if the digest is right."""
        pieces = self.read_blob(repository, digest, size)
        return verified(pieces, digest, size, self.name(repository, digest))

    def read_blob(
        self, repository: str, digest: str, size: int, offset: int = 0
    ) -> Generator[bytes, None, None]:
        """Reads a blob from `offset` on, going on by range when the connection breaks; unverified."""
        path, failures = _path(repository, f"blobs/{_checked(digest)}"), 0
        while offset < size:
            begun = offset
            try:
                for piece in self._connection.stream(path, scopes=_pull(repository), offset=offset):
                    offset += len(piece)
                    yield piece
                return
            except UnavailableError:
                failures = failures + 1 if offset == begun else 1
                if not self._connection.pause(failures):
                    raise

    def end_of_blob(self, repository: str, digest: str, offset: int) -> bytes:
        """What a blob holds from `offset` on, unverified; nothing where the registry gives no part of a blob."""
        path = _path(repository, f"blobs/{_checked(digest)}")
        pieces = self._connection.stream(path, scopes=_pull(repository), offset=offset, only_part=True)
        return b"".join(pieces)

    def mount_blob(self, repository: str, digest: str, from_repository: str) -> bool:
        """Makes a blob of another repository of this registry one of this one's; False if that cannot be done."""
        query = urlencode({"mount": digest, "from": from_repository})
        scopes = (*_push(repository), *_pull(from_repository))
        path = _path(repository, f"blobs/uploads/?{query}")
        answer = self._connection.send("POST", path, scopes=scopes)
        if answer.status == 202 and (begun := answer.headers.get("location")):
            # The registry has begun an upload instead, which nobody will go on with.
            url = self._connection.url(begun, relative_to=answer.url)
            self._connection.send("DELETE", url, scopes=_push(repository))
        return answer.status == 201

    def upload_blob(
        self,
        repository: str,
        digest: str,
        size: int,
        open_at: Reader,
        *,
        on_position: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Brings a blob into a repository in constant memory; nothing is completed that does not match its digest.

        `open_at(offset)` reads the blob from there. `on_position` is told how far the reading is, and may raise to stop
        it; a later run then goes on with what has been sent.
        """
        from reconciler.clients.blob_feed import BlobFeed
        from reconciler.clients.registry_upload import BlobUpload

        feed = BlobFeed(digest, size, open_at, on_position, self.name(repository, digest))
        with self._uploads.of(self.name(repository, digest)) as remembered:
            upload = BlobUpload(
                self._connection,
                repository,
                feed,
                digest,
                size,
                chunk_size=self._chunk_size,
                on_session=remembered.keep,
            )
            try:
                upload.run(remembered.url)
            finally:
                feed.close()
        if not upload.takes_chunks:
            self._chunk_size = 0

    def list_tags(self, repository: str) -> tuple[str, ...]:
        """Lists the tags of a repository; none if it is not there."""
        try:
            pages = list(self._pages(_path(repository, "tags/list?n=1000"), _pull(repository)))
        except NotFoundError:
            return ()
        return tuple(tag for page in pages for tag in _texts(page.get("tags")))

    def catalog_with_tags(self) -> dict[str, tuple[str, ...]]:
        """Lists all repositories with their tags, as the registry has them (Cloudflare's account prefix included).

        Cloudflare answers with a map (reference 4.4), others with a list of names, whose tags are then asked for.
        """
        tags_by_repository: dict[str, tuple[str, ...]] = {}
        for page in self._pages("/v2/_catalog?tags=true", ("registry:catalog:*",)):
            found = page.get("repositories")
            if isinstance(found, dict):
                tags_by_repository |= {name.strip("/"): _texts(tags) for name, tags in found.items()}
            else:
                tags_by_repository |= {name: self.list_tags(name) for name in _texts(found)}
        return tags_by_repository

    def referrers(self, repository: str, digest: str) -> tuple[Descriptor, ...]:
        """Lists what refers to a manifest (signatures, attestations), by the API or by the tag that stands in for it."""
        answer = self._ask("GET", repository, f"referrers/{_checked(digest)}", limit=LARGEST_MANIFEST)
        if answer.status != 404:
            self._expect(answer, repository, digest)
            return Manifest.read(answer.body, OCI_INDEX, subject=self.name(repository, digest)).children()
        try:
            return self.get_manifest(repository, referrers_tag(digest)).children()
        except NotFoundError:
            return ()

    def name(self, repository: str, reference: str) -> str:
        """Gives the full public name of something in a repository, for messages."""
        return f"{self.host}/{repository}{'@' if is_digest(reference) else ':'}{reference}"

    def _ask(
        self,
        method: str,
        repository: str,
        rest: str,
        *,
        headers: dict[str, str] | None = None,
        content: bytes = b"",
        limit: int = LARGEST_MANIFEST,
    ) -> Answer:
        scopes = _push(repository) if method == "PUT" else _pull(repository)
        path = _path(repository, rest)
        return self._connection.send(
            method, path, scopes=scopes, headers=headers, content=content, limit=limit
        )

    def _expect(self, answer: Answer, repository: str, reference: str) -> None:
        if not answer.ok:
            raise self._connection.refusal(answer, self.name(repository, reference))

    def _described(self, repository: str, reference: str) -> Descriptor | None:
        try:
            manifest = self.get_manifest(repository, reference)
        except NotFoundError:
            return None
        return Descriptor(manifest.media_type, manifest.digest, len(manifest.content))

    def _pages(self, path: str, scopes: tuple[str, ...]) -> Generator[dict[str, Any], None, None]:
        """Gives a listing page by page, by `Link` or by Cloudflare's cursor."""
        first, seen = path, set[str]()
        while path and path not in seen and len(seen) < _MOST_PAGES:
            seen.add(path)
            answer = self._connection.send("GET", path, scopes=scopes, limit=_LARGEST_LISTING)
            if not answer.ok:
                raise self._connection.refusal(answer, f"{self.host}: listing")
            page = answer.json(f"{self.host}: listing")
            yield page
            path = self._next_page(answer, first, page.get("cursor"))

    def _next_page(self, answer: Answer, first: str, cursor: Any) -> str:
        if link := _NEXT.search(answer.headers.get("link", "")):
            return self._connection.url(link[1], relative_to=answer.url)
        return f"{first}&{urlencode({'cursor': cursor})}" if cursor and isinstance(cursor, str) else ""


def _path(repository: str, rest: str) -> str:
    if not is_repository(repository):
        raise ProviderError(f"{repository!r} is no repository", fix="check the image's name")
    return f"/v2/{repository}/{rest}"


def _checked(reference: str) -> str:
    if not (is_digest(reference) or is_tag(reference)):
        raise ProviderError(f"{reference!r} is neither a tag nor a digest", fix="check the image's name")
    return quote(reference, safe=":")


def _pull(repository: str) -> tuple[str, ...]:
    return (f"repository:{repository}:pull",)


def _push(repository: str) -> tuple[str, ...]:
    return (f"repository:{repository}:pull,push",)


def _media_type(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()
