from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from reconciler.errors import AuthenticationError, ReconcilerError, StateError, UnavailableError
from reconciler.storage.remote import s3
from reconciler.storage.remote.store import RemoteStore
from tests.storage import places, samples
from tests.storage.conftest import s3_place
from tests.storage.places import BUCKET, KEYS


def settings(url: str, **other: Any) -> dict[str, Any]:
    return {"bucket": BUCKET, "endpoint": url, "prefix": uuid4().hex, **other}


def test_a_bucket_that_ignores_conditions_is_refused_and_left_clean(lying_bucket_url: str) -> None:
    shelf = s3.open_shelf(settings(lying_bucket_url), KEYS, "shop/default")
    store = RemoteStore("s3", shelf, samples.SHOP)
    said = r"ignores the conditions of a write \(If-None-Match, If-Match\)"
    with pytest.raises(StateError, match=said), store.lock("apply"):
        pass
    assert shelf.names("") == []


def test_keys_hold_prefix_project_and_environment(bucket_url: str) -> None:
    chosen = settings(bucket_url, prefix="/team/")
    shelf = s3.open_shelf(chosen, KEYS, f"{uuid4().hex}/production")
    assert shelf.describe().startswith(f"s3://{BUCKET}/team/")
    with RemoteStore("s3", shelf, samples.SHOP).lock("apply"):
        pass
    below = s3.open_shelf({**chosen, "prefix": ""}, KEYS, "")
    assert f"{shelf.describe().removeprefix(f's3://{BUCKET}/')}/head.json" in below.names("")


def test_a_bucket_that_is_not_there_is_no_empty_state(bucket_url: str) -> None:
    shelf = s3.open_shelf(settings(bucket_url, bucket="another-bucket"), KEYS, "shop/default")
    with pytest.raises(StateError, match="there is no such bucket"):
        RemoteStore("s3", shelf, samples.SHOP).read()


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_credentials_come_from_the_environment(missing: str) -> None:
    environ = {**KEYS, missing: ""}
    with pytest.raises(AuthenticationError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        s3.open_shelf(settings("http://127.0.0.1:1"), environ, "shop/default")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, AuthenticationError),
        (401, AuthenticationError),
        (503, UnavailableError),
        (302, UnavailableError),
    ],
)
def test_what_a_service_refuses_is_said_without_secrets(status: int, error: type[ReconcilerError]) -> None:
    def refuses(_environ: dict[str, Any], start: Any) -> list[bytes]:
        start(f"{status} No", [("Content-Type", "text/html")])
        return [b"<html>someone whatever</html>"]

    with places.served(refuses) as url:
        shelf = s3.open_shelf(settings(url), KEYS, "shop/default")
        with pytest.raises(error) as refused:
            shelf.get("head.json")
    assert "whatever" not in str(refused.value)
    assert "s3://shop-state/" in str(refused.value)


def test_nobody_there_is_said(tmp_path: Path) -> None:
    place = s3_place("http://127.0.0.1:9", tmp_path)
    assert place.shelf is not None
    with pytest.raises(UnavailableError, match="look at `endpoint`"):
        place.shelf("shop/default").get("head.json")


@pytest.mark.parametrize(
    ("chosen", "environ", "region"),
    [
        ({}, {}, "us-east-1"),
        ({"endpoint": "https://abc.r2.cloudflarestorage.com"}, {}, "auto"),
        ({}, {"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"region": "eu-central-1"}, {"AWS_REGION": "eu-west-1"}, "eu-central-1"),
    ],
)
def test_the_region(chosen: dict[str, str], environ: dict[str, str], region: str) -> None:
    assert s3._region(chosen, environ, chosen.get("endpoint", "")) == region


def test_the_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(StateError, match=r"pip install 'reconciler\[s3\]'"):
        s3.open_shelf(settings("http://127.0.0.1:1"), KEYS, "shop/default")


def test_the_services_time_is_told(bucket_url: str) -> None:
    shelf = s3.open_shelf(settings(bucket_url), KEYS, "shop/default")
    assert shelf.now() > 1_700_000_000
    assert shelf.names("") == []
