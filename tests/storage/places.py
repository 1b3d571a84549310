"""The places where a state can lie, each for real, so that one suite can run over all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from reconciler.storage.disk import Disk
from reconciler.storage.high_water import HighWaterMarks
from reconciler.storage.identity import Identity
from reconciler.storage.local_store import LocalStore
from reconciler.storage.remote.lease import Timing
from reconciler.storage.remote.shelf import Shelf
from reconciler.storage.remote.store import RemoteStore
from reconciler.storage.store import Store
from tests.storage import samples

KEYS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "whatever", "AWS_REGION": "us-east-1"}
BUCKET = "shop-state"


@dataclass(frozen=True)
class Place:
    """One place; `open` gives a store there, as another process would open it."""

    name: str
    folder: Path
    shelf: Callable[[str], Shelf] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def open(self, identity: Identity = samples.SHOP, timing: Timing | None = None) -> Store:
        if self.shelf is None:
            return LocalStore(
                self.folder / "state", identity, marks=self.folder / "marks", now=lambda: samples.NOW
            )
        return RemoteStore(
            self.name,
            self.shelf(f"shop/{identity.environment or 'default'}"),
            identity,
            marks=HighWaterMarks(self.folder / "marks", Disk()),
            timing=timing or Timing(beats=False),
            now=lambda: samples.NOW,
            **self.options,
        )

    def elsewhere(self) -> Place:
        """The same place, as seen by a user who never saw anything of it."""
        return replace(self, folder=self.folder / "elsewhere")


@contextmanager
def served(app: Any) -> Iterator[str]:
    """A WSGI application, one request at a time: the conditions of a write are then looked at and met in one go."""
    server = make_server("127.0.0.1", 0, app, threaded=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def bucket(*, lies: bool = False) -> Iterator[str]:
    """An S3 with one bucket; one that lies takes every write, whatever its conditions."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    app = DomainDispatcherApplication(create_backend_app)
    with served(without_conditions(app) if lies else app) as url:
        make_bucket(url)

        yield url


def make_bucket(url: str) -> None:
    import boto3  # type: ignore[import-untyped]

    boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="someone",
        aws_secret_access_key="whatever",
    ).create_bucket(Bucket=BUCKET)


def without_conditions(app: Any) -> Any:
    def liar(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ.pop("HTTP_IF_NONE_MATCH", None)
        environ.pop("HTTP_IF_MATCH", None)
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    return liar
