"""A plan for people at a terminal: verdict first, danger lifted out, then the waves in the order of execution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from reconciler.model.change import Action
from reconciler.model.plan import Plan, PlannedAttribute, PlannedChange, PlannedDrift, PlannedSource
from reconciler.render.harmless import harmless
from reconciler.render.values import SENSITIVE, before_and_after, ratio, shown

_ASCII = {"±": "-/+", "»": ">>", "×": "x", "→": "->", "…": "..."}
_ORDER = (
    Action.DELETE,
    Action.REPLACE,
    Action.UPDATE,
    Action.CREATE,
    Action.ADOPT,
    Action.RUN,
    Action.RESUME,
    Action.MOVE,
    Action.FORGET,
    Action.REFUSED,
)
_COLOURS = {
    "delete": "31",
    "replace": "35",
    "update": "33",
    "create": "32",
    "adopt": "36",
    "refused": "31",
}
_MANY = 20
"""Changes of one wave and action above which alike ones are folded into a line."""


@dataclass(frozen=True, slots=True)
class Style:
    """How wide, how detailed (`names`, `changes`, `full`), and with or without colour and beyond ASCII."""

    width: int = 100
    detail: str = "changes"
    colour: bool = False
    ascii: bool = False
    plan_file: str = ""


def render_plan(plan: Plan, style: Style) -> str:
    """The whole plan as text; one line where there is nothing to do."""
    lines = _Writer(plan, style).lines()
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    if style.ascii:
        for sign, plain in _ASCII.items():
            text = text.replace(sign, plain)
    return text


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@dataclass(frozen=True, slots=True)
class _Writer:
    plan: Plan
    style: Style

    def lines(self) -> Iterator[str]:
        if self._nothing_to_say():
            yield self._no_changes()
            return
        yield from self._verdict()
        yield from self._attention()
        yield from self._waves()
        yield from self._idle()
        yield from self._drift()
        yield from self._outputs()
        yield from self._diagnostics()
        yield from self._next_step()

    def _nothing_to_say(self) -> bool:
        plan = self.plan
        return plan.is_empty and not plan.drift and not plan.diagnostics and not plan.changes

    def _where(self) -> str:
        plan = self.plan
        return f"{plan.project}/{plan.environment}" if plan.environment else plan.project

    def _total(self) -> int:
        return sum(count for action, count in self.plan.summary.items() if action != "create")

    def _no_changes(self) -> str:
        state = f"state #{self.plan.state.serial}"
        return (
            f"{self._where()}: no changes ({_plural(sum(self.plan.summary.values()), 'resource')}, {state})"
        )

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.style.colour and code else text

    # verdict

    def _verdict(self) -> Iterator[str]:
        plan = self.plan
        target = "" if plan.target == "cloudflare" else f"  target={plan.target}"
        env = f"  env={plan.environment}" if plan.environment else ""
        account = f"  account={plan.account_id[:4]}…" if plan.account_id else ""
        yield harmless(f"{plan.manifest.path}{env}{account}{target}  state #{plan.state.serial}")
        yield ""
        counts = "   ".join(
            f"{plan.summary.get(action, 0)} {action}"
            for action in _ORDER
            if plan.summary.get(action, 0) or action in (Action.CREATE, Action.UPDATE, Action.DELETE)
        )
        unchanged = plan.summary.get("no_op", 0)
        drifted = f"   {_plural(len(plan.drift), 'drift')}" if plan.drift else ""
        yield self._paint(f"  {counts}      {unchanged} unchanged{drifted}", "1")
        yield f"  highest risk: {self._highest_risk()}"
        yield ""

    def _highest_risk(self) -> str:
        worst = [
            ("delete", "DELETE"),
            ("replace", "REPLACE"),
        ]
        for action, word in worst:
            some = [change.address for change in self.plan.changes if change.action == action]
            if some:
                return f"{word} of {_few(some)}"
        restarted = [change.address for change in self.plan.changes if change.effect == "rollout"]
        if restarted:
            return f"RESTART of running instances of {_few(restarted)}"
        return "none: nothing that runs is stopped or replaced"

    # danger

    def _attention(self) -> Iterator[str]:
        dangerous = [change for change in self.plan.changes if _is_dangerous(change)]
        if not dangerous and not self.plan.allow_needed:
            return
        yield self._paint("! ATTENTION", "1;31")
        for change in dangerous[:_MANY]:
            cause = next((one for one in change.attributes if one.forces_replacement), None)
            where = _place(cause.source if cause else change.source)
            yield self._spread(f"  {change.address}  {change.action}: {harmless(change.reason)}", where)
            for hazard in change.hazards:
                mark = "BLOCKED " if hazard.severity == "blocked" else ""
                yield f"      {mark}{hazard.code}: {harmless(hazard.message)}"
        if len(dangerous) > _MANY:
            yield f"  … and {len(dangerous) - _MANY} more"
        for flag in self.plan.allow_needed:
            yield f"  apply needs {flag}"
        yield ""

    # waves

    def _waves(self) -> Iterator[str]:
        acting = [change for change in self.plan.changes if change.action not in ("no_op", "refused")]
        for wave, members in groupby(acting, key=lambda change: change.wave):
            changes = list(members)
            alike = "" if len(changes) == 1 else ", in parallel"
            title = f"WAVE {wave}" if wave else "STATE ONLY"
            yield self._spread(self._paint(title, "1"), f"({_plural(len(changes), 'change')}{alike})")
            yield from self._folded(changes)
            yield ""
        for change in self.plan.changes:
            if change.action == "refused":
                yield self._head(change)

    def _folded(self, changes: Sequence[PlannedChange]) -> Iterator[str]:
        """Equal changes of many resources are told once, with a count."""
        if len(changes) <= _MANY or self.style.detail == "full":
            for change in changes:
                yield from self._change(change)
            return
        groups: dict[object, list[PlannedChange]] = {}
        for change in changes:
            groups.setdefault(_likeness(change), []).append(change)
        for members in groups.values():
            if len(members) == 1:
                yield from self._change(members[0])
                continue
            yield from self._change(members[0])
            names = _few([one.address for one in members[1:]])
            yield f"      … and the same for {_plural(len(members) - 1, 'other')}: {names}"

    def _change(self, change: PlannedChange) -> Iterator[str]:
        yield self._head(change)
        if self.style.detail == "names":
            return
        if change.moved_from:
            yield f"      moved from {change.moved_from}"
        shown_attributes = _worth_showing(change, self.style.detail)
        width = max((len(one.path) for one in shown_attributes), default=0)
        for attribute in shown_attributes:
            yield from self._attribute(attribute, min(width, 36), change.action)
        hidden = len(change.attributes) - len(shown_attributes)
        if hidden:
            yield f"      … {hidden} more (--detail full)"
        yield from self._details(change)
        for note in change.notes:
            yield f"      {harmless(note)}"

    def _head(self, change: PlannedChange) -> str:
        action = Action(change.action)
        effect = f", {change.effect}" if change.effect not in ("none", "hot") else ""
        head = f"{action.symbol:>3} {change.address}"
        text = f"{self._paint(head, _COLOURS.get(change.action, ''))}  {change.action}{effect}: {harmless(change.reason)}"
        return self._spread(text, _place(change.source))

    def _attribute(self, attribute: PlannedAttribute, width: int, action: str) -> Iterator[str]:
        before, after = before_and_after(attribute)
        path = harmless(attribute.path).ljust(width)
        forced = "   forces replacement" if attribute.forces_replacement else ""
        if attribute.sensitive and action != "create":
            yield f"      {path}  (sensitive, changed){forced}"
        elif action == "create":
            yield f"      {path}  {SENSITIVE if attribute.sensitive else after}"
        else:
            times = ratio(attribute.before, attribute.after)
            line = f"      {path}  {before} → {after} {times}".rstrip() + forced
            if len(line) <= self.style.width or len(before) < 24:
                yield line
            else:
                yield f"      {path}  {before}"
                yield f"      {' ' * len(path)}  → {after} {times}".rstrip() + forced

    def _details(self, change: PlannedChange) -> Iterator[str]:
        for title, value in change.details.items():
            if isinstance(value, list):
                yield f"      {harmless(title)}"
                for one in value[:_MANY]:
                    yield f"        {_detail_line(one)}"
                if len(value) > _MANY:
                    yield f"        … {len(value) - _MANY} more"
            else:
                yield f"      {harmless(title)}  {shown(value)}"

    # the rest

    def _idle(self) -> Iterator[str]:
        idle = [change for change in self.plan.changes if change.action == "no_op"]
        if idle:
            yield f"UNCHANGED ({len(idle)})"
            for change in idle:
                yield f"    {change.address}"
            yield ""

    def _drift(self) -> Iterator[str]:
        if not self.plan.drift:
            return
        yield self._paint(f"DRIFT ({len(self.plan.drift)})", "1")
        for one in self.plan.drift[:_MANY]:
            yield f"  {one.address}  {_drift_text(one)}"
        if len(self.plan.drift) > _MANY:
            yield f"  … and {len(self.plan.drift) - _MANY} more"
        yield ""

    def _outputs(self) -> Iterator[str]:
        changed = self.plan.changed_outputs
        if not changed:
            return
        yield self._paint("OUTPUTS", "1")
        for name in changed:
            output = self.plan.outputs[name]
            after = "(known after apply)" if output.unknown else shown(output.after)
            yield f"  {harmless(name)}  {shown(output.before)} → {after}"
        yield ""

    def _diagnostics(self) -> Iterator[str]:
        for one in self.plan.diagnostics:
            where = _place(one.source)
            text = f"  {one.code}  {one.address}  {harmless(one.summary)}"
            yield self._spread(self._paint(one.severity.upper(), "1"), where)
            yield f"{text}; {harmless(one.detail)}" if one.detail else text
        for pending in self.plan.pending:
            yield (
                f"PENDING  {pending.address}: {pending.operation} began at {pending.began_at}"
                " and never ended; apply looks at it first"
            )
        if self.plan.diagnostics or self.plan.pending:
            yield ""

    def _next_step(self) -> Iterator[str]:
        if self.plan.is_empty:
            yield f"Nothing to apply (state #{self.plan.state.serial})."
            return
        what = f"reconciler apply {self.style.plan_file}".rstrip()
        flags = " ".join(self.plan.allow_needed)
        expires = f"   (until {self.plan.expires_at})" if self.style.plan_file else ""
        yield f"Apply: {what} {flags}".rstrip() + expires

    def _spread(self, left: str, right: str) -> str:
        """Left and right ends of a line; the right one gives way where there is no room."""
        room = self.style.width - _visible(left) - len(right)
        return f"{left}{' ' * room}{right}" if right and room >= 2 else f"{left}  {right}".rstrip()


def _visible(text: str) -> int:
    colours = sum(len(part.split("m", 1)[0]) + 1 for part in text.split("\x1b[")[1:])
    return len(text) - colours - text.count("\x1b[")


def _place(source: PlannedSource) -> str:
    return f"{harmless(source.file)}:{source.line}" if source.line else ""


def _few(addresses: Sequence[str]) -> str:
    if len(addresses) <= 3:
        return ", ".join(addresses)
    return f"{', '.join(addresses[:3])} and {len(addresses) - 3} more"


def _is_dangerous(change: PlannedChange) -> bool:
    if change.action in ("delete", "replace") or change.effect == "rollout":
        return True
    return any(hazard.severity == "blocked" or hazard.code == "ROTATES_SECRET" for hazard in change.hazards)


def _likeness(change: PlannedChange) -> object:
    attributes = tuple(
        (one.path, shown(one.before), shown(one.after), one.sensitive, one.unknown)
        for one in change.attributes
    )
    if change.action in ("create", "delete"):
        attributes = tuple((path, "", "", False, False) for path, *_ in attributes)
    return change.kind, change.action, change.effect, attributes


def _worth_showing(change: PlannedChange, detail: str) -> Sequence[PlannedAttribute]:
    if detail == "full" or len(change.attributes) <= _MANY:
        return change.attributes
    return change.attributes[:_MANY]


def _detail_line(value: object) -> str:
    if isinstance(value, dict):
        return "   ".join(f"{key} {shown(inner)}" for key, inner in value.items())
    return shown(value)


def _drift_text(one: PlannedDrift) -> str:
    verdicts = {
        "revert": "will be set back",
        "keep": "is kept: ignore_changes",
        "accept": "is what the manifest wants",
    }
    if not one.path:
        return "was deleted by somebody else; will be made again"
    live, recorded = shown(one.live, one.path), shown(one.recorded, one.path)
    verdict = verdicts.get(one.verdict, one.verdict)
    return f"{harmless(one.path)}  live {live}, last applied {recorded}: {verdict}"
