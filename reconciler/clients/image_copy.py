"""An image from anywhere into a registry: blobs in parallel, mounted where possible, the digest unchanged.

Knows sources and one target registry; which tag an image gets, and whether it is wanted at all, is for others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from reconciler.clients.image_manifest import Descriptor, Manifest
from reconciler.clients.image_source import DEFAULT_PLATFORM, ImageSource, resolve
from reconciler.clients.registry import Registry
from reconciler.errors import InterruptedRunError, ProviderError
from reconciler.frozen import frozen

Progress = Callable[[int, int, str], None]

_DEEPEST_INDEX = 4
_TOLD_EVERY = 1024 * 1024


@frozen
class CopyResult:
    """What is under the tags now, and what it took; `kept` if a tag held another image, and nothing was written."""

    digest: str
    bytes_sent: int = 0
    blobs_sent: int = 0
    blobs_mounted: int = 0
    blobs_present: int = 0
    kept: bool = False


def copy_image(
    source: ImageSource,
    target: Registry,
    repository: str,
    tags: Sequence[str] = (),
    *,
    platform: str = DEFAULT_PLATFORM,
    all_platforms: bool = False,
    parallel: int = 4,
    never_overwrite: bool = False,
    mount_from: Sequence[str] = (),
    progress: Progress = lambda *_: None,
    stop: Callable[[], bool] = lambda: False,
) -> CopyResult:
    """Copies an image, and puts it under every tag (without tags, only under its digest).

    `never_overwrite` leaves alone a tag that holds another image, and gives that one's digest. `mount_from` names
    repositories of the target that may hold the same blobs. `progress` hears bytes done, bytes in all and what is worked
    on, one call at a time; after `stop` says so, InterruptedRunError.
    """
    image = resolve(source, platform, all_platforms=all_platforms).manifest
    if never_overwrite and (other := _other_image(target, repository, tags, image.digest)):
        return CopyResult(other, kept=True)
    manifests = [*_inner_manifests(source, image, _DEEPEST_INDEX), image]
    sources = [home[1] for home in [source.home] if home[0] == target.host]
    transfer = _Transfer(
        source,
        target,
        repository,
        _distinct_blobs(manifests),
        mount_from=[name for name in (*sources, *mount_from) if name != repository],
        progress=progress,
        stop=stop,
    )
    if target.head_manifest(repository, image.digest) is None:
        transfer.run(parallel)
        for manifest in manifests[:-1]:
            target.put_manifest(repository, manifest.digest, manifest)
    else:
        transfer.skip()
    if never_overwrite and (other := _other_image(target, repository, tags, image.digest)):
        return CopyResult(other, kept=True)
    for reference in tags or (image.digest,):
        target.put_manifest(repository, reference, image)
    # A registry knows no "only if absent": whoever put another image there in the same moment was last, and is right.
    if never_overwrite and (other := _other_image(target, repository, tags, image.digest)):
        return CopyResult(other, kept=True)
    return transfer.result(image.digest)


def put_tags(target: Registry, repository: str, digest: str, tags: Sequence[str]) -> None:
    """Puts further tags on an image that is already in the repository."""
    image = target.get_manifest(repository, digest)
    for tag in tags:
        target.put_manifest(repository, tag, image)


def _other_image(target: Registry, repository: str, tags: Sequence[str], digest: str) -> str:
    for tag in tags:
        found = target.head_manifest(repository, tag)
        if found is not None and found.digest != digest:
            return found.digest
    return ""


def _inner_manifests(source: ImageSource, manifest: Manifest, depth: int) -> Iterator[Manifest]:
    """Gives what an index points to, the innermost first: the order in which a registry accepts them."""
    if manifest.is_index and not depth:
        raise ProviderError(f"{source.name}: its indexes are nested too deeply")
    for child in manifest.children():
        inner = source.manifest(child.digest)
        yield from _inner_manifests(source, inner, depth - 1)
        yield inner


def _distinct_blobs(manifests: Sequence[Manifest]) -> list[Descriptor]:
    """The blobs of an image, each once; large ones first, so that none is left over at the end."""
    blobs = {blob.digest: blob for manifest in manifests for blob in manifest.blobs()}
    return sorted(blobs.values(), key=lambda blob: (-blob.size, blob.digest))


class _Transfer:
    """Brings the blobs of one image into one repository."""

    def __init__(
        self,
        source: ImageSource,
        target: Registry,
        repository: str,
        blobs: Sequence[Descriptor],
        *,
        mount_from: Sequence[str],
        progress: Progress,
        stop: Callable[[], bool],
    ) -> None:
        self._source = source
        self._target = target
        self._repository = repository
        self._blobs = blobs
        self._mount_from = mount_from
        self._progress = progress
        self._stop = stop
        self._abandoned = threading.Event()
        self._telling = threading.Lock()
        self._done_by_digest: dict[str, int] = {}
        self._sent: list[Descriptor] = []
        self._mounted: list[Descriptor] = []
        self._present: list[Descriptor] = []

    def run(self, parallel: int) -> None:
        """Brings over what is missing; the first failure ends the others at their next piece."""
        with ThreadPoolExecutor(parallel, thread_name_prefix="blob") as pool:
            futures = [pool.submit(self._bring, blob) for blob in self._blobs]
            try:
                self._await(futures)
            except BaseException:
                self._abandoned.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def skip(self) -> None:
        """Takes note that the image is there already, and with it all its blobs."""
        self._present.extend(self._blobs)

    def result(self, digest: str) -> CopyResult:
        """Counts what was done."""
        return CopyResult(
            digest=digest,
            bytes_sent=sum(blob.size for blob in self._sent),
            blobs_sent=len(self._sent),
            blobs_mounted=len(self._mounted),
            blobs_present=len(self._present),
        )

    def _await(self, futures: Sequence[Future[None]]) -> None:
        for future in as_completed(futures):
            future.result()

    def _bring(self, blob: Descriptor) -> None:
        self._check_stop()
        if self._target.has_blob(self._repository, blob.digest):
            self._present.append(blob)
        elif self._is_mounted(blob):
            self._mounted.append(blob)
        else:
            self._upload(blob)
            self._sent.append(blob)
        self._tell(blob, blob.size)

    def _is_mounted(self, blob: Descriptor) -> bool:
        return any(self._target.mount_blob(self._repository, blob.digest, name) for name in self._mount_from)

    def _upload(self, blob: Descriptor) -> None:
        self._target.upload_blob(
            self._repository,
            blob.digest,
            blob.size,
            lambda offset: self._source.open_blob(blob.digest, blob.size, offset),
            on_position=lambda position: self._tell(blob, position),
        )

    def _check_stop(self) -> None:
        if self._abandoned.is_set() or self._stop():
            raise InterruptedRunError("the copy was stopped", fix="run again to go on with it")

    def _tell(self, blob: Descriptor, position: int) -> None:
        self._check_stop()
        with self._telling:
            told = self._done_by_digest.get(blob.digest, 0)
            if position < min(blob.size, told + _TOLD_EVERY):
                return
            self._done_by_digest[blob.digest] = max(position, told)
            total = sum(each.size for each in self._blobs)
            self._progress(
                sum(self._done_by_digest.values()), total, f"{self._repository}@{blob.digest[:19]}"
            )
