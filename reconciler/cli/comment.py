"""Posts a plan on the pull or merge request that this run belongs to, or brings the comment there up to date.

On GitHub also the annotations on the lines of the manifest, and the summary of the job.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import Common, common_options, plan_options, to_option, variables_from
from reconciler.cli.pipeline import review_from
from reconciler.cli.saying import answer, note
from reconciler.cli.sticky import Posted, Poster, shown_in
from reconciler.model.plan import Plan
from reconciler.render.markdown import Links, render_markdown
from reconciler.storage.plan_file import load_plan, plan_hash

SUMMARY_LIMIT = 1024 * 1024
"""What GitHub takes from one step; of more it shows nothing at all."""
_SUMMARY_SLACK = 4096
_LEAST_SUMMARY = 6_000


@click.command("comment")
@common_options
@plan_options
@to_option
@click.argument("planfile", required=False, type=click.Path(path_type=Path))
@click.option("--pr", "number", type=click.IntRange(1), metavar="NUMBER", help="The pull or merge request.")
def command(common: Common, planfile: Path | None, number: int | None, **chosen: Any) -> int:
    """Post PLANFILE, or a fresh plan, on the pull request that this run belongs to."""
    plan = load_plan(planfile) if planfile else _fresh(common, chosen)
    review = review_from(os.environ, number)
    poster = Poster(plan, plan_hash(plan), planfile.name if planfile else "", review.dialect, review.links)
    try:
        if review.is_github:
            _annotate(plan, review.links, to_stderr=common.json)
            _summarize(poster, os.environ)
        posted = poster.post(review.discussion())
    finally:
        review.host.close()
    _say(posted, review.number, as_json=common.json)
    return 0


def _fresh(common: Common, chosen: dict[str, Any]) -> Plan:
    from reconciler.cli.planning import wish_from
    from reconciler.cli.workplace import open_workplace
    from reconciler.workflow import make_plan

    with open_workplace(common, variables=variables_from(chosen.pop("variables"))) as workplace:
        wish = wish_from(workplace, chosen)
        return make_plan(workplace.manifest, workplace.state(), workplace.house, wish).plan


def _annotate(plan: Plan, links: Links, *, to_stderr: bool) -> None:
    from reconciler.render.findings import plan_annotations

    click.echo(plan_annotations(plan, in_repository=links.in_repository), nl=False, err=to_stderr)


def _summarize(poster: Poster, environ: Mapping[str, str]) -> None:
    """Adds the plan to what GitHub shows of the job, as much of it as the step has room for."""
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            room = SUMMARY_LIMIT - _SUMMARY_SLACK - file.tell()
            if room >= _LEAST_SUMMARY:
                file.write(_summary(poster, room))
    except OSError as error:
        note(f"warning: the job summary cannot be written: {error.strerror}")


def _summary(poster: Poster, room: int) -> str:
    links = Links(poster.links.source, poster.links.commit, "", poster.links.json, poster.links.folder)
    return render_markdown(
        poster.plan, room, links=links, plan_hash=poster.plan_hash, plan_file=poster.plan_file
    )


def _say(posted: Posted, number: int, *, as_json: bool) -> None:
    comment = posted.comment
    if as_json:
        from reconciler.render.machine import render_json

        answer(
            render_json({"outcome": posted.outcome, "id": comment.id, "url": comment.url, "number": number})
        )
        return
    answer(f"comment {posted.outcome}: {comment.url or f'#{number}'}\n")
    if posted.outcome == "kept" and (shown := shown_in(comment)):
        note(
            f"it shows the plan {shown.plan_hash} of {shown.commit[:12]}, which was made later than this one"
        )
