"""Shapes of dependency graphs: each a dict from a name to the names it waits for, in an order that respects it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

Graph = Mapping[str, Sequence[str]]


def wide(count: int) -> Graph:
    """Nobody waits for anybody."""
    return {_name(at): () for at in range(count)}


def layers(count: int, depth: int = 10) -> Graph:
    """Layers of equal width, each member waiting for three of the layer before."""
    width = count // depth
    chance = random.Random(7)
    graph: dict[str, Sequence[str]] = {}
    for at in range(width * depth):
        above = range(at // width * width - width, at // width * width)
        graph[_name(at)] = sorted(map(_name, chance.sample(above, min(3, width)))) if at >= width else ()
    return graph


def chain(count: int) -> Graph:
    """Everybody waits for the one before."""
    return {_name(at): (_name(at - 1),) if at else () for at in range(count)}


def shop(count: int) -> Graph:
    """Many small projects: two foundations, four services on both, a front on two of the services."""
    graph: dict[str, Sequence[str]] = {}
    for start in range(0, count - 7, 8):
        base, services = (_name(start), _name(start + 1)), [_name(start + at) for at in range(2, 6)]
        graph |= dict.fromkeys(base, ()) | dict.fromkeys(services, base)
        graph |= {_name(start + 6): services[:2], _name(start + 7): services[2:]}
    return graph


def skewed(count: int) -> Graph:
    """One long chain, which decides, among many that are short or no chain at all; the long one is named last."""
    longest = count // 11
    short: dict[str, Sequence[str]] = {
        _name(at): (_name(at - 1),) if at % 3 else () for at in range(count - longest)
    }
    long = {
        _name(at): (_name(at - 1),) if at > count - longest else () for at in range(count - longest, count)
    }
    return short | long


SHAPES: Mapping[str, Callable[[int], Graph]] = {
    "wide": wide,
    "ten layers": layers,
    "shop-like": shop,
    "skewed": skewed,
    "chain": chain,
}


def critical_path(graph: Graph, seconds: Mapping[str, float]) -> float:
    """How long the longest chain of steps takes."""
    ends: dict[str, float] = {}
    for name, waits_for in graph.items():
        ends[name] = seconds[name] + max((ends[other] for other in waits_for), default=0.0)
    return max(ends.values(), default=0.0)


def best_makespan(graph: Graph, seconds: Mapping[str, float], parallelism: int) -> float:
    """What no schedule can beat: the critical path, or all the work shared evenly."""
    return max(critical_path(graph, seconds), sum(seconds.values()) / parallelism)


def _name(at: int) -> str:
    return f"r{at:05d}"
