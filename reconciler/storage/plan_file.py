"""A saved plan: written whole and private, read with suspicion, refused once it has expired.

Whether what a plan rests on has moved is for the engine to say.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from reconciler.errors import PlanError, RefusedError, StalePlanError
from reconciler.model.plan import FORMAT_VERSION, Plan
from reconciler.storage.codec import MalformedError, decode_plan, encode_plan, format_of, major
from reconciler.storage.disk import Disk, read_whole, write_whole

MAX_BYTES = 256 * 1024 * 1024


def save_plan(plan: Plan, path: Path, disk: Disk | None = None) -> None:
    """Writes a plan as JSON, 0600, in one instant. Raises PlanError."""
    if path.exists() and not path.is_file():
        raise PlanError(f"{path} is no regular file", fix="name a file for the plan")
    try:
        write_whole(disk or Disk(), path, encode_plan(plan) + b"\n")
    except OSError as error:
        reason = error.strerror or "the disk refused"
        raise PlanError(
            f"the plan cannot be written to {path}: {reason}",
            fix="name a file in a folder that can be written",
        ) from None


def load_plan(path: Path) -> Plan:
    """Reads a saved plan. Raises PlanError for anything else, RefusedError for one of another major format."""
    data = _read(path)
    _refuse_other_format(data, path)
    try:
        return decode_plan(data)
    except MalformedError as error:
        raise PlanError(
            f"{path} is no saved plan: {error}", fix="make one with `reconciler plan -o FILE`"
        ) from None


def plan_hash(plan: Plan) -> str:
    """Twelve hex digits that name this very plan."""
    return hashlib.sha256(encode_plan(plan, canonical=True)).hexdigest()[:12]


def is_expired(plan: Plan, now: datetime) -> bool:
    """Whether a plan's time is over; one without an end does not expire."""
    if not plan.expires_at:
        return False
    return now >= _moment(plan.expires_at)


def refuse_expired(plan: Plan, now: datetime) -> None:
    """Raises StalePlanError for a plan whose time is over."""
    if is_expired(plan, now):
        raise StalePlanError(
            f"the plan expired at {plan.expires_at}", fix="make a new one with `reconciler plan`"
        )


def _read(path: Path) -> bytes:
    try:
        data = read_whole(path, limit=MAX_BYTES)
    except OSError as error:
        raise PlanError(f"{path} cannot be read: {error.strerror or 'the disk refused'}") from None
    if data is None:
        raise PlanError(f"there is no file {path}", fix="make one with `reconciler plan -o FILE`")
    if len(data) > MAX_BYTES:
        raise PlanError(f"{path} is no saved plan: it is larger than {MAX_BYTES // 1024 // 1024} MiB")
    return data


def _refuse_other_format(data: bytes, path: Path) -> None:
    written = format_of(data)
    if written is not None and major(written) != major(FORMAT_VERSION):
        raise RefusedError(
            f"{path} has format {written}, made by another version of reconciler; this one knows {FORMAT_VERSION}",
            fix="apply it with the version that made it, or plan again",
        )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PlanError(f'the plan\'s expires_at "{text}" is no time', fix="make a new plan") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
