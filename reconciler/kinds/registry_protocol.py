"""Everything the house knows about registry protocols: one image name that several registries may serve (reference 2.8).

The key is the protocol. All of its domains are sent at once, and in no order: the service tries what is available.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from reconciler.clients.explaining import explained
from reconciler.errors import ConflictError, ReconcilerError
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change
from reconciler.model.describing import Described, Known, external, literal
from reconciler.model.handler import BindContext, Bound, Handler, Look, Result, Sighting, Subject, Work
from reconciler.model.kind import Attribute, Kind, Removal, Uniqueness
from reconciler.model.resource import Observed, Pending
from reconciler.model.value import Attributes, Ref, Value

NO_DOMAINS = "L101"
NAMED = "L102"

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_DOMAIN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "domain": {**_TEXT, "description": "A registry: `${registries.<key>.domain}`, or Cloudflare's own."},
        "path": {"type": "string", "description": "Where in that registry the images lie."},
    },
    "required": ["domain", "path"],
    "additionalProperties": False,
}
_REFUSALS = {
    "VALIDATE_INPUT": "write `domains` as a list of {domain: HOST, path: WHERE}, hosts without scheme and path",
    "IMAGE_REGISTRY_NOT_ALLOWED": "declare that domain under `registries`, and name it by ${registries.<key>.domain}",
}

KIND = Kind(
    name="registry_protocol",
    section="registry_protocols",
    description="The key is a protocol: `cf://app:1` is looked for in each of its domains.",
    attributes=(
        Attribute("proto", _TEXT, "The protocol.", replaces=True, computed=True),
        Attribute(
            "domains",
            {"type": "array", "items": _DOMAIN, "minItems": 1},
            "The registries that serve it, in no order.",
            removal=Removal.KEEP,
        ),
    ),
    uniqueness=Uniqueness.CONFLICT,
    exclusive=("proto",),
    named=False,
)


class ProtocolsApi(Protocol):
    """The part of Cloudflare's API that protocols need."""

    def list_registry_protocols(self) -> Sequence[Mapping[str, Any]]:
        """All of them."""

    def create_registry_protocol(self, proto: str, domains: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
        """A new one; ConflictError if it is there."""

    def update_registry_protocol(self, proto: str, domains: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
        """Replaces all domains."""

    def delete_registry_protocol(self, proto: str) -> None:
        """Gone at once; ConflictError while an image is named by it."""

    def list_applications(self) -> Sequence[Mapping[str, Any]]:
        """All of the account, with their images."""


class RegistryProtocolHandler(Handler):
    """Knows registry protocols."""

    kind = KIND

    def __init__(self, api: ProtocolsApi | None = None) -> None:
        self._api = api

    # thinking

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """The domains as a set; one that is a registry of this manifest waits for it."""
        proto = context.address.each or context.address.key
        if context.name is not None:
            fix = "leave `name` out, or choose another key"
            context.report(("name",), NAMED, "a protocol is called by its key", fix)
        if context.external:
            return Bound({"proto": proto}, name=proto)
        domains = block.get("domains")
        if domains is None:
            context.report((), NO_DOMAINS, "nothing says where its images are", "say `domains`")
        if isinstance(domains, list | tuple):
            domains = _canonical(domains, context)
        return Bound({"proto": proto, "domains": domains}, name=proto)

    # looking

    def observe(self, look: Look) -> Sighting:
        """One list for all."""
        found = {str(one["proto"]): _observed(one) for one in self._account.list_registry_protocols()}
        by_identity: dict[ResourceAddress, Observed] = {}
        by_key: dict[ResourceAddress, tuple[Observed, ...]] = {}
        for subject in look.subjects:
            if seen := found.get(subject.identity or subject.import_id):
                by_identity[subject.address] = seen
            if seen := found.get(_proto_of(subject)):
                by_key[subject.address] = (seen,)
        known = {one.identity for one in by_identity.values()}
        others = tuple(one for one in found.values() if look.others and one.identity not in known)
        return Sighting(by_identity, by_key, others)

    def describe(self, observed: Observed, known: Known) -> Described | None:
        """All of its domains, under the protocol's own name."""
        address = known.addresses.get((KIND.name, observed.identity))
        if address is None or address.key != observed.identity:
            why = "its name cannot be a key of the manifest, and a protocol is called by its key"
            return external(why, id=observed.identity)
        domains = [
            {
                "domain": known.reference("registry", one["domain"], "domain") or literal(one["domain"]),
                "path": literal(one["path"]),
            }
            for one in observed.attributes["domains"]
        ]
        return Described({"domains": domains})

    @property
    def _account(self) -> ProtocolsApi:
        if self._api is None:
            raise ReconcilerError("the account's registry protocols cannot be asked for here")
        return self._api

    # doing

    def create(self, change: Change, work: Work) -> Result:
        """Adds the protocol."""
        proto, domains = str(change.wanted["proto"]), change.wanted["domains"]
        try:
            with explained(_REFUSALS):
                return Result(_observed(self._account.create_registry_protocol(proto, domains)))
        except ConflictError as error:
            if work.again:
                return self.update(change, work)
            raise ConflictError(
                f'the account has a protocol "{proto}" already',
                status=error.status,
                code=error.code,
                fix="take it over with `adopt: true`, or choose another key",
            ) from None

    def update(self, change: Change, work: Work) -> Result:
        """Sends all domains."""
        del work
        proto, domains = str(change.wanted["proto"]), change.wanted["domains"]
        with explained(_REFUSALS):
            return Result(_observed(self._account.update_registry_protocol(proto, domains)))

    def delete(self, change: Change, work: Work) -> Pending | None:
        """Deletes the protocol; who still uses it is said."""
        del work
        assert change.observed is not None
        proto = change.observed.identity
        try:
            with explained(_REFUSALS):
                self._account.delete_registry_protocol(proto)
        except ConflictError as error:
            users = ", ".join(self._users(proto)) or "something that is no application"
            raise ConflictError(
                f"images are still named by {proto}:// in {users}",
                status=error.status,
                code=error.code,
                fix="give these another `image` first, then run again",
            ) from None
        return None

    def _users(self, proto: str) -> list[str]:
        applications = self._account.list_applications()
        return sorted(str(one.get("name")) for one in applications if _image(one).startswith(f"{proto}://"))


def _image(application: Mapping[str, Any]) -> str:
    return str((application.get("configuration") or {}).get("image") or "")


def _proto_of(subject: Subject) -> str:
    return str((subject.wanted or {}).get("proto", ""))


def _canonical(domains: Sequence[Value], context: BindContext) -> list[Value]:
    """Sorted by what they say; references to registries stay, and texts that mean one become such."""
    registries = {
        context.text_of(ResourceAddress("registry", key), "domain"): ResourceAddress("registry", key)
        for key in context.sections.get("registries", {})
    }
    texts = {address: domain for domain, address in registries.items()}

    def place(entry: Value) -> tuple[str, Value]:
        if not isinstance(entry, Mapping):
            return "", entry
        domain, path = entry.get("domain"), entry.get("path")
        if isinstance(domain, str) and domain in registries:
            domain = Ref(registries[domain], ("domain",), domain)
        text = texts.get(domain.address) if isinstance(domain, Ref) else domain
        return f"{text} {path}", {"domain": domain, "path": path}

    return [entry for _, entry in sorted(map(place, domains), key=lambda placed: placed[0])]


def _observed(document: Mapping[str, Any]) -> Observed:
    proto = str(document["proto"])
    domains = [{"domain": one["domain"], "path": one.get("path", "")} for one in document.get("domains", [])]
    domains.sort(key=lambda one: f"{one['domain']} {one['path']}")
    return Observed(proto, proto, {"proto": proto, "domains": domains})
