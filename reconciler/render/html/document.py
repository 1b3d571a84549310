"""The whole page: verdict, danger, graph, changes, notices, next command; a strict policy lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files

from reconciler.model.plan import Plan
from reconciler.render.amounts import moment
from reconciler.render.command import next_command
from reconciler.render.costs import cost_line, cost_moves
from reconciler.render.html.changes import wave_changes
from reconciler.render.html.elements import NOTHING, Html, around, element, empty, joined, size
from reconciler.render.html.notices import attention, notices
from reconciler.render.html.picture import MOST_NODES, picture
from reconciler.render.html.shapes import legend
from reconciler.render.html.sheet import Sheet
from reconciler.render.verdict import (
    NO_RISK,
    aside,
    few,
    headline,
    permissions,
    plural,
    requests,
    risks,
    total,
    where,
)

_MOST_RISKS = 4
_LARGEST = 2_020_000
"""Bytes that the page may have without style and script: two MiB in all."""


def render_html(plan: Plan, *, plan_hash: str = "", plan_file: str = "") -> str:
    """One HTML file that needs nothing else, and lets nothing else in."""
    style, script = _asset("plan.css"), _asset("plan.js")
    head = element(
        "head",
        empty("meta", charset="utf-8"),
        empty("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        empty("meta", name="viewport", content="width=device-width, initial-scale=1"),
        empty("meta", name="color-scheme", content="light dark"),
        empty("meta", name="referrer", content="no-referrer"),
        empty("link", rel="icon", href="data:,"),
        element("title", f"{where(plan)}: {headline(plan)}"),
        element("style", style),
    )
    parts = _parts(Sheet.of(plan), plan_hash, plan_file)
    body = around("body", (*parts, element("script", script)))
    return "".join(("<!doctype html>\n", *around("html", (head, *body), lang="en"), "\n"))


def _asset(name: str) -> Html:
    return Html(files("reconciler.render").joinpath("assets", name).read_text("utf-8"))


def _policy(style: str, script: str) -> str:
    """Nothing but the style and the script that are in the page, known by their hash."""
    rules = {
        "default-src": "'none'",
        "style-src": _hash(style),
        "script-src": _hash(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return "; ".join(f"{rule} {what}" for rule, what in rules.items())


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _parts(sheet: Sheet, plan_hash: str, plan_file: str) -> Iterator[Html]:
    yield element("a", "Skip to the plan", class_="skip", href="#main")
    above = joined([attention(sheet), *_graph(sheet)])
    below = joined(notices(sheet))
    footer = _footer(sheet, plan_hash, plan_file)
    room = _LARGEST - sum(size(part) for part in (above, below, footer))
    yield _header(sheet)
    yield from around("main", (above, *_changes(sheet, room), below), id="main")
    yield footer


def _header(sheet: Sheet) -> Html:
    plan, found = sheet.plan, risks(sheet.plan)
    worst = "; ".join(f"{risk.word} of {few(risk.addresses)}" for risk in found[:_MOST_RISKS])
    worst += f" (+{len(found) - _MOST_RISKS} more)" if len(found) > _MOST_RISKS else ""
    account = f", account {plan.account_id[:4]}…" if plan.account_id else ""
    target = f", target {plan.target}" if plan.target != "cloudflare" else ""
    about = f"{aside(plan)}; {plan.manifest.path}{account}{target}, state #{plan.state.serial}"
    verdict = headline(plan) if not plan.is_empty else f"no changes ({plural(total(plan), 'resource')})"
    cost = cost_line(plan) if cost_moves(plan) else ""
    return element(
        "header",
        element("h1", where(plan)),
        element("p", verdict, class_="verdict"),
        element("p", f"Highest risk: {worst or NO_RISK}", class_="risk danger" if found else "risk"),
        element("p", "Cost: ", element("a", cost, href="#cost"), class_="soft") if cost else NOTHING,
        element("p", about, class_="soft"),
        element("button", "Dark or light", id="theme", type="button", class_="js-only"),
    )


def _graph(sheet: Sheet) -> Iterator[Html]:
    if not sheet.count:
        return
    actions = [group.first.action for wave in sheet.waves for group in wave.groups for _ in group.changes]
    counts = [(action, actions.count(action)) for action in dict.fromkeys(actions)]
    if sheet.count > MOST_NODES:
        drawn = element("p", f"{sheet.count:,} different changes are too many to be drawn.")
    else:
        hint = "Point at a mark to see what it is, and what it waits for."
        drawn = joined([element("div", picture(sheet), class_="scroll"), element("p", hint, id="picked")])
    yield element("section", element("h2", "Graph"), legend(counts), drawn, id="graph")


def _changes(sheet: Sheet, room: int) -> Iterator[Html]:
    if not sheet.count:
        return
    heading, rollouts = element("h2", "Changes"), sheet.rollouts
    room -= size(rollouts.drawings)
    parts = (heading, _filters(sheet), rollouts.drawings, *wave_changes(sheet, room), rollouts.key)
    yield from around("section", parts, id="changes")


def _filters(sheet: Sheet) -> Html:
    actions = dict.fromkeys(group.first.action for wave in sheet.waves for group in wave.groups)
    boxes = [
        element("label", empty("input", type="checkbox", value=action, checked=True), f" {action}")
        for action in actions
    ]
    label = "Search addresses and values"
    return element(
        "div",
        empty("input", id="search", type="search", placeholder=f"{label} (/)", aria_label=label),
        element("fieldset", element("legend", "Show"), *boxes),
        element("button", "Open all", id="open-all", type="button"),
        element("button", "Close all", id="close-all", type="button"),
        element(
            "span", plural(sum(wave.changes for wave in sheet.waves), "change"), id="status", role="status"
        ),
        class_="filters js-only",
        role="search",
    )


def _footer(sheet: Sheet, plan_hash: str, plan_file: str) -> Html:
    """What comes next, and the only times on the page."""
    plan, parts = sheet.plan, []
    if not plan.is_empty:
        spent = requests(plan)
        parts += [element("p", "To carry it out:")]
        parts += [element("p", next_command(plan, plan_file), class_="command")]
        parts += [element("p", f"API: {spent}.", class_="soft")] if spent else []
        needed = permissions(plan)
        parts += [element("p", f"The token needs {needed}.", class_="soft")] if needed else []
    name = f"Plan {plan_hash}" if plan_hash else "Plan"
    until = f", good until {moment(plan.expires_at)}" if plan.expires_at else ""
    parts += [
        element(
            "p", f"{name} of {moment(plan.created_at)}{until}; reconciler {plan.tool_version}", class_="soft"
        )
    ]
    return element("footer", *parts)
