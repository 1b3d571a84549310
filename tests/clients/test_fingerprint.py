from __future__ import annotations

import base64
import hashlib
import hmac
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.clients.fingerprint import (
    VARIABLE,
    FingerprintKey,
    FingerprintKeys,
    default_folder,
    read_key,
)
from reconciler.errors import ReconcilerError

KEY = FingerprintKey(bytes(range(32)))
HEX = bytes(range(32)).hex()


def no_key_configured() -> str:
    raise ReconcilerError("VAULT_KEY is not set", fix="set it")


def test_a_fingerprint_is_the_keys_id_and_half_a_hmac() -> None:
    expected = hmac.new(KEY.content, b"valuehunter2", hashlib.sha256).hexdigest()[:32]
    assert KEY.fingerprint("hunter2") == f"{KEY.id}:{expected}"
    assert hmac.new(KEY.content, b"id", hashlib.sha256).hexdigest().startswith(KEY.id)


@given(st.text(), st.text())
def test_fingerprints_are_equal_for_equal_values_only(one: str, other: str) -> None:
    assert (KEY.fingerprint(one) == KEY.fingerprint(other)) == (one == other)


def test_another_key_gives_another_id_and_another_fingerprint() -> None:
    other = FingerprintKey(bytes(32))
    assert other.id != KEY.id
    assert other.fingerprint("x").partition(":")[2] != KEY.fingerprint("x").partition(":")[2]


def test_a_key_prints_nothing_of_itself() -> None:
    assert repr(KEY) == "FingerprintKey()"


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        HEX.upper(),
        f"{HEX}\n",
        base64.b64encode(KEY.content).decode(),
        base64.urlsafe_b64encode(KEY.content).decode(),
    ],
)
def test_a_key_may_be_hex_or_base64(text: str) -> None:
    assert read_key(text, "here") == KEY


@pytest.mark.parametrize("text", ["", "hunter2", HEX[:-2], HEX + "00", "z" * 64, "ä" * 64])
def test_a_key_that_cannot_be_read_is_not_shown(text: str) -> None:
    with pytest.raises(ReconcilerError) as raised:
        read_key(text, VARIABLE)
    assert str(raised.value) == (
        f"the fingerprint key in {VARIABLE} cannot be read; "
        "it is 32 bytes as 64 hex digits or as base64; `openssl rand -hex 32` makes one"
    )


def test_the_environment_has_the_key(tmp_path: Path) -> None:
    assert FingerprintKeys({VARIABLE: HEX}, tmp_path).find("abc") == KEY


def test_a_configured_source_goes_first(tmp_path: Path) -> None:
    keys = FingerprintKeys({VARIABLE: "00" * 32}, tmp_path, configured=lambda: HEX)
    assert keys.find("abc") == KEY


def test_a_configured_source_that_fails_is_not_passed_over(tmp_path: Path) -> None:
    keys = FingerprintKeys({VARIABLE: HEX}, tmp_path, configured=no_key_configured)
    with pytest.raises(ReconcilerError, match="VAULT_KEY is not set"):
        keys.find("abc")


def test_without_anything_there_is_no_key_and_none_is_made(tmp_path: Path) -> None:
    keys = FingerprintKeys({}, tmp_path / "keys")
    assert keys.find("abc") is None
    assert keys.find("") is None
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_was_made_is_found_again_by_its_lineage(tmp_path: Path) -> None:
    keys = FingerprintKeys({}, tmp_path / "deep" / "keys")
    path = keys.make("abc")
    assert path == tmp_path / "deep" / "keys" / "abc"
    assert keys.find("abc") == read_key(path.read_text(), "file")
    assert keys.find("other") is None


def test_nobody_else_can_read_a_key_that_was_made(tmp_path: Path) -> None:
    path = FingerprintKeys({}, tmp_path / "keys").make("abc")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["abc"]


def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    keys = FingerprintKeys({}, tmp_path)
    before = keys.make("abc").read_text()
    assert keys.make("abc").read_text() == before


@pytest.mark.parametrize("lineage", ["../abc", "a/b", ".", "..", "a\0b"])
def test_a_lineage_leads_nowhere_else(tmp_path: Path, lineage: str) -> None:
    with pytest.raises(ReconcilerError, match="is no lineage of a state"):
        FingerprintKeys({}, tmp_path).find(lineage)


def test_a_folder_in_place_of_the_key_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "abc").mkdir()
    with pytest.raises(ReconcilerError, match="the fingerprint key is a "):
        FingerprintKeys({}, tmp_path).find("abc")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with pytest.raises(ReconcilerError, match="cannot be written"):
        FingerprintKeys({}, tmp_path / "keys" / "deeper").make("abc")


def test_the_default_folder_is_in_the_users_configuration() -> None:
    assert default_folder({"HOME": "/home/ops"}) == Path("/home/ops/.config/reconciler/keys")
    assert default_folder({"XDG_CONFIG_HOME": "/cfg", "HOME": "/home/ops"}) == Path("/cfg/reconciler/keys")
