"""Sends one worker, request by request: the upload, then what is sent apart from it, each with a checkpoint after it.

Class changes and container marks are worked out from what the server has just now, not from the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConflictError, NotFoundError, ReconcilerError, StalePlanError
from reconciler.kinds.worker import judging, uploading
from reconciler.kinds.worker.classes import ClassChanges, class_changes, declared_exports, wanted_classes
from reconciler.kinds.worker.looking import (
    ScriptReading,
    dashed,
    freshness_of,
    is_readable,
    namespaces_by_script,
)
from reconciler.kinds.worker.preparing import make_images_ready, modules_of
from reconciler.kinds.worker.routing import Routing
from reconciler.kinds.worker.table import PRESENT
from reconciler.model.change import Action, Change
from reconciler.model.handler import Result, Work
from reconciler.model.resource import Observed
from reconciler.model.value import Path, Secret, Value, at_path

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare
    from reconciler.clients.multipart import Part

_ABSENT: Value = object()


ListApplications = Callable[[bool], Sequence[Mapping[str, Any]]]
"""Gives the account's applications; with True, asked anew."""


class Sending:
    """One create or update of one script."""

    def __init__(
        self,
        client: Cloudflare,
        change: Change,
        work: Work,
        base_dir: FilePath,
        applications: ListApplications,
    ) -> None:
        self._client = client
        self._base_dir = base_dir
        self._applications = applications
        self._change = change
        self._work = work
        self._wanted = change.wanted
        self._script = str(change.wanted["name"])
        self._reading = ScriptReading(self._client)
        self._is_new = change.action in (Action.CREATE, Action.REPLACE)
        owes = (
            *(change.prior.owes if change.prior else ()),
            *(change.observed.owes if change.observed else ()),
        )
        # What an attempt cut off half-way has sent, and what not, is no longer known: all of it is sent again.
        self._everything = self._is_new or bool(owes) or bool(work.before)
        never_done = change.prior is not None and not change.prior.applied_at
        self._is_first = self._is_new or (bool(owes) and never_done)
        self._version = ""
        self._namespaces: Mapping[str, str] = {} if self._is_new else judging.namespaces_of(change)
        self._classes_changed = False

    def done(self) -> Result:
        """Sends everything that has to be sent."""
        if uploading.UPLOADED in self._work.before:
            self._classes_changed = (
                True  # by the attempt that was cut off: its namespaces are not known here yet
            )
        elif judging.uploads(self._change):
            self._upload()
        sent = self._send_secrets()
        routing = Routing(self._client, self._script, self._change, everything=self._everything)
        for part in routing.send(is_new=self._is_first):
            self._work.checkpoint(part, {})
        if sent or not self._version:
            self._version = self._version_now(has_moved=sent or self._everything)
        return Result(self._observed())

    def _version_now(self, *, has_moved: bool) -> str:
        known = self._change.observed.outputs.get("version_id") if self._change.observed else None
        return self._reading.version(self._script) if has_moved or not known else str(known)

    # the upload

    def _upload(self) -> None:
        live = self._live()
        changes = self._class_changes(live["namespaces"])
        if self._was_uploaded():
            self._classes_changed = True
            return
        running = self._running(live["namespaces"], changes)
        marks = uploading.container_marks(self._wanted, running, changes.deleted, changes.renamed or {})
        make_images_ready(self._client, self._wanted, self._work)
        body = uploading.metadata(self._wanted, live, self._removed(), changes, marks, self._work.operation)
        answer = self._client.upload_script(self._script, body, self._parts())
        self._version = dashed(str(answer.get("deployment_id") or ""))
        self._classes_changed = bool(changes) or self._is_new
        self._work.checkpoint(uploading.UPLOADED, {"identity": self._script, "version": self._version})

    def _class_changes(self, there: Iterable[str]) -> ClassChanges:
        settings = self._change.desired.settings if self._change.desired else {}
        return class_changes(there, wanted_classes(self._wanted), settings.get("renamed") or {})

    def _live(self) -> dict[str, Any]:
        """What the server has of the script: settings, and where classes may change, migration tag and namespaces anew."""
        nothing: dict[str, Any] = {"script": {}, "settings": {}, "namespaces": {}}
        if self._is_new and not self._work.again:
            return nothing
        try:
            settings = self._reading.settings(self._script)
        except NotFoundError:
            return nothing
        known = judging.namespaces_of(self._change)
        seen = (self._change.observed.raw.get("script") if self._change.observed else None) or {}
        is_certain = bool(seen.get("migration_tag")) or not known
        if is_certain and not self._everything and not self._work.again and not self._class_changes(known):
            return {"script": seen, "settings": settings, "namespaces": known}
        namespaces = namespaces_by_script(self._client).get(self._script, {})
        script = self._service()
        if namespaces and not script.get("migration_tag"):
            script = {"exports": declared_exports(namespaces), **script}
        return {"script": script, "settings": settings, "namespaces": namespaces}

    def _service(self) -> Mapping[str, Any]:
        found = self._client.get_service(self._script)
        script: Mapping[str, Any] = (found.get("default_environment") or {}).get("script") or {}
        return script

    def _was_uploaded(self) -> bool:
        """Whether an answer that was lost said yes: a version carries our label."""
        return self._work.again and self._reading.was_uploaded(self._script, self._work.operation)

    def _running(self, namespaces: Mapping[str, str], changes: ClassChanges) -> dict[str, Mapping[str, Any]]:
        """The live applications on the script's namespaces, by class; one on a class that is to go stops the upload."""
        if not namespaces:
            return {}
        running = self._behind(namespaces, fresh=bool(changes.deleted))
        if not changes.deleted and running.keys() - (self._wanted.get("containers") or {}).keys():
            # What the last look saw may be gone since, by our own hand: then its class is no container any more.
            running = self._behind(namespaces, fresh=True)
        for name in changes.deleted:
            if name in running:
                owner = running[name]
                raise ConflictError(
                    f"the application {owner.get('name')} ({owner.get('id')}) still runs behind {name}",
                    fix="delete it first, or keep the class",
                    address=str(self._change.address),
                )
        return running

    def _behind(self, namespaces: Mapping[str, str], *, fresh: bool) -> dict[str, Mapping[str, Any]]:
        listed = self._applications(fresh)
        on = {(one.get("durable_objects") or {}).get("namespace_id"): one for one in listed}
        return {name: on[identity] for name, identity in namespaces.items() if identity in on}

    def _removed(self) -> dict[Path, Value]:
        """Settings that the manifest used to set, each with what it goes back to."""
        return {
            one.path: one.after
            for one in self._change.attributes
            if at_path(self._wanted, one.path, _ABSENT) is _ABSENT
        }

    def _parts(self) -> list[Part]:
        """The modules, which must be the ones that were planned."""
        settings = self._change.desired.settings if self._change.desired else {}
        modules = modules_of(settings, self._base_dir)
        found = {module.name: module.sha256 for module in modules.modules} if modules else {}
        if modules is None or modules.problems or found != self._wanted.get("modules"):
            what = "the worker's modules have changed since the plan was made"
            raise StalePlanError(what, fix="plan again", address=str(self._change.address))
        return [module.part for module in modules.modules]

    # the rest

    def _send_secrets(self) -> bool:
        texts = self._secret_texts()
        if not texts:
            return False
        self._client.update_script_secrets(self._script, texts)
        self._work.checkpoint("secrets", {})
        return True

    def _secret_texts(self) -> dict[str, str | None]:
        """What has to be sent: those that differ, or all; None deletes one that we had set."""
        wanted: Mapping[str, Value] = self._wanted.get("secrets") or {}
        texts: dict[str, str | None] = {}
        if self._everything:
            texts = {name: self._revealed(name, value) for name, value in wanted.items() if _at_hand(value)}
        for one in self._change.attributes:
            if one.path[0] != "secrets":
                continue
            names = one.path[1:2] or tuple(one.before or ())
            for name in names:
                texts[name] = self._revealed(name, wanted[name]) if name in wanted else None
        return texts

    def _revealed(self, name: str, value: Value) -> str:
        if not isinstance(value, Secret):
            return str(value)
        try:
            return value.reveal()
        except LookupError:
            raise ReconcilerError(
                f"the value of the secret {name} is not at hand",
                fix="make its source available, and run again",
                address=str(self._change.address),
            ) from None

    def _observed(self) -> Observed:
        """The script as it is now, without reading more of it than changed."""
        script = self._service()
        if self._classes_changed:
            self._namespaces = self._changed_namespaces()
        outputs = {
            "name": self._script,
            "version_id": self._version,
            "url": self._url(),
            "namespaces": dict(self._namespaces),
        }
        created = str(script.get("created_on", ""))
        attributes = {key: value for key, value in self._wanted.items() if is_readable(key)}
        return Observed(self._script, self._script, attributes, outputs, freshness_of(script), created)

    def _changed_namespaces(self) -> Mapping[str, str]:
        """The namespaces once the list shows those of every class that was uploaded."""
        present = {name for name, state in wanted_classes(self._wanted).items() if state == PRESENT}
        return self._client.transport.awaited(
            lambda: namespaces_by_script(self._client).get(self._script, {}),
            lambda shown: present <= shown.keys(),
        )

    def _url(self) -> str:
        before = self._change.observed.outputs.get("url") if self._change.observed else None
        if (
            not self._is_new
            and not self._everything
            and not self._change.touches("workers_dev")
            and before is not None
        ):
            return str(before)
        subdomain = self._reading.subdomain(self._script)
        return self._reading.url(self._script, bool(subdomain.get("enabled")))


def _at_hand(value: Value) -> bool:
    return not isinstance(value, Secret) or value.at_hand
