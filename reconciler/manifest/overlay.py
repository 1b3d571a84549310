"""Lays an environment over the base, and fills in defaults (interface 1.1 "Overlays"). Pure; knows keys, not their meaning.

Maps merge by key, lists and scalars replace, `null` removes. Where exactly one of several keys may stand, the choice of what
lies above drives out the others. Nothing is changed in place: what no overlay touches is shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from reconciler.frozen import frozen
from reconciler.manifest.tree import Block, child
from reconciler.model.kind import Kind
from reconciler.model.value import Path

NOTHING: Rivals


@frozen
class Rivals:
    """Groups of keys of which exactly one may stand, here and further inside."""

    groups: tuple[frozenset[str], ...] = ()
    inside: Mapping[str, Rivals] = field(default_factory=dict)

    def of(self, key: str) -> frozenset[str]:
        """The keys that cannot stand beside this one."""
        return frozenset(other for group in self.groups if key in group for other in group if other != key)

    def within(self, key: str) -> Rivals:
        """The groups inside the map under a key."""
        return self.inside.get(key, NOTHING)


NOTHING = Rivals()


def rivals(groups: Sequence[Sequence[Path]]) -> Rivals:
    """The groups from their paths: `[[("from", "env"), ("from", "file")]]`."""
    here = [frozenset(path[0] for path in group) for group in groups if len(group[0]) == 1]
    deeper: dict[str, list[list[Path]]] = {}
    for group in groups:
        if len(group[0]) > 1:
            deeper.setdefault(group[0][0], []).append([path[1:] for path in group])
    return Rivals(tuple(here), {key: rivals(inner) for key, inner in deeper.items()})


def rivals_of(kind: Kind) -> Rivals:
    """The groups that a kind declares, and those of its maps that take one key only."""
    groups = [[tuple(key.split(".")) for key in group] for group in kind.one_of]
    groups += [
        [(*row.path.split("."), key) for key in row.schema.get("properties", {})]
        for row in kind.attributes
        if row.schema.get("maxProperties") == 1
    ]
    return rivals(groups) if groups else NOTHING


def overlaid(base: Block, over: Block, choice: Rivals = NOTHING) -> Block:
    """The base with what lies over it."""
    merged = base.clone()
    for key, value in over.items():
        if value is None:
            merged.drop(key)
            continue
        for rival in choice.of(key):
            if over.get(rival) is None:
                merged.drop(rival)
        below = merged.get(key)
        if isinstance(below, Block) and isinstance(value, Block):
            merged[key] = overlaid(below, value, choice.within(key))
        else:
            merged.take(over, key)
    return merged


def filled(block: Block, defaults: Block, choice: Rivals = NOTHING) -> Block:
    """The block with defaults for what it does not set; a key that is `null` is not set."""
    missing = [key for key in defaults if _is_open(key, block, choice)]
    inner = [
        key for key in defaults if isinstance(block.get(key), Block) and isinstance(defaults[key], Block)
    ]
    if not missing and not inner:
        return block
    whole = block.clone()
    for key in missing:
        whole.take(defaults, key)
    for key in inner:
        whole[key] = filled(block[key], defaults[key], choice.within(key))
    return whole


def _is_open(key: str, block: Block, choice: Rivals) -> bool:
    return block.get(key) is None and all(block.get(rival) is None for rival in choice.of(key))


def for_environment(root: Block, name: str | None, choices: Mapping[str, Rivals]) -> Block:
    """The manifest of one environment: its overlay laid over everything, then the defaults filled in.

    `choices` has the groups of every section, by section.
    """
    merged = root if name is None else _overlaid_root(root, child(child(root, "environments"), name), choices)
    defaults = child(merged, "defaults")
    if not defaults:
        return merged
    merged = merged.clone()
    for section in choices.keys() & defaults.keys() & merged.keys():
        merged[section] = _filled_section(
            child(merged, section), child(defaults, section), choices.get(section, NOTHING)
        )
    return merged


def _overlaid_root(root: Block, over: Block, choices: Mapping[str, Rivals]) -> Block:
    by_resource = {section: _everywhere(choice, child(root, section)) for section, choice in choices.items()}
    inside: dict[str, Rivals] = {**by_resource, "defaults": Rivals(inside=choices), "state": _STATE}
    values = over.clone()
    values.drop("variables")  # what an environment gives are values, what the base gives are declarations
    return overlaid(root, values, Rivals(inside=inside))


_ONE_SOURCE = Rivals((frozenset(("env", "file", "command", "onepassword")),))
_STATE = Rivals(
    inside={"fingerprint_key": _ONE_SOURCE, "encryption": Rivals(inside={"key": _ONE_SOURCE})},
)


def _everywhere(choice: Rivals, section: Block) -> Rivals:
    return Rivals(inside=dict.fromkeys(section, choice)) if choice is not NOTHING else NOTHING


def _filled_section(section: Block, defaults: Block, choice: Rivals) -> Block:
    whole = section.clone()
    for key, block in section.items():
        if isinstance(block, Block):
            whole[key] = filled(block, defaults, choice)
    return whole
