"""The verbs of the kind `worker`: one upload, then secrets, address, schedules and routes, each only where set and different.

Between any two requests stands a checkpoint: the script is live from the upload on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConflictError, NotFoundError
from reconciler.kinds.worker import judging
from reconciler.kinds.worker.bind import read_worker
from reconciler.kinds.worker.looking import Applications, ScriptSearch
from reconciler.kinds.worker.preparing import Preparing, ResolveImage
from reconciler.kinds.worker.recalling import lacking_modules, recalled
from reconciler.kinds.worker.sending import Sending
from reconciler.kinds.worker.table import KIND
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change
from reconciler.model.describing import Described, Known, external
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.handler import (
    BindContext,
    Bound,
    Handler,
    Judgement,
    Lack,
    Look,
    PrepareContext,
    Prepared,
    Result,
    Sighting,
    Work,
)
from reconciler.model.resource import Desired, Observed, Pending
from reconciler.model.value import Attributes, Value

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare


LEFT_OUT = "W131"


class WorkerHandler(Handler):
    """Knows workers. `applications` lists the account's applications for a look; `base_dir` is the manifest's folder.

    Without a client it can bind, and nothing more. `resolve_image` says what a named image comes to.
    """

    kind = KIND

    def __init__(
        self,
        client: Cloudflare,
        *,
        applications: Applications = lambda _: (),
        base_dir: FilePath = FilePath(),
        resolve_image: ResolveImage | None = None,
    ) -> None:
        self._client = client
        self._applications = applications
        self._base_dir = base_dir
        self._resolve_image = resolve_image
        self._look = 0

    # thinking

    def bind(self, block: Attributes, context: BindContext) -> Bound:
        """Reads the block by the rules of interface 1.6."""
        return read_worker(block, context)

    def judge(self, change: Change) -> Judgement:
        """Effect and hazards; details are changed modules and classes."""
        return judging.judge(change)

    def predict(self, change: Change) -> Mapping[str, Value]:
        """The outputs afterwards; namespaces of classes that exist are known before."""
        return judging.outputs_after(change)

    # looking

    def prepare(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """Hashes the modules."""
        running = partial(self._applications, 0)
        return Preparing(self._base_dir, context, self._resolve_image, running).prepared(wishes)

    def recall(
        self, wishes: Sequence[Desired], context: PrepareContext
    ) -> Mapping[ResourceAddress, Prepared]:
        """Looks whether the modules of then are here, and which classes have another name since."""
        return {
            wish.address: recalled(wish, context.priors.get(wish.address), self._base_dir) for wish in wishes
        }

    def lacks(self, change: Change) -> Lack | None:
        """An upload sends modules, and a state holds no more than their hashes."""
        return lacking_modules(change) or super().lacks(change)

    def observe(self, look: Look) -> Sighting:
        """All scripts in one list; settings only of those whose entry is not the remembered one."""
        self._look = look.number
        return ScriptSearch(self._client, self._applications, look).sighting()

    def describe(self, observed: Observed, known: Known) -> Described | None:
        """Its code cannot be read back as modules; it lends its classes to applications all the same."""
        del observed, known
        return external("its code cannot be read", "`main: FILE`, its `bindings`")

    def preflight(self, changes: Sequence[Change]) -> Iterator[Diagnostic]:
        """An upload that lost a class is refused as long as that has Durable Objects."""
        for change in changes:
            desired = change.desired
            for name in judging.unexported(change) if desired else ():
                assert desired is not None
                summary = f"the live script has Durable Objects of the class {name}, which its modules do not export"
                fix = f"export it, or say `classes: {{{name}: {{deleted: true}}}}`, which deletes its data"
                place = desired.source_of(("main",))
                yield Diagnostic(Severity.ERROR, LEFT_OUT, summary, fix, str(change.address), place)

    # doing

    def create(self, change: Change, work: Work) -> Result:
        """Uploads it, and sends everything that is set."""
        return self._sending(change, work).done()

    def update(self, change: Change, work: Work) -> Result:
        """Uploads it if anything that travels with it differs, and sends what else does."""
        return self._sending(change, work).done()

    def _sending(self, change: Change, work: Work) -> Sending:
        return Sending(self._client, change, work, self._base_dir, self._listed)

    def _listed(self, fresh: bool) -> Sequence[Mapping[str, Any]]:
        """The account's applications, those of the last look unless they have to be fresh."""
        return self._applications(0 if fresh else self._look)

    def delete(self, change: Change, work: Work) -> Pending | None:
        """Deletes the script, unless somebody else still uses it."""
        script = change.observed.identity if change.observed else change.name
        try:
            if users := self._users(script):
                raise ConflictError(
                    f"{script} is still used by {', '.join(users)}", fix="take their bindings away first"
                )
            # A script whose own Durable Objects are there is not deleted without it; that loss was allowed.
            self._client.delete_script(script, force=True)
        except NotFoundError:
            return None
        return None

    def _users(self, script: str) -> list[str]:
        try:
            references = self._client.get_script_references(script)
        except NotFoundError:
            return []
        services = references.get("services") or {}
        users = [*(services.get("incoming") or ()), *(references.get("durable_objects") or ())]
        names = {str(one.get("service") or one.get("name") or "") for one in users if isinstance(one, dict)}
        return sorted(names - {script, ""})
