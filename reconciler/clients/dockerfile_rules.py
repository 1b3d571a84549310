"""The rules of the decision record over one Dockerfile (interface 1.8): a table of small functions, one per stable code.

Pure: text and facts in, findings out. Whether a finding is a warning or an error is for whoever asked; the reasons behind
the rules are told in `docs/check.md`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field

from reconciler.clients.dockerfile import Dockerfile, Instruction, read_dockerfile
from reconciler.clients.dockerfile_order import missing_lock_files, sources_before_dependencies
from reconciler.clients.dockerfile_stages import (
    Stages,
    StageText,
    copied,
    environment,
    fill,
    instructions,
    mounts,
    variables,
    words_of,
)
from reconciler.clients.image_reference import ImageReference
from reconciler.clients.secret_files import is_secret_file
from reconciler.clients.secret_names import is_secret_name, is_secret_value
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen

PROFILE = "adr-049"
UNREADABLE = "K000"

_IGNORE = re.compile(
    r"^\s*#\s*reconciler:\s*ignore\s*=\s*(?P<codes>[\w,\s]+?)\s*$", re.MULTILINE | re.IGNORECASE
)
_LOGIN = re.compile(
    r"Authorization:|\b(?:docker|podman|npm|pnpm|yarn|gh|az|gcloud auth|aws ecr)\s+(?:\S+\s+)?login\b"
    r"|--(?:http-)?password[= ]|\bcurl\b[^|;&]*\s(?:-u|--user)[ =]|_authToken",
    re.IGNORECASE,
)
_PYTHON = re.compile(r"(?:^|\s)(?:pip3?|uv|poetry|pdm|pipenv)\s+(?:install|sync|pip)\b")
_NODE = re.compile(r"(?:^|\s)(?:(?:npm|pnpm|bun)\s+(?:ci|i|install)|yarn(?:\s+install)?(?=\s*(?:$|[&|;-])))")
_TINI = re.compile(r"(?:^|[\s\"'/\[,])(?:tini(?:-static)?|dumb-init)(?=$|[\s\"',\]=-])")
_SECRET_CACHE = re.compile(
    r"/\.(?:ssh|aws|gnupg|docker|kube|azure|netrc|npmrc|pypirc)(?:/|$)|/(?:run/)?secrets?(?:/|$)"
)


@frozen
class DockerfileFacts:
    """A Dockerfile's text, and what of its surroundings the rules ask for.

    `exposed` are files of the context that hold a secret by their name and that no `.dockerignore` leaves out.
    """

    text: str
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    not_secret: tuple[str, ...] = ()
    has_ignore_file: bool = True
    context_is_repository: bool = False
    exposed: tuple[str, ...] = ()


@frozen
class RuleFinding:
    """One broken rule; `line` is the Dockerfile's, from 1."""

    code: str
    line: int
    summary: str
    fix: str


@frozen
class _Subject:
    facts: DockerfileFacts
    dockerfile: Dockerfile
    stages: Stages

    @property
    def end_line(self) -> int:
        """Where the wanted stage begins: the place of what is missing in it."""
        return self.stages.final[-1].stage.line


Broken = Iterator[tuple[int, str, str]]


@frozen
class Rule:
    """A rule by its stable code. One `of_profile` only counts where the whole record was asked for."""

    code: str
    title: str
    find: Callable[[_Subject], Broken]
    of_profile: bool = False


def check_dockerfile(
    facts: DockerfileFacts, *, ignore: Iterable[str] = (), profile: bool = False
) -> list[RuleFinding]:
    """Every rule that a Dockerfile breaks, by line; `# reconciler: ignore=CODE` in it switches a rule off for it."""
    dockerfile = read_dockerfile(facts.text)
    stages = Stages.of(dockerfile, facts.target, facts.args)
    if not stages.all:
        return [RuleFinding(UNREADABLE, 1, "there is no FROM, so nothing is built", "begin with FROM")]
    ignored = {code.upper() for code in ignore} | ignored_codes(facts.text)
    subject = _Subject(facts, dockerfile, stages)
    found = {
        RuleFinding(rule.code, line, summary, fix)
        for rule in RULES
        if rule.code not in ignored and (profile or not rule.of_profile)
        for line, summary, fix in rule.find(subject)
    }
    return sorted(found, key=lambda one: (one.line, one.code, one.summary))


def ignored_codes(text: str) -> set[str]:
    """The codes that a Dockerfile itself switches off."""
    return {code.upper() for found in _IGNORE.finditer(text) for code in re.findall(r"\w+", found["codes"])}


