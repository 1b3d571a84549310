"""What tools ask of Cloudflare around containers and Workers: who am I, which zones, routes of a zone, KV lists.

Every name is a zone here, so that routes can be tried without owning one.
"""

from __future__ import annotations

from reconciler.emulator.answers import Answer, GatewayError, ok
from reconciler.emulator.call import Call
from reconciler.emulator.numbered_pages import ok_page
from reconciler.emulator.routing import Routes
from reconciler.emulator.script_triggers import NO_SUCH_ROUTE, put_route, zone_id
from reconciler.emulator.script_upload import read_object
from reconciler.emulator.world import Object

USER = {"id": "0" * 32, "email": "local@example.com"}

ROUTES = Routes("")


@ROUTES.add("GET", "/user")
def get_user(_call: Call) -> Answer:
    """Whoever asks."""
    return ok(USER)


@ROUTES.add("GET", "/user/tokens/verify")
def verify_token(_call: Call) -> Answer:
    """The token is good, or the request would not have come this far."""
    return ok({"id": "0" * 32, "status": "active"})


@ROUTES.add("GET", "/accounts/{account}/tokens/verify")
def verify_account_token(_call: Call) -> Answer:
    """The same for a token of the account."""
    return ok({"id": "0" * 32, "status": "active"})


@ROUTES.add("GET", "/accounts/{account}")
def get_account(call: Call) -> Answer:
    """The account; there is every one that is asked for."""
    return ok({"id": call.account, "name": "local", "type": "standard"})


@ROUTES.add("GET", "/zones")
def list_zones(call: Call) -> Answer:
    """The zone of the name that is asked for."""
    name = call.one("name")
    zone = {"id": zone_id(name), "name": name, "status": "active", "account": {"id": call.one("account.id")}}
    return ok_page(call, [zone] if name else [])


@ROUTES.add("GET", "/accounts/{account}/storage/kv/namespaces")
def list_kv_namespaces(call: Call) -> Answer:
    """None; wrangler looks for those of a site it deletes."""
    return ok_page(call, [])


@ROUTES.add("GET", "/zones/{zone}/workers/routes")
def list_routes(call: Call, zone: str) -> Answer:
    """The routes of a zone."""
    return ok([_view(route) for _, route in _routes(call, zone)])


@ROUTES.add("POST", "/zones/{zone}/workers/routes")
def add_route(call: Call, zone: str) -> Answer:
    """Leads a pattern to a script, or away from any."""
    document = read_object(call)
    pattern, script = str(document.get("pattern")), document.get("script")
    if any(route["pattern"] == pattern for _, route in _routes(call, zone)):
        raise GatewayError(409, 10020, f"A route with the pattern {pattern} already exists.")
    call.account = _account_of(call, script)
    return ok(_view(put_route(call, pattern, script, zone)))


@ROUTES.add("PUT", "/zones/{zone}/workers/routes/{route}")
def change_route(call: Call, zone: str, route: str) -> Answer:
    """Gives a route another pattern or script."""
    document = read_object(call)
    before, script = _account_of_route(call, zone, route), document.get("script")
    call.account = _account_of(call, script)
    if call.account != before:
        call.world.remove("route", before, route)
    return ok(_view(put_route(call, str(document.get("pattern")), script, zone, route)))


@ROUTES.add("DELETE", "/zones/{zone}/workers/routes/{route}")
def delete_route(call: Call, zone: str, route: str) -> Answer:
    """Takes a route away."""
    call.world.remove("route", _account_of_route(call, zone, route), route)
    return ok({"id": route})


def _account_of_route(call: Call, zone: str, route: str) -> str:
    for account, one in _routes(call, zone):
        if one["id"] == route:
            return account
    raise GatewayError(404, NO_SUCH_ROUTE, f"There is no route {route}.")


def _routes(call: Call, zone: str) -> list[tuple[str, Object]]:
    """The routes of a zone with the account that each is kept under."""
    every = ((account, value) for kind, account, _, value in call.world.visible() if kind == "route")
    return [(account, value) for account, value in every if value["zone_id"] == zone]


def _account_of(call: Call, script: object) -> str:
    """The account of a script: a zone's address does not name one."""
    for kind, account, id_, _ in call.world.visible():
        if kind == "worker" and id_ == script:
            return account
    if script:
        raise GatewayError(404, 10007, "This Worker does not exist on your account.")
    return ""


def _view(route: Object) -> Object:
    return {key: route[key] for key in ("id", "pattern", "script")}
