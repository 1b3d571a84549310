"""A worker's block to attributes: what it binds, which classes it owns, what it lends to applications (interface 1.6).

Looks at nothing but the manifest. A value that points elsewhere is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.kinds.worker.forms import NAMESPACE, SETTINGS, canonical_setting
from reconciler.kinds.worker.table import DELETED, PRESENT
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext, Bound
from reconciler.model.kind import Lend
from reconciler.model.value import Path, Ref, TextOf, Unknown, Value

NO_MAIN = "W101"
BAD_BINDING = "W102"
TWICE = "W103"
BAD_CLASS = "W104"
BAD_ROUTE = "W105"

_APPLICATION, _WORKER = "application", "worker"
_TEXTUAL = ("main", "modules")


def read_worker(block: Mapping[str, Value], context: BindContext) -> Bound:
    """Takes a block apart, reporting everything that is wrong with it."""
    return _Reading(block, context).bound()


class _Reading:
    """One block on its way to attributes."""

    def __init__(self, block: Mapping[str, Value], context: BindContext) -> None:
        self._block = {key: value for key, value in block.items() if value is not None}
        self._context = context
        self._attributes: dict[str, Value] = {}
        self._lends: list[Lend] = []
        self._classes: dict[str, str] = {}
        self._needs: dict[str, Value] = {}

    def bound(self) -> Bound:
        """The block as attributes, lends and settings."""
        self._bindings()
        self._applications_that_name_it()
        if self._context.external:
            return Bound({}, tuple(self._lends))
        if "main" not in self._block:
            self._report((), NO_MAIN, "it has no `main`", "name the file with the worker's code")
        renamed = self._class_block()
        if self._classes:
            self._attributes["classes"] = self._classes
        if self._needs:
            self._attributes["needs"] = self._needs
        self._values()
        self._settings()
        self._reached()
        self._one_name_each()
        name = self._context.name or self._context.default_name
        settings = {"renamed": renamed, "workers_dev": self._block.get("workers_dev")}
        settings |= {key: self._block.get(key) for key in _TEXTUAL}
        return Bound(self._attributes, tuple(self._lends), lane=f"worker:{name}", settings=settings)

    def _report(self, path: Path, code: str, summary: str, detail: str) -> None:
        self._context.report(path, code, summary, detail)

    def _map(self, key: str) -> Mapping[str, Value]:
        value = self._block.get(key, {})
        return value if isinstance(value, Mapping) else {}

    # bindings

    def _bindings(self) -> None:
        bound = {name: self._binding(name, value) for name, value in self._map("bindings").items()}
        found = {name: value for name, value in bound.items() if value is not None}
        if found:
            self._attributes["bindings"] = found

    def _binding(self, name: str, value: Value) -> Value:
        path = ("bindings", name)
        if isinstance(value, Mapping):
            return self._own_object(name, value)
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Ref | TextOf) and len(value.path) <= 1:
            if value.address.kind == _APPLICATION:
                return self._namespace_of(name, value.address)
            if value.address.kind == _WORKER:
                self._needs[name] = Ref(value.address, ("version_id",), value.expression)
                return {"type": "service", "service": TextOf(value.address, ("name",), value.expression)}
        summary = f"{name} is bound to something that is neither an application nor a worker"
        fix = "write ${applications.<key>}, ${workers.<key>}, or an object with a `type`"
        self._report(path, BAD_BINDING, summary, fix)
        return None

    def _own_object(self, name: str, value: Mapping[str, Value]) -> dict[str, Value]:
        """One of Cloudflare's objects; a class of this very script is a class that it owns."""
        binding = {key: inner for key, inner in value.items() if inner is not None}
        class_name = binding.get("class_name")
        if binding.get("type") == NAMESPACE and "script_name" not in binding:
            if isinstance(class_name, str):
                self._classes[class_name] = PRESENT
            elif class_name is None:
                fix = "name the class of the Durable Object"
                self._report(("bindings", name), BAD_BINDING, f"{name} has no `class_name`", fix)
        service = binding.get("service")
        if binding.get("type") == "service" and isinstance(service, Ref | TextOf):
            self._needs[name] = Ref(service.address, ("version_id",), service.expression)
            binding["service"] = TextOf(service.address, ("name",), service.expression)
        return binding

    def _namespace_of(self, name: str, application: ResourceAddress) -> Value:
        """The namespace of the class that runs an application; another worker may own it."""
        class_name = self._context.text_of(application, "class_name")
        if class_name is None:
            summary = f"{application} has no `class_name`, so there is nothing to bind"
            fix = f"give {application} a `class_name`, or leave {name} out"
            self._report(("bindings", name), BAD_BINDING, summary, fix)
            return None
        if not isinstance(class_name, str):
            return class_name
        binding: dict[str, Value] = {"type": NAMESPACE, "class_name": class_name}
        owner = self._owner_of(application)
        if owner is not None and owner != self._context.address:
            expression = f"${{workers.{owner.key}.namespaces.{class_name}}}"
            self._needs[name] = Ref(owner, ("namespaces", class_name), expression)
            return {**binding, "script_name": TextOf(owner, ("name",))}
        self._classes[class_name] = PRESENT
        self._lend_namespace(application, class_name)
        return binding

    def _owner_of(self, application: ResourceAddress) -> ResourceAddress | None:
        """The worker that an application names; None: whoever binds it."""
        value = self._context.text_of(application, "worker")
        if isinstance(value, Ref | TextOf):
            return value.address if value.address.kind == _WORKER else None
        if not isinstance(value, str):
            return None
        if "." not in value and "[" not in value:
            return ResourceAddress(_WORKER, value)
        try:
            return ResourceAddress.parse(value, {"workers": _WORKER})
        except ValueError:
            return None

    def _lend_namespace(self, application: ResourceAddress, class_name: str) -> None:
        me = self._context.address
        expression = f"${{workers.{me.key}.namespaces.{class_name}}}"
        lent = Ref(me, ("namespaces", class_name), expression)
        self._lends.append(Lend(application, "namespace", lent))

    def _applications_that_name_it(self) -> None:
        """Applications that say `worker:` get their namespace without being bound."""
        lent = {lend.to for lend in self._lends}
        named = self._context.once("applications by worker", self._applications_by_worker)
        for application in named.get(self._context.address, ()):
            if application in lent:
                continue
            class_name = self._context.text_of(application, "class_name")
            if isinstance(class_name, str):
                self._lend_namespace(application, class_name)

    def _applications_by_worker(self) -> dict[ResourceAddress, list[ResourceAddress]]:
        """Every application that says `worker:`, by the worker it names."""
        named: dict[ResourceAddress, list[ResourceAddress]] = {}
        for key in self._context.sections.get("applications", {}):
            application = ResourceAddress(_APPLICATION, key)
            if owner := self._owner_of(application):
                named.setdefault(owner, []).append(application)
        return named

    # classes

    def _class_block(self) -> dict[str, str]:
        """What the manifest says becomes of classes; gives new names with the old ones."""
        renamed: dict[str, str] = {}
        for name, fate in self._map("classes").items():
            path = ("classes", name)
            if not isinstance(fate, Mapping):
                continue
            old = fate.get("renamed_from")
            if isinstance(old, str):
                renamed[name] = old
                if old == name or self._classes.get(old) == PRESENT:
                    summary = f"{old} cannot be renamed and stay"
                    self._report(
                        path, BAD_CLASS, summary, "bind the new name everywhere, or drop `renamed_from`"
                    )
                self._classes[name] = PRESENT
            elif fate.get("deleted") is True:
                if self._classes.get(name) == PRESENT:
                    fix = "unbind it first, or drop `deleted`"
                    self._report(path, BAD_CLASS, f"{name} is deleted here and bound above", fix)
                self._classes[name] = DELETED
        return renamed

    # everything else

    def _values(self) -> None:
        for key in ("vars", "secrets"):
            if self._map(key):
                self._attributes[key] = dict(self._map(key))

    def _settings(self) -> None:
        for key in SETTINGS:
            if key in self._block:
                self._attributes[key] = canonical_setting(key, self._block[key])

    def _reached(self) -> None:
        for key in ("workers_dev", "preview_urls"):
            if key in self._block:
                self._attributes[key] = self._block[key]
        routes = self._block.get("routes")
        if isinstance(routes, list | tuple):
            self._attributes["routes"] = dict(self._route(route) for route in routes)
        crons = self._map("triggers").get("crons")
        if isinstance(crons, list | tuple):
            is_plain = all(isinstance(cron, str) for cron in crons)
            self._attributes["triggers"] = {"crons": sorted(set(crons)) if is_plain else list(crons)}

    def _route(self, route: Value) -> tuple[str, dict[str, Value]]:
        if not isinstance(route, Mapping):
            return str(route), {}
        rest = {key: value for key, value in route.items() if key != "pattern" and value is not None}
        pattern = str(route.get("pattern", ""))
        if rest.get("custom_domain") is True and ("/" in pattern or "*" in pattern):
            summary = f"{pattern} is no host name, as a custom domain is"
            self._report(("routes",), BAD_ROUTE, summary, "leave path and `*` out")
        return pattern, rest

    def _one_name_each(self) -> None:
        places: dict[str, str] = {}
        for key, name in self._names():
            if name in places:
                summary = f"{name} is under `{places[name]}` and under `{key}`"
                self._report((key, name), TWICE, summary, "a worker has one name for one thing")
            places[name] = key

    def _names(self) -> Iterator[tuple[str, str]]:
        for key in ("vars", "secrets", "bindings"):
            for name in self._map(key):
                yield key, name
