"""States, events, plans and stores for the tests of storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from reconciler.model import plan as plans
from reconciler.model.address import ResourceAddress
from reconciler.model.event import (
    Event,
    OutputsChanged,
    StepBegun,
    StepCheckpointed,
    StepFailed,
    StepLeftUnsettled,
    StepProgressed,
    StepRecovered,
    StepSettled,
    StepSkipped,
    StepSucceeded,
    StepVoided,
)
from reconciler.model.resource import Pending, Prior
from reconciler.model.state import Intent, State, Tombstone
from reconciler.storage.disk import Disk
from reconciler.storage.identity import Identity
from reconciler.storage.local_store import LocalStore

API = ResourceAddress("application", "api")
EDGE = ResourceAddress("worker", "edge")
EU = ResourceAddress("application", "web", "eu")
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
AT = "2026-11-20T10:00:00Z"
SHOP = Identity("shop", None, "cloudflare", "0" * 32, "https://api.cloudflare.com/client/v4")


def prior(address: ResourceAddress = API, **other: Any) -> Prior:
    attributes = {"max_instances": 3, "constraints": {"tiers": [1, 2]}, "image": "r/shop@sha256:aa"}
    return Prior(address, f"id-{address}", name=f"shop-{address.key}", attributes=attributes, **other)


def state(*priors: Prior, **other: Any) -> State:
    return State(
        lineage=other.pop("lineage", "lineage-1"),
        project="shop",
        account_id=SHOP.account_id,
        api_base_url=SHOP.api_base_url,
        resources={one.address: one for one in priors},
        **other,
    )


def rich_state() -> State:
    begun = StepBegun(EU, "create", "op-9", AT, run="run-1", natural_key="shop-web-eu", prior=prior(EU))
    rollout = Pending(API, "rollout", {"id": "r1", "steps": [10, 100]}, AT)
    return state(
        prior(API, depends_on=(EDGE,), uses=(EDGE,), pending=(rollout,), owes=("rollout",), protect=True),
        prior(EDGE, outputs={"version_id": "v1"}, revision=4, named_by_default=False),
        serial=41,
        outputs={"url": "https://shop.example", "list": [1, {"a": None}]},
        tombstones=(Tombstone("old-id", API, AT),),
        intents={"op-9": Intent(begun, {"uploaded": {"tag": "t1"}})},
        fingerprint_key_id="3f9a0c11",
    )


def begun(number: int, address: ResourceAddress = API, **other: Any) -> StepBegun:
    return StepBegun(address, "create", f"op-{number}", AT, run="run-1", natural_key="shop-api", **other)


def succeeded(number: int, address: ResourceAddress = API, **other: Any) -> StepSucceeded:
    return StepSucceeded(address, "create", f"op-{number}", prior(address), at=AT, **other)


def one_of_each() -> tuple[Event, ...]:
    pending = Pending(API, "rollout", {"id": "r1"}, AT)
    return (
        begun(1),
        StepCheckpointed(API, "op-1", "patched", {"version": 3}),
        StepProgressed(API, "op-1", 1.0, 2.0, "half"),
        succeeded(1, deleted="old", notes=("took over",), narrowed=True),
        begun(2, EDGE),
        StepFailed(EDGE, "update", "op-2", "refused", fix="ask", prior=prior(EDGE), at=AT),
        StepSkipped(EU, "create", EDGE, "worker.edge failed"),
        begun(3),
        StepLeftUnsettled(API, "update", "op-3", prior(pending=(pending,)), pending, "out of time"),
        StepSettled(API, "op-3", prior(), at=AT),
        begun(4, EU),
        StepRecovered(EU, "create", "op-4", prior(EU), how="listed"),
        begun(5),
        StepVoided(API, "update", "op-5", "never sent"),
        OutputsChanged({"url": "https://shop.example"}),
    )


def plan(**other: Any) -> plans.Plan:
    image = plans.PlannedAttribute("image", "r@sha256:aa", None, unknown=True, known_after="image.api")
    change = plans.PlannedChange(
        "application.api",
        "application",
        "shop-api",
        "update",
        "rollout",
        "image changed",
        2,
        requires=("image.api",),
        steps=(plans.PlannedStep("update", 2, ("image.api",)),),
        hazards=(plans.PlannedHazard("RESTARTS_INSTANCES", "shown", "restarts 3 instances"),),
        source=plans.PlannedSource("containers.yaml", 41, 3),
        attributes=(image,),
        details={"files": ["web/a.js"]},
    )
    made = plans.Plan(
        plans.FORMAT_VERSION,
        "0.1.0",
        "shop",
        None,
        "cloudflare",
        "0" * 32,
        AT,
        "2026-11-27T10:00:00Z",
        plans.ManifestStamp("containers.yaml", "ab" * 32),
        plans.StateStamp("lineage-1", 41),
        changes=(change,),
        drift=(plans.PlannedDrift("application.web", "max_instances", 5, 8, "revert"),),
        outputs={"url": plans.PlannedOutput("a", None, unknown=True)},
        diagnostics=(plans.PlannedDiagnostic("warning", "W014", "moved tag"),),
        summary={"update": 1},
        pending=(plans.PendingStep("application.web", "create", AT, "run-1"),),
        inputs=plans.RecordedInputs(env={"A": "b"}, prepared={"image.api": {"inputs": "ff"}}),
    )
    return replace(made, **other)


def store(folder: Path, identity: Identity = SHOP, disk: Disk | None = None, **other: Any) -> LocalStore:
    other.setdefault("marks", folder / "marks")
    return LocalStore(folder / "state", identity, disk=disk, now=lambda: NOW, **other)


def write(it: LocalStore, wanted: State) -> State:
    """Writes a state as a command would; the lineage and serial present are kept."""
    with it.lock("test"):
        present = it.read()
        serial = present.serial if present else wanted.serial
        return it.commit(replace(wanted, serial=serial))


def cut_off_run(it: LocalStore, *events: Event, first: State | None = None) -> None:
    """A run that was killed after these events: its journal stays."""
    with it.lock("apply"):
        present = it.read() or first or state()
        it.begin_run(present, "run-1")
        it.append(events)


texts = st.text(st.characters(codec="utf-8"), max_size=8)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
attributes = st.dictionaries(texts, json_values, max_size=3)
addresses = st.tuples(
    st.sampled_from(["application", "worker", "image", "ssh_public_key"]),
    st.from_regex(r"[a-z0-9][a-z0-9_-]{0,3}", fullmatch=True),
    st.just("") | st.from_regex(r"[A-Za-z0-9._-]{1,3}", fullmatch=True),
).map(lambda parts: ResourceAddress(*parts))
pendings = st.builds(Pending, addresses, texts, attributes, texts)


def priors_of(address: ResourceAddress) -> st.SearchStrategy[Prior]:
    return st.builds(
        Prior,
        st.just(address),
        texts,
        name=texts,
        named_by_default=st.booleans(),
        attributes=attributes,
        outputs=attributes,
        depends_on=st.lists(addresses, max_size=2).map(tuple),
        protect=st.booleans(),
        revision=st.integers(0, 9),
        owes=st.lists(texts, max_size=2).map(tuple),
        pending=st.lists(pendings, max_size=1).map(tuple),
    )


priors = addresses.flatmap(priors_of)


def operations_of(address: ResourceAddress) -> st.SearchStrategy[tuple[Event, ...]]:
    """What may happen to one resource in one run: a step that began, and how far it came."""
    operation = f"op-{address}"
    opening = st.builds(
        StepBegun,
        st.just(address),
        texts,
        st.just(operation),
        texts,
        prior=st.none() | priors_of(address),
        facts=attributes,
    ).map(lambda event: (event,))
    maybe_prior = st.none() | priors_of(address)
    endings: list[st.SearchStrategy[tuple[Event, ...]]] = [
        st.just(()),
        _one(StepSucceeded, address, operation, maybe_prior, deleted=texts),
        _one(StepFailed, address, operation, texts, prior=maybe_prior, uncertain=st.booleans()),
        _one(StepLeftUnsettled, address, operation, priors_of(address), pendings),
        st.builds(StepSettled, st.just(address), st.just(operation), maybe_prior).map(lambda event: (event,)),
        _one(StepVoided, address, operation, texts),
    ]
    checkpoint = st.builds(StepCheckpointed, st.just(address), st.just(operation), texts, attributes)
    middle = st.lists(checkpoint, max_size=2).map(tuple)
    return st.tuples(opening, middle, st.one_of(endings)).map(lambda parts: parts[0] + parts[1] + parts[2])


def _one(
    event: Callable[..., Event], address: ResourceAddress, operation: str, *rest: Any, **named: Any
) -> st.SearchStrategy[tuple[Event, ...]]:
    made = st.builds(event, st.just(address), texts, st.just(operation), *rest, **named)
    return made.map(lambda one: (one,))


runs = st.lists(addresses, max_size=4, unique=True).flatmap(lambda them: st.tuples(*map(operations_of, them)))
states = st.builds(
    lambda some, outputs, serial: state(*some, outputs=outputs, serial=serial),
    st.lists(priors, max_size=3),
    attributes,
    st.integers(0, 2**40),
)
