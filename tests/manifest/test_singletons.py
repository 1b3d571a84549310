from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from reconciler.kinds.account import AccountHandler
from reconciler.kinds.ssh_public_key import SshPublicKeyHandler
from reconciler.manifest import manifest_schema, read_manifest, validate_manifest
from reconciler.model.address import ResourceAddress
from reconciler.model.manifest import Inputs, Manifest
from reconciler.model.value import Ref

HANDLERS: Any = {one.kind.name: one for one in (AccountHandler(), SshPublicKeyHandler())}
ME = ResourceAddress("account", "account")
HEAD = "version: 1\nproject: shop\naccount_id: me\n"


def read(folder: Path, text: str, environment: str | None = None) -> Manifest:
    path = folder / "containers.yaml"
    path.write_text(HEAD + text)
    return read_manifest(path, HANDLERS, environment)


def complaints(folder: Path, text: str) -> list[str]:
    path = folder / "containers.yaml"
    path.write_text(HEAD + text)
    return [str(one) for one in validate_manifest(path, HANDLERS, None, Inputs(offline=True))]


def test_what_stands_under_a_section_without_keys_is_one_resource(tmp_path: Path) -> None:
    desired = read(tmp_path, "account: {defaults: {vcpus: 0.25}}\n").resources[ME]
    assert desired.attributes == {"defaults": {"vcpus": 0.25}}
    assert (desired.source.line, desired.source_of(("defaults", "vcpus")).line) == (4, 4)


def test_an_environment_lays_its_part_over_it_or_takes_it_out(tmp_path: Path) -> None:
    text = """\
account: {defaults: {vcpus: 0.25}}
environments:
  a: {account: {defaults: {disk_mb: 3000}}}
  b: {account: null}
  c: {}
"""
    both = read(tmp_path, text, "a").resources[ME]
    assert both.attributes["defaults"] == {"vcpus": 0.25, "disk_mb": 3000}
    assert list(read(tmp_path, text, "b").resources) == []
    assert list(read(tmp_path, text, "c").resources) == [ME]


def test_its_outputs_are_named_without_a_key(tmp_path: Path) -> None:
    manifest = read(tmp_path, "account: {external: true}\noutputs: {me: '${account.id}'}\n")
    assert manifest.outputs["me"].value == Ref(ME, ("id",), "${account.id}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("account: {default: {}}\n", 'there is no key "default"; did you mean defaults?'),
        ("account: 5\n", "account"),
        ("account: {account: {defaults: {}}}\n", 'there is no key "account"'),
        ("account: {defaults: {vcpus: many}}\n", "defaults.vcpus must be a number"),
        ("account: {external: true}\noutputs: {x: '${account.nothing}'}\n", 'has no "nothing"'),
        ("account: {for_each: [a]}\n", "there is one account"),
        (
            "account: {}\nenvironments: {a: {}, b: {}}\n",
            "say `external: true` in all but one of them",
        ),
    ],
)
def test_mistakes_are_told_at_their_place(tmp_path: Path, text: str, said: str) -> None:
    found = complaints(tmp_path, text)
    assert len(found) == 1
    assert said in found[0]
    assert found[0].startswith("containers.yaml:") or f"{tmp_path}" in found[0]


def test_the_schema_for_editors_has_no_key_there() -> None:
    schema = jsonschema_rs.validator_for(manifest_schema(HANDLERS))
    manifest = {"version": 1, "project": "shop", "account": {"defaults": {"vcpus": 1}}}
    assert schema.is_valid(manifest)
    assert not schema.is_valid({**manifest, "account": {"account": {"defaults": {"vcpus": 1}}}})
