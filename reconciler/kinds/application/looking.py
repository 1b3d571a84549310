"""Applications as they are seen: one list for all, and a closer look only where an entry is not the remembered one."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.errors import NotFoundError
from reconciler.kinds.application.forms import MANAGED, application_attributes
from reconciler.kinds.application.judging import running_instances
from reconciler.kinds.application.pending import ROLLOUT, rollout_in_flight
from reconciler.kinds.shared.container import container_attributes
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Look, Sighting, Subject
from reconciler.model.resource import Observed, Pending
from reconciler.model.value import Value

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare

Application = Mapping[str, Any]

_NAMESPACE_ID = re.compile(r"[0-9a-f]{32}")
_HOT = ("ssh", "authorized_keys")


def freshness_of(application: Application) -> str:
    """What changes whenever the application does; grows like a text."""
    return f"{application.get('updated_at', '')} v{application.get('version', '')}"


def observed(
    application: Application,
    variable: Value = None,
    unsettled: Pending | None = None,
    owes: tuple[str, ...] = (),
    elsewhere: str = "",
) -> Observed:
    """An application of the service as the engine sees it; `variable` is where its generation stands."""
    attributes = application_attributes(application)
    if variable:
        number = attributes.get("environment_variables", {}).get(variable)
        if isinstance(number, str) and number.isdecimal():
            attributes["generation"] = int(number)
    identity = application["id"]
    name = application.get("name", "")
    outputs = {
        "id": identity,
        "name": name,
        "version": application.get("version"),
        "namespace_id": attributes.get("namespace"),
        "image": attributes.get("image"),
        "instances": application.get("instances"),
    }
    return Observed(
        identity,
        name,
        attributes,
        outputs,
        freshness_of(application),
        application.get("created_at", ""),
        unsettled,
        owes,
        application,
        elsewhere,
        changed_at=str(application.get("updated_at") or ""),
    )


class ApplicationList:
    """The account's applications, asked for once per look; safe to share between kinds and threads."""

    def __init__(self, client: Cloudflare) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._number = 0
        self._listed: Sequence[Application] = ()

    def __call__(self, number: int) -> Sequence[Application]:
        """The list of the look with this number; number 0 is always asked anew."""
        with self._lock:
            if not number or number != self._number:
                self._listed = self._client.list_applications()
                self._number = number
            return self._listed


class ApplicationSearch:
    """One look: finds every subject by id, else by name and namespace."""

    def __init__(self, client: Cloudflare, listed: Sequence[Application], look: Look) -> None:
        self._client = client
        self._look = look
        self._by_id = {application["id"]: application for application in listed}
        self._by_key: dict[tuple[str, Value], list[Application]] | None = None
        self._seen: set[str] = set()

    def sighting(self) -> Sighting:
        """What was found."""
        by_identity: dict[ResourceAddress, Observed] = {}
        by_key: dict[ResourceAddress, tuple[Observed, ...]] = {}
        for subject in self._look.subjects:
            application = self._identified(subject)
            if application is not None:
                by_identity[subject.address] = self._observed(subject, application)
            elif found := self._alike(subject):
                by_key[subject.address] = tuple(self._observed(subject, one) for one in found)
        return Sighting(by_identity, by_key, tuple(self._others()) if self._look.others else ())

    def _identified(self, subject: Subject) -> Application | None:
        for identity in (subject.identity, subject.import_id):
            if identity:
                return self._by_id.get(identity) or self._managed(identity)
        return None

    def _managed(self, identity: Value) -> Application | None:
        """One that its Durable Object manages is found by its namespace's id, in the list or not."""
        if not isinstance(identity, str) or not _NAMESPACE_ID.fullmatch(identity):
            return None
        try:
            return self._client.get_application(identity)
        except NotFoundError:
            return None

    def _alike(self, subject: Subject) -> list[Application]:
        """Those of the same name or on the same namespace."""
        wanted = subject.wanted or {}
        namespace = wanted.get("namespace")
        found = {one["id"]: one for one in self._keyed(("name", subject.name))}
        if isinstance(namespace, str):
            found |= {one["id"]: one for one in self._keyed(("namespace", namespace))}
            if not found and wanted.get("scheduling_policy") == MANAGED:
                managed = self._managed(namespace)
                return [managed] if managed else []
        return list(found.values())

    def _keyed(self, key: tuple[str, Value]) -> list[Application]:
        if self._by_key is None:
            self._by_key = defaultdict(list)
            for application in self._by_id.values():
                self._by_key["name", application.get("name")].append(application)
                link = application.get("durable_objects")
                if link:
                    self._by_key["namespace", link.get("namespace_id")].append(application)
        return self._by_key.get(key, [])

    def _others(self) -> Iterator[Observed]:
        for identity, application in self._by_id.items():
            if identity not in self._seen:
                yield observed(application)

    # one application

    def _observed(self, subject: Subject, application: Application) -> Observed:
        self._seen.add(application["id"])
        return observed(
            application,
            _variable(subject),
            rollout_in_flight(subject.address, application),
            self._owes(subject, application),
            _elsewhere(subject, application),
        )

    def _owes(self, subject: Subject, application: Application) -> tuple[str, ...]:
        """Whether instances run another configuration than the application's, and nothing is under way (hard-flows A4)."""
        prior = subject.prior
        if application.get("active_rollout_id") or application.get("scheduling_policy") == MANAGED:
            return ()
        if prior is not None and prior.facts.get("rollout_kind") == "none":
            return ()
        if prior is not None and any(one.what == ROLLOUT for one in prior.pending):
            return ()  # how that one ended is told first
        hint = application.get("scheduling_hint")
        if hint:
            return ("rollout",) if _is_late(application, hint.get("current") or {}, "instances") else ()
        is_known = prior is not None and prior.freshness == freshness_of(application)
        if (is_known and not self._look.thorough) or not running_instances(application):
            return ()
        return self._owes_by_versions(application)

    def _owes_by_versions(self, application: Application) -> tuple[str, ...]:
        try:
            versions = self._client.list_application_versions(application["id"])
        except NotFoundError:
            return ()
        late = [one for one in versions if one.get("version") != application.get("version")]
        return ("rollout",) if any(_is_late(application, one, "percentage") for one in late) else ()


def _is_late(application: Application, version: Mapping[str, Any], count: str) -> bool:
    return bool(version.get(count)) and _rolled(version.get("configuration")) != _rolled(
        application.get("configuration")
    )


def _rolled(configuration: Mapping[str, Any] | None) -> dict[str, Value]:
    """The part of a configuration that instances take up by a rollout only."""
    attributes = container_attributes(configuration or {})
    return {key: value for key, value in attributes.items() if key not in _HOT}


def _variable(subject: Subject) -> Value:
    for attributes in (subject.wanted, subject.prior.attributes if subject.prior else None):
        variable = (attributes or {}).get("generation_variable")
        if variable:
            return variable.get("name")
    return None


def _elsewhere(subject: Subject, application: Application) -> str:
    """Why the id in state is not what it was; one that lost its link is still ours, and is replaced."""
    if subject.prior is None:
        return ""
    before = subject.prior.attributes.get("namespace")
    now = (application.get("durable_objects") or {}).get("namespace_id")
    if isinstance(before, str) and now and now != before:
        return f"it answers with the namespace {now}, not {before}"
    return ""
