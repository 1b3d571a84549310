from __future__ import annotations

import pytest

from reconciler.render.graph import render_dot, render_mermaid, render_text
from tests.render.plans import HOSTILE

EDGES = {"image.api": [], 'application.w["eu"]': ["image.api"]}
ACTIONS = {"image.api": "create", 'application.w["eu"]': "no_op"}


def test_text_says_who_waits_for_whom() -> None:
    assert render_text(EDGES) == 'image.api\napplication.w["eu"]\n  waits for image.api\n'


def test_text_says_what_a_plan_does() -> None:
    assert render_text(EDGES, ACTIONS).startswith("+ image.api: create\napplication.w")


def test_dot_labels_what_changes() -> None:
    assert render_dot(EDGES, ACTIONS).splitlines()[3:-1] == [
        '  "image.api" [label="image.api\\ncreate"];',
        '  "application.w[\\"eu\\"]" [label="application.w[\\"eu\\"]"];',
        '  "application.w[\\"eu\\"]" -> "image.api";',
    ]


def test_mermaid_draws_the_same() -> None:
    assert render_mermaid(EDGES, ACTIONS) == (
        'flowchart RL\n  n0["image.api<br/>create"]\n  n1["application.w#91;#34;eu#34;#93;"]\n  n1 --> n0\n'
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_stays_a_name(text: str) -> None:
    assert len(render_mermaid({text: []}).splitlines()) == 2
    assert render_mermaid({text: []}).count('"') == 2
    inside = render_dot({text: []}).splitlines()[3].replace("\\\\", "").replace('\\"', "")
    assert inside.count('"') == 4
