"""One value in every place that takes secrets: sent there, nowhere else to be read, rotated everywhere, taken away last."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.harness import ACCOUNT, Project

FIRST, SECOND = "corr3ct-h0rse/battery", "st4ple-and-w4lrus+7"
SECRETS = """\
secrets:
  db: {from: {env: DB_PASSWORD}}
  hub: {from: {env: DB_PASSWORD}}
"""
HEAD = f"version: 1\nproject: shop\nimages: {{api: {{archive: image}}}}\n{SECRETS}"
USES = """\
registries:
  hub: {domain: docker.io, public_credential: shop, private_credential: "${secrets.hub}"}
workers:
  edge:
    main: worker.js
    compatibility_date: "2026-10-01"
    secrets: {TOKEN: "${secrets.db}", DATABASE_URL: "postgres://app:${secrets.db}@db/app", OTHER: "${secrets.hub}"}
    bindings: {API: "${applications.api}"}
applications:
  api: {image: "${images.api}", class_name: Api, secrets: {DB_PASSWORD: "${secrets.db}"}}
  tasks: {image: "${images.api}", jobs: true, instances: 0}
deployments:
  proxy: {image: "${images.api}", location: ams02, secrets: {DB_PASSWORD: "${secrets.db}"}}
jobs:
  migrate: {application: "${applications.tasks}", command: [up], secrets: {URL: "postgres://app:${secrets.db}@db/app"}}
