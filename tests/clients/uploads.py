"""A memory of uploads that a test fills and reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field

from reconciler.clients.upload_memory import RememberedUpload, UploadMemory
from reconciler.frozen import frozen


@frozen
class Uploads(UploadMemory):
    """Remembers `url` of every blob, and hears what is kept."""

    url: str = ""
    heard: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, blob: str) -> Iterator[RememberedUpload]:
        del blob
        yield RememberedUpload(self.url, self.heard.append)