def _unpinned(subject: _Subject) -> Broken:
    for name, line in (*subject.stages.images(), *subject.stages.borrowed_images()):
        if "@" not in name:
            yield (
                line,
                f"{name} is not pinned by digest",
                "`reconciler images pin` writes the digest behind the tag",
            )


def _root(subject: _Subject) -> Broken:
    users = list(instructions(subject.stages.final, "USER"))
    if not users:
        yield subject.end_line, "no USER, so the container runs as root", "add `USER 1000` to the last stage"
        return
    last = users[-1]
    known = {**_defaults(subject), **environment(subject.stages.final)}
    user = fill(last.value, known).partition(":")[0].strip("\"' ")
    if user == "root" or (user.isdigit() and int(user) == 0):
        yield last.line, "the container runs as root", "end with a USER that is not root, such as `USER 1000`"


def _defaults(subject: _Subject) -> dict[str, str]:
    declared = {one.name: one.default for one in subject.dockerfile.arguments if one.default is not None}
    return {**declared, **subject.facts.args}


def _secret_arguments(subject: _Subject) -> Broken:
    for one in subject.dockerfile.arguments:
        if one.name not in subject.facts.not_secret and _is_secret(one.name, one.default or ""):
            yield one.line, f"the build argument {one.name} looks like a secret", _AT_RUN_TIME


def _secret_variables(subject: _Subject) -> Broken:
    for each in _everywhere(subject, "ENV"):
        for name, value in variables(each):
            if name not in subject.facts.not_secret and _is_secret(name, value):
                yield (
                    each.line,
                    f"the variable {name} looks like a secret, and would be in the image",
                    _AT_RUN_TIME,
                )


_AT_RUN_TIME = "leave it out of the build, and hand it to the application under `secrets`"


def _is_secret(name: str, value: str) -> bool:
    return is_secret_name(name) or is_secret_value(value)


def _secret_files(subject: _Subject) -> Broken:
    for each in _everywhere(subject, "COPY", "ADD"):
        copy = copied(each)
        for source in copy.sources:
            if is_secret_file(source):
                yield each.line, f"{source} looks like a secret, and would be in the image", _AT_RUN_TIME
            elif not copy.origin and posixpath.normpath(source).strip("/") == ".":
                for name in subject.facts.exposed:
                    fix = f"add {name} to .dockerignore"
                    yield each.line, f"{name} is in the context and looks like a secret, and is copied", fix


def _authenticated_runs(subject: _Subject) -> Broken:
    for each in _everywhere(subject, "RUN"):
        kinds = {mount["type"] for mount in mounts(each)} & {"secret", "ssh"}
        if kinds:
            summary = f"RUN mounts {'and '.join(sorted(kinds))}: what is built depends on who builds it"
            yield each.line, summary, "build from public sources, or fetch what is private before the build"
        elif _LOGIN.search(each.value) or is_secret_value(each.value):
            yield (
                each.line,
                "RUN logs in somewhere",
                "build from public sources; credentials stay out of layers",
            )


def _secret_caches(subject: _Subject) -> Broken:
    for each in _everywhere(subject, "RUN"):
        for mount in mounts(each):
            place = mount.get("target", "")
            if mount["type"] == "cache" and (
                _SECRET_CACHE.search(place) or is_secret_name(mount.get("id", ""))
            ):
                summary = f"the cache mount {place} would keep credentials between builds"
                yield each.line, summary, "mount the package manager's store only"


def _one_stage(subject: _Subject) -> Broken:
    final = subject.stages.final
    language = _language(final)
    lines = {one.stage.line for one in final}
    others = {one.stage.name.lower() for one in subject.stages.all if one.stage.line not in lines}
    others |= {str(at) for at, one in enumerate(subject.stages.all) if one.stage.line not in lines}
    takes = any(copied(each).origin.lower() in others for each in instructions(final, "COPY"))
    if language and not takes:
        summary = f"{language} is built and run in one stage, so that build tools are in the image"
        yield subject.end_line, summary, "install in a first stage, and COPY --from it into the last one"


def _language(stages: tuple[StageText, ...]) -> str:
    name = re.split(r"[:@]", stages[0].base)[0].rpartition("/")[2]
    commands = [each.value for each in instructions(stages, "RUN")]
    if name == "python" or any(_PYTHON.search(command) for command in commands):
        return "Python"
    if name == "node" or any(_NODE.search(command) for command in commands):
        return "Node"
    return ""


