"""One kind's fields, each on a resource of its own, through one life: made with a field, changed in it, and left without."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model.kind import Kind
from tests.harness import Ended, Project
from tests.kinds.fields.said import ELSEWHERE, Said, said
from tests.kinds.fields.samples import (
    AFTERWARDS,
    BASE,
    BESIDE,
    LIVES,
    SEEDS,
    SHARED,
    VARIANTS,
    above,
    samples,
)
from tests.kinds.fields.walk import Place, places, put, without

_HEAD = {"version": 1, "project": "fields"}


@dataclass(frozen=True, slots=True)
class Case:
    """A field with two values, and the three blocks that its resource goes through."""

    kind: Kind
    group: str
    path: str
    key: str
    said: Said
    first: Mapping[str, Any]
    second: Mapping[str, Any]
    removed: Mapping[str, Any]

    @property
    def address(self) -> str:
        return f"{self.kind.name}.{'account' if self.kind.singleton else self.key}"

    def blocks(self) -> tuple[Mapping[str, Any], ...]:
        """Made, changed, without; what cannot be left out stays."""
        return self.first, self.second, self.second if self.said.removed == "refused" else self.removed

    def emptied(self) -> Mapping[str, Any]:
        """The last of the blocks, in which a key that it leaves out is `null` instead."""
        return {self.path.split(".")[0].removesuffix("[]"): None, **self.blocks()[-1]}


def cases(kind: Kind) -> Iterator[Case]:
    """A case for every place of the kind's schema that the reference speaks of, and for some in another block.

    A place that can have one value only is changed by giving it that value: it has a second case.
    """
    numbers = itertools.count()
    some = [place for place in places(kind) if said(kind.name, place.path) and not is_elsewhere(place.path)]
    for place in some:
        yield (case := _case(kind, kind.name, place, {}, next(numbers)))
        if case.first == case.second and case.said.removed != "refused":
            yield _case(kind, kind.name, place, {}, next(numbers), added=True)
    for (name, variant), (beside, paths) in VARIANTS.items():
        for place in some if name == kind.name else ():
            if _among(place, paths):
                yield _case(kind, f"{name}-{variant}", place, beside, next(numbers))


def is_elsewhere(path: str) -> bool:
    """Whether a field is held by other tests than these."""
    return any(f"{path}.".startswith(f"{one}.") for one in ELSEWHERE)


def _case(
    kind: Kind, group: str, place: Place, beside: Mapping[str, Any], number: int, *, added: bool = False
) -> Case:
    rule = said(kind.name, place.path)
    assert rule is not None
    first, second, removed = (_numbered(block, number) for block in _life(kind, place, beside))
    return Case(kind, group, place.path, f"f{number}", rule, removed if added else first, second, removed)


def _life(kind: Kind, place: Place, beside: Mapping[str, Any]) -> Iterable[Any]:
    """The blocks with the field, with another value, and without it."""
    name = f"{kind.name}.{place.path}"
    if name in LIVES:
        return [_merged(BASE[kind.name], block) for block in LIVES[name]]
    values = samples(kind, place.path, place.schema)
    base = _merged(_base(kind, place), beside)
    made, changed = (put(copy.deepcopy(base), place.parts, value) for value in (values[0], values[-1]))
    return made, changed, _merged(without(changed, place.removable), AFTERWARDS.get(name, {}))


def _base(kind: Kind, place: Place) -> Any:
    """The smallest block in which the field may stand: without its rivals, with its companions."""
    base = BASE[kind.name]
    rivals = [rival.split(".") for group in kind.one_of if _among(place, group) for rival in group]
    for rival in rivals:
        base = without(base, tuple(rival)) if place.parts[: len(rival)] != tuple(rival) else base
    if isinstance(base.get(place.parts[0]), str | list) and len(place.parts) > 1:
        base = without(base, place.parts[:1])
    for parts, schema in place.needed:
        if parts != place.parts[: len(parts)]:
            value, *_ = samples(kind, ".".join(parts).replace(".[]", "[]"), schema)
            base = put(base, parts, value)
    return _merged(base, above(BESIDE, kind.name, place.path))


def _among(place: Place, group: Iterable[str]) -> bool:
    return any(f"{place.path}.".startswith(f"{rival}.") for rival in group)


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        both = {
            key: _merged(one[key], other[key]) if key in one and key in other else {**one, **other}[key]
            for key in keys
        }
        return {key: value for key, value in both.items() if value is not None}
    if isinstance(one, list) and isinstance(other, list):
        return [_merged(a, b) for a, b in zip(one, other, strict=True)]
    return other


def _numbered(block: Any, number: int) -> Any:
    return json.loads(json.dumps(block).replace("<n>", f"{number:012}"))


@dataclass(slots=True)
class Step:
    """One manifest: what its plan said, how its apply ended, what the plan says afterwards, and what there is then."""

    planned: Any
    applied: Ended
    left: Any
    identities: Mapping[str, str]
    world: Mapping[str, Any]

    def change(self, address: str) -> str:
        """What the plan says for an address."""
        return change_of(self.planned, address)

    def left_over(self, address: str) -> str:
        """The same once it has been applied."""
        return change_of(self.left, address)

    def notes(self, address: str) -> list[str]:
        """What the plan remarks about a resource."""
        return [note for one in self.planned["changes"] if one["address"] == address for note in one["notes"]]

    def said_of(self, address: str) -> list[str]:
        """What was said about a resource, for whoever has to find out what went wrong."""
        lines = (self.applied.err + self.applied.out).splitlines()
        return [line for line in lines if address in line] or lines[-20:]

    def thing(self, case: Case) -> Any:
        """What the service holds of a case's resource, by kind, without what changes by itself."""
        identity = self.identities[case.address]
        return {kind: found for kind, some in self.world.items() if (found := _things_of(identity, some))}