"""
PLACES = {"secret.db", "registry.hub", "worker.edge", "job.migrate"}


@pytest.fixture
def made(shop: Project) -> Project:
    shop.environ["DB_PASSWORD"] = FIRST
    shop.write(HEAD + USES)
    shop.apply()
    return shop


def writes(shop: Project, since: int) -> list[str]:
    """Which requests have changed anything, shortened to what they are about."""
    return [
        f"{method} {path.partition('/accounts/')[2].partition('/')[2]}"
        for method, path in shop.requests(since)
        if method not in ("GET", "HEAD")
    ]


def before(order: list[str], first: str, second: str) -> bool:
    """Whether the request that begins with one text was made before that with the other."""
    places = [next(at for at, one in enumerate(order) if one.startswith(text)) for text in (first, second)]
    return places[0] < places[1]


def test_a_value_goes_where_it_is_used(made: Project) -> None:
    [account] = made.world("secret")
    assert (account["name"], account["version"]) == ("shop-db", 1)
    reference = [{"name": "DB_PASSWORD", "type": "env", "secret": "shop-db"}]
    api = next(one for one in made.world("application") if one["name"] == "shop-api")
    assert api["configuration"]["secrets"] == reference
    [proxy] = [one for one in made.world("deployment") if not one.get("app_id")]
    assert proxy["secrets"] == reference
    [job] = made.world("job")
    assert [(one["name"], one["type"]) for one in job["secrets"]] == [("URL", "env")]
    [stored] = made.world("store_secret")
    assert (stored["name"], stored["scopes"]) == ("registry-docker-io", ["containers"])
    bulk = [one for one in made.requests() if one[1].endswith("/secrets-bulk")]
    assert len(bulk) == 1, "three script secrets, one request"


def forms(value: str) -> list[bytes]:
    """A value as it stands in texts, in JSON, in addresses, and encoded."""
    raw = value.encode()
    return [raw, json.dumps(value)[1:-1].encode(), quote(value, safe="").encode(), base64.b64encode(raw)]


def test_no_value_is_left_in_any_file_or_text(made: Project) -> None:
    made.environ["DB_PASSWORD"] = SECOND
    told = [made.run(*words.split()) for words in ("plan", "plan --json", "plan -o plan.json", "-v plan")]
    told += [made.run("plan", "--format", form) for form in ("markdown", "html")]
    told.append(made.run("apply", "--yes", "-v"))
    told += [made.run(*words.split()) for words in ("show", "show --json", "state pull", "drift", "status")]
    texts = [(one.out + one.err).encode() for one in told]
    texts += [path.read_bytes() for path in made.folder.rglob("*") if path.is_file()]
    found = [value for value in (FIRST, SECOND) for text in texts for form in forms(value) if form in text]
    assert found == []


def test_a_rotation_is_seen_and_reaches_every_place(made: Project) -> None:
    made.environ["DB_PASSWORD"] = SECOND
    plan = made.plan()
    assert {one["address"] for one in plan["changes"]} >= PLACES
    sensitive = [one for change in plan["changes"] for one in change["attributes"] if one["sensitive"]]
    assert sensitive
    assert all((one["before"], one["after"]) == (None, None) for one in sensitive)
    assert "(sensitive, changed)" in made.run("plan").out
    since = made.last_request()
    made.apply()
    order = writes(made, since)
    assert "PATCH containers/secrets/shop-db" in order
    assert sum(one.startswith("PATCH secrets_store/stores/") for one in order) == 1
    assert order.count("PATCH workers/scripts/shop-edge/secrets-bulk") == 1
    assert sum(one.startswith("POST containers/applications") and one.endswith("/jobs") for one in order) == 1
    [account], jobs = made.world("secret"), made.world("job")
    assert (account["version"], len(jobs)) == (2, 2)
    assert made.actions() == {}


def test_a_value_that_did_not_change_sends_nothing(made: Project) -> None:
    since = made.last_request()
    made.write(HEAD.replace("db: {from: {env: DB_PASSWORD}}", "db: {from: {env: SAME}}") + USES)
    made.environ["SAME"] = FIRST
    made.apply()
    assert not [one for one in writes(made, since) if "secret" in one]
    assert made.actions() == {}


def test_a_secret_that_is_still_used_cannot_leave(made: Project) -> None:
    made.write(HEAD.replace("  db: {from: {env: DB_PASSWORD}}\n", "") + USES)
    ended = made.run("apply", "--yes")
    assert ended.code == 1
    assert "secrets.db" in ended.err
    assert [one["name"] for one in made.world("secret")] == ["shop-db"]


def test_a_secret_leaves_after_the_last_that_used_it(made: Project) -> None:
    unused = USES.replace(', secrets: {DB_PASSWORD: "${secrets.db}"}', "").replace(
        "${secrets.db}", "${secrets.hub}"
    )
    made.write(HEAD.replace("  db: {from: {env: DB_PASSWORD}}\n", "") + unused)
    since = made.last_request()
    assert made.actions()["secret.db"] == "delete"
    made.apply()
    order = writes(made, since)
    for user in ("PATCH containers/applications/", "PATCH containers/deployments/"):
        assert before(order, user, "DELETE containers/secrets/shop-db"), order
    assert made.world("secret") == []
    assert made.actions() == {}


def test_another_name_is_there_before_anybody_uses_it_and_the_old_one_goes_last(made: Project) -> None:
    made.write(HEAD.replace("  db: {from", "  db: {name: database, from") + USES)
    since = made.last_request()
    made.apply()
    order = writes(made, since)
    for user in ("PATCH containers/applications/", "PATCH containers/deployments/"):
        assert before(order, "POST containers/secrets", user), order
        assert before(order, user, "DELETE containers/secrets/shop-db"), order
    assert [one["name"] for one in made.world("secret")] == ["database"]
    assert made.actions() == {}


def test_destroying_takes_the_users_first(made: Project) -> None:
    since = made.last_request()
    assert made.run("destroy", "--yes", "--allow", "DELETES_DATA").code == 0
    order = writes(made, since)
    for user in ("DELETE containers/applications/", "DELETE containers/deployments/"):
        assert before(order, user, "DELETE containers/secrets/shop-db"), order
    assert before(order, "DELETE containers/registries/docker.io", "DELETE secrets_store/stores/"), order
    left: dict[str, list[Any]] = {
        kind: list(made.world(kind)) for kind in ("secret", "store_secret", "worker")
    }
    assert left == {"secret": [], "store_secret": [], "worker": []}


def test_a_script_secret_that_was_dropped_goes_and_a_strangers_stays(made: Project) -> None:
    made.by_hand(
        "PUT", "workers/scripts/shop-edge/secrets", {"name": "THEIRS", "text": "x", "type": "secret_text"}
    )
    made.write(HEAD + USES.replace('TOKEN: "${secrets.db}", ', ""))
    made.apply()
    assert made.actions() == {}
    url = f"{made.server.base_url}/accounts/{ACCOUNT}/workers/scripts/shop-edge/secrets"
    listed = httpx.get(url, headers={"Authorization": "Bearer token"}).json()["result"]
    assert sorted(one["name"] for one in listed) == ["DATABASE_URL", "OTHER", "THEIRS"]


def test_a_secret_of_the_store_that_somebody_else_keeps_is_a_binding(shop: Project) -> None:
    shop.by_hand("POST", "secrets_store/stores", {"name": "default_secret_store"})
    [store] = shop.world("secrets_store")
    stored = [{"name": "theirs", "value": FIRST, "scopes": ["workers"]}]
    shop.by_hand("POST", f"secrets_store/stores/{store['id']}/secrets", stored)
    bound = f"{{type: secrets_store_secret, store_id: {store['id']}, secret_name: theirs}}"
    worker = f'main: worker.js, compatibility_date: "2026-10-01", bindings: {{KEY: {bound}}}'
    shop.write(f"version: 1\nproject: shop\nworkers:\n  edge: {{{worker}}}\n")
    shop.apply()
    assert shop.actions() == {}
    shop.write("version: 1\nproject: shop\n")
    assert shop.run("destroy", "--yes").code == 0
    assert [one["name"] for one in shop.world("store_secret")] == ["theirs"]
