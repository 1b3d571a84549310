from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

import pytest
from hypothesis import given, settings

from reconciler.errors import StateError
from reconciler.model.event import Event
from reconciler.model.plan import PlannedAttribute
from reconciler.model.state import State
from reconciler.model.value import Foretold, Ref, Secret, Template, TextOf, Unknown
from reconciler.storage.codec import (
    HEAD_BYTES,
    MalformedError,
    decode_event,
    decode_plan,
    decode_unsealed,
    decode_version,
    encode_event,
    encode_plan,
    encode_version,
    head_of,
)
from tests.storage import samples


@settings(max_examples=60)
@given(samples.states)
def test_a_state_survives_json(state: State) -> None:
    data, version = encode_version(state, written_at=samples.AT, folded="j1")
    assert decode_version(data) == version
    assert version.state == state


def test_a_rich_state_survives_json() -> None:
    data, _ = encode_version(samples.rich_state())
    assert decode_version(data).state == samples.rich_state()


def test_every_kind_of_event_has_a_sample() -> None:
    assert {type(event) for event in samples.one_of_each()} == set(get_args(Event))


@pytest.mark.parametrize("event", samples.one_of_each(), ids=lambda event: type(event).__name__)
def test_an_event_survives_json(event: Event) -> None:
    assert decode_event(encode_event(event)) == event


@settings(max_examples=40)
@given(samples.runs)
def test_made_up_events_survive_json(run: tuple[tuple[Event, ...], ...]) -> None:
    for event in (event for events in run for event in events):
        assert decode_event(encode_event(event)) == event


def test_a_plan_survives_json() -> None:
    assert decode_plan(encode_plan(samples.plan())) == samples.plan()


def test_a_plan_spells_out_every_field() -> None:
    attribute = json.loads(encode_plan(samples.plan()))["changes"][0]["attributes"][0]
    assert set(attribute) == set(PlannedAttribute.__dataclass_fields__)
    assert attribute["after"] is None


def test_the_same_state_is_the_same_bytes_whatever_the_order() -> None:
    state = samples.state(samples.prior(samples.API), samples.prior(samples.EDGE), outputs={"a": 1, "b": 2})
    turned = samples.state(samples.prior(samples.EDGE), samples.prior(samples.API), outputs={"b": 2, "a": 1})
    assert encode_version(state)[0] == encode_version(turned)[0]


def test_addresses_are_text() -> None:
    document = json.loads(encode_version(samples.rich_state())[0])
    assert set(document["resources"]) == {"application.api", "worker.edge"}
    assert document["resources"]["application.api"]["depends_on"] == ["worker.edge"]
    assert document["intents"]["op-9"]["begun"]["address"] == 'application.web["eu"]'


def test_defaults_are_left_out_of_resources_but_not_of_the_top() -> None:
    document = json.loads(encode_version(samples.state(samples.prior()))[0])
    assert set(document["resources"]["application.api"]) == {"address", "identity", "name", "attributes"}
    assert document["environment"] is None
    assert document["format_version"] == "1.0"


def test_the_head_tells_what_the_file_is() -> None:
    data, version = encode_version(samples.rich_state(), written_at=samples.AT, folded="f" * 32)
    head = head_of(data[:HEAD_BYTES])
    assert head is not None
    assert (head.checksum, head.lineage, head.serial) == (version.checksum, "lineage-1", 41)


def secret_places() -> list[Any]:
    secret = Secret("k:0123", lambda: "hunter2-value")
    return [secret, {"a": secret}, {"a": [1, {"b": secret}]}, MappingProxyType({"a": secret}), (secret,)]


@pytest.mark.parametrize("value", secret_places())
def test_a_secret_leaves_only_its_fingerprint(value: Any) -> None:
    prior = replace(samples.prior(), attributes={"it": value}, facts={"it": value})
    data = encode_version(samples.state(prior, outputs={"it": value}))[0]
    data += encode_event(samples.begun(1, prior=prior, facts={"it": value}))
    data += encode_plan(samples.plan(inputs=replace(samples.plan().inputs, var={"it": value})))
    assert b"hunter2" not in data
    assert data.count(b'{"$secret":"k:0123"}') == 7


