"""When and where a script runs: workers.dev, cron, routes, custom domains (reference 3.8)."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from reconciler.emulator import script_records as records
from reconciler.emulator.answers import Answer, GatewayError, ok
from reconciler.emulator.call import Call
from reconciler.emulator.clock import iso
from reconciler.emulator.routing import Routes
from reconciler.emulator.script_upload import invalid, objects, read_list, read_object
from reconciler.emulator.world import Object

ROUTE_TAKEN = 10020
NO_SUCH_ROUTE = 10008
NO_SUCH_DOMAIN = 100114
_CRON_FIELDS = 5

ROUTES = Routes("/accounts/{account}/workers")


@ROUTES.add("GET", "/subdomain")
def get_account_subdomain(call: Call) -> Answer:
    """The account's name under workers.dev; every account here has one."""
    own = call.world.get("_subdomain", call.account, "subdomain")
    return ok(own or {"subdomain": f"account-{call.account[:8]}"})


@ROUTES.add("PUT", "/subdomain")
def put_account_subdomain(call: Call) -> Answer:
    """Registers another name."""
    subdomain = read_object(call).get("subdomain")
    if not isinstance(subdomain, str) or not subdomain:
        raise invalid("subdomain is a text")
    call.world.put("_subdomain", call.account, "subdomain", {"subdomain": subdomain})
    return ok({"subdomain": subdomain})


@ROUTES.add("GET", "/scripts/{script}/subdomain")
def get_subdomain(call: Call, script: str) -> Answer:
    """Whether the script answers under workers.dev, and its previews do."""
    return ok(records.worker_of(call, script)["subdomain"])


@ROUTES.add("POST", "/scripts/{script}/subdomain")
def post_subdomain(call: Call, script: str) -> Answer:
    """Switches workers.dev on or off."""
    worker, wish = records.worker_of(call, script), read_object(call)
    subdomain = {key: bool(wish.get(key, value)) for key, value in worker["subdomain"].items()}
    return ok(records.change_worker(call, script, {"subdomain": subdomain})["subdomain"])


@ROUTES.add("DELETE", "/scripts/{script}/subdomain")
def delete_subdomain(call: Call, script: str) -> Answer:
    """Switches workers.dev off."""
    records.worker_of(call, script)
    off = {"enabled": False, "previews_enabled": False}
    return ok(records.change_worker(call, script, {"subdomain": off})["subdomain"])


@ROUTES.add("GET", "/scripts/{script}/schedules")
def get_schedules(call: Call, script: str) -> Answer:
    """The cron triggers."""
    return ok({"schedules": records.worker_of(call, script)["schedules"]})


@ROUTES.add("PUT", "/scripts/{script}/schedules")
def put_schedules(call: Call, script: str) -> Answer:
    """Replaces all cron triggers; an empty list removes them."""
    known = {one["cron"]: one for one in records.worker_of(call, script)["schedules"]}
    now = iso(call.now)
    schedules = []
    for cron in (str(one.get("cron")) for one in read_list(call)):
        if len(cron.split()) != _CRON_FIELDS:
            raise invalid(f"invalid cron string: {cron!r} does not have {_CRON_FIELDS} fields")
        schedules.append(known.get(cron) or {"cron": cron, "created_on": now, "modified_on": now})
    records.change_worker(call, script, {"schedules": schedules})
    return ok({"schedules": schedules})


@ROUTES.add("GET", "/scripts/{script}/routes")
def list_script_routes(call: Call, script: str) -> Answer:
    """The routes of a script."""
    records.worker_of(call, script)
    return ok(call.world.where("route", call.account, "script", script))


@ROUTES.add("PUT", "/scripts/{script}/routes")
def put_script_routes(call: Call, script: str) -> Answer:
    """Replaces all routes of a script."""
    records.worker_of(call, script)
    wanted = {str(one.get("pattern")): one for one in read_list(call)}
    for pattern in wanted:
        _demand_free(call, pattern, script)
    there = {one["pattern"]: one for one in call.world.where("route", call.account, "script", script)}
    for pattern in there.keys() - wanted.keys():
        call.world.remove("route", call.account, there[pattern]["id"])
    for pattern, route in wanted.items():
        zone = _zone_of(route, pattern)
        if pattern not in there or there[pattern]["zone_id"] != zone:
            put_route(call, pattern, script, zone, there[pattern]["id"] if pattern in there else "")
    return ok(call.world.where("route", call.account, "script", script))


