"""Who waits for whom; finds cycles and names them, hop by hop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.errors import CycleError
from reconciler.frozen import frozen
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic, Severity, Source
from reconciler.model.resource import Desired
from reconciler.model.value import Foretold, Path, Pointer, Ref, Template, Value, path_text

LOOP = "E321"
_WAITING = "resources wait for each other"
_MOST_HOPS = 8  # that a finding of one line names
_PLAIN = frozenset({str, int, float, bool, type(None)})
_MOST_VISITS = 100_000  # of members, while the shortest loop of a large tangle is looked for
Edges = Mapping[ResourceAddress, frozenset[ResourceAddress]]


@frozen
class Graph:
    """What each wanted resource waits for: all of it, and the part whose values it uses.

    `foretold` are those whose coming change it must know beforehand.
    """

    waits_for: Edges
    uses: Edges
    order: tuple[ResourceAddress, ...]
    foretold: Edges


def build_graph(resources: Mapping[ResourceAddress, Desired]) -> Graph:
    """The graph of a manifest in an order in which everything comes after what it waits for.

    Raises CycleError that prints every loop with file, line and attribute of each hop.
    """
    uses: dict[ResourceAddress, frozenset[ResourceAddress]] = {}
    foretold: dict[ResourceAddress, set[ResourceAddress]] = {}
    for address, desired in resources.items():
        used, told = _pointed_at(desired.attributes)
        uses[address] = frozenset(used) if used else _NOBODY
        if told:
            foretold[address] = told
    waits_for = {
        address: uses[address].union(desired.depends_on) if desired.depends_on else uses[address]
        for address, desired in resources.items()
    }
    for address, told in foretold.items():
        waits_for[address] |= _taken_over(address, told, waits_for)
    order = topological_order(waits_for)
    if len(order) < len(waits_for):
        left = waits_for.keys() - set(order)
        raise _cycles(resources, {one: waits_for[one] & left for one in left}, uses)
    return Graph(waits_for, uses, order, {address: frozenset(told) for address, told in foretold.items()})


def loop_findings(resources: Mapping[ResourceAddress, Desired]) -> tuple[Diagnostic, ...]:
    """A finding for each loop of a manifest, where its first hop is written; none where everything has an order."""
    try:
        build_graph(resources)
    except CycleError as error:
        return error.loops
    return ()


_NOBODY: frozenset[ResourceAddress] = frozenset()


def _taken_over(
    address: ResourceAddress, told: Iterable[ResourceAddress], waits_for: Edges
) -> frozenset[ResourceAddress]:
    """A foretold fact is known when the inputs of its resource are: their edges become ours, except the one to us."""
    return frozenset(other for teller in told for other in waits_for.get(teller, _NOBODY)) - {address}


def _pointed_at(value: Value) -> tuple[set[ResourceAddress], set[ResourceAddress]]:
    used: set[ResourceAddress] = set()
    told: set[ResourceAddress] = set()
    stack: list[Value] = [value]
    while stack:
        inner = stack.pop()
        kind = type(inner)
        if kind in _PLAIN:
            continue
        if kind is dict:
            stack.extend([one for one in inner.values() if type(one) not in _PLAIN])
        elif kind is list or kind is tuple:
            stack.extend([one for one in inner if type(one) not in _PLAIN])
        elif kind is Template:
            stack.extend(part for part in inner.parts if type(part) is not str)
        elif kind is Ref:
            used.add(inner.address)
        elif kind is Foretold:
            told.add(inner.address)
    return used, told


def topological_order(waits_for: Edges) -> tuple[ResourceAddress, ...]:
    """Everything after what it waits for, ties by address; shorter than the graph where there is a cycle."""
    remaining = {address: sum(one in waits_for for one in others) for address, others in waits_for.items()}
    waited_by: dict[ResourceAddress, list[ResourceAddress]] = {}
    for address, others in waits_for.items():
        for other in others:
            waited_by.setdefault(other, []).append(address)
    order = sorted(address for address, count in remaining.items() if not count)
    for address in order:  # grows while it is walked
        ready = []
        for waiting in waited_by.get(address, ()):
            remaining[waiting] -= 1
            if not remaining[waiting]:
                ready.append(waiting)
        order.extend(sorted(ready))
    return tuple(order)


def closure(starts: Iterable[ResourceAddress], edges: Edges) -> set[ResourceAddress]:
    """The starts and everything reached from them."""
    reached: set[ResourceAddress] = set()
    stack = list(starts)
    while stack:
        address = stack.pop()
        if address not in reached:
            reached.add(address)
            stack.extend(edges.get(address, _NOBODY))
    return reached


def reversed_edges(edges: Edges) -> dict[ResourceAddress, frozenset[ResourceAddress]]:
    """The same edges seen from the other end."""
    turned: dict[ResourceAddress, set[ResourceAddress]] = {}
    for address, others in edges.items():
        for other in others:
            turned.setdefault(other, set()).add(address)
    return {address: frozenset(others) for address, others in turned.items()}


def _cycles(resources: Mapping[ResourceAddress, Desired], waits_for: Edges, uses: Edges) -> CycleError:
    import networkx as nx

    digraph: nx.DiGraph[ResourceAddress] = nx.DiGraph()
    digraph.add_edges_from((a, b) for a, others in waits_for.items() for b in others)
    loops = sorted(
        _shortest_loop(members, waits_for)
        for members in nx.strongly_connected_components(digraph)
        if len(members) > 1 or any(digraph.has_edge(one, one) for one in members)
    )
    told = [list(_hops(loop, resources, uses)) for loop in loops]
    count = _WAITING if len(told) == 1 else f"{len(told)} loops of resources"
    lines = "\n".join(f"  {where}  {hop}" for hops in told for where, hop in hops)
    return CycleError(f"{count}:\n{lines}", loops=tuple(map(_finding, loops, told)))


def _finding(loop: list[ResourceAddress], hops: list[tuple[Source, str]]) -> Diagnostic:
    (source, first), *others = hops
    told = [first, *(f"{hop} ({where})" for where, hop in others[: _MOST_HOPS - 1])]
    ways = ", ".join(told) + (f", and so on, {len(hops):,} hops" if len(told) < len(hops) else "")
    fix = "take one of these references or `depends_on` out"
    return Diagnostic(Severity.ERROR, LOOP, f"{_WAITING}: {ways}", fix, str(loop[0]), source)


def _shortest_loop(members: set[ResourceAddress], waits_for: Edges) -> list[ResourceAddress]:
    """The shortest cycle in a strongly connected part, beginning with its smallest address."""
    best: list[ResourceAddress] = []
    starts = sorted(members)[: max(1, _MOST_VISITS // len(members))]
    if sum(len(members & waits_for[one]) for one in members) == len(members):
        starts = starts[:1]  # as many edges as members: one loop, and the same from everywhere
    for start in starts:
        best = _loop_through(start, members, waits_for, len(best)) or best
        if 0 < len(best) <= 2:
            break
    first = best.index(min(best))
    return best[first:] + best[:first]


def _loop_through(
    start: ResourceAddress, members: set[ResourceAddress], waits_for: Edges, shorter_than: int
) -> list[ResourceAddress]:
    """The shortest cycle through one address, if it is shorter than that; 0: any length will do."""
    came_from = {start: start}
    layer, length = [start], 1
    while layer and (not shorter_than or length < shorter_than):
        following = []
        for address in layer:
            if start in waits_for[address]:
                return _way_to(address, came_from)
            for other in sorted(members & waits_for[address]):
                if other not in came_from:
                    came_from[other] = address
                    following.append(other)
        layer, length = following, length + 1
    return []


def _way_to(
    address: ResourceAddress, came_from: Mapping[ResourceAddress, ResourceAddress]
) -> list[ResourceAddress]:
    way = [address]
    while came_from[way[-1]] != way[-1]:
        way.append(came_from[way[-1]])
    return way[::-1]


def _hops(
    loop: list[ResourceAddress], resources: Mapping[ResourceAddress, Desired], uses: Edges
) -> Iterator[tuple[Source, str]]:
    """Each hop of a loop, and where it is written."""
    for address, other in zip(loop, [*loop[1:], loop[0]], strict=True):
        desired = resources[address]
        path = (_path_to(desired.attributes, other) if other in uses[address] else None) or ("depends_on",)
        yield desired.source_of(path), f"{address}.{path_text(path)} waits for {other}"


def _path_to(value: Value, address: ResourceAddress, path: Path = ()) -> Path | None:
    if isinstance(value, dict):
        found = (_path_to(inner, address, (*path, key)) for key, inner in value.items())
        return next((one for one in found if one), None)
    if isinstance(value, list | tuple):
        found = (_path_to(inner, address, path) for inner in value)
        return next((one for one in found if one), None)
    if isinstance(value, Template):
        found = (_path_to(part, address, path) for part in value.parts)
        return next((one for one in found if one), None)
    return path if isinstance(value, Pointer) and value.address == address else None
