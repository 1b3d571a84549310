"""The plan of one more run of a job, made from what was last applied.

The manifest is asked where values of secrets come from, and nothing else: a job without any runs without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from reconciler.engine.changes import Options
from reconciler.engine.planner import Blueprint
from reconciler.errors import ManifestError, ReconcilerError
from reconciler.kinds.job.handler import ON_LOST
from reconciler.model.address import ResourceAddress
from reconciler.model.manifest import Manifest, ManifestOutput
from reconciler.model.resource import Desired, Prior
from reconciler.model.state import State
from reconciler.model.value import Attributes, Value, pointers
from reconciler.workflow import House, Wish, make_plan

_SECRETS = "secrets"
_CAREFUL = "stop"


def repeated(prior: Prior, state: State, house: House, read_manifest: Callable[[], Manifest]) -> Blueprint:
    """What runs the job again with its last inputs. Raises ReconcilerError where a secret's value cannot be had."""
    secrets = prior.attributes.get(_SECRETS)
    wanted, sources = _with_values(prior, secrets, read_manifest) if secrets else (prior.attributes, {})
    resources = {prior.address: _desired(prior, wanted), **sources}
    remembered = {address: state.resources[address] for address in resources if address in state.resources}
    blueprint = make_plan(
        _manifest(state, resources),
        replace(state, resources=remembered, intents={}),
        house,
        Wish(Options(replace=(prior.address,)), must_fetch=True),
    )
    return _of_the_job_alone(blueprint, prior)


def _desired(prior: Prior, attributes: Attributes) -> Desired:
    """What was last applied, as a wish. Whoever does not know whether a lost run may be repeated does not repeat it."""
    return Desired(
        prior.address,
        attributes,
        prior.name,
        prior.named_by_default,
        protect=prior.protect,
        retain=prior.retain,
        settings={ON_LOST: prior.facts.get(ON_LOST, _CAREFUL)},
        lane=prior.lane,
    )


def _manifest(state: State, resources: Mapping[ResourceAddress, Desired]) -> Manifest:
    """As if a manifest said nothing else, and published what it publishes now."""
    outputs = {name: ManifestOutput(name, value) for name, value in state.outputs.items()}
    return Manifest("", "", state.project, state.environment, state.account_id, resources, outputs)


def _of_the_job_alone(blueprint: Blueprint, prior: Prior) -> Blueprint:
    """Only the run: what its secrets would need besides is the next apply's business. What it depends on stays remembered."""
    address = prior.address
    changes = {address: blueprint.decided.changes[address]}
    shown = tuple(one for one in blueprint.plan.changes if one.address == str(address))
    return replace(
        blueprint,
        plan=replace(blueprint.plan, changes=shown),
        decided=replace(blueprint.decided, changes=changes),
        steps={key: step for key, step in blueprint.steps.items() if key.address == address},
        waits_for={address: frozenset(prior.depends_on)},
        uses={address: frozenset(prior.uses)},
    )


def _with_values(
    prior: Prior, secrets: Mapping[str, Value], read_manifest: Callable[[], Manifest]
) -> tuple[Attributes, dict[ResourceAddress, Desired]]:
    """The inputs with secrets as the manifest has them, and the secrets that are meant: no value is ever remembered."""
    try:
        manifest = read_manifest()
    except ReconcilerError as error:
        findings = error.diagnostics if isinstance(error, ManifestError) else ()
        why = f"the manifest, which names their sources, cannot be read: {findings[0] if findings else error}"
        raise _no_values(prior, why) from None
    block = manifest.resources.get(prior.address)
    written = (block.attributes.get(_SECRETS) if block else None) or {}
    missing = sorted(set(secrets) - set(written))
    if missing:
        raise _no_values(prior, f"the manifest no longer names the sources of {', '.join(missing)}")
    wanted = {name: written[name] for name in secrets}
    sources = {one: manifest.resources[one] for one in _pointed_to(wanted.values())}
    return {**prior.attributes, _SECRETS: wanted}, sources


def _pointed_to(values: Iterable[Value]) -> set[ResourceAddress]:
    return {pointer.address for value in values for pointer in pointers(value)}


def _no_values(prior: Prior, why: str) -> ReconcilerError:
    return ReconcilerError(
        f"values of secrets are not remembered, and {why}",
        fix="correct it and run again",
        address=str(prior.address),
    )
