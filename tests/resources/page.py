"""Composes the page about a kind: its words, its table from the schema, what a change does from what the tests hold true."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.kinds import Clients, build_handlers
from reconciler.manifest.options import OPTIONS
from reconciler.manifest.schema import resource_schema
from reconciler.model.kind import Attribute, Kind, Output, Removal
from tests.kinds.fields.said import Said, said
from tests.kinds.fields.walk import ITEM, KEY, Place, places
from tests.resources.told import DEFAULTS, TOLD, Keys
from tests.resources.words import EFFECTS, removal_of, type_of, types_of, value_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "resources"
KINDS = {name: handler.kind for name, handler in build_handlers(Clients()).items()}
NEEDED = "has to be there"
BELOW = "the keys below"
_WIDTH = 145


class Line(NamedTuple):
    """One line of the table of keys."""

    key: str
    meaning: str
    type: str = ""
    default: str = ""
    changed: str = ""
    removed: str = ""


def pages() -> dict[str, str]:
    """The text of every page, by the name of its file."""
    return {"README.md": index(), **{f"{name}.md": page(kind) for name, kind in KINDS.items()}}


def page(kind: Kind) -> str:
    """One kind's page."""
    told = TOLD[kind.name]
    where = kind.section if kind.singleton else f"{kind.section}.<key>"
    parts = [
        f"# `{kind.section}`",
        filled(told.intro),
        filled(told.more),
        f"## Example\n\nOut of [examples/{told.example}](../../examples/{told.example}/containers.yaml):",
        f"```yaml\n{excerpt(told.example, told.sections)}```",
        f"## Keys of `{where}`",
        _ABOVE_KEYS,
        table(Line("key", "meaning", "type", "default", "a change", "left out again"), lines(kind)),
        _choices(kind),
        *_outputs(kind),
        "## Leaving the manifest, importing",
        filled(f"When it leaves the manifest, and with `destroy`: {told.leaving}"),
        filled(
            f"`reconciler import {_address(kind)} ID`, or `imports` in the manifest: ID is {told.importing}."
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def filled(text: str) -> str:
    """A paragraph as wide as those of the other pages."""
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def index() -> str:
    """The page that lists the others, and says how to read them."""
    listed = "\n".join(
        f"| [`{kind.section}`]({name}.md) | `{name}` | {kind.description} |" for name, kind in KINDS.items()
    )
    return _INDEX.format(kinds=listed)


_ABOVE_KEYS = """\
[How to read the table.](README.md#how-to-read-the-tables) What every resource takes besides (`depends_on`, `protect`,
`for_each` and others) is in [manifest.md](../manifest.md#options-of-every-resource)."""

_INDEX = """\
# Resources: every key of every kind

One page per kind: an example, each key with its type and default, what a change of it does to what runs, what can be
referred to, and how to bring in what exists already. The pages are made from the schema and from what the tests hold true
of each key; the guide to the language is [manifest.md](../manifest.md).

| section | in addresses | |
| --- | --- | --- |
{kinds}

## How to read the tables

`<name>` stands for a key of your choice, `[]` for an item of a list. Wherever a value stands, `${{...}}` may stand, too.
*A change* is what the plan says when the key gets another value, or one at last:

| a change | means |
| --- | --- |
| `none` | it is changed, and nothing that runs notices |
| `hot` | nothing restarts |
| `rollout` | instances are replaced in steps ([rollouts.md](../rollouts.md)) |
| `downtime` | it stops, and starts anew |
| immutable: `replace` | only a new one can have another value; with `downtime`, the old one has to be gone before |
| another `run` | a job runs with it |
| no change by itself | it says how to go about things, and counts from the next change on |

*Left out again* is what happens when the key leaves the manifest while the resource stays; it has the same effect as a
change. "Goes" means that it is removed, and what has to be there goes with the key above it; where nothing is said, nothing
happens, or it is an error. What happens when a resource leaves the manifest as a whole stands at the end of its page.
"""


def excerpt(folder: str, sections: Keys) -> str:
    """Sections of an example as they stand there, or some of their keys."""
    text = (ROOT / "examples" / folder / "containers.yaml").read_text()
    blocks = dict(re.findall(r"^(\w+:.*\n)((?:(?:[ #].*)?\n)*)", text, re.MULTILINE))
    found = {head.partition(":")[0]: head + body for head, body in blocks.items()}
    return "\n".join(_of_keys(found[section], keys).strip("\n") + "\n" for section, keys in sections.items())


def _of_keys(section: str, keys: tuple[str, ...]) -> str:
    head, *some = re.split(r"^(?=  \S)", section, flags=re.MULTILINE)
    return head + "".join(one for one in some if not keys or one.split(":")[0].strip() in keys)


def table(head: Line, rows: list[Line]) -> str:
    """A table without the columns in which nothing stands."""
    used = [at for at in range(len(head)) if any(row[at] for row in rows)]
    ruled = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row[at] for at in used)} |" for row in ruled)


# the keys


def lines(kind: Kind) -> list[Line]:
    """A line for every key, and one for what holds other keys."""
    found = [place for place in places(kind) if place.parts[0] not in OPTIONS and not _is_twin(place, kind)]
    rows = {row.path: row for row in kind.attributes if not row.computed}
    described = {line.key: line for line in _name(kind)}
    for place in found:
        above = (_above(kind, rows[path], found) for path in _paths_above(place) if path in rows)
        for line in (*above, _line(kind, place)):
            other = described.get(line.key, line)
            described[line.key] = (
                other if BELOW in other.type and BELOW in line.type else _either(other, line)
            )
    return list(described.values())