_NAMED_BY = ("id", "name", "domain", "proto", "script", "service", "comment", "external_account_id")
_MOVING = re.compile(
    r"(created|modified|updated|last_update|started|version|number|tag|deployment_id|annotations|health|steps|progress"
    r"|status|state|instances_running|current_placement|placements?|active_rollout_id)(_at|_on|_ref)?"
)


def _things_of(identity: str, some: list[dict[str, Any]]) -> list[Any]:
    mine = [one for one in some if any(identity in str(one.get(key, "")).split(" ") for key in _NAMED_BY)]
    return [{key: value for key, value in one.items() if not _MOVING.fullmatch(key)} for one in mine[-1:]]


def change_of(plan: Any, address: str) -> str:
    """Action and effect for an address; `nothing` where it is not in the plan."""
    found = [one for one in plan["changes"] if one["address"] == address]
    return f"{found[0]['action']} {found[0]['effect']}" if found else "nothing"


@dataclass(slots=True)
class Story:
    """What became of all cases of a group; `emptied`: the plan where what was left out is `null`."""

    cases: list[Case]
    steps: list[Step] = field(default_factory=list)
    emptied: Any = None


def manifest(blocks: Mapping[str, Mapping[str, Any]], section: str, *, singleton: bool = False) -> str:
    """The shared resources and those of the cases; JSON is YAML."""
    whole: dict[str, Any] = {**_HEAD, **SHARED}
    whole[section] = next(iter(blocks.values()), {}) if singleton else {**whole.get(section, {}), **blocks}
    return json.dumps(whole, indent=1, ensure_ascii=False)


def seed(project: Project) -> None:
    """Makes what the cases point to."""
    for images in SEEDS:
        project.write(json.dumps({**_HEAD, "images": images}))
        project.apply()
    project.write(manifest({}, "images"))
    project.apply()


def played(project: Project, some: list[Case]) -> Story:
    """Plans and applies three manifests that hold all cases."""
    kind = some[0].kind
    seed(project)
    story = Story(some)
    for number in range(3):
        blocks = {case.key: case.blocks()[number] for case in some}
        project.write(manifest(blocks, kind.section, singleton=kind.singleton))
        planned = project.plan()
        applied = project.run("apply", "--yes", *allowed(planned))
        state = json.loads((project.folder / "state" / "default.json").read_text())
        identities = {address: one["identity"] for address, one in state["resources"].items()}
        story.steps.append(Step(planned, applied, project.plan(), identities, project.page("world")))
    blocks = {case.key: case.emptied() for case in some}
    project.write(manifest(blocks, kind.section, singleton=kind.singleton))
    story.emptied = project.plan()
    return story


def allowed(plan: Any) -> list[str]:
    """The flags that a plan asks for."""
    assert "allow_needed" in plan, [
        f"{one['address']} {one['source']}: {one['summary']}" for one in plan["diagnostics"]
    ]
    return [word for flags in plan["allow_needed"] for word in flags.split(" ")]
