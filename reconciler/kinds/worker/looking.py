"""Workers as they are seen: one list for all, and a closer look only at scripts whose entry is not the remembered one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from reconciler.errors import NotFoundError
from reconciler.kinds.worker.forms import secret_names, settings_attributes
from reconciler.kinds.worker.table import DELETED, KIND, PRESENT
from reconciler.kinds.worker.uploading import LABEL, UPLOADED
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.handler import Look, Sighting, Subject
from reconciler.model.resource import Observed
from reconciler.model.value import Attributes, Value

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare

NO_SUCH_CLASS = "W130"

Script = Mapping[str, Any]
Applications = Callable[[int], Sequence[Mapping[str, Any]]]
Namespaces = Mapping[str, Mapping[str, str]]  # by script and class


def freshness_of(script: Script) -> str:
    """What changes whenever the script does; grows like a text."""
    return f"{script.get('modified_on', '')} {script.get('etag', '')}"


def namespaces_by_script(client: Cloudflare) -> dict[str, dict[str, str]]:
    """The ids of the account's namespaces, those of previews and dispatch aside (reference 3.7)."""
    found: dict[str, dict[str, str]] = {}
    for namespace in client.list_namespaces():
        if namespace.get("preview") or namespace.get("dispatch_namespace"):
            continue
        if namespace.get("script") and namespace.get("class"):
            found.setdefault(namespace["script"], {})[namespace["class"]] = namespace["id"]
    return found


def dashed(version_id: str) -> str:
    """A version's id as it is read; uploads are answered with it without dashes (reference 1.9)."""
    if "-" in version_id or len(version_id) != 32:
        return version_id
    cuts = (0, 8, 12, 16, 20, 32)
    return "-".join(version_id[start:stop] for start, stop in pairwise(cuts))


def version_of(deployment: Mapping[str, Any]) -> str:
    """The version that a deployment makes live."""
    versions = deployment.get("versions") or ()
    return str(versions[0].get("version_id", "")) if versions else ""


def deployed_by(deployment: Mapping[str, Any]) -> str:
    """Who made a version live, and with what: `ops@example.com, with wrangler` (reference 3.3)."""
    who, what = deployment.get("author_email") or "", deployment.get("source") or ""
    return ", ".join(filter(None, (str(who), f"with {what}" if what else "")))


class ScriptReading:
    """Reads whole scripts; what all have in common is asked for once."""

    def __init__(self, client: Cloudflare) -> None:
        self._client = client
        self._subdomain: str | None = None

    def settings(self, script: str) -> dict[str, Any]:
        """Bindings and settings of the live version."""
        return self._client.get_script_settings(script)

    def url(self, script: str, is_enabled: bool) -> str:
        """Where the script is reached under workers.dev; empty if it is not."""
        if not is_enabled:
            return ""
        if self._subdomain is None:
            self._subdomain = self._client.get_account_subdomain()
        return f"https://{script}.{self._subdomain}.workers.dev" if self._subdomain else ""

    def subdomain(self, script: str) -> dict[str, Any]:
        """Whether script and previews answer under workers.dev."""
        try:
            return self._client.get_script_subdomain(script)
        except NotFoundError:
            return {}

    def was_uploaded(self, script: str, operation: str) -> bool:
        """Whether one of its versions was uploaded by an operation of ours."""
        try:
            versions = self._client.list_script_versions(script)
        except NotFoundError:
            return False
        return any((one.get("annotations") or {}).get(LABEL) == operation for one in versions)

    def deployment(self, script: str) -> Mapping[str, Any]:
        """The deployment that is live; empty where there is none."""
        deployments = self._client.list_script_deployments(script)
        return deployments[0] if deployments else {}

    def version(self, script: str) -> str:
        """The version that is live."""
        return version_of(self.deployment(script))


