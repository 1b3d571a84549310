"""A job's block to what its run is given. Looks at nothing but the manifest; pointers are passed on as they are."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.shared.container_reading import ContainerReading
from reconciler.kinds.shared.durations import seconds
from reconciler.kinds.shared.image_names import (
    image_setting,
    is_pointing,
    placed_image,
    pulled_through,
)
from reconciler.kinds.shared.sizes import ALIASES, DEFAULT_TYPE, KEYS, numbers_of, wanted_size
from reconciler.kinds.shared.using import SIZE
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext, Bound
from reconciler.model.value import Attributes, Path, Ref, TextOf, Unknown, Value

NO_APPLICATION = "J101"
NOT_FOR_JOBS = "J102"
TWICE = "J103"
NAMED = "J104"
RUN_VARIABLE = "RECONCILER_RUN"
"""Holds the run's own id: set for every run, by which one whose answer was lost is found."""
_APPLICATION = "application"


def read_job(block: Attributes, context: BindContext) -> Bound:
    """Takes a block apart, reporting everything that is wrong with it."""
    if context.name is not None:
        context.report(("name",), NAMED, "a run has no name", "leave `name` out; its id is its name")
    return Bound({}) if context.external else _Reading(block, context).bound()


class _Reading:
    """One block on its way to what a run is given."""

    def __init__(self, block: Attributes, context: BindContext) -> None:
        self._block = {key: value for key, value in block.items() if value is not None}
        self._context = context
        self._settings: dict[str, Value] = {
            "run": self._block.get("run", "on_change"),
            "on_lost": self._block.get("on_lost", "rerun"),
        }

    def bound(self) -> Bound:
        """The block as attributes and settings."""
        attributes: dict[str, Value] = {}
        application = self._application()
        if application is not None:
            attributes["application"] = application
        image = self._image(application)
        if image is not None:
            attributes["image"] = image
        attributes |= self._container()
        size = self._block.get(SIZE)
        if size is not None:
            size = attributes[SIZE] = ALIASES.get(size, size) if isinstance(size, str) else size
        if isinstance(application, Ref) and not self._is_external(application.address):
            self._settings[SIZE] = self._whole_size(size, application.address)
        timeout = self._block.get("timeout")
        if timeout is not None:
            attributes["timeout"] = _seconds(timeout)
        waits_for = pulled_through(attributes.get("image"), self._context)
        return Bound(attributes, settings=self._settings, depends_on=waits_for)

    def _report(self, path: Path, code: str, summary: str, fix: str) -> None:
        self._context.report(path, code, summary, fix)

    def _application(self) -> Value:
        written = self._block.get("application")
        fix = "write ${applications.<key>}, one that has `jobs: true`"
        if written is None:
            self._report((), NO_APPLICATION, "it names no application to run in", fix)
            return None
        if isinstance(written, Unknown):
            return written
        address = _application_address(written)
        if address is None or address.key not in self._context.sections.get("applications", {}):
            self._report(("application",), NO_APPLICATION, "`application` names none of this manifest", fix)
            return None
        self._check_jobs(address, fix)
        return Ref(address, ("id",), f"${{applications.{address.key}.id}}")

    def _check_jobs(self, address: ResourceAddress, fix: str) -> None:
        if self._is_external(address):
            return
        allowed = self._context.text_of(address, "jobs")
        if allowed is not True and not isinstance(allowed, Unknown) and not is_pointing(allowed):
            self._report(
                ("application",), NOT_FOR_JOBS, f"{address} runs no jobs: it lacks `jobs: true`", fix
            )

    def _whole_size(self, size: Value, application: ResourceAddress) -> Value:
        """What a run gets: its own size, with what that leaves out from the application's."""
        written = self._context.text_of(application, SIZE)
        whole = wanted_size(DEFAULT_TYPE if written is None else written)
        if size is None:
            return whole
        numbers = numbers_of(whole)
        if not isinstance(size, Mapping) or numbers is None:
            return size
        return {**dict(zip(KEYS, numbers, strict=True)), **size}

    def _is_external(self, application: ResourceAddress) -> bool:
        block = self._context.sections["applications"][application.key]
        return isinstance(block, Mapping) and bool(block.get("external"))

    def _image(self, application: Value) -> Value:
        """Its own, else the application's, whose other digest is another input."""
        written = self._block.get("image")
        if written is None:
            if not isinstance(application, Ref):
                return None
            key = application.address.key
            return Ref(application.address, ("image",), f"${{applications.{key}.image}}")
        image = placed_image(written, ("image",), self._context)
        if isinstance(image, str):
            self._settings["image"] = image_setting(written, self._context)
        return image

    def _container(self) -> dict[str, Value]:
        keys = ("entrypoint", "command", "environment_variables")
        reading = ContainerReading(
            {key: self._block[key] for key in keys if key in self._block}, self._context.report
        )
        reading.read()
        attributes = reading.attributes
        secrets = self._block.get("secrets")
        if isinstance(secrets, Mapping):
            attributes["secrets"] = dict(secrets)
        self._check_names(attributes)
        return attributes

    def _check_names(self, attributes: Mapping[str, Value]) -> None:
        variables, secrets = (attributes.get(key) for key in ("environment_variables", "secrets"))
        names = set(variables) if isinstance(variables, Mapping) else set()
        hidden = set(secrets) if isinstance(secrets, Mapping) else set()
        for name in sorted(names & hidden):
            summary = f"{name} is among `environment_variables` too"
            self._report(("secrets", name), TWICE, summary, "keep one of them")
        if RUN_VARIABLE in names | hidden:
            place = "secrets" if RUN_VARIABLE in hidden else "environment_variables"
            summary = f"{RUN_VARIABLE} is set for every run, to the run's own id"
            self._report((place, RUN_VARIABLE), TWICE, summary, "choose another name")


def _application_address(written: Value) -> ResourceAddress | None:
    """The application that a key, an address or a reference names."""
    if isinstance(written, Ref | TextOf):
        return written.address if written.address.kind == _APPLICATION else None
    if not isinstance(written, str):
        return None
    if "." not in written and "[" not in written:
        return ResourceAddress(_APPLICATION, written)
    try:
        address = ResourceAddress.parse(written, {"applications": _APPLICATION})
    except ValueError:
        return None
    return address if address.kind == _APPLICATION else None


def _seconds(timeout: Value) -> Value:
    """A timeout in seconds; what the schema will refuse stays as it is."""
    try:
        number = seconds(timeout) if isinstance(timeout, str) else timeout
    except ValueError:
        return timeout
    return int(number) if isinstance(number, float) and number.is_integer() else number
