"""The whole text of a plan: verdict, attention, waves, notices, next command. One line where there is nothing to do."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.plan import Plan
from reconciler.render.amounts import moment
from reconciler.render.command import next_command
from reconciler.render.harmless import harmless, unobeyed
from reconciler.render.layout import columns, in_ascii
from reconciler.render.text.attention import attention
from reconciler.render.text.changes import change_lines
from reconciler.render.text.notices import checks, cost, drift, idle, outputs, pending, requests
from reconciler.render.text.sheet import DANGER, HEADING, Sheet, Style
from reconciler.render.verdict import NO_RISK, aside, few, headline, plural, risks, total, where

_MOST_FLAGS = 12


def render_plan(plan: Plan, style: Style) -> str:
    """The whole plan as text; one line where there is nothing to do."""
    sheet = Sheet.of(plan, style)
    text = "\n".join(unobeyed(line.rstrip()) for line in _lines(sheet)) + "\n"
    return in_ascii(text) if style.ascii else text


def _lines(sheet: Sheet) -> Iterator[str]:
    plan = sheet.plan
    if plan.is_empty:
        yield f"{where(plan)}: no changes ({plural(total(plan), 'resource')}, state #{plan.state.serial})"
        if not (plan.drift or plan.diagnostics or plan.changes):
            return
    else:
        yield from _verdict(sheet)
    yield ""
    yield from attention(sheet)
    yield from change_lines(sheet)
    yield from idle(sheet)
    if not sheet.is_brief:
        yield from _beside(sheet)
    if not plan.is_empty:
        yield from _next(sheet)


def _beside(sheet: Sheet) -> Iterator[str]:
    """What there is to know besides the changes."""
    yield from drift(sheet)
    yield from outputs(sheet)
    yield from checks(sheet)
    yield from pending(sheet)
    if not sheet.plan.is_empty:
        yield from cost(sheet)
        yield from requests(sheet)


def _verdict(sheet: Sheet) -> Iterator[str]:
    """Three lines that suffice to know whether anything ends."""
    plan, page = sheet.plan, sheet.page
    for line in page.wrap(headline(plan), 2, f"{where(plan)}: "):
        yield page.paint(line, HEADING)
    found = risks(plan)
    for line in page.wrap(_worst(sheet), 2, "highest risk: "):
        yield page.paint(line, DANGER if found else "")
    account = f", account {harmless(plan.account_id[:4])}…" if plan.account_id else ""
    target = "" if plan.target == "cloudflare" else f", target {harmless(plan.target)}"
    about = f"{harmless(plan.manifest.path)}{account}{target}, state #{plan.state.serial}"
    yield from page.wrap(f"{aside(plan)}; {about}", 2, "")


def _worst(sheet: Sheet) -> str:
    """The risks that fit on a line, the worst always."""
    text, room = "", sheet.page.width - len("highest risk:  (+99 more)")
    found = risks(sheet.plan)
    for number, risk in enumerate(found):
        some = few([harmless(address) for address in risk.addresses], 2)
        part = f"{'; ' if text else ''}{risk.word} of {some}"
        if text and columns(text) + columns(part) > room:
            return f"{text} (+{len(found) - number} more)"
        text += part
    return text or NO_RISK


def _next(sheet: Sheet) -> Iterator[str]:
    """The footer: the only place with a time."""
    plan, style = sheet.plan, sheet.style
    yield f"Apply  {next_command(plan, style.plan_file, sheet.most(_MOST_FLAGS))}"
    if style.plan_file:
        name = f"plan {style.plan_hash}, " if style.plan_hash else ""
        yield "       refused if what it shows has moved meanwhile"
        yield f"       {name}good until {harmless(moment(plan.expires_at))}"
