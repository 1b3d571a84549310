"""Page tokens: the last name of the page before, which holds also when things come and go between pages (reference 1.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.emulator.answers import ServiceError
from reconciler.emulator.call import Call

LARGEST_PAGE = 500
DEFAULT_PAGE = 100


def page(call: Call, names: Sequence[str], unpaged: bool = False) -> tuple[int, int, dict[str, Any] | None]:
    """Which names to show, as start and stop, and the `result_info`.

    With `unpaged`, a request that asks for no page gets everything and no `result_info`.
    """
    token = call.one("page_token")
    if unpaged and not token and "per_page" not in call.query:
        return 0, len(names), None
    per_page = _per_page(call)
    start = _after(names, token)
    stop = min(start + per_page, len(names))
    info: dict[str, Any] = {"per_page": per_page}
    if token:
        info["page_token"] = token
    if stop < len(names):
        info["next_page_token"] = names[stop - 1]
    return start, stop, info


def _per_page(call: Call) -> int:
    asked = call.one("per_page", str(DEFAULT_PAGE))
    if asked.isdigit() and 1 <= int(asked) <= LARGEST_PAGE:
        return int(asked)
    raise ServiceError(400, "VALIDATE_INPUT", {"per_page": f"must be a number from 1 to {LARGEST_PAGE}"})


def _after(names: Sequence[str], token: str) -> int:
    if not token:
        return 0
    try:
        return names.index(token) + 1
    except ValueError:
        raise ServiceError(400, "VALIDATE_INPUT", {"page_token": "is not, or no longer, known"}) from None
