"""Environments laid over the base, and defaults filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.manifest import read_manifest
from reconciler.manifest.findings import Findings
from reconciler.manifest.overlay import Rivals, filled, for_environment, overlaid, rivals, rivals_of
from reconciler.manifest.reader import parse
from reconciler.manifest.tree import Block, mark_at, source_of
from reconciler.model.handler import BindContext, Bound
from reconciler.model.manifest import Inputs
from reconciler.model.value import Attributes
from tests.manifest.toys import PICTURE, WHISPER, Toy, attributes, handlers, read, write

CHOICE = rivals([[("build",), ("image",), ("archive",)], [("from", "env"), ("from", "file")]])


def tree(text: str) -> Block:
    node = parse(text, "x.yaml", Findings())
    assert isinstance(node, Block)
    return node


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ("{a: 1, b: 2}", "{b: 3}", {"a": 1, "b": 3}),
        ("{a: {x: 1, y: 2}}", "{a: {y: 3, z: 4}}", {"a": {"x": 1, "y": 3, "z": 4}}),
        ("{a: [1, 2]}", "{a: [3]}", {"a": [3]}),
        ("{a: [1], b: 2}", "{a: null}", {"b": 2}),
        ("{a: {x: 1, y: 2}}", "{a: {x: null}}", {"a": {"y": 2}}),
        ("{a: {x: 1}}", "{a: small}", {"a": "small"}),
        ("{a: small}", "{a: {x: 1}}", {"a": {"x": 1}}),
        ("{a: null}", "{a: 1}", {"a": 1}),
        ("{a: 1}", "{b: null}", {"a": 1}),
        ("{build: {context: .}}", "{image: x}", {"image": "x"}),
        ("{image: x, tags: [a]}", "{build: {context: .}}", {"tags": ["a"], "build": {"context": "."}}),
        ("{build: {context: .}}", "{build: {target: t}}", {"build": {"context": ".", "target": "t"}}),
        ("{build: {}}", "{image: x, archive: y}", {"image": "x", "archive": "y"}),
        ("{build: {}}", "{build: null, image: x}", {"image": "x"}),
        ("{from: {env: A}}", "{from: {file: b}}", {"from": {"file": "b"}}),
        ("{from: {env: A}}", "{from: {env: B}}", {"from": {"env": "B"}}),
    ],
)
def test_what_lies_above_wins(base: str, over: str, merged: dict[str, Any]) -> None:
    assert overlaid(tree(base), tree(over), CHOICE) == merged


@pytest.mark.parametrize(
    ("block", "defaults", "whole"),
    [
        ("{a: 1}", "{a: 2, b: 3}", {"a": 1, "b": 3}),
        ("{a: {x: 1}}", "{a: {x: 2, y: 3}}", {"a": {"x": 1, "y": 3}}),
        ("{a: null}", "{a: 2}", {"a": 2}),
        ("{a: [1]}", "{a: [2, 3]}", {"a": [1]}),
        ("{image: x}", "{build: {context: .}, push: true}", {"image": "x", "push": True}),
        ("{from: {env: A}}", "{from: {file: b}}", {"from": {"env": "A"}}),
        ("{}", "{image: x}", {"image": "x"}),
    ],
)
def test_defaults_fill_what_is_not_set(block: str, defaults: str, whole: dict[str, Any]) -> None:
    assert filled(tree(block), tree(defaults), CHOICE) == whole


def test_nothing_is_changed_in_place() -> None:
    base, over = tree("{a: {x: 1}, image: y}"), tree("{a: {x: 2}, build: {}}")
    overlaid(base, over, CHOICE)
    filled(base, tree("{c: 1}"), CHOICE)
    assert base == {"a": {"x": 1}, "image": "y"}
    assert base.marks.keys() == {"a", "image"}


def test_what_no_overlay_touches_is_shared() -> None:
    base = tree("{a: {x: 1}, b: {y: 1}}")
    assert overlaid(base, tree("{b: {z: 1}}"))["a"] is base["a"]


def test_places_and_spellings_come_along() -> None:
    base = tree("a:\n  x: 1\n  y: 0123\n")
    merged = overlaid(base, tree("# two\n# lines\na:\n  x: 1.10\n"))
    assert source_of("", mark_at(merged, ["a", "x"])).line == 4
    assert source_of("", mark_at(merged, ["a", "y"])).line == 3
    assert source_of("", mark_at(merged, ["a"])).line == 1
    assert (merged["a"].spelling("x"), merged["a"].spelling("y")) == ("1.10", "0123")


def test_a_replaced_scalar_does_not_keep_its_spelling() -> None:
    assert overlaid(tree("{a: 0123}"), tree("{a: 7}")).spelling("a") is None


def test_a_kind_declares_its_rivals_or_has_maps_of_one_key() -> None:
    assert rivals_of(PICTURE).of("copy") == {"paint"}
    assert rivals_of(WHISPER).within("from").of("env") == {"file"}
    assert rivals_of(WHISPER).of("from") == frozenset()


def test_an_environment_lays_itself_over_every_section() -> None:
    root = tree(
        "plays: {a: {x: 1}, b: {x: 1}}\n"
        "environments: {prod: {plays: {a: {x: 2}, b: null, c: {x: 3}}, outputs: {o: 1}, protect: true}}\n"
    )
    merged = for_environment(root, "prod", {"plays": Rivals()})
    assert merged["plays"] == {"a": {"x": 2}, "c": {"x": 3}}
    assert (merged["outputs"], merged["protect"]) == ({"o": 1}, True)


def test_defaults_of_the_environment_lie_over_those_of_the_base() -> None:
    root = tree(
        "defaults: {plays: {x: 1, y: 1}}\nplays: {a: {z: 1}, b: {x: 9}}\n"
        "environments: {prod: {defaults: {plays: {y: 2}}, plays: {b: {x: null}}}}\n"
    )
    merged = for_environment(root, "prod", {"plays": Rivals()})
    assert merged["plays"] == {"a": {"z": 1, "x": 1, "y": 2}, "b": {"x": 1, "y": 2}}


def test_a_choice_drives_out_the_base_in_a_resource_and_in_defaults(tmp_path: Path) -> None:
    text = """
    pictures: {a: {paint: {brush: b}, tags: [x]}}
    whispers: {w: {from: {env: W}}}
    environments:
      prod:
        pictures: {a: {copy: elsewhere}}
        whispers: {w: {from: {file: secret.txt}}}
    """
    prod = read(tmp_path, text, "prod")
    assert attributes(prod, "picture.a") == {"tags": ["x"], "copy": "elsewhere"}
    assert attributes(prod, "whisper.w") == {"from": {"file": "secret.txt"}}


def test_a_for_each_is_overlaid_as_a_block(tmp_path: Path) -> None:
    text = """
    plays: {w: {for_each: [a, b], seats: 1, command: ["${each.key}"]}}
    environments: {prod: {plays: {w: {seats: 2, for_each: [b, c]}}}}
    """
    prod = read(tmp_path, text, "prod")
    assert [str(address) for address in prod.resources] == ['play.w["b"]', 'play.w["c"]']
    assert attributes(prod, 'play.w["c"]') == {"seats": 2, "command": ["c"]}


def test_a_section_that_is_null_is_removed_with_all_in_it(tmp_path: Path) -> None:
    text = "plays: {a: {}}\nenvironments: {empty: {plays: null}}\n"
    assert read(tmp_path, text, "empty").declares_nothing


def test_state_merges_and_its_fingerprint_key_has_one_source(tmp_path: Path) -> None:
    text = """
    state: {backend: local, path: here, fingerprint_key: {env: KEY}}
    environments: {prod: {state: {path: there, fingerprint_key: {file: key.txt}}}}
    """
    prod = read(tmp_path, text, "prod")
    assert prod.state == {"backend": "local", "path": "there", "fingerprint_key": {"file": "key.txt"}}


class Listening(Toy):
    """Notes what it is told to have come out of `defaults`."""

    def __init__(self) -> None:
        super().__init__(PICTURE)
        self.heard: dict[str, frozenset[str]] = {}

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        self.heard[context.address.key] = context.defaulted
        return super().bind(block, context)


@pytest.mark.parametrize(
    ("environment", "heard"),
    [("test", {"a": {"tags"}, "b": set()}), ("live", {"a": {"tags", "retain"}, "b": {"retain"}})],
)
def test_a_kind_hears_what_came_out_of_the_defaults(
    tmp_path: Path, environment: str, heard: dict[str, set[str]]
) -> None:
    text = """
        defaults: {pictures: {tags: [x]}}
        environments: {test: {}, live: {defaults: {pictures: {retain: true}}}}
        pictures: {a: {copy: x}, b: {copy: y, tags: [z]}}
    """
    listening = Listening()
    read_manifest(write(tmp_path, text), {**handlers(), "picture": listening}, environment, Inputs())
    assert {key: set(said) for key, said in listening.heard.items()} == heard
