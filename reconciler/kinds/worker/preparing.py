"""What this machine knows of a worker before anything is planned: its modules, hashed, and which classes they export.

Also makes ready, just before an upload, the images that travel with it (interface 1.4, reference 2.12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.clients.image_rules import ImageRules
from reconciler.errors import InterruptedRunError, ProviderError, ReconcilerError, StalePlanError
from reconciler.kinds.worker.classes import wanted_classes
from reconciler.kinds.worker.durations import seconds
from reconciler.kinds.worker.judging import EXPORTED
from reconciler.kinds.worker.table import PRESENT
from reconciler.model.address import ResourceAddress
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.handler import PrepareContext, Prepared, Work
from reconciler.model.resource import Desired
from reconciler.model.value import Attributes, Value

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare
    from reconciler.clients.worker_modules import WorkerModules

BAD_MODULES = "W110"
NOT_EXPORTED = "W111"
UNRESOLVED = "W112"

Listed = Callable[[], Sequence[Mapping[str, Any]]]
"""Gives the account's applications, asked for only then."""
ResolveImage = Callable[[str, ImageRules, str], Mapping[str, Any]]
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 2.0
_LONGEST_PREPARATION = "30m"


def modules_of(settings: Mapping[str, Value], base_dir: Path) -> WorkerModules | None:
    """The modules that a worker's block names; None where it names none."""
    main, globs = settings.get("main"), settings.get("modules")
    if not isinstance(main, str):
        return None
    from reconciler.clients.worker_modules import read_modules

    return read_modules(main, globs if isinstance(globs, list) else None, base_dir)


class Preparing:
    """One look at the modules of every worker, the images that go with its upload, and what goes on behind its classes."""

    def __init__(
        self,
        base_dir: Path,
        context: PrepareContext,
        resolve_image: ResolveImage | None,
        applications: Listed,
    ) -> None:
        self._base_dir = base_dir
        self._context = context
        self._resolve_image = resolve_image
        self._applications = applications

    def prepared(self, wishes: Sequence[Desired]) -> dict[ResourceAddress, Prepared]:
        """Hashes of modules, classes that lent applications add, images pinned."""
        return {wish.address: self._prepared(wish) for wish in wishes if not wish.external}

    def _prepared(self, wish: Desired) -> Prepared:
        problems: list[Diagnostic] = []
        attributes: dict[str, Value] = {}
        recorded: dict[str, str] = {}
        containers = wish.attributes.get("containers") or {}
        attributes["container_classes"] = sorted({*containers, *self._left_behind(wish, containers)})
        classes = wanted_classes(wish.attributes)
        if classes:
            attributes["classes"] = classes
        settings: dict[str, Value] = {}
        modules = modules_of(wish.settings, self._base_dir)
        if modules is not None:
            settings[EXPORTED] = None if modules.classes is None else sorted(modules.classes)
            attributes["main"] = modules.main
            attributes["modules"] = {module.name: module.sha256 for module in modules.modules}
            self._check_unchanged(wish, modules.sha256)
            recorded[_mark(wish)] = modules.sha256
            problems += _module_problems(wish, modules, classes)
        if any(lent.get("images") for lent in containers.values()):
            pinned, more, problem = self._pinned(wish, containers)
            attributes["containers"] = pinned
            recorded |= more
            problems += problem
        return Prepared(attributes, diagnostics=tuple(problems), recorded=recorded, settings=settings)

    def _left_behind(self, wish: Desired, containers: Mapping[str, Any]) -> Iterator[str]:
        """Classes of applications that left the manifest and go on running, which an upload keeps switched on (interface 1.6)."""
        prior = self._context.priors.get(wish.address)
        before: Sequence[str] = (prior.attributes.get("container_classes") or ()) if prior else ()
        if prior is None or not set(before) - containers.keys():
            return
        leaving = {one.identity for one in self._context.priors.values() if not one.retain}
        stay = {one["id"]: one.get("durable_objects") or {} for one in self._applications()}
        behind = {link.get("namespace_id") for identity, link in stay.items() if identity not in leaving}
        namespaces = prior.outputs.get("namespaces") or {}
        yield from (name for name in before if namespaces.get(name) in behind)

    def _check_unchanged(self, wish: Desired, found: str) -> None:
        recorded = self._context.recorded.get(_mark(wish))
        if recorded and recorded != found:
            what = "the worker's modules have changed since the plan was made"
            raise StalePlanError(what, fix="plan again", address=str(wish.address))

    def _pinned(
        self, wish: Desired, containers: Mapping[str, Any]
    ) -> tuple[dict[str, Value], dict[str, str], list[Diagnostic]]:
        """Named images that are written by their tag, by their digest."""
        recorded: dict[str, str] = {}
        problems: list[Diagnostic] = []
        pinned: dict[str, Value] = {}
        for class_name, lent in containers.items():
            images: dict[str, Value] = {}
            for name, image in (lent.get("images") or {}).items():
                try:
                    images[name] = self._digest(image, recorded)
                except ReconcilerError as error:
                    problems.append(_problem(wish, UNRESOLVED, error.message, error.fix))
                    images[name] = image
            pinned[class_name] = {**lent, "images": images} if images else lent
        return pinned, recorded, problems

    def _digest(self, image: Value, recorded: dict[str, str]) -> Value:
        if not isinstance(image, str) or "@sha256:" in image or self._resolve_image is None:
            return image
        host, _, rest = image.partition("/")
        rules = ImageRules(host, rest.partition("/")[0])
        found = self._resolve_image(image, rules, self._context.recorded.get(image, ""))
        if found.get("origin"):
            recorded[image] = str(found["origin"])
        return found["ref"]


