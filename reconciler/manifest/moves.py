"""`moved` and `imports`: what was known under another address, and what exists already under an id (interface 1.1)."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping

from reconciler.manifest.addresses import declared_addresses, read_address
from reconciler.manifest.declared import Declared
from reconciler.manifest.site import Site
from reconciler.manifest.tree import Block
from reconciler.model.address import ResourceAddress
from reconciler.model.manifest import Move
from reconciler.model.value import Path, Value

Moves = dict[ResourceAddress, Move]  # by origin


def effective_moves(entries: Iterable[Block], declared: Declared, site: Site) -> tuple[Move, ...]:
    """The moves to make, each from its origin to where it ends: chains are followed, shifts kept apart.

    `a -> b, b -> c` is a chain (all ends at `c`) unless `b` is declared; then it is a shift, in which both move by one.
    """
    moves = _read(entries, declared, site)
    _refuse_claims(moves, site)
    ends: dict[ResourceAddress, ResourceAddress] = {}
    for origin in moves:
        if not _follow(origin, moves, ends, declared, site):
            return ()
    return tuple(Move(origin, ends[origin], move.source) for origin, move in moves.items())


def _read(entries: Iterable[Block], declared: Declared, site: Site) -> Moves:
    moves: Moves = {}
    for at, entry in enumerate(entries):
        path = ("moved", str(at))
        origin = _address(entry, "from", declared, site, path)
        target = _address(entry, "to", declared, site, path)
        if origin is None or target is None:
            continue
        if origin.kind != target.kind:
            site.error(path, "E501", f"{origin} cannot become {target}: a move stays within a kind")
        elif origin == target:
            site.error(path, "E501", f"{origin} is moved to itself", "take the entry out")
        else:
            for one in _instances(origin, target, declared):
                _add(Move(*one, site.source(path)), moves, site, path)
    return moves


def _address(entry: Block, key: str, declared: Declared, site: Site, path: Path) -> ResourceAddress | None:
    """The address under a key of an entry; what is no text there, the schema has refused."""
    text = entry.get(key)
    return read_address(text, declared, site, (*path, key)) if isinstance(text, str) else None


def _instances(
    origin: ResourceAddress, target: ResourceAddress, declared: Declared
) -> list[tuple[ResourceAddress, ResourceAddress]]:
    """A block with `for_each` that is moved as a whole takes each of its instances along."""
    kind = declared.kinds_by_name[target.kind]
    if origin.each or target.each or (kind.section, target.key) not in declared.instances:
        return [(origin, target)]
    return [
        (ResourceAddress(origin.kind, origin.key, one.each), one)
        for one in declared.addresses_of(kind, target.key)
    ]


def _add(move: Move, moves: Moves, site: Site, path: tuple[str, ...]) -> None:
    if move.origin in moves:
        site.error(path, "E502", f"{move.origin} is moved twice", "keep one of the entries")
    else:
        moves[move.origin] = move


def _refuse_claims(moves: Moves, site: Site) -> None:
    claimed: dict[ResourceAddress, Move] = {}
    for move in moves.values():
        first = claimed.setdefault(move.target, move)
        if first is not move:
            summary = f"{first.origin} and {move.origin} are both moved to {move.target}"
            site.findings.error("E502", summary, move.source, fix="keep one of the entries")


def _follow(
    origin: ResourceAddress,
    moves: Moves,
    ends: dict[ResourceAddress, ResourceAddress],
    declared: Declared,
    site: Site,
) -> bool:
    """Notes where a chain of moves ends, for each of its links; false for one that comes back to where it was."""
    chain: dict[ResourceAddress, None] = {}
    at = origin
    while at in moves and at not in ends:
        if at in chain:
            links = [*chain][[*chain].index(at) :]
            loop = " -> ".join(map(str, [*links, at]))
            fix = "swap in two steps, with an apply in between"
            site.findings.error("E503", f"moved goes round in a circle: {loop}", moves[at].source, fix=fix)
            return False
        chain[at] = None
        at = moves[at].target
    for link in reversed(chain):
        target = moves[link].target
        ends[link] = ends[target] if target in ends and not declared.is_declared(target) else target
    return True


def imported_ids(
    entries: Iterable[Block],
    declared: Declared,
    site: Site,
    id_of: Callable[[Block], Value],
    elsewhere: Container[str],
) -> Mapping[ResourceAddress, str]:
    """The ids under which resources exist already; `id_of` substitutes that of an entry.

    An entry for a resource that only other environments have (`elsewhere`) is theirs.
    """
    ids: dict[ResourceAddress, str] = {}
    for at, entry in enumerate(entries):
        path = ("imports", str(at))
        address = _address(entry, "to", declared, site, path)
        if address is None or str(address.block) in elsewhere:
            continue
        found = declared_addresses(str(address), declared, site, (*path, "to"))
        if len(found) > 1:
            site.error((*path, "to"), "E504", "an id belongs to one instance", f"write {found[0]}")
        elif found and found[0] in ids:
            site.error(path, "E504", f"{found[0]} is imported twice", "keep one of the entries")
        elif found:
            value = id_of(entry)
            ids[found[0]] = value if isinstance(value, str) else ""
    return ids
