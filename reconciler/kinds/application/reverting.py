"""Takes the steps of a manual rollout, and undoes a rollout together with the configuration that it brought (hard-flows A4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConflictError, ReconcilerError, UnavailableError
from reconciler.kinds.application import forms
from reconciler.kinds.application.looking import observed
from reconciler.kinds.application.pending import iso, pending_rollout
from reconciler.kinds.shared.container import CARRIED, configuration_of, container_attributes
from reconciler.model.handler import Result, Work
from reconciler.model.resource import Pending
from reconciler.model.value import Value

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare

UNDER_WAY = ("pending", "progressing")
_CHOICES = ("next", "previous", "revert")


class Reverting:
    """One choice about one rollout."""

    def __init__(self, client: Cloudflare, pending: Pending, work: Work) -> None:
        self._client = client
        self._pending = pending
        self._work = work
        self._application = str(pending.token["application"])
        self._rollout = str(pending.token["rollout"])

    def answer(self, choice: str) -> Result:
        """Takes the choice; ConflictError where the service does not let it be taken now."""
        if choice not in _CHOICES:
            raise ReconcilerError(f'"{choice}" is no answer', fix=f"say {', '.join(_CHOICES)}")
        if choice == "revert":
            return self._revert()
        self._act(choice, self._client.get_rollout(self._application, self._rollout))
        return Result(observed(self._client.get_application(self._application)), self._pending)

    def _act(self, choice: str, before: Mapping[str, Any]) -> None:
        """Says the choice; where the answer is lost, the rollout itself tells whether it was heard."""
        try:
            said = self._client.act_on_rollout(self._application, self._rollout, choice)
        except UnavailableError as error:
            if not error.sent:
                raise
            if _statuses(self._client.get_rollout(self._application, self._rollout)) != _statuses(before):
                return
            said = self._client.act_on_rollout(self._application, self._rollout, choice)
        if said.get("success") is False:
            raise ConflictError(
                f"the rollout does not take `{choice}` now: {said.get('message', 'no reason was given')}",
                address=str(self._pending.address),
            )

    def _revert(self) -> Result:
        """Instances first, then the configuration, or new instances would start on the one that failed."""
        rollout: Mapping[str, Any] = self._client.get_rollout(self._application, self._rollout)
        had_ended = rollout.get("status") == "completed"
        if rollout.get("status") in UNDER_WAY:
            self._act("revert", rollout)
            self._work.checkpoint("reverted", {})
        application: Mapping[str, Any] = self._client.get_application(self._application)
        configuration = self._configuration_before(application, rollout)
        application = self._client.update_application(self._application, {"configuration": configuration})
        pending = self._back(application, configuration) if had_ended else None
        reached = sum(step.get("status") == "completed" for step in rollout.get("steps") or ())
        undone = {
            "why": f"{reached} of {len(rollout.get('steps') or ())} steps were done",
            "at": iso(self._client.transport.server_time()),
            "version": self._pending.token.get("target_version"),
            "image": (rollout.get("target_configuration") or {}).get("image"),
        }
        notes = (f"put back the configuration with the image {configuration.get('image')}",)
        return Result(observed(application), pending, {"undone": undone, "failed": None}, notes)

    def _configuration_before(
        self, application: Mapping[str, Any], rollout: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What changed is put back; where that is not remembered, the configuration that the rollout left behind."""
        previous = self._pending.token.get("previous") or ()
        if not previous:
            return _clean(rollout.get("current_configuration") or application["configuration"])
        attributes: Mapping[str, Value] = forms.application_attributes(application)
        for path, before in previous:
            attributes = forms.put_back(attributes, tuple(path), before)
        return forms.kept_logs(forms.configuration(attributes, application), application)

    def _back(self, application: Mapping[str, Any], configuration: Mapping[str, Any]) -> Pending:
        """A rollout that is over cannot be reverted: another one brings the instances back (reference 7, question 25)."""
        since = iso(self._client.transport.server_time())
        if active := application.get("active_rollout_id"):  # an earlier attempt, cut off, has started it
            rollout = self._client.get_rollout(self._application, active)
            return self._watched(application, rollout, since)
        body = {
            "description": "Back to the configuration before",
            "strategy": "rolling",
            "target_configuration": configuration,
            "step_percentage": 100,
            "kind": "full_auto",
        }
        rollout = self._client.create_rollout(self._application, body)
        return self._watched(application, rollout, since)

    def _watched(self, application: Mapping[str, Any], rollout: Mapping[str, Any], since: str) -> Pending:
        return pending_rollout(self._pending.address, application, rollout, None, [], since, forgets=False)


def _statuses(rollout: Mapping[str, Any]) -> list[Any]:
    return [rollout.get("status"), *(step.get("status") for step in rollout.get("steps") or ())]


def _clean(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration of the service as it may be sent, without twins."""
    carried = {key: configuration[key] for key in (*CARRIED, "observability") if key in configuration}
    return configuration_of(container_attributes(configuration)) | carried
