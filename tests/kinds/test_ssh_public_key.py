from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.server import LocalServer
from reconciler.errors import ManifestError
from reconciler.kinds.ssh_public_key import SshPublicKeyHandler
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Look
from reconciler.model.resource import Desired
from tests.kinds.emulated import Emulated, bind, emulated
from tests.kinds.kind_bench import changes, failures, findings

OPS = ResourceAddress("ssh_public_key", "ops")
_HEAD = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"


def key(byte: int = 1, comment: str = "ops@laptop") -> str:
    return f"ssh-ed25519 {base64.b64encode(_HEAD + bytes([byte]) * 32).decode()} {comment}".strip()


def wish(text: str = key(), name: str = "shop-ops", **options: Any) -> Desired:
    return Desired(OPS, {"public_key": text}, name=name, **options)


@pytest.fixture
def cloud(shared_emulator: LocalServer, tmp_path: Path) -> Iterator[Emulated]:
    with emulated(shared_emulator, lambda api: SshPublicKeyHandler(api, base_dir=tmp_path)) as made:
        yield made


@pytest.mark.parametrize("text", [key(), key(comment=""), f"  {key()}\n", key().replace(" ", "   ")])
def test_a_key_is_one_line_of_two_or_three_parts(text: str) -> None:
    bound, errors = bind(SshPublicKeyHandler(), {"public_key": text})
    assert errors == []
    assert bound.attributes["public_key"] == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ssh-rsa AAAA me", "only keys that begin with ssh-ed25519"),
        ("", "only keys that begin with ssh-ed25519"),
        ("ssh-ed25519", "on one line"),
        (key(comment="two words"), "at most one word of comment"),
        (key().replace(" ", "\n", 1), "on one line"),
        ("ssh-ed25519 ??? me", "not base64"),
        ("ssh-ed25519 ü me", "not base64"),
        ("ssh-ed25519 AAAA me", "no Ed25519 key"),
        (f"ssh-ed25519 {base64.b64encode(_HEAD + bytes(31)).decode()}", "no Ed25519 key"),
    ],
)
def test_what_is_no_ed25519_key_is_told_at_its_line(text: str, said: str) -> None:
    [(path, code, told)] = bind(SshPublicKeyHandler(), {"public_key": text})[1]
    assert (path, code) == (("public_key",), "H102")
    assert said in told


@pytest.mark.parametrize("block", [{}, {"public_key": key(), "public_key_file": "id.pub"}])
def test_exactly_one_source(block: dict[str, Any]) -> None:
    [(_, code, told)] = bind(SshPublicKeyHandler(), block)[1]
    assert (code, "exactly one" in told) == ("H101", True)


def test_somebody_elses_key_needs_no_source() -> None:
    assert bind(SshPublicKeyHandler(), {}, external=True)[1] == []


def test_a_key_is_made_once(cloud: Emulated) -> None:
    assert failures(cloud.bench.apply(wish())) == []
    [made] = cloud.world("ssh_public_key")
    assert (made["name"], made["public_key"]) == ("shop-ops", key())
    assert cloud.bench.prior(OPS).outputs == {"id": made["id"], "name": "shop-ops"}
    assert changes(cloud.bench.plan(wish())) == {}


@pytest.mark.parametrize(
    "other", [wish(key(2)), wish(key(comment="new")), wish(name="admins", named_by_default=False)]
)
def test_another_key_or_name_is_a_new_key(cloud: Emulated, other: Desired) -> None:
    cloud.bench.apply(wish())
    before = cloud.bench.prior(OPS).identity
    change = changes(cloud.bench.plan(other))["ssh_public_key.ops"]
    assert (change.action, change.effect) == ("replace", "hot")
    cloud.requests()
    assert failures(cloud.bench.apply(other)) == []
    assert cloud.requests() == ["DELETE ssh-public-keys/shop-ops", "POST ssh-public-keys"]
    assert cloud.bench.prior(OPS).identity != before
    assert changes(cloud.bench.plan(other)) == {}


