"""What a plan may cost a month, in words: the range before and after, what moves it, and on what it rests."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.plan import CostChange, CostSide, Plan, PlannedCost
from reconciler.render.harmless import harmless
from reconciler.render.verdict import few

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}


def cost_line(plan: Plan) -> str:
    """`asleep $0, always on $409 → $1,081 a month (+$672)`; "" where nothing runs containers."""
    cost = plan.cost
    if cost is None:
        return ""
    floor = _pair(cost, cost.before.floor, cost.after.floor)
    ceiling = _pair(cost, cost.before.ceiling, cost.after.ceiling)
    rises = round(cost.after.ceiling - cost.before.ceiling, 2)
    more = f" ({_signed(cost, rises)})" if rises else "" if cost.changes else ", as before"
    missing = f"; not counted: {few([harmless(one) for one in cost.not_counted])}" if cost.not_counted else ""
    return f"asleep {floor}, always on {ceiling} a month{more}{missing}"


def cost_moves(plan: Plan) -> bool:
    """Whether applying the plan may change what is paid."""
    return plan.cost is not None and bool(plan.cost.changes)


def cost_changes(plan: Plan) -> Iterator[str]:
    """Each resource whose cost changes, the largest difference first: `application.api +$672: 10 × basic → 40 × standard-1`."""
    cost = plan.cost
    for one in sorted(cost.changes, key=_weight) if cost else ():
        before, after = (_ceiling(side) for side in (one.before, one.after))
        sides = " → ".join(map(_side, (one.before, one.after)))
        yield f"{harmless(one.address)} {_signed(cost, round(after - before, 2))}: {sides}"


def cost_grounds(plan: Plan) -> tuple[str, ...]:
    """What the figures rest on."""
    return plan.cost.assumptions if plan.cost else ()


def _weight(change: CostChange) -> tuple[float, str]:
    return -abs(_ceiling(change.after) - _ceiling(change.before)), change.address


def _ceiling(side: CostSide | None) -> float:
    return side.cost.ceiling if side else 0.0


def _side(side: CostSide | None) -> str:
    return f"{side.instances:,} × {harmless(side.size)}" if side else "nothing"


def _pair(cost: PlannedCost, before: float, after: float) -> str:
    if before == after:
        return _money(cost, after)
    return f"{_money(cost, before)} → {_money(cost, after)}"


def _signed(cost: PlannedCost | None, amount: float) -> str:
    return f"{'-' if amount < 0 else '+'}{_money(cost, abs(amount))}"


def _money(cost: PlannedCost | None, amount: float) -> str:
    """Whole from a hundred on: nobody knows better."""
    currency = cost.currency if cost else ""
    sign = _SIGNS.get(currency, f"{harmless(currency)} ")
    return f"{sign}{amount:,.0f}" if amount >= 100 or not amount else f"{sign}{amount:,.2f}"
