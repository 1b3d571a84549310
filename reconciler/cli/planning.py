"""What plan, apply and destroy share: from options to a wish, and from a blueprint to the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.cli.options import addresses
from reconciler.cli.saying import answer, wants_colour, width
from reconciler.cli.workplace import Workplace
from reconciler.engine.changes import Options
from reconciler.errors import ReconcilerError, StateMismatchError
from reconciler.model.plan import Plan
from reconciler.model.state import State
from reconciler.render.text import Style, render_plan
from reconciler.storage.plan_file import plan_hash
from reconciler.workflow import Wish


def wish_from(
    workplace: Workplace,
    chosen: Mapping[str, Any],
    *,
    destroy: bool = False,
    days: float = 7.0,
    resend_secrets: bool = False,
) -> Wish:
    """The wish that the command line expresses. Raises ReconcilerError for something that is no address."""
    then = _version(workplace, chosen.get("to"))
    if then is not None and (destroy or chosen["refresh_only"]):
        other = "--destroy" if destroy else "--refresh-only"
        raise ReconcilerError(f"--to and {other} exclude each other", fix="say one of them")
    sections = {handler.kind.section: kind for kind, handler in workplace.house.handlers.items()}
    return Wish(
        Options(
            targets=addresses(chosen["targets"], sections),
            excludes=addresses(chosen["excludes"], sections),
            replace=addresses(chosen["replaced"], sections),
            destroy=destroy,
            refresh_only=chosen["refresh_only"],
            no_refresh=chosen["no_refresh"],
            resend_secrets=resend_secrets,
        ),
        fetch_secrets=not chosen["no_secrets"],
        with_idle=chosen["with_idle"],
        expires_in_days=days,
        then=then,
    )


def _version(workplace: Workplace, serial: int | None) -> State | None:
    """The state of a serial. Raises StateError that lists those that are kept, or says that it is another's."""
    if serial is None:
        return None
    then = workplace.store.read_version(serial)
    workplace.identity.check(then, f"the state #{serial}")
    present = workplace.state(then.lineage).lineage
    if present != then.lineage:
        raise StateMismatchError(
            f"the state #{serial} has the lineage {then.lineage}, the present one has {present}",
            fix="`state history` lists the versions; only those since the last `state push --force` lead back",
        )
    return then


def wish_of_plan(plan: Plan, workplace: Workplace) -> Wish:
    """The wish that a saved plan was made with, and the inputs it recorded."""
    options = plan.inputs.options
    return Wish(
        Options(
            targets=addresses(tuple(options.get("targets", ())), {}),
            excludes=addresses(tuple(options.get("excludes", ())), {}),
            replace=addresses(tuple(options.get("replace", ())), {}),
            destroy=bool(options.get("destroy")),
            refresh_only=bool(options.get("refresh_only")),
            no_refresh=bool(options.get("no_refresh")),
        ),
        fetch_secrets=bool(options.get("secrets", True)),
        recorded=plan.inputs,
        then=_version(workplace, options.get("to")),
    )


def show_plan(plan: Plan, workplace: Workplace, chosen: Mapping[str, Any], *, plan_file: str = "") -> None:
    """Prints a plan to stdout, in the format that was asked for; `--json` is `--format json`."""
    common = workplace.common
    form = "json" if common.json else chosen.get("form", "text")
    style = style_from(plan, common.no_color, chosen, plan_file)
    answer(worded(plan, form, style, chosen.get("host", "github")))


def worded(plan: Plan, form: str, style: Style, host: str = "github") -> str:
    """A plan in any format; the style speaks for text, its file and hash for all, the host for Markdown."""
    if form == "text":
        return render_plan(plan, style)
    if form == "markdown":
        from reconciler.render.markdown import DIALECTS, render_markdown

        return render_markdown(
            plan, dialect=DIALECTS[host], plan_hash=style.plan_hash, plan_file=style.plan_file
        )
    if form == "html":
        from reconciler.render.html import render_html

        return render_html(plan, plan_hash=style.plan_hash, plan_file=style.plan_file)
    from reconciler.render.machine import plan_json, plan_summary

    return plan_summary(plan) if form == "summary" else plan_json(plan)


def style_from(plan: Plan, no_color: bool, chosen: Mapping[str, Any], plan_file: str = "") -> Style:
    """How text is to look; a saved plan is named by its hash."""
    return Style(
        width=width(),
        detail=chosen.get("detail", "changes"),
        colour=wants_colour(no_color),
        ascii=bool(chosen.get("ascii_only")),
        plan_file=plan_file,
        plan_hash=plan_hash(plan) if plan_file else "",
    )
