from __future__ import annotations

import pytest

from reconciler.render.ips import IpAddress, PortRange, ips_text

PORTS = (PortRange(80, 90, "d", ""),)


@pytest.mark.parametrize(
    ("one", "shown"),
    [
        (
            IpAddress("192.0.2.1", "v4", 32, "d", "p", "deployment.a", "", ()),
            "192.0.2.1/32  v4    deployment.a",
        ),
        (IpAddress("192.0.2.1", "v4", None, "d", "", "", "", ()), "192.0.2.1  v4    deployment d"),
        (
            IpAddress("192.0.2.1", "v4", 32, "", "p", "", "later", ()),
            "192.0.2.1/32  v4    placement p  -      later",
        ),
        (IpAddress("192.0.2.1", "v4", 32, "", "", "", "", ()), "192.0.2.1/32  v4    nobody   -      -"),
        (IpAddress("192.0.2.1", "v4", 32, "", "", "", "", PORTS), "192.0.2.1/32  v4    -        80-90  -"),
    ],
)
def test_who_has_an_address(one: IpAddress, shown: str) -> None:
    assert ips_text([one]).splitlines()[1].startswith(shown)
    assert one.allocated is ("nobody" not in shown)
