"""What references come to: plain values, pointers to other resources, or Unknown where only the outside knows.

`Scope` answers for every root but the sections (`declared.py`). A mistake is collected, and an Unknown stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from reconciler.manifest.declared import Declared
from reconciler.manifest.expression import Index, Parts, Reference
from reconciler.manifest.findings import Findings
from reconciler.manifest.scalars import as_text
from reconciler.manifest.shape import Given
from reconciler.manifest.site import Site
from reconciler.manifest.variables import Variables
from reconciler.model.manifest import Inputs
from reconciler.model.value import Path, Pointer, Template, Unknown, Value

_ROOTS = ("env", "var", "each", "project", "environment", "account_id", "git")
_GIT = ("sha", "short_sha", "branch", "dirty", "describe")
_RESERVED = "remote"
_LONGEST_CHAIN = 20


@dataclass(slots=True)
class Scope:
    """Everything that references of one environment may name. `used` is what was taken from outside, for a saved plan."""

    inputs: Inputs
    findings: Findings
    declared: Declared
    variables: Variables
    project: str
    environment: str | None
    account: Callable[[], Value]
    variable: Callable[[str], Value]
    used: dict[str, dict[str, Value]] = field(default_factory=lambda: {"env": {}, "var": {}, "git": {}})
    _known: dict[str, Value] = field(default_factory=dict)
    _asking: list[str] = field(default_factory=list)
    _missing: set[str] = field(default_factory=set)

    def evaluate(self, reference: Reference, site: Site, path: Path) -> Value:
        """What a reference comes to where it stands: a plain value, a Given text, a pointer, or Unknown."""
        root = reference.root
        if root in self.declared.kinds:
            return self._resource(reference, site, path)
        match root:
            case "env":
                return self._env(reference, site, path)
            case "var":
                return self._var(reference, site, path)
            case "each":
                return self._each(reference, site, path)
            case "git":
                return self._git(reference, site, path)
            case "project" | "environment" | "account_id" if reference.steps:
                site.error(path, "E302", f"{reference.text}: {root} has no parts", f"write ${{{root}}}")
            case "project":
                return self.project
            case "environment":
                return self._environment(reference, site, path)
            case "account_id":
                return self._once("account_id", self.account, reference, site, path)
            case _:
                self._unknown_root(reference, site, path)
        return Unknown(None, reference.text)

    def account_id(self, site: Site) -> Value:
        """The account; Unknown while validating."""
        return self.evaluate(Reference("account_id", (), "${account_id}"), site, ("account_id",))

    def _unknown_root(self, reference: Reference, site: Site, path: Path) -> None:
        if reference.root == _RESERVED:
            site.error(path, "E302", f"{reference.text}: `remote` is reserved for later")
            return
        singular = self.declared.kinds_by_name.get(reference.root)
        roots = [singular.section] if singular else [*_ROOTS, *self.declared.kinds]
        hint = (
            f"did you mean {singular.section}?"
            if singular
            else self.findings.did_you_mean(reference.root, roots)
        )
        site.error(path, "E302", f'{reference.text}: there is nothing called "{reference.root}"', hint)

    # one root each

    def _env(self, reference: Reference, site: Site, path: Path) -> Value:
        name = _only_step(reference, site, path, "write ${env.NAME} or ${env.NAME:-fallback}")
        if name is None or self.inputs.offline:
            return Unknown(None, reference.text)
        text = self.inputs.environ.get(name)
        if text is not None:
            self.used["env"][name] = text
        if reference.fallback is not None and not text:
            value = self.joined(reference.fallback, site, path)
            return Given(value) if isinstance(value, str) else value
        if text is not None:
            return _given(text, name, site, path)
        if name not in self._missing:
            self._missing.add(name)
            fix = f"set it, or give a fallback: ${{env.{name}:-...}}"
            site.error(path, "E303", f"the environment variable {name} is not set", fix)
        return Unknown(None, reference.text)

    def _var(self, reference: Reference, site: Site, path: Path) -> Value:
        nothing = Unknown(None, reference.text)
        if not reference.steps or not isinstance(reference.steps[0], str):
            site.error(path, "E302", f"{reference.text} names no variable", "write ${var.NAME}")
            return nothing
        name = reference.steps[0]
        if name not in self.variables.names():
            hint = self.findings.did_you_mean(name, self.variables.names(), lambda near: f"${{var.{near}}}")
            site.error(path, "E304", f'{reference.text}: there is no variable "{name}"', hint)
            return nothing
        try:
            value = self._once(f"var.{name}", lambda: self.variable(name), reference, site, path)
        except LookupError:
            fix = f"give it a default, a value in the environment, or --var {name}=..."
            site.error(path, "E306", f'the variable "{name}" has no value', fix)
            return nothing
        if name in self.variables.given:
            self.used["var"][name] = self.variables.given[name]
        return self._inside(value, reference.steps[1:], reference, site, path)

    def _each(self, reference: Reference, site: Site, path: Path) -> Value:
        part = reference.steps[0] if reference.steps else None
        if site.each is None:
            site.error(path, "E307", f"{reference.text} stands in no for_each")
        elif part == "value":
            return self._inside(site.each.value, reference.steps[1:], reference, site, path)
        elif part == "key" and len(reference.steps) == 1:
            return site.each.key
        else:
            site.error(
                path, "E307", f"{reference.text} names no part of each", "write ${each.key} or ${each.value}"
            )
        return Unknown(None, reference.text)

    def _git(self, reference: Reference, site: Site, path: Path) -> Value:
        name = _only_step(reference, site, path, "write ${git.sha}")
        if name is not None and name not in _GIT:
            hint = self.findings.did_you_mean(name, _GIT)
            site.error(path, "E302", f'{reference.text}: git has no "{name}"', hint)
        elif name is not None and not self.inputs.offline:
            try:
                return self._once(f"git.{name}", lambda: self._ask_git(name), reference, site, path)
            except LookupError as error:
                site.error(path, "E311", f"{reference.text}: {error.args[0] if error.args else 'no git'}")
        return Unknown(None, reference.text)

    def _ask_git(self, name: str) -> Value:
        if self.inputs.git is None:
            raise LookupError("this is no git repository")
        value = self.used["git"][name] = self.inputs.git(name)
        return value

    def _environment(self, reference: Reference, site: Site, path: Path) -> Value:
        if self.environment is not None:
            return self.environment
        fix = "declare `environments:`, or write the text"
        site.error(path, "E302", f"{reference.text}: this manifest has no environments", fix)
        return Unknown(None, reference.text)

    def _resource(self, reference: Reference, site: Site, path: Path) -> Value:
        if site.early:
            fix = "literals, var, env, project, environment and git may stand here"
            site.error(path, "E312", f"{reference.text}: {site.early}", fix)
            return Unknown(None, reference.text)
        steps: list[str] = []
        each: str | None = None
        for at, step in enumerate(reference.steps):
            text = step if isinstance(step, str) else self._index(step, site, path)
            if text is None:
                return Unknown(None, reference.text)
            if at == 1 and isinstance(step, Index):
                each = text
            else:
                steps.append(text)
        if not steps or isinstance(reference.steps[0], Index):
            fix = f"write ${{{reference.root}.NAME}}"
            site.error(path, "E302", f"{reference.text} names no resource", fix)
            return Unknown(None, reference.text)
        return self.declared.point(reference.root, steps, each, reference.text, site, path)

    # parts of references

    def _index(self, index: Index, site: Site, path: Path) -> str | None:
        """The text between the brackets; None where it is not known, or after a finding."""
        if isinstance(index.of, str):
            return index.of
        value = self.evaluate(index.of, site, path)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, Unknown):
            site.error(path, "E302", f"{index.of.text} between brackets must come to a text")
        return None

    def _inside(
        self, value: Value, steps: Sequence[str | Index], reference: Reference, site: Site, path: Path
    ) -> Value:
        """What stands inside a map or list that a reference names."""
        for step in steps:
            part = step if isinstance(step, str) else self._index(step, site, path)
            if part is None or isinstance(value, Unknown):
                return Unknown(None, reference.text)
            if isinstance(value, dict) and part in value:
                value = value[part]
            elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            else:
                hint = self.findings.did_you_mean(part, value) if isinstance(value, dict) else ""
                site.error(path, "E302", f'{reference.text}: there is no "{part}" in it', hint)
                return Unknown(None, reference.text)
        return value

    def _once(
        self, name: str, ask: Callable[[], Value], reference: Reference, site: Site, path: Path
    ) -> Value:
        """Asks once for what many may refer to, and not while it is being asked for."""
        if name in self._known:
            return self._known[name]
        if name in self._asking:
            loop = " -> ".join([*self._asking[self._asking.index(name) :], name])
            site.error(path, "E313", f"{reference.text} refers to itself: {loop}")
            return Unknown(None, reference.text)
        if len(self._asking) >= _LONGEST_CHAIN:
            fix = "let them refer to each other less deeply"
            site.error(
                path, "E313", f"{reference.text}: more than {_LONGEST_CHAIN} variables in a chain", fix
            )
            return Unknown(None, reference.text)
        with self._while_asking(name):
            value = self._known[name] = ask()
        return value

    @contextmanager
    def _while_asking(self, name: str) -> Iterator[None]:
        self._asking.append(name)
        try:
            yield
        finally:
            self._asking.pop()

    # texts

    def joined(self, parts: Parts, site: Site, path: Path, text: str = "") -> Value:
        """A text with references inside: a text, a Template where it points elsewhere, Unknown where it is not known."""
        pieces: list[str | Pointer | Unknown] = []
        literal = ""
        for part in parts:
            for piece in self._pieces(part, site, path):
                if isinstance(piece, str):
                    literal += piece
                    continue
                pieces += [literal, piece] if literal else [piece]
                literal = ""
        if not pieces:
            return literal
        if literal:
            pieces.append(literal)
        if len(pieces) == 1 or not any(isinstance(piece, Pointer) for piece in pieces):
            return pieces[0] if len(pieces) == 1 else Unknown(None, text)
        return Template(tuple(pieces), text)

    def _pieces(self, part: str | Reference, site: Site, path: Path) -> Sequence[str | Pointer | Unknown]:
        if isinstance(part, str):
            return (part,)
        value = self.evaluate(part, site, path)
        if isinstance(value, Template):
            return value.parts  # type: ignore[return-value]  # a fallback holds no Secret
        if isinstance(value, Pointer | Unknown):
            return (value,)
        if value is None or isinstance(value, dict | list):
            what = "a map" if isinstance(value, dict) else "a list" if isinstance(value, list) else "null"
            site.error(path, "E314", f"{part.text} is {what} and cannot stand inside a text")
            return (Unknown(None, part.text),)
        return (as_text(value),)


def _given(text: str, name: str, site: Site, path: Path) -> Value:
    """A text from outside; one that is not Unicode could neither be sent nor kept."""
    try:
        text.encode()
    except UnicodeEncodeError:
        site.error(path, "E303", f"the environment variable {name} is not UTF-8")
        return Unknown(None, f"${{env.{name}}}")
    return Given(text)


def _only_step(reference: Reference, site: Site, path: Path, fix: str) -> str | None:
    if len(reference.steps) == 1 and isinstance(reference.steps[0], str):
        return reference.steps[0]
    site.error(path, "E302", f"{reference.text} cannot be read", fix)
    return None
