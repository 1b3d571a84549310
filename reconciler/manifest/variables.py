"""The manifest's variables: `--var` before the environment's value, that before the default; each of its declared type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.frozen import frozen
from reconciler.manifest.findings import Findings
from reconciler.manifest.reader import parse
from reconciler.manifest.shape import ANYTHING, FLAG, TEXT, Given, Shape, fitted
from reconciler.manifest.tree import Block, child, source_of
from reconciler.model.value import Unknown, Value

TYPES: Mapping[str, tuple[Shape, type | tuple[type, ...], str]] = {
    "string": (TEXT, str, "a text"),
    "integer": (Shape(number=True), int, "a whole number"),
    "number": (Shape(number=True), (int, float), "a number"),
    "boolean": (FLAG, bool, "true or false"),
    "list": (ANYTHING, list, "a list"),
    "map": (ANYTHING, dict, "a map"),
}
_UNTYPED: tuple[Shape, type | tuple[type, ...], str] = (ANYTHING, object, "anything")

# What a value comes to: the block and the key it stands under, the shape it should have, where in the file it is.
Substitute = Callable[[Block, str, Shape], Value]


@frozen
class Variables:
    """Every declared variable and where its value would come from."""

    declared: Block
    chosen: Block  # the environment's
    given: Mapping[str, str]  # --var
    file: str
    findings: Findings

    def check(self) -> None:
        """Collects values that belong to no variable."""
        for name in self.given:
            if name not in self.declared:
                hint = self.findings.did_you_mean(name, self.declared)
                self.findings.error(
                    "E304", f"--var {name}: there is no such variable", source_of(self.file, 0), fix=hint
                )
        for name in self.chosen:
            if name not in self.declared:
                hint = self.findings.did_you_mean(name, self.declared)
                source = source_of(self.file, self.chosen.marks[name])
                self.findings.error("E304", f'there is no variable "{name}"', source, fix=hint)

    def value(self, name: str, substitute: Substitute) -> Value:
        """The value of a declared variable; LookupError where nothing gives one, Unknown after a finding."""
        declaration = child(self.declared, name)
        shape, wanted, words = TYPES.get(str(declaration.get("type")), _UNTYPED)
        if name in self.given:
            value = self._from_command_line(name, shape, wanted)
            mark = self.declared.marks[name]
        elif self.chosen.get(name) is not None:
            value, mark = substitute(self.chosen, name, shape), self.chosen.marks[name]
        elif declaration.get("default") is not None:
            value, mark = substitute(declaration, "default", shape), declaration.marks["default"]
        else:
            raise LookupError(name)
        if _is(value, wanted):
            return value
        told = f"--var {name}" if name in self.given else f"the variable {name}"
        self.findings.error("E305", f"{told} must be {words}", source_of(self.file, mark))
        return Unknown(None, f"${{var.{name}}}")

    def _from_command_line(self, name: str, shape: Shape, wanted: Any) -> Value:
        text = self.given[name].encode(errors="replace").decode()
        if wanted in (list, dict):
            return _parsed(text)
        return Given(text) if wanted in (object, str) else fitted(Given(text), shape)


def _is(value: Value, wanted: Any) -> bool:
    if isinstance(value, Unknown) or wanted is object:
        return True
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, wanted)


def _parsed(text: str) -> Value:
    """A list or map on the command line is YAML, of which JSON is a part."""
    findings = Findings()
    node = parse(text, "--var", findings)
    return text if findings.errors else _plain(node)


def _plain(node: Any) -> Value:
    if isinstance(node, dict):
        return {key: _plain(inner) for key, inner in node.items()}
    return [_plain(inner) for inner in node] if isinstance(node, list) else node
