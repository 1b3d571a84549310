"""What references come to: plain values, pointers to other resources, or Unknown where only the outside knows.

`Scope` answers for every root but the sections (`declared.py`). A mistake is collected, and an Unknown stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reconciler.manifest.declared import Declared
from reconciler.manifest.expression import Index, Parts, Reference
from reconciler.manifest.findings import Findings
from reconciler.manifest.scalars import as_text
from reconciler.manifest.shape import Given
from reconciler.manifest.site import Site, Spot
from reconciler.manifest.variables import Variables
from reconciler.model.manifest import Inputs
from reconciler.model.value import Pointer, Template, Unknown, Value

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

    def evaluate(self, reference: Reference, spot: Spot) -> Value:
        """What a reference comes to where it stands: a plain value, a Given text, a pointer, or Unknown."""
        root = reference.root
        if root in self.declared.kinds:
            return self._resource(reference, spot)
        match root:
            case "env":
                return self._env(reference, spot)
            case "var":
                return self._var(reference, spot)
            case "each":
                return self._each(reference, spot)
            case "git":
                return self._git(reference, spot)
            case "project" | "environment" | "account_id":
                return self._whole(reference, spot)
        return self._unknown_root(reference, spot)

    def account_id(self, site: Site) -> Value:
        """The account; Unknown while validating."""
        return self._whole(Reference("account_id", (), "${account_id}"), Spot(site, ("account_id",)))

    def _unknown_root(self, reference: Reference, spot: Spot) -> Unknown:
        text, root = reference.text, reference.root
        if root == _RESERVED:
            return spot.refuse(text, "E302", f"{text}: `remote` is reserved for later")
        singular = self.declared.kinds_by_name.get(root)
        if singular is not None:
            hint = f"did you mean {singular.section}?"
        else:
            hint = self.findings.did_you_mean(root, [*_ROOTS, *self.declared.kinds])
        return spot.refuse(text, "E302", f'{text}: there is nothing called "{root}"', hint)

    # one root each

    def _whole(self, reference: Reference, spot: Spot) -> Value:
        """The roots that have no parts."""
        text, root = reference.text, reference.root
        if reference.steps:
            return spot.refuse(text, "E302", f"{text}: {root} has no parts", f"write ${{{root}}}")
        if root == "account_id":
            return self._once(root, self.account, reference, spot)
        if root == "project":
            return self.project
        if self.environment is not None:
            return self.environment
        fix = "declare `environments:`, or write the text"
        return spot.refuse(text, "E302", f"{text}: this manifest has no environments", fix)

    def _env(self, reference: Reference, spot: Spot) -> Value:
        name = _only_step(reference)
        if not name:
            fix = "write ${env.NAME} or ${env.NAME:-fallback}"
            return spot.refuse(reference.text, "E302", f"{reference.text} cannot be read", fix)
        if self.inputs.offline:
            return Unknown(None, reference.text)
        text = self.inputs.environ.get(name)
        if text is not None:
            self.used["env"][name] = text
        if reference.fallback is not None and not text:
            value = self.joined(reference.fallback, spot)
            return Given(value) if isinstance(value, str) else value
        return self._missing_env(name, reference, spot) if text is None else _given(text, name, spot)

    def _missing_env(self, name: str, reference: Reference, spot: Spot) -> Unknown:
        """Each is named once, however often it is referred to."""
        if name in self._missing:
            return Unknown(None, reference.text)
        self._missing.add(name)
        fix = f"set it, or give a fallback: ${{env.{name}:-...}}"
        return spot.refuse(reference.text, "E303", f"the environment variable {name} is not set", fix)

    def _var(self, reference: Reference, spot: Spot) -> Value:
        text, name = reference.text, reference.steps[0] if reference.steps else None
        declared = self.variables.declared
        if not isinstance(name, str):
            return spot.refuse(text, "E302", f"{text} names no variable", "write ${var.NAME}")
        if name not in declared:
            hint = self.findings.did_you_mean(name, declared, lambda near: f"${{var.{near}}}")
            return spot.refuse(text, "E304", f'{text}: there is no variable "{name}"', hint)
        try:
            value = self._once(f"var.{name}", lambda: self.variable(name), reference, spot)
        except LookupError:
            fix = f"give it a default, a value in the environment, or --var {name}=..."
            return spot.refuse(text, "E306", f'the variable "{name}" has no value', fix)
        if name in self.variables.given:
            self.used["var"][name] = self.variables.given[name]
        return self._inside(value, reference.steps[1:], reference, spot)

    def _each(self, reference: Reference, spot: Spot) -> Value:
        text, steps, each = reference.text, reference.steps, spot.site.each
        if each is None:
            return spot.refuse(text, "E307", f"{text} stands in no for_each")
        if steps[:1] == ("value",):
            return self._inside(each.value, steps[1:], reference, spot)
        if steps == ("key",):
            return each.key
        fix = "write ${each.key} or ${each.value}"
        return spot.refuse(text, "E307", f"{text} names no part of each", fix)

    def _git(self, reference: Reference, spot: Spot) -> Value:
        text, name = reference.text, _only_step(reference)
        if name not in _GIT:
            hint = self.findings.did_you_mean(name, _GIT)
            return spot.refuse(text, "E302", f'{text}: git has no "{name}"', hint)
        if self.inputs.offline:
            return Unknown(None, text)
        try:
            return self._once(f"git.{name}", lambda: self._ask_git(name), reference, spot)
        except LookupError as error:
            return spot.refuse(text, "E311", f"{text}: {error.args[0] if error.args else 'no git'}")

    def _ask_git(self, name: str) -> Value:
        if self.inputs.git is None:
            raise LookupError("this is no git repository")
        value = self.used["git"][name] = self.inputs.git(name)
        return value

    def _resource(self, reference: Reference, spot: Spot) -> Value:
        text, root = reference.text, reference.root
        if spot.site.no_resources:
            fix = "literals, var, env, project, environment and git may stand here"
            return spot.refuse(text, "E312", f"{text}: {spot.site.no_resources}", fix)
        if not reference.steps or isinstance(reference.steps[0], Index):
            return spot.refuse(text, "E302", f"{text} names no resource", f"write ${{{root}.NAME}}")
        kind = self.declared.kinds[root]
        steps = [kind.name] if kind.singleton else []
        each: str | None = None
        for at, step in enumerate(reference.steps):
            part = step if isinstance(step, str) else self._index(step, spot)
            if part is None:
                return Unknown(None, text)
            if at == 1 and isinstance(step, Index) and not kind.singleton:
                each = part
            else:
                steps.append(part)
        return self.declared.point(root, steps, each, text, spot)

    # parts of references

    def _index(self, index: Index, spot: Spot) -> str | None:
        """The text between the brackets; None where it is not known, or after a finding."""
        if isinstance(index.of, str):
            return index.of
        value = self.evaluate(index.of, spot)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, Unknown):
            text = index.of.text
            spot.refuse(text, "E302", f"{text} between brackets must come to a text")
        return None

    def _inside(self, value: Value, steps: Sequence[str | Index], reference: Reference, spot: Spot) -> Value:
        """What stands inside a map or list that a reference names."""
        for step in steps:
            part = step if isinstance(step, str) else self._index(step, spot)
            if part is None or isinstance(value, Unknown):
                return Unknown(None, reference.text)
            if isinstance(value, dict) and part in value:
                value = value[part]
            elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            else:
                hint = self.findings.did_you_mean(part, value) if isinstance(value, dict) else ""
                summary = f'{reference.text}: there is no "{part}" in it'
                return spot.refuse(reference.text, "E302", summary, hint)
        return value

    def _once(self, name: str, ask: Callable[[], Value], reference: Reference, spot: Spot) -> Value:
        """Asks once for what many may refer to, and not while it is being asked for."""
        if name in self._known:
            return self._known[name]
        text = reference.text
        if name in self._asking:
            loop = " -> ".join([*self._asking[self._asking.index(name) :], name])
            return spot.refuse(text, "E313", f"{text} refers to itself: {loop}")
        if len(self._asking) >= _LONGEST_CHAIN:
            summary = f"{text}: more than {_LONGEST_CHAIN} variables in a chain"
            return spot.refuse(text, "E313", summary, "let them refer to each other less deeply")
        self._asking.append(name)
        try:
            value = self._known[name] = ask()
        finally:
            self._asking.pop()
        return value

    # texts

    def joined(self, parts: Parts, spot: Spot, text: str = "") -> Value:
        """A text with references inside: a text, a Template where it points elsewhere, Unknown where it is not known."""
        pieces: list[str | Pointer | Unknown] = []
        literal = ""
        for part in parts:
            for piece in self._pieces(part, spot):
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

    def _pieces(self, part: str | Reference, spot: Spot) -> Sequence[str | Pointer | Unknown]:
        if isinstance(part, str):
            return (part,)
        value = self.evaluate(part, spot)
        if isinstance(value, Template):
            return value.parts  # type: ignore[return-value]  # a fallback holds no Secret
        if isinstance(value, Pointer | Unknown):
            return (value,)
        if value is None or isinstance(value, dict | list):
            what = "a map" if isinstance(value, dict) else "a list" if isinstance(value, list) else "null"
            summary = f"{part.text} is {what} and cannot stand inside a text"
            return (spot.refuse(part.text, "E314", summary),)
        return (as_text(value),)


def _given(text: str, name: str, spot: Spot) -> Value:
    """A text from outside; one that is not Unicode could neither be sent nor kept."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return spot.refuse(f"${{env.{name}}}", "E303", f"the environment variable {name} is not UTF-8")
    return Given(text)


def _only_step(reference: Reference) -> str:
    """The one name behind the root; "" where there is another number of them."""
    step = reference.steps[0] if len(reference.steps) == 1 else ""
    return step if isinstance(step, str) else ""
