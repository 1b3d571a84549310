from __future__ import annotations

from reconciler.render.happenings import Happening
from reconciler.render.placements import Placement, placements_text

EVENTS = (Happening("10:00", "Error", "ImagePullError", "no such tag"),)


def placement(*, current: bool = True, events: tuple[Happening, ...] = EVENTS) -> Placement:
    return Placement(
        "p", "application.a", "d", None, "ams02", "failed", current, "2026-11-20T10:00:00Z", events
    )


def test_the_last_event_is_shown_or_all() -> None:
    heads, row = placements_text([placement()], lambda _since: "3 d").splitlines()
    assert heads == "OF             STATE   VERSION  LOCATION  SINCE  LAST EVENT"
    assert row == "application.a  failed  ?        ams02     3 d    Error: ImagePullError: no such…"
    text = placements_text([placement(current=False)], lambda _since: "3 d", with_events=True)
    assert text == (
        "application.a  failed (earlier)  version ?  ams02  since 3 d\n"
        "  p\n"
        "  10:00  Error: ImagePullError: no such tag\n"
    )


def test_where_nothing_is_known_that_is_said() -> None:
    assert placements_text([], lambda _since: "") == "nothing is placed anywhere\n"
    text = placements_text([placement(events=())], lambda _since: "3 d", with_events=True)
    assert text.endswith("  no event is known of it\n")