@ROUTES.add("GET", "/domains")
def list_domains(call: Call) -> Answer:
    """The custom domains of the account, or those that a query picks."""
    domains = call.world.all("domain", call.account)
    picked = {key: call.one(key) for key in ("hostname", "service", "zone_id", "zone_name") if call.one(key)}
    return ok([one for one in domains if all(one[key] == value for key, value in picked.items())])


@ROUTES.add("PUT", "/domains")
def put_domain(call: Call) -> Answer:
    """Leads a host name to a script."""
    document = read_object(call)
    records.worker_of(call, str(document.get("service")))
    return ok(_put_domain(call, document, str(document["service"])))


@ROUTES.add("GET", "/domains/{domain}")
def get_domain(call: Call, domain: str) -> Answer:
    """One custom domain."""
    return ok(_domain(call, domain))


@ROUTES.add("DELETE", "/domains/{domain}")
def delete_domain(call: Call, domain: str) -> Answer:
    """Takes a custom domain away."""
    _domain(call, domain)
    call.world.remove("domain", call.account, domain)
    return ok(None)


@ROUTES.add("PUT", "/scripts/{script}/domains/records")
def put_script_domains(call: Call, script: str) -> Answer:
    """Replaces the custom domains of a script, as wrangler does it."""
    records.worker_of(call, script)
    origins = objects(read_object(call), "origins")
    names = {str(origin.get("hostname")) for origin in origins}
    for one in call.world.where("domain", call.account, "service", script):
        if one["hostname"] not in names:
            call.world.remove("domain", call.account, one["id"])
    return ok([_put_domain(call, origin, script) for origin in origins])


@ROUTES.add("POST", "/scripts/{script}/domains/changeset")
def preview_domains(call: Call, script: str) -> Answer:
    """What replacing the custom domains would do."""
    records.worker_of(call, script)
    wanted = {str(origin.get("hostname")): origin for origin in read_list(call)}
    there = {one["hostname"]: one for one in call.world.all("domain", call.account)}
    removed = [one for name, one in there.items() if one["service"] == script and name not in wanted]
    taken = [there[name] for name in wanted if name in there and there[name]["service"] != script]
    added = [origin for name, origin in wanted.items() if name not in there]
    return ok({"added": added, "removed": removed, "updated": taken, "conflicting": []})


def put_route(call: Call, pattern: str, script: str | None, zone: str, route: str = "") -> Object:
    """Records a route under a new id, or under the one it has."""
    made = {
        "id": route or uuid.uuid4().hex,
        "name": pattern,
        "pattern": pattern,
        "script": script,
        "zone_id": zone,
    }
    call.world.put("route", call.account, str(made["id"]), made)
    return made


def zone_id(name: str) -> str:
    """The id of a zone; every name is a zone here, and always has the same id."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _demand_free(call: Call, pattern: str, script: str) -> None:
    for one in call.world.where("route", call.account, "pattern", pattern):
        if one["script"] != script:
            raise GatewayError(409, ROUTE_TAKEN, f"the route {pattern} belongs to {one['script']}")


def _zone_of(document: dict[str, Any], host: str) -> str:
    if document.get("zone_id"):
        return str(document["zone_id"])
    name = document.get("zone_name") or ".".join(host.split("/")[0].split(".")[-2:])
    return zone_id(str(name))


def _put_domain(call: Call, document: dict[str, Any], script: str) -> Object:
    hostname = document.get("hostname")
    if not isinstance(hostname, str) or not hostname:
        raise invalid("a custom domain has a hostname")
    id_ = hashlib.sha256(f"domain {hostname}".encode()).hexdigest()[:32]
    zone_name = str(document.get("zone_name") or ".".join(hostname.split(".")[-2:]))
    domain = {
        "id": id_,
        "name": hostname,
        "hostname": hostname,
        "service": script,
        "zone_id": _zone_of(document, hostname),
        "zone_name": zone_name,
        "environment": document.get("environment") or "production",
        "cert_id": str(uuid.UUID(id_)),
    }
    call.world.put("domain", call.account, id_, domain)
    return domain


def _domain(call: Call, domain: str) -> Object:
    found = call.world.get("domain", call.account, domain)
    if found is None:
        raise GatewayError(404, NO_SUCH_DOMAIN, f"There is no custom domain {domain}.")
    return found
