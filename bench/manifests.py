"""Texts of manifests in the sizes that are measured."""

from __future__ import annotations

from bench.graphs import Graph

PROJECT = "bench"
ACCOUNT = "b" * 32

_HEAD = f"version: 1\nproject: {PROJECT}\naccount_id: {ACCOUNT}\n"


def estate(applications: int, *, changed: bool = False, archive: str = "") -> str:
    """Applications of thirteen lines each, with a hundredth as many images and workers.

    `changed`: one of them differs. `archive`: the images come from an OCI layout, not from the registry.
    """
    groups = max(1, applications // 100)
    lines = [_HEAD, "images:"]
    source = f"archive: {archive}" if archive else ""
    lines += [f"  image-{at:03d}: {{{source or f'image: {image_name(at)!r}'}}}" for at in range(groups)]
    lines.append("workers:")
    for at in range(groups):
        lines += [
            f"  worker-{at:03d}:",
            f"    main: worker-{at:03d}.js",
            '    compatibility_date: "2026-10-01"',
        ]
        lines += ["    vars:", "      LOG_LEVEL: info", "    workers_dev: false"]
    lines.append("applications:")
    for at in range(applications):
        lines += _application(at, at % groups, 6 if changed and at == applications // 2 else 5)
    return "\n".join(lines) + "\n"


def every_one_changed(applications: int, *, alike: bool) -> str:
    """The estate with a change in each application: the same in all, or with a variable of its own, told one by one."""
    lines = estate(applications).replace("max_instances: 5", "max_instances: 6").splitlines()
    if alike:
        return "\n".join(lines) + "\n"
    mark = "      SERVICE: app-"
    own = (f"\n      OWN_{line.removeprefix(mark)}: added" if line.startswith(mark) else "" for line in lines)
    return "\n".join(map("".join, zip(lines, own, strict=True))) + "\n"


def modules(applications: int) -> dict[str, str]:
    """The worker modules that an estate of so many applications names, by file."""
    groups = max(1, applications // 100)
    return {
        f"worker-{group:03d}.js": "".join(
            [
                "import { Container } from './container.js'\n",
                *(
                    f"export class App{at:05d} extends Container {{}}\n"
                    for at in range(group, applications, groups)
                ),
                "export default { fetch() { return new Response('bench') } }\n",
            ]
        )
        for group in range(groups)
    } | {"container.js": "export class Container {}\n"}


def image_name(at: int) -> str:
    """An image in Cloudflare's registry, by its tag."""
    return f"{PROJECT}-image-{at:03d}:1.0"


def _application(at: int, group: int, max_instances: int) -> list[str]:
    return [
        f"  app-{at:05d}:",
        f"    image: ${{images.image-{group:03d}}}",
        f"    worker: worker-{group:03d}",
        f"    class_name: App{at:05d}",
        "    instance_type: standard-1",
        f"    max_instances: {max_instances}",
        "    rollout_step_percentage: [10, 50, 100]",
        "    constraints:",
        "      regions: [WEUR, EEUR]",
        "    environment_variables:",
        "      LOG_LEVEL: info",
        f"      SERVICE: app-{at:05d}",
        f"    labels: {{team: team-{group:03d}}}",
    ]


def secrets(graph: Graph) -> str:
    """Account secrets, the cheapest resource there is: one request makes one."""
    lines = [_HEAD, "secrets:"]
    for name, waits_for in graph.items():
        lines += [f"  {name}:", "    from: {env: BENCH_SECRET}", "    targets: [account]"]
        if waits_for:
            lines.append(f"    depends_on: [{', '.join(f'secret.{other}' for other in waits_for)}]")
    return "\n".join(lines) + "\n"


def applications(count: int) -> str:
    """Applications that run by themselves, all of one image."""
    lines = [_HEAD, "applications:"]
    for at in range(count):
        lines += [f"  r{at:05d}:", f"    image: {image_name(0)}", "    max_instances: 1"]
    return "\n".join(lines) + "\n"
