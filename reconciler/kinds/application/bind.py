"""An application's block to attributes: which worker owns its class, what it lends, and the rules of interface 1.4.

Looks at nothing but the manifest. A value that points elsewhere is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.clients.image_rules import ImageRules, MisplacedImageError, place_image
from reconciler.kinds.application import places, rollout_options
from reconciler.kinds.application.bind_container import EXCLUSIVE, TWICE, ContainerReading
from reconciler.kinds.application.forms import MANAGED, NO_LOGS
from reconciler.kinds.application.owner import TARGETS, canonical_logs, logs_of_worker, worker_address
from reconciler.kinds.application.sizes import DEFAULT_TYPE, size_problems, wanted_size
from reconciler.kinds.application.table import KIND, MANAGED_KEYS
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext, Bound, Lend, LenderOf, Uniqueness
from reconciler.model.value import Foretold, Path, Pointer, Ref, Template, TextOf, Unknown, Value

NO_IMAGE = "A101"
NO_CLASS = "A102"
WRONG_PLACE = "A103"
BAD_SIZE = "A104"
UNPINNED = "UNPINNED_IMAGE"

DEFAULT_MAX_INSTANCES = 20
_AS_IT_IS = ("network", "dns", "provisioner", "affinities", "priorities", "jobs", "ssh", "unsafe")
_KEYS = {row.path for row in KIND.attributes if "." not in row.path and not row.computed}


def is_pointing(value: Value) -> bool:
    """Whether a value is not there yet."""
    return isinstance(value, Pointer | Template | Unknown)


def read_application(block: Mapping[str, Value], context: BindContext) -> Bound:
    """Takes a block apart, reporting everything that is wrong with it."""
    return _Reading(block, context).bound()


def rules_of(context: BindContext) -> ImageRules:
    """What the manifest says about registries."""
    domains = [
        context.text_of(ResourceAddress("registry", key), "domain")
        for key in context.sections.get("registries", {})
    ]
    protocols = context.sections.get("registry_protocols", {})
    return ImageRules.of(context.registry_host, context.account_id, domains, protocols)


class _Reading:
    """One block on its way to attributes."""

    def __init__(self, block: Mapping[str, Value], context: BindContext) -> None:
        self._block = {key: value for key, value in block.items() if value is not None}
        self._context = context
        self._attributes: dict[str, Value] = {}
        self._lends: list[Lend] = []
        self._settings: dict[str, Value] = {}

    def bound(self) -> Bound:
        """The block as attributes, lends and settings."""
        if self._context.external:
            return Bound({})
        self._drop_misplaced_defaults()
        self._attributes["scheduling_policy"] = self._block.get("scheduling_policy", "default")
        if self._attributes["scheduling_policy"] == MANAGED:
            self._managed()
        else:
            self._scheduled()
        uniqueness = Uniqueness.CONFLICT if "class_name" in self._block else Uniqueness.LISTED
        return Bound(self._attributes, tuple(self._lends), uniqueness, settings=self._settings)

    def _report(self, path: Path, code: str, summary: str, detail: str) -> None:
        self._context.report(path, code, summary, detail)

    def _drop_misplaced_defaults(self) -> None:
        """What `defaults` says to all applications is nothing to those that cannot have it."""
        misplaced = {"instances"} if "class_name" in self._block else {"worker", "images"}
        if self._block.get("scheduling_policy") == MANAGED:
            misplaced = _KEYS - MANAGED_KEYS
        for key in misplaced & self._context.defaulted:
            self._block.pop(key, None)

    # the two variants

    def _scheduled(self) -> None:
        """What the scheduler runs: everything but named images."""
        if "images" in self._block:
            fix = f"say `scheduling_policy: {MANAGED}`, or name one `image`"
            self._report(("images",), WRONG_PLACE, "`images` belongs to applications that are managed", fix)
        self._image()
        self._class({})
        self._scale()
        self._size()
        inside = ContainerReading(self._block, self._context.report)
        inside.read()
        self._attributes |= inside.attributes
        self._lends += inside.lends
        for key in _AS_IT_IS:
            if key in self._block:
                self._attributes[key] = self._block[key]
        self._observability()
        self._generation()
        self._settings |= rollout_options.read(self._block, self._report)

    def _managed(self) -> None:
        """What the Durable Object runs: its images travel with the owner's upload, and no default is sent."""
        for key in sorted(self._block.keys() & _KEYS - MANAGED_KEYS):
            summary = f"`{key}` cannot stand beside `scheduling_policy: {MANAGED}`"
            self._report((key,), WRONG_PLACE, summary, f"leave it out; {', '.join(sorted(MANAGED_KEYS))} may")
        if "class_name" not in self._block:
            fix = "name the class of the Durable Object"
            self._report((), NO_CLASS, f"`scheduling_policy: {MANAGED}` needs a `class_name`", fix)
        images = {
            name: self._placed(value, ("images", name)) for name, value in self._members("images").items()
        }
        self._class({"images": images} if images else {})
        inside = ContainerReading(self._block, self._context.report)
        inside.read_keys()
        self._attributes |= inside.attributes
        if "ssh" in self._block:
            self._attributes["ssh"] = self._block["ssh"]
        self._observability()

    # whom it belongs to

    def _class(self, facts: Mapping[str, Value]) -> None:
        class_name, owner = self._block.get("class_name"), self._owner()
        if class_name is None:
            # Said out loud: an application that had a class and lost it has to be made anew.
            self._attributes["namespace"] = None
            if owner is not None:
                fix = "say `class_name`, or leave `worker` out"
                self._report(("worker",), NO_CLASS, "`worker` has no meaning without a `class_name`", fix)
            return
        self._settings["class_name"] = class_name
        if owner is not None:
            expression = f"${{workers.{owner.key}.namespaces.{class_name}}}"
            self._attributes["namespace"] = Ref(owner, ("namespaces", str(class_name)), expression)
        if isinstance(class_name, str):
            me = self._context.address
            lent = {"name": TextOf(me, ("name",)), "class_name": class_name, **facts}
            self._lend(owner, "containers", lent, class_name)
            if timeout := self._block.get("prepare_timeout"):
                self._lend(owner, "prepare_timeouts", timeout, class_name)

    def _lend(self, owner: ResourceAddress | None, slot: str, value: Value, member: str) -> None:
        self._lends.append(Lend(owner or LenderOf("namespace"), slot, value, member))

    def _owner(self) -> ResourceAddress | None:
        """The worker that `worker:` names: a key, an address or a reference."""
        value = self._block.get("worker")
        try:
            owner = worker_address(value)
        except ValueError as error:
            self._report(("worker",), WRONG_PLACE, str(error), "write the worker's key")
            return None
        if owner is None and value is not None and not isinstance(value, Unknown):
            summary = "`worker` does not name a worker"
            self._report(("worker",), WRONG_PLACE, summary, "write its key, or ${workers.<key>}")
        return owner

    # what it runs

    def _image(self) -> None:
        written = self._block.get("image")
        if written is None:
            self._report((), NO_IMAGE, "it has no image", "say `image: ${images.<key>}`, or name one")
            return
        image = self._attributes["image"] = self._placed(written, ("image",))
        if isinstance(written, Ref) and written.address.kind == "image":
            needed = f"${{images.{written.address.key}.disk_mb}}"
            self._attributes["image_disk_mb"] = Ref(written.address, ("disk_mb",), needed)
        elif isinstance(image, str):
            rules = self._rules()
            places = {"registry_host": rules.registry_host, "account_id": rules.account_id}
            self._settings["image"] = {"text": _joined_image(written), **places}

    def _placed(self, value: Value, path: Path) -> Value:
        """An image's full name, or what points at it."""
        if isinstance(value, Ref) and not value.path:
            return Ref(value.address, ("ref",), value.expression)
        text = _joined_image(value)
        if text is None:
            return value
        try:
            placed = place_image(text, self._rules())
        except MisplacedImageError as error:
            self._report(path, error.code, error.message, error.fix)
            return text
        reference = placed.reference
        if reference.tag == "latest" and not reference.digest:
            summary = f"{text}: what `latest` is changes without notice"
            self._context.warn(path, UNPINNED, summary, "name a version, or pin it by digest")
        return placed.text

    def _rules(self) -> ImageRules:
        found: ImageRules = self._context.once("image rules", lambda: rules_of(self._context))
        return found

    def _size(self) -> None:
        written = self._block.get("instance_type", DEFAULT_TYPE)
        self._attributes["instance_type"] = wanted_size(written)
        for key, complaint in size_problems(written):
            fix = "name a type (lite, basic, standard-1 to standard-4), or correct the numbers"
            path = ("instance_type", key) if key in written else ("instance_type",)
            self._report(path, BAD_SIZE, complaint, fix)

    def _scale(self) -> None:
        has_class = "class_name" in self._block
        if has_class and "instances" in self._block:
            summary = "`instances` has no meaning behind a class, whose objects start the instances"
            self._report(("instances",), WRONG_PLACE, summary, "leave it out; `max_instances` is the bound")
        self._attributes["instances"] = 0 if has_class else self._block.get("instances", 1)
        self._attributes["max_instances"] = self._block.get("max_instances", DEFAULT_MAX_INSTANCES)
        grace = self._block.get("rollout_active_grace_period", 0)
        self._attributes["rollout_active_grace_period"] = grace
        constraints = self._block.get("constraints", {})
        self._attributes["constraints"] = places.wanted_constraints(constraints, self._context)

    def _members(self, key: str) -> Mapping[str, Value]:
        value = self._block.get(key, {})
        return value if isinstance(value, Mapping) else {}

    # what is worked out

    def _observability(self) -> None:
        """Its own, else what its worker has switched on."""
        written = self._block.get("observability")
        if written is None:
            written = logs_of_worker(self._block, self._context)
            if written is None or canonical_logs(written) == NO_LOGS:
                return
        self._attributes["observability"] = (
            canonical_logs(written) if isinstance(written, Mapping) else written
        )
        if isinstance(written, Mapping) and len(TARGETS & written.keys()) > 1:
            fix = "keep one of them"
            self._report(
                ("observability",), EXCLUSIVE, f"{' and '.join(sorted(TARGETS))} exclude each other", fix
            )

    def _generation(self) -> None:
        written = self._block.get("generation_variable")
        if written is None:
            return
        named = written if isinstance(written, Mapping) else {"name": written}
        name, in_vars = named.get("name"), named.get("vars") is True
        self._attributes["generation_variable"] = {"name": name, "vars": in_vars}
        if not isinstance(name, str):
            return
        if name in self._members("environment_variables"):
            summary = f"{name} is among `environment_variables` too"
            self._report(
                ("generation_variable",), TWICE, summary, "the number is counted for you: leave it out"
            )
        if in_vars and "class_name" in self._block:
            me = self._context.address
            counted = Foretold(me, ("generation",), f"${{applications.{me.key}.generation}}")
            self._lend(self._owner(), "foretold_vars", counted, name)


def _joined_image(value: Value) -> str | None:
    """An image's name as one text, from either form; None where a part of it points elsewhere."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        return None
    parts = [value.get(key) for key in ("name", "tag", "digest")]
    if any(is_pointing(part) for part in parts) or not isinstance(parts[0], str):
        return None
    return parts[0] + (f":{parts[1]}" if parts[1] else "") + (f"@{parts[2]}" if parts[2] else "")
