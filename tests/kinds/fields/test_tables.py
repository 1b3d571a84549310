"""The tables that the fields are tried by say all that is needed and nothing else, so that no field goes untried in silence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.kinds import Clients, build_handlers
from reconciler.manifest import options
from reconciler.model.kind import Attribute, Kind
from tests.kinds.fields import said, samples, story
from tests.kinds.fields.said import HOT, SAYS, Said
from tests.kinds.fields.story import cases, is_elsewhere
from tests.kinds.fields.walk import ITEM, KEY, places

ROOT = Path(__file__).parents[3]
KINDS = {name: handler.kind for name, handler in build_handlers(Clients()).items()}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
PRINTED = json.loads((ROOT / "schemas" / "containers.schema.json").read_text())["$defs"]
_STEPS = {"items": (ITEM,), "additionalProperties": (KEY,)}


def keys_of(schema: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where a printed schema names a key, however it gets there."""
    for keyword, inner in schema.items() if isinstance(schema, Mapping) else ():
        if keyword == "properties":
            for name, one in inner.items():
                yield (*above, name)
                yield from keys_of(one, (*above, name))
        elif keyword not in ("if", "default", "enum"):
            for one in inner if isinstance(inner, list) else [inner]:
                yield from keys_of(one, above + _STEPS.get(keyword, ()))


@every_kind
def test_every_key_of_the_printed_schema_is_walked_to(kind: Kind) -> None:
    walked = [place.parts for place in places(kind)]
    keys = set(keys_of(PRINTED[kind.name]))
    assert len(keys) >= len(kind.attributes) - sum(row.computed for row in kind.attributes)
    assert [".".join(key) for key in keys if not any(parts[: len(key)] == key for parts in walked)] == []


@every_kind
def test_there_is_a_case_for_every_place_of_the_schema(kind: Kind) -> None:
    wanted = {place.path for place in places(kind) if not is_elsewhere(place.path)}
    assert {case.path for case in cases(kind)} == wanted


@pytest.mark.parametrize("name", SAYS)
def test_the_reference_speaks_of_nothing_that_is_not_there(name: str) -> None:
    there = {place.path.replace("[]", "") for place in places(KINDS[name])}
    assert [path for path in SAYS[name] if not any(f"{one}.".startswith(f"{path}.") for one in there)] == []


def test_every_option_is_spoken_of() -> None:
    elsewhere = {option for option in options.OPTIONS if is_elsewhere(option)}
    assert {*said.OPTIONS, *elsewhere, "name"} == {*options.OPTIONS}


def test_a_new_field_does_not_go_untried_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    colour = Attribute("colour", {"type": "string", "pattern": "^#"})
    kind = replace(KINDS["account"], attributes=(*KINDS["account"].attributes, colour))
    assert "colour" in {place.path for place in places(kind)} - {case.path for case in cases(kind)}
    monkeypatch.setitem(SAYS["account"], "colour", Said(HOT, HOT, "nowhere"))
    with pytest.raises(AssertionError, match=r"account\.colour: no sample satisfies"):
        list(cases(kind))


@pytest.mark.parametrize("path", said.ELSEWHERE)
def test_a_field_that_is_held_elsewhere_is_there_and_so_are_its_tests(path: str) -> None:
    there = {place.path for kind in KINDS.values() for place in places(kind)}
    assert any(f"{one}.".startswith(f"{path}.") for one in there)
    for name in re.findall(r"tests/[\w/]+", said.ELSEWHERE[path]):
        assert (ROOT / name).is_dir() or (ROOT / f"{name}.py").is_file(), name


class Noted(dict[Any, Any]):
    """A table that knows which of its entries were asked for."""

    def __init__(self, table: Mapping[Any, Any]) -> None:
        super().__init__(table)
        self.asked: set[Any] = set()

    def __getitem__(self, key: Any) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


@pytest.mark.parametrize(
    ("module", "name"),
    [(samples, "SAMPLES"), (story, "BASE"), (story, "BESIDE"), (story, "LIVES"), (story, "AFTERWARDS")],
)
def test_no_entry_of_a_table_is_superfluous(module: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = Noted(getattr(module, name))
    monkeypatch.setattr(module, name, noted)
    for kind in KINDS.values():
        list(cases(kind))
    assert set(noted) - noted.asked == set()
