"""A shelf in a bucket of R2, S3 or whatever honours conditional writes. The only user of obstore (`reconciler[s3]`).

Credentials come from the environment and go nowhere else; what the library says is never passed on whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from reconciler.errors import AuthenticationError, StateError, UnavailableError
from reconciler.storage.lock import Holder
from reconciler.storage.remote.shelf import Item, TakenError, check_conditions

if TYPE_CHECKING:
    from obstore.store import S3Store

TIMEOUT = timedelta(seconds=15)
R2 = ".r2.cloudflarestorage.com"


class S3Shelf:
    """Documents as objects under a prefix."""

    def __init__(self, store: S3Store, bucket: str, prefix: str) -> None:
        self._store = store
        self._where = f"s3://{bucket}/{prefix}"

    def describe(self) -> str:
        """The bucket and the prefix."""
        return self._where

    def get(self, name: str) -> Item | None:
        """An object, with its ETag."""
        import obstore

        with self._answers():
            try:
                answer = obstore.get(self._store, name)
                data = bytes(answer.bytes())
            except FileNotFoundError:
                return None
            meta = answer.meta
            return Item(data, meta["e_tag"] or "", meta["last_modified"].timestamp())

    def create(self, name: str, data: bytes) -> str:
        """Writes with `If-None-Match: *`."""
        return self._put(name, data, "create")

    def replace(self, name: str, data: bytes, tag: str) -> str:
        """Writes with `If-Match`."""
        return self._put(name, data, {"e_tag": tag})  # a version of None would be refused

    def remove(self, names: Iterable[str]) -> None:
        """Deletes objects."""
        import obstore

        with self._answers():
            for name in names:
                obstore.delete(self._store, name)

    def names(self, under: str) -> list[str]:
        """Lists a prefix."""
        import obstore

        with self._answers():
            return [one["path"] for batch in obstore.list(self._store, under) for one in batch]

    def now(self) -> float:
        """The service's time, as it stamps an object that is written for it."""
        import obstore

        name = f"clock/{uuid4().hex}"
        with self._answers():
            obstore.put(self._store, name, b"\n")
            written_at: float = obstore.head(self._store, name)["last_modified"].timestamp()
            obstore.delete(self._store, name)
            return written_at

    def probe(self) -> None:
        """Raises StateError for a service that ignores the conditions of a write."""
        check_conditions(self)

    def enter(self, ticket: str, holder: Holder, told: str) -> None:
        """Nothing: a bucket has no lock of its own."""

    def leave(self, ticket: str) -> None:
        """Nothing."""

    def _put(self, name: str, data: bytes, mode: Any) -> str:
        import obstore

        with self._answers():
            return obstore.put(self._store, name, data, mode=mode, use_multipart=False)["e_tag"] or ""

    @contextmanager
    def _answers(self) -> Iterator[None]:
        from obstore.exceptions import (
            AlreadyExistsError,
            BaseError,
            NotFoundError,
            PermissionDeniedError,
            PreconditionError,
            UnauthenticatedError,
        )

        try:
            yield
        except (AlreadyExistsError, PreconditionError):
            raise TakenError from None
        except (PermissionDeniedError, UnauthenticatedError):
            raise AuthenticationError(
                f"{self._where}: the credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY do not allow this",
                fix="they need to read, write, list and delete objects there",
            ) from None
        except (NotFoundError, FileNotFoundError):
            raise self._no_bucket() from None
        except BaseError as error:
            raise self._meant(str(error)) from None

    def _meant(self, said: str) -> Exception:
        """What the library has no class for."""
        if "NoSuchBucket" in said:
            return self._no_bucket()
        if "409 Conflict" in said or "ConditionalRequestConflict" in said:  # two at the same moment
            return TakenError()
        return UnavailableError(
            f"{self._where} gives no usable answer",
            sent=True,
            fix="look at `endpoint`, `region` and your connection",
        )

    def _no_bucket(self) -> StateError:
        return StateError(f"{self._where}: there is no such bucket", fix="create it, or correct `bucket`")


def open_shelf(settings: Mapping[str, Any], environ: Mapping[str, str], folder: str) -> S3Shelf:
    """The shelf that a manifest's `state:` names; `folder` is the project's and the environment's."""
    store_class = _store_class()
    key, secret = environ.get("AWS_ACCESS_KEY_ID", ""), environ.get("AWS_SECRET_ACCESS_KEY", "")
    if not key or not secret:
        raise AuthenticationError(
            "the state lies in a bucket, and there are no credentials for it",
            fix="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (of an R2 API token: its access key and secret)",
        )
    bucket = str(settings["bucket"])
    endpoint = str(
        settings.get("endpoint") or environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL", "")
    )
    prefix = "/".join(part for part in (str(settings.get("prefix", "")).strip("/"), folder) if part)
    options: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
    if token := environ.get("AWS_SESSION_TOKEN", ""):
        options["session_token"] = token
    store = store_class(
        bucket,
        prefix=prefix,
        access_key_id=key,
        secret_access_key=secret,
        region=_region(settings, environ, endpoint),
        virtual_hosted_style_request=not endpoint,
        client_options={
            "timeout": TIMEOUT,
            "connect_timeout": TIMEOUT,
            "allow_http": endpoint.startswith("http://"),
        },
        retry_config={"max_retries": 0, "retry_timeout": TIMEOUT},
        **options,
    )
    return S3Shelf(store, bucket, prefix)


def _region(settings: Mapping[str, Any], environ: Mapping[str, str], endpoint: str) -> str:
    told = settings.get("region") or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    return str(told or ("auto" if R2 in endpoint else "us-east-1"))


def _store_class() -> type[S3Store]:
    try:
        from obstore.store import S3Store
    except ImportError:
        raise StateError(
            "`state: {backend: s3}` needs a package that is not installed",
            fix="install it with `pip install 'reconciler[s3]'`",
        ) from None
    return S3Store