def _mark(wish: Desired) -> str:
    return f"modules of {wish.address}"


def _module_problems(
    wish: Desired, modules: WorkerModules, classes: Mapping[str, str]
) -> Iterator[Diagnostic]:
    for problem in modules.problems:
        summary, _, fix = problem.partition("; ")
        yield _problem(wish, BAD_MODULES, summary, fix)
    if modules.problems or modules.classes is None:
        return
    for name, state in classes.items():
        if state == PRESENT and name not in modules.classes:
            summary = f"{modules.main} does not export the class {name}"
            yield _problem(
                wish,
                NOT_EXPORTED,
                summary,
                f"write `export class {name} extends Container`, or correct the name",
            )


def _problem(wish: Desired, code: str, summary: str, fix: str) -> Diagnostic:
    return Diagnostic(Severity.ERROR, code, summary, fix, str(wish.address), wish.source_of(("main",)))


def make_images_ready(client: Cloudflare, wanted: Attributes, work: Work) -> None:
    """Has every named image prepared, and waits until it is; nothing is live before."""
    timeouts = wanted.get("prepare_timeouts") or {}
    for class_name, lent in (wanted.get("containers") or {}).items():
        patience = seconds(str(timeouts.get(class_name) or _LONGEST_PREPARATION))
        for image in dict.fromkeys((lent.get("images") or {}).values()):
            _make_ready(client, str(image), patience, work)


def _make_ready(client: Cloudflare, image: str, patience: float, work: Work) -> None:
    waited, pause = 0.0, _FIRST_WAIT
    while (found := client.prepare_image(image)).get("status") != "ready":
        if found.get("status") == "error":
            reason = found.get("reason") or "no reason was given"
            raise ProviderError(f"{image} could not be prepared: {reason}", fix="correct the image")
        if waited >= patience:
            fix = "raise `prepare_timeout`, or run again"
            raise ProviderError(f"{image} is still not ready after {patience / 60:g} minutes", fix=fix)
        if work.stopping():
            raise InterruptedRunError("stopped before the upload")
        work.progress(0, 0, f"preparing {image}, for {waited:.0f} s so far")
        client.transport.pause(pause)
        waited += pause
        pause = min(2 * pause, _LONGEST_WAIT)
