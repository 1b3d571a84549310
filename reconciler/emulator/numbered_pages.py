"""Lists in numbered pages, as the Workers API, the Secrets Store and zones have them (reference 1.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.emulator.answers import Answer, GatewayError, ok
from reconciler.emulator.call import Call

LARGEST_PAGE = 1000


def numbered_page(
    call: Call, items: Sequence[Any], per_page: int = 20
) -> tuple[Sequence[Any], dict[str, int]]:
    """The items of the page that is asked for, and where it stands."""
    page, size = _number(call, "page", 1), _number(call, "per_page", per_page)
    if size > LARGEST_PAGE:
        raise GatewayError(400, 10025, f"per_page is at most {LARGEST_PAGE}")
    shown = items[(page - 1) * size : page * size]
    return shown, {
        "page": page,
        "per_page": size,
        "count": len(shown),
        "total_count": len(items),
        "total_pages": -(-len(items) // size),
    }


def ok_page(call: Call, items: Sequence[Any], per_page: int = 20) -> Answer:
    """The page that is asked for, as an answer."""
    shown, info = numbered_page(call, items, per_page)
    return ok(shown, info=info)


def _number(call: Call, name: str, default: int) -> int:
    asked = call.one(name, str(default))
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    raise GatewayError(400, 10025, f"{name} is a number of at least 1, not {asked[:20]!r}")
