"""The secrets of a script: each change is a new version, live at once (reference 3.4)."""

from __future__ import annotations

from typing import Any

from reconciler.emulator import script_records as records
from reconciler.emulator.answers import Answer, GatewayError, ok
from reconciler.emulator.call import Call
from reconciler.emulator.ledger import SECRET_TYPES
from reconciler.emulator.routing import Routes
from reconciler.emulator.script_bindings import Binding, secret, shown
from reconciler.emulator.script_upload import invalid, read_object

NOT_DEPLOYED = 10215
NO_SUCH_SECRET = 10056

ROUTES = Routes("/accounts/{account}/workers/scripts/{script}")


@ROUTES.add("GET", "/secrets")
def list_secrets(call: Call, script: str) -> Answer:
    """Names and types; values are nowhere."""
    return ok(shown(_secrets(call, script)))


@ROUTES.add("GET", "/secrets/{name}")
def get_secret(call: Call, script: str, name: str) -> Answer:
    """Name and type of one."""
    return ok(shown([_secret(call, script, name)])[0])


@ROUTES.add("PUT", "/secrets")
def put_secret(call: Call, script: str) -> Answer:
    """Makes a secret, or gives it another value."""
    made = _read_secret(read_object(call))
    _change(call, script, {made["name"]: made})
    return ok(shown([made])[0])


@ROUTES.add("DELETE", "/secrets/{name}")
def delete_secret(call: Call, script: str, name: str) -> Answer:
    """Takes a secret away."""
    _secret(call, script, name)
    _change(call, script, {name: None})
    return ok(None)


@ROUTES.add("PATCH", "/secrets-bulk")
def patch_secrets(call: Call, script: str) -> Answer:
    """Changes many at once, as a merge patch: null takes one away, what is not named stays."""
    changes = read_object(call).get("secrets")
    if not isinstance(changes, dict):
        raise invalid('the body is {"secrets": {name: secret or null}}')
    _change(call, script, {name: _patched(name, change) for name, change in changes.items()})
    return ok(shown(_secrets(call, script)))


def _patched(name: str, change: Any) -> Binding | None:
    if change is None:
        return None
    if not isinstance(change, dict):
        raise invalid(f"the secret {name} is an object or null")
    return _read_secret({"name": name} | change)


def _read_secret(document: dict[str, Any]) -> Binding:
    name, text = document.get("name"), document.get("text")
    if not isinstance(name, str) or not name or not isinstance(text, str):
        raise invalid("a secret has a name and a text")
    if document.get("type", "secret_text") != "secret_text":
        raise invalid(f"the secret {name} has the type secret_text")
    return secret(name, text)


def _secrets(call: Call, script: str) -> list[Binding]:
    bindings = records.live_version(call, script)["bindings"]
    return [binding for binding in bindings if binding["type"] in SECRET_TYPES]


def _secret(call: Call, script: str, name: str) -> Binding:
    found = next((binding for binding in _secrets(call, script) if binding["name"] == name), None)
    if found is None:
        raise GatewayError(404, NO_SUCH_SECRET, f"There is no secret {name} on this Worker.")
    return found


def _change(call: Call, script: str, changes: dict[str, Binding | None]) -> None:
    live = records.live_version(call, script)
    if not records.is_live(call, script, records.newest_id(call, script)):
        message = (
            "Secret edit failed. You attempted to modify a secret, but the latest version isn't deployed."
        )
        raise GatewayError(400, NOT_DEPLOYED, message)
    kept = [binding for binding in live["bindings"] if binding["name"] not in changes]
    taken = next(
        (
            one["name"]
            for one in live["bindings"]
            if one["name"] in changes and one not in _secrets(call, script)
        ),
        None,
    )
    if taken:
        raise invalid(f"the binding {taken} is no secret")
    made = [binding for binding in changes.values() if binding is not None]
    version = records.add_version(call, script, records.copied(live) | {"bindings": [*kept, *made]})
    records.deploy_alone(call, script, version, "secret")
