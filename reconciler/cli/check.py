"""Holds every Dockerfile of the manifest against the rules of the decision record (interface 1.8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from reconciler import __version__
from reconciler.cli.dockerfiles import (
    NamedDockerfile,
    exposed_secrets,
    ignore_file,
    manifests_of,
    named_dockerfiles,
    text_of,
)
from reconciler.cli.options import Common, common_options, findings_option
from reconciler.cli.saying import answer, note
from reconciler.clients.dockerfile_rules import (
    PROFILE,
    RULES,
    UNREADABLE,
    DockerfileFacts,
    check_dockerfile,
    ignored_codes,
)
from reconciler.errors import ReconcilerError
from reconciler.model.diagnostic import Diagnostic, Severity, Source
from reconciler.model.value import Value

_CODES = {rule.code for rule in RULES}


@click.command("check")
@common_options
@findings_option
def command(common: Common, form: str) -> int:
    """Check Dockerfiles and conventions; every finding has a code that switches it off."""
    manifests = manifests_of(common)
    folder = common.manifest_path().parent
    found: dict[Diagnostic, None] = {}
    count = 0
    for manifest in manifests:
        checking = _Checking(manifest.check, manifest.path)
        found |= dict.fromkeys(checking.about_settings())
        for dockerfile in named_dockerfiles([manifest], folder):
            count += 1
            found |= dict.fromkeys(checking.findings(dockerfile))
    findings = sorted(found, key=lambda one: (one.source, one.code, one.summary))
    _say(findings, common.json, form)
    errors = sum(one.severity is Severity.ERROR for one in findings)
    if not findings and form == "text" and not common.json:
        note(f"{common.manifest_path()}: nothing to say" if count else "no image is built from a Dockerfile")
    return 1 if errors else 0


def _say(findings: list[Diagnostic], as_json: bool, form: str) -> None:
    if as_json or form == "json":
        from reconciler.render.machine import diagnostics_json

        answer(diagnostics_json(findings))
    elif form in ("sarif", "github"):
        from reconciler.render import findings as shapes

        titles = {rule.code: rule.title for rule in RULES}
        sarif = shapes.sarif(findings, version=__version__, titles=titles) if form == "sarif" else ""
        answer(sarif or shapes.github(findings))
    else:
        for one in sorted(findings, key=lambda one: one.severity is not Severity.ERROR):
            mark = "" if one.severity is Severity.ERROR else f"{one.severity}: "
            note(f"{mark}{one} ({one.code})")


class _Checking:
    """The rules as one environment wants them: which profile, and which codes are switched off."""

    def __init__(self, settings: Mapping[str, Value], manifest: str) -> None:
        self._profile = settings.get("profile")
        self._ignore = tuple(str(code).upper() for code in settings.get("ignore") or ())
        self._manifest = manifest
        if self._profile not in (None, PROFILE):
            raise ReconcilerError(
                f"{manifest}: check.profile: there is no profile {self._profile!r}", fix=f"say {PROFILE}"
            )

    def about_settings(self) -> Iterator[Diagnostic]:
        """What is wrong with the settings themselves."""
        for code in self._ignore:
            if code not in _CODES:
                yield _unknown(code, Source(self._manifest))

    def findings(self, named: NamedDockerfile) -> Iterable[Diagnostic]:
        """What there is to say about one Dockerfile."""
        if named.recipe is None:
            return [_unread(named, named.problem, Severity.WARNING)]
        try:
            text = text_of(named.recipe.dockerfile)
        except OSError as error:
            problem = f"{named.path} cannot be read: {error.strerror}"
            return [_unread(named, problem, Severity.ERROR)]
        place = str(named.path)
        unknown = [_unknown(code, Source(place, 1, 1)) for code in sorted(ignored_codes(text) - _CODES)]
        return unknown + self._broken(text, named, place)

    def _broken(self, text: str, named: NamedDockerfile, place: str) -> list[Diagnostic]:
        recipe = named.recipe
        assert recipe is not None
        facts = DockerfileFacts(
            text=text,
            target=recipe.target,
            args=recipe.args,
            not_secret=recipe.not_secret,
            has_ignore_file=ignore_file(recipe) is not None,
            context_is_repository=_is_repository(recipe.context),
            exposed=exposed_secrets(recipe),
        )
        severity = Severity.ERROR if self._profile else Severity.WARNING
        return [
            Diagnostic(severity, one.code, one.summary, one.fix, source=Source(place, one.line, 1))
            for one in check_dockerfile(facts, ignore=self._ignore, profile=self._profile is not None)
        ]


def _unread(named: NamedDockerfile, problem: str, severity: Severity) -> Diagnostic:
    fix = "correct `context` or `dockerfile`" if severity is Severity.ERROR else "so it is not checked"
    return Diagnostic(severity, UNREADABLE, problem, fix, named.address, named.source)


def _is_repository(folder: Path) -> bool:
    return (folder / ".git").exists()


def _unknown(code: str, source: Source) -> Diagnostic:
    summary = f"there is no rule {code} to switch off"
    return Diagnostic(
        Severity.WARNING, UNREADABLE, summary, f"rules are {min(_CODES)} to {max(_CODES)}", source=source
    )