class ScriptSearch:
    """One look: finds every subject by its name, and reads the scripts that are not as they were left."""

    def __init__(self, client: Cloudflare, applications: Applications, look: Look) -> None:
        self._client = client
        self._applications = applications
        self._look = look
        self._reading = ScriptReading(client)
        self._scripts = {script["id"]: script for script in client.list_scripts()}
        self._known_namespaces: Namespaces | None = None
        self._on_namespaces: dict[str, Mapping[str, Any]] | None = None
        self._diagnostics: list[Diagnostic] = []
        self._seen: set[str] = set()

    def sighting(self) -> Sighting:
        """What was found."""
        by_identity: dict[ResourceAddress, Observed] = {}
        by_key: dict[ResourceAddress, tuple[Observed, ...]] = {}
        for subject in self._look.subjects:
            identity = subject.identity or subject.import_id
            script = self._scripts.get(identity or subject.name)
            if script is None:
                continue
            found = self._observed(subject, script)
            if identity:
                by_identity[subject.address] = found
            elif not subject.operation:
                by_key[subject.address] = (found,)
            elif self._reading.was_uploaded(script["id"], subject.operation):
                # Whatever follows the upload may not have been sent, and nothing shows all of it.
                by_key[subject.address] = (replace(found, owes=(*found.owes, UPLOADED)),)
        others = tuple(self._others()) if self._look.others else ()
        return Sighting(by_identity, by_key, others, tuple(self._diagnostics))

    def _observed(self, subject: Subject, script: Script) -> Observed:
        name = script["id"]
        self._seen.add(name)
        prior = subject.prior
        if prior is not None and not self._must_read(subject, script):
            attributes = {key: value for key, value in prior.attributes.items() if is_readable(key)}
            raw = {"script": script, **self._running_on(subject, prior.outputs.get("namespaces") or {})}
            freshness = freshness_of(script)
            return Observed(
                name, name, attributes, prior.outputs, freshness, script.get("created_on", ""), raw=raw
            )
        return self._read(subject, script)

    def _must_read(self, subject: Subject, script: Script) -> bool:
        prior = subject.prior
        assert prior is not None
        if self._look.thorough or prior.freshness != freshness_of(script) or prior.owes:
            return True
        # A key that was never managed may be as wanted already.
        return any(is_readable(key) and key not in prior.attributes for key in subject.wanted or ())

    def _read(self, subject: Subject, script: Script) -> Observed:
        name, wanted = script["id"], subject.wanted or {}
        settings, subdomain = self._reading.settings(name), self._reading.subdomain(name)
        namespaces, live = self._namespaces().get(name, {}), self._reading.deployment(name)
        known_version = subject.prior.outputs.get("version_id") if subject.prior else None
        attributes = {
            "name": name,
            **settings_attributes(settings, name, wanted.get("foretold_vars") or ()),
            "classes": _classes(namespaces, wanted),
        }
        if "enabled" in subdomain:
            attributes["workers_dev"] = subdomain["enabled"]
            attributes["preview_urls"] = subdomain.get("previews_enabled", False)
        if "triggers" in wanted or (subject.prior and "triggers" in subject.prior.attributes):
            crons = [one.get("cron", "") for one in self._client.list_schedules(name)]
            attributes["triggers"] = {"crons": sorted(crons)}
        outputs = {
            "name": name,
            "version_id": version_of(live),
            "url": self._reading.url(name, bool(subdomain.get("enabled"))),
            "namespaces": dict(namespaces),
        }
        self._check_classes(subject, namespaces)
        return Observed(
            name,
            name,
            attributes,
            outputs,
            freshness_of(script),
            script.get("created_on", ""),
            owes=_lost_secrets(subject, settings),
            raw={
                "script": script,
                "settings": settings,
                "subdomain": subdomain,
                **self._running_on(subject, namespaces),
            },
            changed_at=str(script.get("modified_on") or ""),
            # What is not part of a version is changed without a deployment, and by nobody that is named.
            changed_by=deployed_by(live) if version_of(live) != known_version else "",
        )

    def _namespaces(self) -> Namespaces:
        if self._known_namespaces is None:
            self._known_namespaces = namespaces_by_script(self._client)
        return self._known_namespaces

    def _running_on(self, subject: Subject, namespaces: Mapping[str, str]) -> dict[str, Any]:
        """The live applications on a script's namespaces, by class, where one could be switched off."""
        if not namespaces or not _may_lose_classes(subject):
            return {}
        if self._on_namespaces is None:
            listed = self._applications(self._look.number)
            linked = ((one, one.get("durable_objects") or {}) for one in listed)
            self._on_namespaces = {
                link["namespace_id"]: one for one, link in linked if link.get("namespace_id")
            }
        on = self._on_namespaces
        return {
            "applications": {name: on[identity] for name, identity in namespaces.items() if identity in on}
        }

    def _check_classes(self, subject: Subject, namespaces: Mapping[str, str]) -> None:
        """Somebody else's worker must have the classes already: nothing is uploaded to it."""
        if not subject.external:
            return
        for name in (subject.wanted or {}).get("containers") or ():
            if name not in namespaces:
                summary = f"it has no Durable Object class {name}, and it is external"
                fix = "its owner has to upload it with that class among its containers"
                problem = Diagnostic(Severity.ERROR, NO_SUCH_CLASS, summary, fix, str(subject.address))
                self._diagnostics.append(problem)

    def _others(self) -> Iterator[Observed]:
        for name, script in self._scripts.items():
            if name not in self._seen:
                yield self._read(Subject(ResourceAddress(KIND.name, "other"), name), script)


def is_readable(key: str) -> bool:
    """Whether the service gives an attribute back."""
    row = KIND.attribute((key,))
    return row is not None and not row.write_only and not row.rides_along


def _classes(namespaces: Iterable[str], wanted: Attributes) -> dict[str, str]:
    """The classes that are there; one that is to be deleted and is gone counts as deleted."""
    there = dict.fromkeys(namespaces, PRESENT)
    states = wanted.get("classes") or {}
    gone = [name for name, state in states.items() if state == DELETED and name not in there]
    return {**there, **dict.fromkeys(gone, DELETED)}


def _may_lose_classes(subject: Subject) -> bool:
    """Whether the subject is leaving, gets another name, or deletes a class."""
    if subject.wanted is None:
        return True
    states: Mapping[str, Value] = subject.wanted.get("classes") or {}
    return DELETED in states.values() or subject.wanted.get("name") != (subject.identity or subject.name)


def _lost_secrets(subject: Subject, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Secrets that were sent and are not there any more are owed, although their fingerprints have not changed."""
    sent = (subject.prior.attributes if subject.prior else {}).get("secrets") or {}
    wanted = (subject.wanted or {}).get("secrets") or {}
    return ("secrets",) if (sent.keys() & wanted.keys()) - secret_names(settings) else ()
