"""An application's block to attributes: which worker owns its class, what it lends, and the rules of interface 1.4.

Looks at nothing but the manifest. A value that points elsewhere is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.application import places, rollout_options
from reconciler.kinds.application.forms import MANAGED, NO_LOGS
from reconciler.kinds.application.owner import TARGETS, canonical_logs, logs_of_worker, worker_address
from reconciler.kinds.application.table import KIND, MANAGED_KEYS
from reconciler.kinds.shared.container_reading import EXCLUSIVE, TWICE, ContainerReading
from reconciler.kinds.shared.image_names import image_setting, placed_image, pulled_through
from reconciler.kinds.shared.sizes import DEFAULT_TYPE, size_problems, wanted_size
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext, Bound
from reconciler.model.kind import Lend, LenderOf, Uniqueness
from reconciler.model.value import Foretold, Path, Ref, TextOf, Unknown, Value

NO_IMAGE = "A101"
NO_CLASS = "A102"
WRONG_PLACE = "A103"
BAD_SIZE = "A104"

DEFAULT_MAX_INSTANCES = 20
_AS_IT_IS = ("network", "dns", "provisioner", "affinities", "priorities", "jobs", "ssh", "unsafe")
_KEYS = {row.path for row in KIND.attributes if "." not in row.path and not row.computed}


def read_application(block: Mapping[str, Value], context: BindContext) -> Bound:
    """Takes a block apart, reporting everything that is wrong with it."""
    return _Reading(block, context).bound()


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
        return Bound(
            self._attributes,
            tuple(self._lends),
            uniqueness,
            settings=self._settings,
            depends_on=self._waits_for(),
        )

    def _waits_for(self) -> tuple[ResourceAddress, ...]:
        images = (self._attributes.get("image"), *self._members("images").values())
        return tuple(address for image in images for address in pulled_through(image, self._context))

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
            name: placed_image(value, ("images", name), self._context)
            for name, value in self._members("images").items()
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
        image = self._attributes["image"] = placed_image(written, ("image",), self._context)
        if isinstance(written, Ref) and written.address.kind == "image":
            needed = f"${{images.{written.address.key}.disk_mb}}"
            self._attributes["image_disk_mb"] = Ref(written.address, ("disk_mb",), needed)
        elif isinstance(image, str):
            self._settings["image"] = image_setting(written, self._context)

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
