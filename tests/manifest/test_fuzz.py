"""Whatever the text: a manifest or a ManifestError, and neither late (failure-modes 26)."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import ManifestError
from reconciler.manifest import peek, read_manifest, validate_manifest
from reconciler.manifest.findings import Findings
from reconciler.manifest.reader import parse
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Source
from reconciler.model.manifest import Inputs, Manifest
from reconciler.model.resource import Desired
from tests.manifest.toys import handlers, write

WHOLE = """\
version: 1
project: shop
account_id: ${env.CLOUDFLARE_ACCOUNT_ID}
naming: "{project}-{environment}-{key}-{each}"
variables:
  n: {type: integer, default: 3, description: x}
  m: {type: map, default: {a: {b: 1}}}
environments:
  staging: {}
  production:
    protect: true
    variables: {n: 20}
    plays: {api: {size: large}, late: null}
    defaults: {plays: {open: true}}
pictures:
  api: {paint: {brush: b, strokes: 3}}
  svc: {for_each: [eu, us], copy: "x:${each.value}"}
whispers:
  db: {from: {env: DB}}
stages:
  edge:
    vars: {A: 1, B: [x, {y: z}]}
    whispers: {URL: "p://a:${whispers.db}@x"}
    bindings: {API: "${plays.api}", W: '${plays.w["eu"].id}'}
plays:
  api: &api
    picture: ${pictures.api}
    role: Hero
    seats: ${var.n}
    size: {rows: 1}
    limits: {regions: [EAST], zone: z1}
    environment_variables: {LOG: info, P: 080}
    rollout_on: [whisper.db, stages.edge.version_id]
    ignore_changes: [environment_variables.LOG]
  w:
    <<: *api
    role: null
    for_each: {eu: {n: 1}, us: {n: 2}}
    picture: '${pictures.svc[each.key]}'
    seats: ${each.value.n}
  late: {seats: 1}
  theirs: {external: true, name: theirs}