LIVE = [
    Unknown(samples.API, "${applications.api.id}"),
    Ref(samples.API, ("id",)),
    TextOf(samples.API, ("name",)),
    Foretold(samples.API, ("generation",)),
    Template(("a", Ref(samples.API, ("id",)))),
    object(),
]


@pytest.mark.parametrize("value", LIVE, ids=lambda value: type(value).__name__)
def test_what_is_no_plain_value_is_refused_by_its_path(value: Any) -> None:
    prior = replace(samples.prior(), attributes={"network": {"a.b": value}})
    with pytest.raises(StateError, match=r'network\["a\.b"\].*bug'):
        encode_version(samples.state(prior))


@pytest.mark.parametrize("value", ["\ud800", 1j], ids=["lone surrogate", "complex"])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(StateError, match="cannot be stored as JSON"):
        encode_version(samples.state(outputs={"it": value}))


def test_read_only_mappings_are_stored_like_dicts() -> None:
    prior = replace(
        samples.prior(), attributes=MappingProxyType({"a": MappingProxyType({})}), facts=MappingProxyType({})
    )
    data, _ = encode_version(samples.state(prior))
    assert decode_version(data).state.resources[samples.API].attributes == {"a": {}}


def test_a_resource_under_anothers_address_is_refused() -> None:
    with pytest.raises(StateError, match=r"worker\.edge is recorded as application\.api"):
        encode_version(replace(samples.state(), resources={samples.EDGE: samples.prior(samples.API)}))


@pytest.mark.parametrize("lineage", ['a"b', "x" * 1000, "\n"])
def test_a_lineage_that_the_head_could_not_tell_is_refused(lineage: str) -> None:
    with pytest.raises(StateError, match="is no lineage"):
        encode_version(samples.state(lineage=lineage))


def test_no_flipped_bit_of_a_state_goes_unnoticed() -> None:
    data, _ = encode_version(samples.state(samples.prior()))
    for at in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[at] ^= 1 << bit
            with pytest.raises(MalformedError):
                decode_version(bytes(flipped))


def test_no_cut_of_a_state_goes_unnoticed() -> None:
    data, _ = encode_version(samples.state(samples.prior()))
    for end in range(len(data)):
        with pytest.raises(MalformedError):
            decode_version(data[:end])


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ({"surprise": 1}, "unknown field `surprise`"),
        ({"serial": "41"}, r"\$\.serial"),
        ({"resources": {"application.api": {"identity": "x"}}}, "missing required field `address`"),
        ({"resources": {"API!": {"address": "API!", "identity": "x"}}}, "is no address"),
        ({"resources": {"worker.a": {"address": "worker.b", "identity": "x"}}}, "recorded as"),
        ({"format_version": "1.1"}, "newer version"),
        ({"format_version": "20.0", "resources": 7}, "newer version"),
    ],
)
def test_an_edited_state_is_checked(edit: dict[str, Any], why: str) -> None:
    document = json.loads(encode_version(samples.state())[0]) | edit
    with pytest.raises(MalformedError, match=why):
        decode_unsealed(json.dumps(document).encode())


def test_a_state_without_checksum_can_be_read_on_purpose() -> None:
    document = json.loads(encode_version(samples.rich_state())[0])
    del document["checksum"]
    assert decode_unsealed(json.dumps(document, indent=2).encode()).state == samples.rich_state()


@pytest.mark.parametrize(
    "data", [b"", b"[" * 100_000, b'"\xff"', b"null", b"\x00" * 64, b'{"event": "begun"}']
)
def test_rubbish_is_malformed_and_nothing_else(data: bytes) -> None:
    for decode in (decode_version, decode_unsealed, decode_event, decode_plan):
        with pytest.raises(MalformedError):
            decode(data)
