"""Fetches the plan that was reviewed: the one that the run on the pull request of this commit kept.

It is only fetched here. That it is still true, `apply PLANFILE` makes sure of.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import click

from reconciler.cli.options import Common, common_options
from reconciler.cli.pipeline import review_from
from reconciler.cli.reviewing import Review
from reconciler.cli.saying import answer
from reconciler.errors import NotFoundError, PlanError, RefusedError
from reconciler.storage.disk import Disk, write_whole
from reconciler.storage.plan_file import MAX_BYTES, load_plan, plan_hash

KEPT_AS = "reconciler-plan"
FILE = "plan.json"


@click.command("reviewed")
@common_options
@click.option(
    "--from",
    "kept_as",
    default=KEPT_AS,
    metavar="NAME",
    show_default=True,
    help="The artefact on GitHub, or the job on GitLab, that kept the plan.",
)
@click.option("--path", default=FILE, show_default=True, help="The plan's file in there.")
@click.option(
    "-o",
    "--out",
    "out",
    type=click.Path(path_type=Path),
    default=Path(FILE),
    show_default=True,
    help="Where to put it.",
)
def command(common: Common, kept_as: str, path: str, out: Path) -> int:
    """Fetch the plan that was reviewed on the pull request of this commit, for `apply PLANFILE`."""
    review = review_from(os.environ, only_merged=True)
    try:
        data = _fetched(review, kept_as, path)
    finally:
        review.host.close()
    _write(out, data)
    plan = load_plan(out)
    told = {"plan": plan_hash(plan), "number": review.number, "commit": review.commit, "file": str(out)}
    answer(
        _document(told) if common.json else f"plan {told['plan']} of #{review.number}, {review.commit[:12]}\n"
    )
    return 0


def _document(told: Mapping[str, object]) -> str:
    from reconciler.render.machine import render_json

    return render_json(told)


def _fetched(review: Review, kept_as: str, path: str) -> bytes:
    if not review.number:
        raise RefusedError(
            f"the commit {review.commit[:12]} came from no pull request that was merged, so nobody has reviewed a plan for it",
            fix="make the change on a branch, and merge it",
        )
    if review.is_github:
        return _from_github(review, kept_as, path)
    return _from_gitlab(review, kept_as, path)


def _from_github(review: Review, kept_as: str, path: str) -> bytes:
    from reconciler.clients.github import artifact_zip, artifacts

    kept = [one for one in artifacts(review.host, review.project, kept_as) if one.commit == review.commit]
    if any(one.from_fork for one in kept):
        raise RefusedError(
            f"the plan of #{review.number} was made in a fork, where anybody could have written it",
            fix="bring the change to a branch of this repository",
        )
    good = [one for one in kept if not one.expired]
    if not good:
        raise _nothing_kept(review, f"the artefact {kept_as}", expired=bool(kept))
    newest = max(good, key=lambda one: (one.made_at, one.id))
    return _unpacked(artifact_zip(review.host, review.project, newest), path)


def _from_gitlab(review: Review, kept_as: str, path: str) -> bytes:
    from reconciler.clients.gitlab import job_file, last_job

    try:
        job = last_job(review.host, review.project, review.number, kept_as)
    except NotFoundError:  # the pipelines of a fork are in another project
        job = None
    if job is None or job.get("status") != "success":
        raise _nothing_kept(review, f"the job {kept_as}")
    try:
        return job_file(review.host, review.project, job, path)
    except NotFoundError:
        raise _nothing_kept(review, f"{path} of the job {kept_as}", expired=True) from None


def _nothing_kept(review: Review, what: str, *, expired: bool = False) -> RefusedError:
    why = "is kept no longer" if expired else "is not there"
    return RefusedError(
        f"no plan was kept for {review.commit[:12]} of #{review.number}: {what} {why}",
        fix="run the plan on the pull request again, and have it reviewed",
    )


def _unpacked(data: bytes, path: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            member = archive.getinfo(path)
            if member.file_size > MAX_BYTES:
                raise PlanError(f"{path} is larger than {MAX_BYTES // 1024 // 1024} MiB")
            return archive.read(member)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as error:
        raise PlanError(f"the artefact holds no {path}: {error}", fix="say --path") from None


def _write(out: Path, data: bytes) -> None:
    try:
        write_whole(Disk(), out, data)
    except OSError as error:
        raise PlanError(f"the plan cannot be written to {out}: {error.strerror}") from None
