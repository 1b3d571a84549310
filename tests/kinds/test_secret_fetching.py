from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.fingerprint import VARIABLE, FingerprintKey, FingerprintKeys
from reconciler.errors import ReconcilerError, StalePlanError
from reconciler.kinds.secret import SecretHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Source
from reconciler.model.handler import PrepareContext, Prepared
from reconciler.model.resource import Desired, Prior
from reconciler.model.value import Path as PathOf
from reconciler.model.value import Secret

KEY = FingerprintKey(bytes(32))
OTHER = FingerprintKey(bytes(range(32)))
DB = ResourceAddress("secret", "db")
NOTHING = PrepareContext({}, state_lineage="abc")


class Sources:
    """Where values come from; remembers what was asked for."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.asked: list[Mapping[str, Any]] = []

    def fetch(self, source: Mapping[str, Any]) -> str:
        self.asked.append(source)
        name = str(next(iter(source.values())))
        if name not in self.values:
            raise ReconcilerError(f"{name} is not set", fix=f"set {name}")
        return self.values[name]


def keys(folder: Path, key: FingerprintKey | None = KEY) -> FingerprintKeys:
    return FingerprintKeys({VARIABLE: key.content.hex()} if key else {}, folder)


def wish(key: str = "db", **attributes: Any) -> Desired:
    attributes = {"from": {"env": "DB_PASSWORD"}, **attributes}
    sources: dict[PathOf, Source] = {("from",): Source("containers.yaml", 7, 5)}
    return Desired(ResourceAddress("secret", key), attributes, name=f"shop-{key}", sources=sources)


def prior(value: str = "hunter2", key: FingerprintKey = KEY, **facts: Any) -> Prior:
    attributes = {"value": {"$secret": key.fingerprint(value)}}
    return Prior(DB, "shop-db", "shop-db", attributes=attributes, facts=facts)


def prepare(
    sources: Sources, found: FingerprintKeys | None, context: PrepareContext = NOTHING, *wishes: Desired
) -> dict[ResourceAddress, Prepared]:
    handler = SecretHandler(fetch=sources.fetch, keys=found)
    return dict(handler.prepare(wishes or (wish(),), context))


def secret_of(prepared: Mapping[ResourceAddress, Prepared]) -> Secret:
    secret = prepared[DB].attributes["value"]
    assert isinstance(secret, Secret)
    return secret


def said(prepared: Mapping[ResourceAddress, Prepared]) -> list[str]:
    return [f"{one.severity} {one.code} {one.summary}; {one.detail}" for one in prepared[DB].diagnostics]


def test_a_value_becomes_a_secret_with_a_fingerprint(tmp_path: Path) -> None:
    prepared = prepare(Sources(DB_PASSWORD="hunter2"), keys(tmp_path))
    secret = secret_of(prepared)
    assert (secret.fingerprint, secret.reveal()) == (KEY.fingerprint("hunter2"), "hunter2")
    assert prepared[DB].outputs == {"value": secret, "version": None}
    assert prepared[DB].diagnostics == ()


def test_nothing_that_is_kept_shows_the_value(tmp_path: Path) -> None:
    prepared = prepare(Sources(DB_PASSWORD="hunter2"), keys(tmp_path))
    assert "hunter2" not in repr(prepared)
    assert prepared[DB].recorded == {"secret.db": KEY.fingerprint("hunter2")}


def test_the_scrubber_hears_of_every_value(tmp_path: Path) -> None:
    scrubbed: list[str] = []
    handler = SecretHandler(
        fetch=Sources(DB_PASSWORD="hunter2").fetch, scrub=scrubbed.append, keys=keys(tmp_path)
    )
    handler.prepare([wish()], NOTHING)
    assert scrubbed == ["hunter2"]


def test_equal_sources_are_asked_once(tmp_path: Path) -> None:
    sources = Sources(DB_PASSWORD="hunter2", OTHER="x")
    wishes = (wish(), wish("copy"), replace(wish("third"), attributes={"from": {"env": "OTHER"}}))
    prepared = prepare(sources, keys(tmp_path), NOTHING, *wishes)
    assert sorted(str(source) for source in sources.asked) == ["{'env': 'DB_PASSWORD'}", "{'env': 'OTHER'}"]
    assert prepared[ResourceAddress("secret", "copy")].attributes["value"] == secret_of(prepared)


def test_without_fetching_nothing_is_asked_and_nothing_said(tmp_path: Path) -> None:
    sources = Sources(DB_PASSWORD="hunter2")
    prepared = prepare(sources, keys(tmp_path), replace(NOTHING, fetch_secrets=False))
    assert (sources.asked, secret_of(prepared), said(prepared)) == ([], Secret(""), [])


def test_a_missing_source_counts_as_unchanged(tmp_path: Path) -> None:
    known = prior()
    prepared = prepare(Sources(), keys(tmp_path), replace(NOTHING, priors={DB: known}, key_id=KEY.id))
    secret = secret_of(prepared)
    assert (secret.fingerprint, secret.at_hand) == (KEY.fingerprint("hunter2"), False)
    assert said(prepared) == [
        "warning S103 (sensitive, not compared): DB_PASSWORD is not set; set DB_PASSWORD"
    ]
    assert prepared[DB].diagnostics[0].source.line == 7


def test_a_missing_source_of_a_plan_is_no_error(tmp_path: Path) -> None:
    prepared = prepare(Sources(), keys(tmp_path))
    assert secret_of(prepared) == Secret("")
    assert said(prepared)[0].startswith("warning S103")


def test_an_apply_that_has_never_sent_it_needs_the_source(tmp_path: Path) -> None:
    prepared = prepare(Sources(), keys(tmp_path), replace(NOTHING, must_fetch=True))
    assert said(prepared) == ["error S105 DB_PASSWORD is not set; set DB_PASSWORD"]


def test_an_apply_that_has_sent_it_does_not(tmp_path: Path) -> None:
    context = replace(NOTHING, must_fetch=True, priors={DB: prior()}, key_id=KEY.id)
    assert said(prepare(Sources(), keys(tmp_path), context))[0].startswith("warning S103")


def test_with_another_key_nothing_is_compared(tmp_path: Path) -> None:
    context = replace(NOTHING, priors={DB: prior(key=OTHER)}, key_id=OTHER.id)
    prepared = prepare(Sources(DB_PASSWORD="hunter2"), keys(tmp_path), context)
    secret = secret_of(prepared)
    assert (secret.fingerprint.partition(":")[0], secret.reveal()) == (KEY.id, "hunter2")
    assert said(prepared) == [
        (
            f"warning S103 (sensitive, not compared): the fingerprint key {OTHER.id} is not here; "
            "it counts as unchanged; `apply --resend-secrets` sends it"
        )
    ]


def test_without_any_key_nothing_is_compared_and_none_made(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    context = replace(NOTHING, priors={DB: prior()}, key_id=KEY.id, must_fetch=True)
    prepared = prepare(Sources(DB_PASSWORD="hunter2"), keys(folder, None), context)
    secret = secret_of(prepared)
    assert (secret.fingerprint, secret.at_hand) == ("", True)
    assert f"the fingerprint key {KEY.id} is not here" in said(prepared)[0]
    assert not folder.exists()


def test_a_plan_makes_no_key(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    prepared = prepare(Sources(DB_PASSWORD="hunter2"), keys(folder, None))
    assert (secret_of(prepared).fingerprint, said(prepared)) == ("", [])
    assert not folder.exists()


def test_the_first_apply_makes_a_key_and_says_so_once(tmp_path: Path) -> None:
    found = keys(tmp_path / "keys", None)
    context = replace(NOTHING, must_fetch=True)
    prepared = prepare(Sources(DB_PASSWORD="hunter2"), found, context)
    made = found.find("abc")
    assert made is not None
    assert secret_of(prepared).fingerprint == made.fingerprint("hunter2")
    assert said(prepared) == [
        (
            "warning S104 the key that tells changed secrets from unchanged ones is now in "
            f"{tmp_path / 'keys' / 'abc'}; give its content to everybody who applies, CI too, as {VARIABLE}"
        )
    ]
    assert said(prepare(Sources(DB_PASSWORD="hunter2"), found, context)) == []


def test_a_key_that_cannot_be_read_is_said_and_stops_nothing(tmp_path: Path) -> None:
    found = FingerprintKeys({VARIABLE: "short"}, tmp_path)
    prepared = prepare(Sources(DB_PASSWORD="hunter2"), found)
    assert secret_of(prepared).fingerprint == ""
    assert "the fingerprint key in RECONCILER_FINGERPRINT_KEY cannot be read" in said(prepared)[0]


def test_a_prompt_asks_only_when_it_is_applied(tmp_path: Path) -> None:
    sources = Sources(password="hunter2")
    asking = replace(wish(), attributes={"from": {"prompt": "password"}})
    planned = prepare(sources, keys(tmp_path), NOTHING, asking)
    assert (sources.asked, secret_of(planned).at_hand) == ([], False)
    applied = prepare(sources, keys(tmp_path), replace(NOTHING, must_fetch=True), asking)
    assert secret_of(applied).reveal() == "hunter2"


def test_a_saved_plan_is_refused_when_the_value_is_another(tmp_path: Path) -> None:
    context = replace(NOTHING, recorded={"secret.db": KEY.fingerprint("hunter2")})
    assert secret_of(prepare(Sources(DB_PASSWORD="hunter2"), keys(tmp_path), context)).at_hand
    with pytest.raises(StalePlanError, match=r"secret\.db: its value is another than when the plan was made"):
        prepare(Sources(DB_PASSWORD="hunter3"), keys(tmp_path), context)


def test_what_the_plan_could_not_compare_is_accepted(tmp_path: Path) -> None:
    for recorded in ({}, {"secret.db": OTHER.fingerprint("hunter2")}):
        context = replace(NOTHING, recorded=recorded)
        assert secret_of(prepare(Sources(DB_PASSWORD="hunter3"), keys(tmp_path), context)).at_hand


def test_an_account_secret_is_watched(tmp_path: Path) -> None:
    wanted = wish(targets={"account": True})
    prepared = prepare(Sources(DB_PASSWORD="hunter2"), keys(tmp_path), NOTHING, wanted)
    assert prepared[DB].attributes["as_sent"] is True
    assert "version" not in prepared[DB].outputs


def test_what_was_once_in_the_account_stays_watched(tmp_path: Path) -> None:
    context = replace(NOTHING, priors={DB: prior(version=3)})
    assert prepare(Sources(DB_PASSWORD="hunter2"), keys(tmp_path), context)[DB].attributes["as_sent"] is True


def test_a_plan_that_could_not_look_holds_nothing_against_the_apply(tmp_path: Path) -> None:
    planned = prepare(Sources(), keys(tmp_path), replace(NOTHING, priors={DB: prior()}, key_id=KEY.id))
    assert planned[DB].recorded == {}