def test_a_key_in_a_file_is_the_same_key(cloud: Emulated, tmp_path: Path) -> None:
    (tmp_path / "ops.pub").write_text(key() + "\n")
    from_file = Desired(OPS, {"public_key_file": "ops.pub"}, name="shop-ops")
    cloud.bench.apply(wish())
    assert changes(cloud.bench.plan(from_file))["ssh_public_key.ops"].effect == "none"
    cloud.requests()
    cloud.bench.apply(from_file)
    assert cloud.requests() == []
    assert changes(cloud.bench.plan(from_file)) == {}
    (tmp_path / "ops.pub").write_text(key(2))
    assert changes(cloud.bench.plan(from_file))["ssh_public_key.ops"].action == "replace"


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "ops.pub does not exist"), (b"ssh-rsa AAAA", "ssh-ed25519"), (b"\xff\xfe", "is no text")],
)
def test_a_file_without_a_key_stops_the_plan(
    cloud: Emulated, tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "ops.pub").write_bytes(content)
    with pytest.raises(ManifestError) as stopped:
        cloud.bench.plan(Desired(OPS, {"public_key_file": "ops.pub"}, name="shop-ops"))
    [told] = findings(stopped.value)
    assert said in told
    assert told.startswith("ssh_public_key.ops: ")


def test_a_list_without_the_texts_changes_nothing(cloud: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.bench.apply(wish())
    listed = [{"id": one["id"], "name": one["name"]} for one in cloud.api.list_ssh_public_keys()]
    monkeypatch.setattr(cloud.api, "list_ssh_public_keys", lambda: listed)
    assert changes(cloud.bench.plan(wish())) == {}


def test_a_key_of_that_name_is_not_ours_unasked(cloud: Emulated) -> None:
    cloud.api.create_ssh_public_key("shop-ops", key())
    assert changes(cloud.bench.plan(wish()))["ssh_public_key.ops"].action == "refused"
    assert changes(cloud.bench.plan(wish(adopt=True)))["ssh_public_key.ops"].action == "adopt"
    assert failures(cloud.bench.apply(wish(adopt=True))) == []
    assert changes(cloud.bench.plan(wish())) == {}
    assert len(cloud.world("ssh_public_key")) == 1


def test_two_of_a_name_are_both_listed(cloud: Emulated) -> None:
    ids = sorted(cloud.api.create_ssh_public_key("shop-ops", key(byte))["id"] for byte in (1, 2))
    reason = changes(cloud.bench.plan(wish(adopt=True)))["ssh_public_key.ops"].reason
    assert all(one in reason for one in ids)
    plan = cloud.bench.plan(wish(import_id="shop-ops")).plan
    assert any(all(one in told.summary for one in ids) for told in plan.diagnostics)
    assert changes(cloud.bench.plan(wish(import_id=ids[0])))["ssh_public_key.ops"].action in (
        "adopt",
        "replace",
    )


def test_two_of_a_name_are_not_deleted_together(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    theirs = cloud.api.create_ssh_public_key("shop-ops", key(2))["id"]
    [told] = failures(cloud.bench.apply())
    assert theirs in told
    assert "would take all of them; delete the other ones" in told
    assert len(cloud.world("ssh_public_key")) == 2


def test_a_key_that_was_replaced_by_hand_is_left_alone(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    cloud.api.delete_ssh_public_key("shop-ops")
    cloud.api.create_ssh_public_key("shop-ops", key(2))
    assert failures(cloud.bench.apply()) == []
    assert len(cloud.world("ssh_public_key")) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_leaves_one_key(cloud: Emulated, when: str) -> None:
    cloud.faults({"method": "POST", "path": "/ssh-public-keys$", "fault": {"drop": when}})
    assert failures(cloud.bench.apply(wish())) == []
    assert len(cloud.world("ssh_public_key")) == 1
    assert changes(cloud.bench.plan(wish())) == {}


def test_a_stale_list_does_not_bring_back_the_key_that_was_replaced(cloud: Emulated) -> None:
    cloud.bench.apply(wish())
    cloud.drive("POST", "clock", {"advance": 60})
    cloud.faults(
        {"method": "POST", "path": "/ssh-public-keys$", "fault": {"drop": "before"}},
        {"method": "GET", "path": "/ssh-public-keys$", "after": 2, "fault": {"stale": 30}},
    )
    cloud.bench.apply(wish(key(2)))
    [made] = cloud.world("ssh_public_key")
    assert made["public_key"] == key(2)


def test_a_refusal_says_what_a_key_looks_like(cloud: Emulated) -> None:
    [told] = failures(cloud.bench.apply(wish("ssh-rsa AAAA")))
    assert "VALIDATE_INPUT" in told
    assert told.endswith("give one line as in a .pub file: `ssh-ed25519 AAAA... comment`")


def test_a_look_at_everything_names_the_others(cloud: Emulated) -> None:
    made = cloud.api.create_ssh_public_key("other", key())
    sighting = cloud.bench.handlers["ssh_public_key"].observe(Look(1, [], others=True))
    assert [one.identity for one in sighting.others] == [made["id"]]