def _order(subject: _Subject) -> Broken:
    for number in range(len(subject.stages.all)):
        lineage = subject.stages.lineage(number)
        for line in sources_before_dependencies(lineage):
            summary = "the source is copied before the dependencies are installed, so every change installs them anew"
            yield line, summary, "copy the lock file, install, then copy the source"
        for line in missing_lock_files(lineage):
            summary = "dependencies are installed without a lock file, so each build may get others"
            yield line, summary, "copy the lock file before, and install exactly what it says"


def _health_check(subject: _Subject) -> Broken:
    for each in _everywhere(subject, "HEALTHCHECK"):
        if each.value.strip().upper() != "NONE":
            fix = "leave it out, and declare `checks` on the application"
            yield each.line, "Cloudflare does not read HEALTHCHECK", fix


def _latest(subject: _Subject) -> Broken:
    for name, line in (*subject.stages.images(), *subject.stages.borrowed_images()):
        reference = _reference(name)
        if reference and (reference.tag == "latest" or not reference.version):
            yield line, f"{name} means whatever is `latest`", "name a version"


def _reference(name: str) -> ImageReference | None:
    try:
        return ImageReference.parse(name)
    except ReconcilerError:  # a variable nobody filled in, or a mistake that the builder will name
        return None


def _tini(subject: _Subject) -> Broken:
    for each in _everywhere(subject, "RUN", "ENTRYPOINT", "CMD", "COPY", "ADD"):
        if _TINI.search(each.value):
            fix = "leave it out, and let the program take SIGTERM itself"
            yield each.line, "an init process is put before the program", fix


def _python_variables(subject: _Subject) -> Broken:
    final = subject.stages.final
    if _language(final) != "Python":
        return
    found = environment(final)
    missing = [name for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED") if not found.get(name)]
    if missing:
        fix = f"add `ENV {' '.join(f'{name}=1' for name in missing)}`"
        yield subject.end_line, f"{' and '.join(missing)} not set", fix


def _work_folder(subject: _Subject) -> Broken:
    folder, line = "/", subject.end_line
    for each in instructions(subject.stages.final, "WORKDIR"):
        folder, line = posixpath.normpath(posixpath.join(folder, _unquoted(each, subject))), each.line
    if folder != "/app" and "$" not in folder:
        yield line, f"the working folder is {folder}, not /app", "end with `WORKDIR /app`"


def _unquoted(each: Instruction, subject: _Subject) -> str:
    words = words_of(fill(each.value, _defaults(subject)))
    return words[0] if words else "/"


def _ignore_file(subject: _Subject) -> Broken:
    if subject.facts.context_is_repository and not subject.facts.has_ignore_file:
        summary = "the context is the whole repository, and there is no .dockerignore"
        yield 1, summary, "add one that leaves out .git, .env and what the build does not read"


def _family(subject: _Subject) -> Broken:
    bases = [(one.base, one.stage.line) for one in subject.stages.all if one.base == "scratch"]
    for name, line in (*subject.stages.images(), *bases):
        words = set(re.split(r"[:@-]", name.rpartition("/")[2]))
        if not {"slim", "trixie"} <= words:
            fix = "use a slim-trixie image, such as python:3.14-slim-trixie or debian:trixie-slim"
            yield line, f"{name} is not of the family debian-slim-trixie", fix


def _everywhere(subject: _Subject, *keywords: str) -> Iterator[Instruction]:
    return instructions(subject.stages.all, *keywords)


RULES = (
    Rule("K001", "base images are pinned by digest", _unpinned),
    Rule("K002", "the container does not run as root", _root),
    Rule("K003", "no ARG holds a secret", _secret_arguments),
    Rule("K004", "no ENV holds a secret", _secret_variables),
    Rule("K005", "no secret file is copied", _secret_files),
    Rule("K006", "no RUN is authenticated", _authenticated_runs),
    Rule("K007", "cache mounts hold no credentials", _secret_caches),
    Rule("K008", "Python and Node are built in a stage of their own", _one_stage),
    Rule("K009", "lock file, then dependencies, then source", _order),
    Rule("K010", "no HEALTHCHECK", _health_check),
    Rule("K011", "no `latest`", _latest),
    Rule("K012", "no init process such as tini", _tini),
    Rule("K013", "Python neither writes bytecode nor buffers its output", _python_variables),
    Rule("K014", "the working folder is /app", _work_folder),
    Rule("K015", "a context that is the repository has a .dockerignore", _ignore_file),
    Rule("K016", "base images are of the family debian-slim-trixie", _family, of_profile=True),
)
"""Every rule, by its code; codes never change their meaning."""
