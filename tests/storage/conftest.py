from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from reconciler.storage.remote import http_state, postgres, s3
from tests.storage import places
from tests.storage.places import Place

PLAIN = ("local", "s3", "http", "gitlab", "postgres")
ENCRYPTED = ("local+key", "s3+key", "http+key", "postgres+key")


@pytest.fixture(scope="session")
def bucket_url() -> Iterator[str]:
    with places.bucket() as url:
        yield url


@pytest.fixture(scope="session")
def lying_bucket_url() -> Iterator[str]:
    with places.bucket(lies=True) as url:
        yield url


def s3_place(url: str, folder: Path) -> Place:
    settings = {"bucket": places.BUCKET, "endpoint": url, "prefix": uuid4().hex}
    return Place("s3", folder, partial(s3.open_shelf, settings, places.KEYS))


@pytest.fixture(scope="session")
def state_server() -> Iterator[str]:
    with places.served(places.StateServer()) as url:
        yield url


@pytest.fixture(scope="session")
def gitlab() -> Iterator[str]:
    with places.served(places.StateServer(quirks=True)) as url:
        yield url


@pytest.fixture(scope="session")
def database() -> Iterator[dict[str, str]]:
    programs = places.postgres_programs()
    if programs is None:
        pytest.skip("needs Debian's postgresql")
    with places.postgres(programs) as connect:
        yield connect


def postgres_place(connect: dict[str, str], folder: Path) -> Place:
    settings = {**connect, "schema": f"s{uuid4().hex}"}
    return Place("postgres", folder, partial(postgres.open_shelf, settings, {}))


def http_place(url: str, folder: Path, **settings: str) -> Place:
    address = f"{url}/{uuid4().hex}/{{project}}-{{environment}}"
    chosen = {"address": address, **{key: value.format(address) for key, value in settings.items()}}
    options = {"kept_versions": http_state.KEPT_VERSIONS, "keeps_lists": False}
    return Place("http", folder, partial(http_state.open_shelf, chosen, {}), options)


def gitlab_place(url: str, folder: Path) -> Place:
    return http_place(url, folder, lock_address="{}/lock", lock_method="POST", unlock_method="DELETE")


@pytest.fixture(params=PLAIN + ENCRYPTED)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each place in turn, empty; each kind of it also under a key."""
    return make_place(request.param, request, tmp_path)


@pytest.fixture(params=ENCRYPTED)
def encrypted(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each place in turn, empty, under key 1."""
    return make_place(request.param, request, tmp_path)


def make_place(backend: str, request: pytest.FixtureRequest, folder: Path) -> Place:
    if backend.endswith("+key"):
        return make_place(backend.removesuffix("+key"), request, folder).under(places.key(1))
    if backend == "s3":
        return s3_place(request.getfixturevalue("bucket_url"), folder)
    if backend == "http":
        return http_place(request.getfixturevalue("state_server"), folder)
    if backend == "gitlab":
        return gitlab_place(request.getfixturevalue("gitlab"), folder)
    if backend == "postgres":
        return postgres_place(request.getfixturevalue("database"), folder)
    return Place("local", folder)