moved: [{from: play.a, to: plays.api}]
imports: [{to: stage.edge, id: abc}]
outputs: {o: "${pictures.api.digest}", p: ["${project}", {x: "${environment}"}]}
state: {backend: local, fingerprint_key: {env: K}}
"""

SCRAPS = st.sampled_from(
    [
        "${",
        "}",
        "${var.n}",
        "${each.key}",
        "${plays.w}",
        "${env.A:-${env.B}}",
        "$${x}",
        "null",
        "~",
        "*api",
        "&x",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "-",
        "'",
        '"',
        "#",
        "!x",
        "<<:",
        "0x1F",
        "1e400",
        ".nan",
        "|",
        ">",
        "?",
        "%",
        "@",
        "---",
        "...",
        "é",
        "[0]",
        "for_each:",
        "external:",
        "name:",
        "from:",
        "plays:",
        "environments:",
        "\n",
        "\t",
        "\x00",
        "\x07",
        "\ue000",
        "\u2028",
        "  ",
    ]
)
LINES = WHOLE.splitlines(keepends=True)
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, len(WHOLE)), SCRAPS),
        st.tuples(st.just("cut"), st.integers(0, len(WHOLE)), st.integers(1, 12)),
        st.tuples(st.just("copy"), st.integers(0, len(LINES)), st.integers(0, len(LINES) - 1)),
    ),
    min_size=1,
    max_size=4,
)


def edited(text: str, edits: list[tuple[str, int, Any]]) -> str:
    for what, at, detail in edits:
        if what == "put":
            text = text[:at] + detail + text[at:]
        elif what == "cut":
            text = text[:at] + text[at + detail :]
        else:
            lines = text.splitlines(keepends=True)
            lines.insert(min(at, len(lines)), LINES[detail])
            text = "".join(lines)
    return text


def survives(path: Path) -> None:
    """Reads a file in every way; anything but a manifest or a ManifestError ends the test."""
    environ = {"CLOUDFLARE_ACCOUNT_ID": "1" * 32, "A": "\udcff"}
    for environment in (None, "production"):
        with suppress(ManifestError):
            read_manifest(path, handlers(), environment, Inputs(environ=environ))
    assert all(one.summary and one.code and str(one) for one in validate_manifest(path, handlers()))
    with suppress(ManifestError):
        peek(path)


def test_the_whole_of_it_is_valid(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE, head="")
    assert validate_manifest(path, handlers(), "production") == []
    assert read_manifest(
        path, handlers(), "staging", Inputs(environ={"CLOUDFLARE_ACCOUNT_ID": "a"})
    ).resources


SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(EDITS)
def test_an_edited_manifest_is_read_or_refused(tmp_path: Path, edits: list[tuple[str, int, Any]]) -> None:
    path = tmp_path / "containers.yaml"
    path.write_bytes(edited(WHOLE, edits).encode())
    survives(path)


@SLOW
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "containers.yaml"
    path.write_bytes(b"version: 1\nproject: a\n" + content)
    survives(path)


KEYS = st.sampled_from(
    [
        "version",
        "project",
        "account_id",
        "variables",
        "environments",
        "plays",
        "stages",
        "pictures",
        "whispers",
        "outputs",
        "defaults",
        "moved",
        "imports",
        "naming",
        "state",
        "check",
        "a",
        "b",
        "seats",
        "size",
        "rows",
        "limits",
        "regions",
        "role",
        "picture",
        "from",
        "env",
        "to",
        "id",
        "for_each",
        "name",
        "external",
        "protect",
        "depends_on",
        "rollout_on",
        "replace_on",
        "ignore_changes",
        "default",
        "type",
    ]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**20), st.floats(allow_nan=False), SCRAPS, st.sampled_from(["play.a", "a"])
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


@SLOW
@given(st.dictionaries(KEYS, TREES, max_size=6))
def test_any_tree_is_read_or_refused(tmp_path: Path, tree: dict[str, Any]) -> None:
    path = tmp_path / "containers.yaml"
    path.write_text(json.dumps({"version": 1, "project": "a", **tree}, ensure_ascii=False))
    survives(path)


def reordered(tree: Any, order: st.DataObject) -> Any:
    """The same tree with the keys of every map in another order."""
    if isinstance(tree, list):
        return [reordered(inner, order) for inner in tree]
    if not isinstance(tree, dict):
        return tree
    return {key: reordered(tree[key], order) for key in order.draw(st.permutations(list(tree)))}


def without_places(manifest: Manifest) -> dict[ResourceAddress, Desired]:
    return {key: replace(it, source=Source(), sources={}) for key, it in manifest.resources.items()}


@SLOW
@given(st.data())
def test_the_order_of_keys_changes_nothing(tmp_path: Path, order: st.DataObject) -> None:
    node = parse(WHOLE, "", Findings())
    path = tmp_path / "containers.yaml"
    inputs = Inputs(environ={"CLOUDFLARE_ACCOUNT_ID": "a"})
    path.write_text(json.dumps(node))
    one = read_manifest(path, handlers(), "production", inputs)
    path.write_text(json.dumps(reordered(node, order)))
    other = read_manifest(path, handlers(), "production", inputs)
    assert without_places(one) == without_places(other)


LARGE = {
    "brackets": "x: " + "[" * 300_000,
    "deep blocks": "".join(" " * n + "a:\n" for n in range(700)),
    "open references": 'plays: {a: {motto: "' + "${" * 150_000 + '"}}',
    "fallbacks": 'plays: {a: {motto: "' + "${env.A:-" * 30_000 + "}" * 30_000 + '"}}',
    "dollars": 'plays: {a: {motto: "' + "$" * 300_000 + '"}}',
    "one long word": 'plays: {a: {environment_variables: {A: "' + "eyJ" * 100_000 + '"}, name: "' + "a-" * 90_000 + '"}}',
    "unknown keys": "".join(f"k{n}: 1\n" for n in range(20_000)),
    "equal keys": "k: 1\n" * 40_000,
    "wrong members": "plays: {a: {command: [" + "[]," * 50_000 + "]}}",
    "moves": "moved:\n" + "".join(f"  - {{from: play.a{n}, to: play.a{n + 1}}}\n" for n in range(5_000)),
    "variables": "".join(["variables:\n", *(f'  v{n}: {{default: "${{var.v{n + 1}}}"}}\n' for n in range(5_000))])
    + 'plays: {a: {motto: "${var.v0}"}}\n',
    "bomb": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 30)),
    "merges": "a: &a {" + ",".join(f"k{n}: 1" for n in range(9_000)) + "}\nb: {<<: [" + "*a," * 9_000 + "]}",
}  # fmt: skip


@pytest.mark.timeout(
    60
)  # three readings and a glance, each meant to take about a second, also on a busy machine
@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE.keys())
def test_large_nonsense_is_answered_in_time(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    survives(path)
