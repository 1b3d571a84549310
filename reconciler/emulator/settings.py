"""How strict, how fast and how healthy the stand-in is: what `PUT /emulator/settings` changes (interface 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Settings:
    """One value per setting; each is kept until the process ends.

    `rate_limit` is off unless set, so that nobody waits who did not ask for it. Ours, beside those of
    interface 6: `start_seconds` (until a deployment is placed), `prepare_seconds` (of an image), `job_seconds`, and
    `version_seconds` (how long a fresh Worker version answers 100146).
    """

    limits: bool = True
    missing_images: str = "refuse"
    rate_limit: dict[str, float] | None = None
    rollout_step_seconds: float = 1.0
    delete_seconds: float = 1.0
    start_seconds: float = 1.0
    prepare_seconds: float = 1.0
    job_seconds: float = 1.0
    version_seconds: float = 0.0
    unhealthy: list[dict[str, str]] = field(default_factory=list)
    refuse: list[str] = field(default_factory=list)
    job_exit: list[dict[str, Any]] = field(default_factory=list)

    def update(self, document: object) -> None:
        """Takes over the settings of the document, or raises ValueError and takes none."""
        if not isinstance(document, dict):
            raise ValueError("settings are a JSON object")
        for name, value in document.items():
            if name not in RULES:
                raise ValueError(f"there is no setting {name!r}; there are {', '.join(sorted(RULES))}")
            reason = RULES[name](value)
            if reason:
                raise ValueError(f"{name} {reason}, not {value!r}")
        for name, value in document.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """The settings as `GET /emulator/settings` shows them."""
        return {name: getattr(self, name) for name in RULES}

    def is_unhealthy(self, image: str) -> bool:
        """Whether instances of this image fail: a setting names it, its digest or its tag."""
        return any(
            image == rule["image"] or image.endswith(("@" + rule["image"], ":" + rule["image"]))
            for rule in self.unhealthy
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_seconds(value: object) -> str:
    return "" if _is_number(value) and value >= 0 else "must be a number of seconds of at least 0"  # type: ignore[operator]


def _check_rate_limit(value: object) -> str:
    if value is None:
        return ""
    keys = ("requests", "window", "block")
    if (
        isinstance(value, dict)
        and set(value) == set(keys)
        and all(_is_number(v) and v > 0 for v in value.values())
    ):
        return ""
    return "must be null, or requests, window and block as numbers above 0"


def _check_texts(value: object) -> str:
    return (
        ""
        if isinstance(value, list) and all(isinstance(item, str) for item in value)
        else "must be a list of texts"
    )


def _check_unhealthy(value: object) -> str:
    fine = isinstance(value, list) and all(
        isinstance(v, dict) and isinstance(v.get("image"), str) for v in value
    )
    return "" if fine else 'must be a list of {"image": text}'


def _check_job_exit(value: object) -> str:
    fine = isinstance(value, list) and all(
        isinstance(rule, dict) and isinstance(rule.get("command"), list) and isinstance(rule.get("code"), int)
        for rule in value
    )
    return "" if fine else 'must be a list of {"command": [text], "code": number}'


RULES: dict[str, Callable[[object], str]] = {
    "limits": lambda value: "" if isinstance(value, bool) else "must be true or false",
    "missing_images": lambda value: "" if value in ("accept", "refuse") else "must be accept or refuse",
    "rate_limit": _check_rate_limit,
    "rollout_step_seconds": _check_seconds,
    "delete_seconds": _check_seconds,
    "start_seconds": _check_seconds,
    "prepare_seconds": _check_seconds,
    "job_seconds": _check_seconds,
    "version_seconds": _check_seconds,
    "unhealthy": _check_unhealthy,
    "refuse": _check_texts,
    "job_exit": _check_job_exit,
}
