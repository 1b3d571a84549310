"""Plans for tests: one that a person would make, and random ones of any size, harmless or hostile."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from reconciler.model.plan import (
    FORMAT_VERSION,
    CostChange,
    CostRange,
    CostSide,
    ManifestStamp,
    PendingStep,
    Plan,
    PlannedAttribute,
    PlannedChange,
    PlannedCost,
    PlannedDiagnostic,
    PlannedDrift,
    PlannedHazard,
    PlannedOutput,
    PlannedReach,
    PlannedSource,
    PlannedStep,
    RecordedInputs,
    StateStamp,
)

ACCOUNT = "1f3c" * 8
OLD, NEW = "4f1c22e09d61" + "0" * 52, "9b1ce04d7a35" + "0" * 52
SECRET = "hunter2-correct-horse"
ACTIONS = ("create", "update", "replace", "delete", "adopt", "forget", "move", "run", "resume", "refused")
EFFECTS = ("none", "hot", "rollout", "downtime")

HOSTILE = (
    "</details>",
    "</summary></details><script>alert(1)</script>",
    "```\n</details>\n```",
    "~~~~",
    "`````` ` ```",
    "@everyone please @org/team",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<https://evil.example>",
    "https://evil.example/?q=1 www.evil.example mail@evil.example",
    "<!-- --> -->",
    "<img src=x onerror=alert(1)>",
    "a|b\\|c\\\\|d|",
    "line one\n\n# heading\n- item\n> quote",
    "\n| a | b |\n|---|---|\n",
    "::error file=x::pwned",
    "##[error]pwned ##vso[task.complete]",
    "\x1b[31mred\x1b[0m\x07\x9b1m",
    "\u202egnp.exe\u2066\u2028\u2029",
    "#1 GH-2 org/repo#3 deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "\ud800 half a sign",
    "日本語の説明 and ümlaut 🚀",
    "&lt;b&gt; &amp; &#64;here",
    "'\"; alert(1); //",
    "{{ constructor }} ${secrets.x}",
    "*bold* _under_ ~~gone~~ $math$ :smile:",
    "",
    "   ",
    "(known after apply)",
    "x" * 3000,
    "many words " * 200,
)
PLAIN = ("info", "debug", "1", "eu", "nginx:1.27", "/srv/app", "worker one", "true", "production")
PATHS = (
    "image",
    "max_instances",
    "instance_type",
    "class_name",
    "constraints.regions",
    "environment_variables.LOG_LEVEL",
    'labels["a.b"]',
    "command",
    "ports.http.port",
    "secrets.TOKEN",
    "rollout_active_grace_period",
)
HAZARDS = (
    ("DELETES_DATA", "blocked"),
    ("PROTECTED", "blocked"),
    ("DOWNTIME", "shown"),
    ("RESTARTS_INSTANCES", "shown"),
    ("ROTATES_SECRET", "shown"),
    ("UNPINNED_IMAGE", "shown"),
)


def line(number: int, column: int = 3) -> PlannedSource:
    """A place in the manifest."""
    return PlannedSource("containers.yaml", number, column)


def plan(*changes: PlannedChange, unchanged: int = 0, **other: Any) -> Plan:
    """A plan of these changes, its summary counted."""
    summary = dict.fromkeys((*ACTIONS, "no_op"), 0)
    for change in changes:
        summary[change.action] += 1
    summary["no_op"] += unchanged
    made = Plan(
        FORMAT_VERSION,
        "0.1.0",
        "shop",
        "production",
        "cloudflare",
        ACCOUNT,
        "2026-11-20T10:00:00Z",
        "2026-11-27T10:00:00Z",
        ManifestStamp("containers.yaml", "ab" * 32),
        StateStamp("lineage-1", 118),
        changes=changes,
        summary=summary,
        allow_needed=tuple(
            f"--allow {hazard.code}:{change.address}"
            for change in changes
            for hazard in change.hazards
            if hazard.severity == "blocked"
        ),
    )
    return replace(made, **other)


def change(
    address: str, action: str = "update", *attributes: PlannedAttribute, **other: Any
) -> PlannedChange:
    """One change; its only step stands in its wave."""
    wave = other.pop("wave", 1)
    requires = other.get("requires", ())
    operations = ("delete", "create") if action == "replace" else (action,)
    made = PlannedChange(
        address,
        address.partition(".")[0],
        f"shop-production-{address.partition('.')[2]}",
        action,
        "none",
        "something changes",
        wave,
        steps=tuple(PlannedStep(operation, wave, requires) for operation in operations),
        source=line(41),
        attributes=attributes,
    )
    return replace(made, **other)


def attribute(path: str, before: Any = None, after: Any = None, **other: Any) -> PlannedAttribute:
    """One attribute, its `how` worked out as the planner does."""
    how = (
        "added" if before is None else "removed" if after is None and not other.get("unknown") else "changed"
    )
    return PlannedAttribute(path, before, after, **{"how": how, "source": line(42, 5), **other})


def image_reference(digest: str) -> str:
    """An image of the shop, deployed by digest."""
    return f"registry.cloudflare.com/{ACCOUNT}/shop-api@sha256:{digest}"


ROLLOUT = {
    "kind": "full_auto",
    "instances": 14,
    "grace_seconds": 60,
    "seconds": 270,
    "longest_seconds": 2940,
    "assumes": "an instance stops in 10 s",
    "steps": [
        {"step": number, "percentage": share, "instances": new, "capacity": capacity}
        | {"seconds": 90, "starts_after": 90 * (number - 1), "ends_after": 90 * number}
        for number, share, new, capacity in ((1, 10, 2, 12), (2, 50, 7, 9), (3, 100, 14, 7))
    ],
}
COST = PlannedCost(
    "USD",
    "2026-11-20",
    CostRange(0.0, 409.11),
    CostRange(0.0, 1081.2),
    (
        CostChange(
            "application.api",
            CostSide(10, 0, "basic", CostRange(0.0, 201.7)),
            CostSide(40, 0, "standard-1", CostRange(0.0, 873.79)),
        ),
    ),
    ("prices of 2026-11-20, 30 days", "always on: all instances, CPU at 100 %"),
)


def shop_plan() -> Plan:
    """A plan as people make them: an image, a secret, a rollout, a replacement, drift, a warning."""
    return plan(
        change(
            "image.api",
            "create",
            attribute("archive", None, "dist/api", source=line(13, 5)),
            attribute("digest", None, f"sha256:{NEW}", source=line(12)),
            reason="new in the manifest",
            source=line(12),
            reach=PlannedReach(2, 1, ("application.api", "application.idle")),
            details={
                "source": "the archive dist/api",
                "digest": f"sha256:{NEW}",
                "size": 43_000_000,
                "files": {"added": ["src/a.py"], "changed": ["src/b.py", "src/c.py"], "removed": []},
                "packages": {"changed": [{"name": "openssl", "before": "3.0.15", "after": "3.0.16"}]},
            },
        ),
        change(
            "secret.stripe-key",
            "update",
            attribute("value", sensitive=True, how="changed", source=line(31)),
            reason="value changes",
            effect="hot",
            hazards=(PlannedHazard("ROTATES_SECRET", "shown", "stripe-key gets a new value"),),
            source=line(31),
        ),
        change(
            "application.jobs",
            "replace",
            attribute("class_name", "Jobs", "JobsV2", forces_replacement=True, source=line(90, 5)),
            reason="class_name cannot be changed in place",
            effect="downtime",
            hazards=(PlannedHazard("DOWNTIME", "shown", "3 running instances stop before new ones start"),),
            source=line(88),
            wave=2,
        ),
        change(
            "application.api",
            "update",
            attribute(
                "image",
                image_reference(OLD),
                unknown=True,
                known_after="image.api",
                expression="${images.api.ref}",
            ),
            attribute("instance_type", "basic", "standard-1", source=line(44, 5)),
            attribute("max_instances", 10, 40, source=line(45, 5)),
            attribute("environment_variables.LOG_LEVEL", "info", "debug", source=line(52, 7)),
            attribute("environment_variables.TRACE", None, "1", source=line(53, 7)),
            attribute("secrets.STRIPE", sensitive=True, how="changed", source=line(55, 7)),
            reason="image, instance_type and 4 more change",
            effect="rollout",
            hazards=(
                PlannedHazard(
                    "RESTARTS_INSTANCES",
                    "shown",
                    "14 running instances are replaced in steps: 10 %, 50 %, 100 %",
                ),
            ),
            requires=("image.api", "secret.stripe-key"),
            details={"rollout": ROLLOUT},
            wave=2,
        ),
        change(
            "application.web",
            "update",
            attribute("max_instances", 8, 5, source=line(61, 5)),
            reason="max_instances changes",
            effect="hot",
            notes=("lowering max_instances from 8 to 5 stops instances beyond it",),
            source=line(58),
            wave=2,
        ),
        unchanged=42,
        drift=(PlannedDrift("application.web", "max_instances", 5, 8, "revert", line(61, 5)),),
        outputs={"api_image": PlannedOutput(image_reference(OLD), None, unknown=True)},
        diagnostics=(
            PlannedDiagnostic(
                "warning", "W014", "LOG_LEVEL=debug in production", "say info", "application.api", line(52, 7)
            ),
        ),
        requests={"reads": 6, "writes": 5, "quota": 1200, "window_seconds": 300},
        cost=COST,
    )


def random_plan(seed: int, changes: int, *, hostile: bool = True, unchanged: int = 0) -> Plan:
    """A random plan of so many changes; the same seed gives the same plan."""
    return _Maker(random.Random(seed), PLAIN + HOSTILE if hostile else PLAIN).plan(changes, unchanged)


def plans(most: int = 60, *, hostile: bool = True) -> st.SearchStrategy[Plan]:
    """Random plans, small ones more often."""
    sizes = st.one_of(st.integers(0, 12), st.integers(0, most))
    return st.builds(
        lambda seed, size: random_plan(seed, size, hostile=hostile), st.integers(0, 2**32 - 1), sizes
    )


class _Maker:
    """Makes plans of a pool of texts."""

    def __init__(self, chance: random.Random, pool: Sequence[str]) -> None:
        self.chance = chance
        self.pool = pool

    def plan(self, count: int, unchanged: int) -> Plan:
        addresses = [self.address(number) for number in range(count)]
        changes = [self.change(address, addresses[:number]) for number, address in enumerate(addresses)]
        changes.sort(key=lambda one: one.wave)
        made = plan(*changes, unchanged=unchanged or self.chance.randrange(100))
        some = self.chance.randrange
        return replace(
            made,
            project=self.text() if some(9) == 0 else "shop",
            environment=self.chance.choice((None, "production", self.text())),
            target=self.chance.choice(("cloudflare", "local")),
            drift=tuple(self.drift(address) for address in addresses[: some(5)]),
            outputs={f"output{number}{self.text()[:9]}": self.output() for number in range(some(4))},
            diagnostics=tuple(self.finding(address) for address in addresses[: some(5)]),
            pending=tuple(PendingStep(one, "create", "2026-11-19", "run") for one in addresses[: some(2)]),
            requests={"reads": some(5000), "writes": some(50), "quota": 1200, "window_seconds": 300},
            cost=self.cost(addresses) if some(3) == 0 else None,
            inputs=RecordedInputs(options={"targets": addresses[: some(3)], "destroy": some(5) == 0}),
        )

    def text(self) -> str:
        return self.chance.choice(self.pool)

    def address(self, number: int) -> str:
        kind = self.chance.choice(("image", "secret", "worker", "application"))
        return f"{kind}.{self.chance.choice(('w', 'api', 'a-long-name'))}{number}"

    def change(self, address: str, earlier: list[str]) -> PlannedChange:
        chance = self.chance
        action = chance.choice(ACTIONS)
        requires = tuple(chance.sample(earlier, min(len(earlier), chance.randrange(3))))
        return change(
            address,
            action,
            *(self.attribute(path, action) for path in chance.sample(PATHS, chance.randrange(6))),
            wave=0 if action in ("forget", "move", "refused") else chance.randrange(1, 6),
            effect=chance.choice(EFFECTS),
            reason=self.text(),
            requires=requires,
            hazards=tuple(PlannedHazard(*one, self.text()) for one in HAZARDS if chance.randrange(12) == 0),
            source=line(chance.randrange(500)),
            notes=(self.text(),) if chance.randrange(6) == 0 else (),
            moved_from="application.old" if action == "move" else None,
            details=self.details(),
            reach=PlannedReach(3, 1, (address, self.text())) if chance.randrange(2) else None,
        )

    def attribute(self, path: str, action: str) -> PlannedAttribute:
        chance = self.chance
        before = None if action == "create" else self.value()
        if chance.randrange(6) == 0:
            return attribute(path, SECRET, SECRET, sensitive=True, source=line(chance.randrange(500)))
        if chance.randrange(6) == 0:
            return attribute(path, before, unknown=True, known_after="image.api0", expression=self.text())
        forced = chance.choice((False, False, None, True))
        return attribute(
            path, before, self.value(), forces_replacement=forced, source=line(chance.randrange(500))
        )

    def value(self) -> Any:
        chance = self.chance
        return chance.choice(
            (
                None,
                True,
                chance.randrange(100),
                self.text(),
                self.text(),
                image_reference(chance.choice((OLD, NEW))),
                [self.text() for _ in range(chance.randrange(4))],
                {self.text() or "key": self.text(), "b": 1},
                [{"name": f"n{number}", "value": self.text()} for number in range(chance.randrange(3))],
            )
        )

    def details(self) -> dict[str, Any]:
        chance = self.chance
        return chance.choice(
            (
                {},
                {},
                {"rollout": ROLLOUT},
                {"files": {"added": [self.text()], "changed": [], "removed": [self.text()]}},
                {"size": 12345, "source": self.text(), "classes": {"created": [self.text()]}},
                {self.text(): self.text(), "list": [self.text(), {"name": self.text(), "version": "1"}]},
            )
        )

    def cost(self, addresses: list[str]) -> PlannedCost:
        chance = self.chance
        sides = [
            CostSide(chance.randrange(50), 0, self.text()[:40], CostRange(0.0, chance.randrange(9_999) / 7))
            for _ in addresses
        ]
        changes = tuple(
            CostChange(one, chance.choice((None, side)), chance.choice((None, side)))
            for one, side in zip(addresses, sides, strict=True)
        )
        before, after = (CostRange(0.0, chance.randrange(10**7) / 7) for _ in "ab")
        currency = chance.choice(("USD", "CHF"))
        return PlannedCost(
            currency, "2026-11-20", before, after, changes, (self.text()[:60],), tuple(addresses[:2])
        )

    def drift(self, address: str) -> PlannedDrift:
        verdict = self.chance.choice(("revert", "keep", "accept"))
        path, who = self.chance.choice(("", *PATHS)), self.text()[: self.chance.randrange(60)]
        return PlannedDrift(address, path, self.value(), self.value(), verdict, changed_by=who)

    def output(self) -> PlannedOutput:
        if self.chance.randrange(3) == 0:
            return PlannedOutput(SECRET, SECRET, sensitive=True)
        return PlannedOutput(self.value(), self.value(), unknown=self.chance.randrange(3) == 0)

    def finding(self, address: str) -> PlannedDiagnostic:
        severity = self.chance.choice(("error", "warning"))
        return PlannedDiagnostic(severity, "W014", self.text(), self.text(), address, line(7))
