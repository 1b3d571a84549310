"""The next command, complete and ready to be typed: environment, target and choices included."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from reconciler.model.plan import Plan
from reconciler.render.harmless import harmless

_DEFAULT_MANIFEST = "containers.yaml"
_FLAGS = {"refresh_only": "--refresh-only", "no_refresh": "--no-refresh"}
_LISTS = {"targets": "--target", "excludes": "--exclude", "replace": "--replace"}


def next_command(plan: Plan, plan_file: str = "", most_flags: int = 1_000_000) -> str:
    """What carries a plan out: the file where it was saved, else the options that lead to the same plan.

    Flags that would fill the screen are left out, and it says where they are listed.
    """
    verb = "destroy" if plan.inputs.options.get("destroy") and not plan_file else "apply"
    how = [plan_file] if plan_file else _options(plan)
    command = shlex.join(["reconciler", verb, *how])
    if len(plan.allow_needed) > most_flags:
        return harmless(f"{command}  # with the {len(plan.allow_needed):,} flags of `allow_needed` in --json")
    flags = [word for flag in plan.allow_needed for word in flag.split(" ")]
    return harmless(f"{command} {shlex.join(flags)}".rstrip())


def explaining_command(plan: Plan, address: str, plan_file: str = "") -> str:
    """What says why the plan does this to a resource: of the file where it was saved, else with the same options."""
    asked = ["--destroy"] if plan.inputs.options.get("destroy") and not plan_file else []
    how = [plan_file] if plan_file else [*_options(plan), *asked]
    return harmless(shlex.join(["reconciler", "explain", address, *how]))


def _options(plan: Plan) -> Iterator[str]:
    if plan.manifest.path not in ("", _DEFAULT_MANIFEST):
        yield from ("-f", plan.manifest.path)
    if plan.environment:
        yield from ("-e", plan.environment)
    if plan.target == "local":
        yield "--local"
    for name, value in sorted(plan.inputs.var.items()):
        yield from ("--var", f"{name}={value}")
    options = plan.inputs.options
    for key, flag in _LISTS.items():
        for address in options.get(key) or ():
            yield from (flag, str(address))
    for key, flag in _FLAGS.items():
        if options.get(key):
            yield flag
    if options.get("to") is not None:
        yield from ("--to", str(options["to"]))
    if options.get("secrets") is False:
        yield "--no-secrets"
