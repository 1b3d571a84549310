from __future__ import annotations

from reconciler.cli.image_uses import Uses, rollback_targets
from reconciler.cli.memories import Memory
from reconciler.model.address import ResourceAddress
from reconciler.model.resource import Prior
from reconciler.model.state import State

HOST = "registry.cloudflare.com"
ADDRESS = ResourceAddress("image", "api")


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def version(serial: int, deployed: int, inputs: int = 0) -> State:
    attributes = {"digest": digest(deployed), "inputs": digest(1000 + inputs)}
    prior = Prior(ADDRESS, "x", attributes=attributes, outputs={"digest": digest(deployed)})
    return State("lineage", serial, resources={ADDRESS: prior})


def test_targets_are_counted_by_image_and_not_by_version() -> None:
    earlier = (version(8, 5, 2), version(7, 5, 1), version(6, 4), version(5, 4), version(4, 3), version(3, 2))
    memory = Memory("staging", version(9, 5), earlier)
    assert set(rollback_targets([memory], 2)) == {digest(4), digest(3)}
    assert rollback_targets([memory], 0) == {}


def test_an_image_that_left_the_state_has_targets_too() -> None:
    memory = Memory(None, State("lineage", 3), (version(2, 2), version(1, 1)))
    assert rollback_targets([memory], 1) == {digest(2): "rollback target of image.api in default"}


def test_a_digest_counts_wherever_it_stands_and_a_tag_where_it_is_named() -> None:
    uses = Uses(HOST)
    uses.note("one", {"deep": [{"image": f"{HOST}/acc/api@{digest(1)}"}], digest(2): None})
    uses.note("two", {"image": f"{HOST}/acc/api:7"})
    assert uses.of("acc/api", digest(1), ()) == ("one",)
    assert uses.of("acc/other", digest(2), ()) == ("one",)
    assert uses.of("acc/api", digest(3), ("7",)) == ("two",)
    assert uses.of("acc/other", digest(3), ("7",)) == ()
