"""The emulator's own pages under `/emulator/`: ledger, world, faults, clock, settings (interface 6)."""

from __future__ import annotations

from typing import Any

import msgspec

from reconciler.emulator.answers import Raw, json_raw
from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.faults import Faults
from reconciler.emulator.world import World


class Pages:
    """Answers for one world and its faults; these requests are in no ledger and meet no fault."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._pages = {
            ("GET", "ledger"): self._ledger,
            ("GET", "world"): self._show,
            ("DELETE", "world"): self._empty,
            ("GET", "faults"): lambda _: self._faults.as_list(),
            ("PUT", "faults"): self._set_faults,
            ("GET", "clock"): lambda _: self._time(),
            ("POST", "clock"): self._set_clock,
            ("GET", "settings"): lambda _: self._world.settings.as_dict(),
            ("PUT", "settings"): self._set_settings,
        }

    def answer(self, call: Call) -> Raw:
        """The page's answer as bare JSON; what it cannot read is 400 with the reason."""
        page = self._pages.get((call.method, call.path.removeprefix("/emulator/").rstrip("/")))
        if page is None:
            return json_raw({"error": f"there is no page {call.method} {call.path}"}, 404)
        try:
            return json_raw(page(call))
        except (ValueError, TypeError, msgspec.DecodeError) as error:
            return json_raw({"error": str(error)}, 400)

    def _ledger(self, call: Call) -> list[Any]:
        return self._world.ledger.since(int(call.one("since", "0")))

    def _show(self, _: Call) -> dict[str, list[dict[str, Any]]]:
        self._world.settle()
        kinds: dict[str, list[dict[str, Any]]] = {}
        for kind, account, id_, value in self._world.visible():
            shown = {"account_id": account, **value, **self._world.describe(kind, account, id_)}
            kinds.setdefault(kind, []).append(shown)
        return kinds

    def _empty(self, _: Call) -> dict[str, Any]:
        self._world.clear()
        self._world.commit()
        return {}

    def _set_faults(self, call: Call) -> list[dict[str, Any]]:
        self._faults.replace(call.document)
        return self._faults.as_list()

    def _time(self) -> dict[str, Any]:
        now = self._world.clock.now()
        return {"time": now, "iso": iso(now), "rate": self._world.clock.rate}

    def _set_clock(self, call: Call) -> dict[str, Any]:
        wish = call.document
        if not isinstance(wish, dict) or not wish or set(wish) - {"advance", "rate"}:
            raise ValueError('the clock takes {"advance": seconds} or {"rate": number}')
        if "rate" in wish:
            self._world.clock.set_rate(float(wish["rate"]))
        if "advance" in wish:
            self._world.clock.advance(float(wish["advance"]))
        self._world.settle()
        self._world.commit()
        self._world.save_clock()
        return self._time()

    def _set_settings(self, call: Call) -> dict[str, Any]:
        self._world.settings.update(call.document)
        for follow in self._world.on_settings:
            follow(self._world)
        self._world.commit()
        return self._world.settings.as_dict()