def _either(one: Line, other: Line) -> Line:
    """What may be one value and may hold keys as well."""
    if one == other:
        return one
    first, second = (one, other) if BELOW in other.type else (other, one)
    told = {f"list of {BELOW}": f", or of {BELOW}", f"by name, {BELOW}": ""}
    kept = [mine or theirs for mine, theirs in zip(first, second, strict=True)]
    return Line(*kept)._replace(type=first.type + told.get(second.type, f" or {second.type}"))


def _is_twin(place: Place, kind: Kind) -> bool:
    """Whether it is the API's list of what one rather writes as a map by name."""
    if ITEM not in place.parts:
        return False
    head = place.parts[: place.parts.index(ITEM)]
    return any(other.parts[: len(head) + 1] == (*head, KEY) for other in places(kind))


def _paths_above(place: Place) -> list[str]:
    """The paths of what holds a place, but for a map whose keys are all of the user's making."""
    parts = place.parts[:-1] if place.parts[-1] == KEY else place.parts
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _above(kind: Kind, row: Attribute, found: list[Place]) -> Line:
    """A line for what holds other keys."""
    path = row.path.split(".")
    inner = [
        place.parts[len(path)]
        for place in found
        if list(place.parts[: len(path)]) == path != list(place.parts)
    ]
    noun = {KEY: f"by name, {BELOW}", ITEM: f"list of {BELOW}"}.get(inner[-1], BELOW)
    default = value_of(row.default) if row.default is not None else ""
    return Line(f"`{row.path}`", row.description, noun, DEFAULTS.get(f"{kind.name}.{row.path}", default))


def _name(kind: Kind) -> Iterator[Line]:
    rule = said(kind.name, "name")
    if rule is None or rule.changed == "refused":
        return
    if kind.shared_between_environments:
        what, default = "Its repository in Cloudflare's registry.", "`{project}-{key}`"
    else:
        what, default = "Its name in the account.", "`{project}-{environment}-{key}`"
    yield Line("`name`", what, "text", default, EFFECTS[rule.changed], removal_of(rule, ""))


def _line(kind: Kind, place: Place) -> Line:
    rule, row = said(kind.name, place.path), kind.attribute(tuple(one for one in place.parts if one != ITEM))
    assert rule, place.path
    assert row, place.path
    is_map = place.parts[-1] == KEY
    parts = place.parts[:-1] if is_map else place.parts
    key = ".".join("<name>" if part == KEY else part for part in parts).replace(".[]", "[]")
    default = place.schema.get("default", row.default if row.path == ".".join(parts) else None)
    shown = value_of(default) if default is not None else ""
    return Line(
        f"`{key}`",
        meaning(resource_schema(kind), parts),
        f"{types_of(place.schema)} by name" if is_map else type_of(place.schema),
        DEFAULTS.get(f"{kind.name}.{key}") or shown or (NEEDED if _is_needed(kind, place, rule) else ""),
        EFFECTS[rule.changed],
        removal_of(rule, shown or _otherwise(row)),
    )


def _otherwise(row: Attribute) -> str:
    if row.removal is not Removal.RESET:
        return ""
    return "the default" if row.default is not None else "what it was before"


def meaning(schema: Mapping[str, Any], parts: tuple[str, ...]) -> str:
    """What the schema says about a key, in whichever of several forms it may stand."""
    if not parts:
        return str(schema.get("description", ""))
    inner = {KEY: schema.get("additionalProperties"), ITEM: schema.get("items")}
    step = inner[parts[0]] if parts[0] in inner else schema.get("properties", {}).get(parts[0])
    tried = [(step, parts[1:]), *((branch, parts) for branch in schema.get("anyOf", ()))]
    found = (meaning(one, rest) for one, rest in tried if isinstance(one, Mapping))
    return next((text for text in found if text), "")


def _is_needed(kind: Kind, place: Place, rule: Said) -> bool:
    """Inside of a map, what the schema demands; above, what leaving out is an error."""
    chosen = {path for group in kind.one_of for path in group}
    if len(place.parts) > 1:
        return any(parts == place.parts for parts, _ in place.needed)
    return rule.removed == "refused" and place.path not in chosen


def _choices(kind: Kind) -> str:
    groups = [", ".join(f"`{path}`" for path in group) for group in kind.one_of]
    return "\n".join(f"Of {group}, one may stand." for group in groups)


# what others may name


def _outputs(kind: Kind) -> Iterator[str]:
    if not kind.outputs:
        return
    yield "## What others may name"
    section = kind.section if kind.singleton else f"{kind.section}.<key>"
    rows = [Line(f"`${{{section}.{one.name}}}`", one.description, _known(one)) for one in kind.outputs]
    yield table(Line("reference", "is", "known"), rows)


def _known(output: Output) -> str:
    if output.textual:
        return "from the manifest's text: nobody waits for it"
    if output.secret:
        return "while planning and applying; never shown"
    return "once it is made, and stays" if output.stable else "after each change"


def _address(kind: Kind) -> str:
    return f"{kind.name}.account" if kind.singleton else f"{kind.name}.<key>"
