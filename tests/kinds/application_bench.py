"""What the tests of applications and workers share: blocks bound alone, changes made by hand, projects on the emulator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.clients.cloudflare import Cloudflare
from reconciler.clients.settings import ApiCredentials
from reconciler.clients.transport import Transport
from reconciler.engine.diff import compare, initial
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Action, Change
from reconciler.model.handler import BindContext, Bound, Handler
from reconciler.model.kind import Lend
from reconciler.model.resource import Desired, Observed, Prior
from reconciler.model.value import Path as AttributePath
from reconciler.model.value import Ref, Value
from tests.clients.images import image, layout_files
from tests.harness import Project, project

ACCOUNT = "a" * 32
HOST = "registry.cloudflare.com"
DIGEST = "sha256:" + "1" * 64
IMAGE = f"{HOST}/{ACCOUNT}/shop-api@{DIGEST}"
NAMESPACE = "c" * 32


@dataclass
class Binding:
    """One block bound, with everything that was said about it."""

    bound: Bound
    errors: list[tuple[AttributePath, str, str]] = field(default_factory=list)
    warnings: list[tuple[AttributePath, str, str]] = field(default_factory=list)

    @property
    def attributes(self) -> dict[str, Value]:
        return self.bound.attributes

    @property
    def messages(self) -> list[str]:
        return [message for _, _, message in self.errors]

    def lends(self, slot: str) -> list[Lend]:
        return [lend for lend in self.bound.lends if lend.slot == slot]


def bind(
    handler: Handler,
    block: Mapping[str, Any],
    *,
    key: str = "api",
    each: str = "",
    sections: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    account_id: Value = ACCOUNT,
    external: bool = False,
    defaulted: tuple[str, ...] = (),
) -> Binding:
    """Binds a block; `sections` are the other blocks of the manifest, references in them given as Refs."""
    errors: list[tuple[AttributePath, str, str]] = []
    warnings: list[tuple[AttributePath, str, str]] = []
    others = dict(sections or {})
    plural = {"application": "applications", "worker": "workers", "registry": "registries"}

    def text_of(address: ResourceAddress, path: str) -> Value:
        return others.get(plural[address.kind], {}).get(address.key, {}).get(path)

    context = BindContext(
        address=ResourceAddress(handler.kind.name, key, each),
        project="shop",
        environment=None,
        account_id=account_id,
        name=None,
        default_name=f"shop-{key}",
        registry_host=HOST,
        sections=others,
        text_of=text_of,
        report=lambda path, code, summary, detail: errors.append((path, code, f"{summary}; {detail}")),
        warn=lambda path, code, summary, detail: warnings.append((path, code, f"{summary}; {detail}")),
        external=external,
        defaulted=frozenset(defaulted),
    )
    return Binding(handler.bind(block, context), errors, warnings)


def ref(kind: str, key: str, *path: str) -> Ref:
    """A reference as the binder hands it to a kind."""
    return Ref(ResourceAddress(kind, key), path, f"${{{kind}s.{key}}}")


def change_of(
    handler: Handler,
    wanted: Mapping[str, Value],
    observed: Observed | None = None,
    prior: Prior | None = None,
    action: Action = Action.UPDATE,
    **settings: Value,
) -> Change:
    """A change as the engine would make it of these views."""
    address = ResourceAddress(handler.kind.name, "api")
    name = str(wanted.get("name", "shop-api"))
    desired = Desired(address, wanted, name=name, settings=settings)
    if observed is None:
        attributes = initial(handler.kind, desired, wanted)
        return Change(address, Action.CREATE, desired, prior, None, wanted, tuple(attributes))
    attributes = compare(handler.kind, desired, wanted, prior, observed)
    return Change(address, action, desired, prior, observed, wanted, tuple(attributes))


@dataclass
class Doing:
    """A `Work` that remembers what it was told."""

    operation: str = "0" * 32
    before: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    again: bool = False
    reached: dict[str, Mapping[str, Value]] = field(default_factory=dict)

    def checkpoint(self, name: str, facts: Mapping[str, Value]) -> None:
        self.reached[name] = facts

    def progress(self, done: float, of: float, note: str) -> None:
        pass

    def stopping(self) -> bool:
        return False


def lay_image(made: Project, name: str, *, content: bytes = b"") -> None:
    """Puts an image into the project's folder, as an OCI layout that `archive:` may name."""
    for path, written in layout_files(image(content or name.encode())).items():
        target = made.folder / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(written)


def write_worker(made: Project, *classes: str, name: str = "worker.js") -> None:
    """Puts a worker into the project's folder that exports these classes."""
    exported = "".join(f"export class {one} {{}}\n" for one in classes)
    made.write(exported + "export default { fetch() { return new Response() } }\n", name)


HEAD = "version: 1\nproject: shop\naccount_id: ${env.CLOUDFLARE_ACCOUNT_ID}\n"


@contextmanager
def shop(folder: Path, rate: float = 1000.0) -> Iterator[Project]:
    """A project with two images and a worker that exports `Api`."""
    with project(folder, rate=rate) as made:
        lay_image(made, "one")
        lay_image(made, "two")
        write_worker(made, "Api")
        yield made


def applied_cleanly(made: Project, *args: str) -> None:
    """Applies, and makes sure that there is nothing left to do."""
    made.apply(*args)
    again = made.run("plan", "--detailed-exitcode")
    assert again.code == 0, again.out


def change_in(plan: Any, address: str = "application.api") -> Any:
    """The change of one resource in a plan."""
    return next(one for one in plan["changes"] if one["address"] == address)


def sent(made: Project, method: str, ending: str) -> list[Any]:
    """Bodies of the requests of a method to paths with this ending."""
    ledger = made.page("ledger")
    return [one["body"] for one in ledger if one["method"] == method and one["path"].endswith(ending)]


@contextmanager
def by_hand(made: Project) -> Iterator[Cloudflare]:
    """The API as somebody else uses it."""
    with Transport(made.server.base_url, ApiCredentials(token="t")) as transport:
        yield Cloudflare(transport, ACCOUNT)
