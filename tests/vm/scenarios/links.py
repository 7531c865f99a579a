"""Declared paths behind symbolic links, overlays in overlays, and a drop-in file."""

from __future__ import annotations

from typing import Dict

from ..disk import Entry, File, Link
from ..scenario import NEWEST, SECTORS, SYSTEM, Scenario

CONF = """\
[Overlay /users]
[Overlay /var]
[Overlay /var/cache]
Size=8M
[Overlay /var/run/x]
[Overlay /srv/nothing]
"""
UNITS = ("usr-users.mount", "var.mount", "var-cache.mount", "etc.mount",
         "rofs-overlay-usr-users.mount", "rofs-overlay-var-cache.mount", "rofs-rw-var-cache.mount")

LINKS: Dict[str, str] = {
    **SYSTEM,
    "said": "journalctl -b -t rofs-generator -o cat --no-pager",
    "early": "ls /run/systemd/generator.early",
    "state": f"systemctl is-active {' '.join(UNITS)}",
    "write": "for d in /users /var /var/cache /etc; do echo new >$d/new && cat $d/new; done",
    "lower": "cd /rofs/ro; ls usr/users/new var/new var/cache/new etc/new",
    "upper": "cd /rofs/rw; ls usr/users/upper/new var/cache/upper/new var/upper/new etc/upper/new",
    "links": "readlink /users /var/run; cat /users/notes",
    "fill": "LC_ALL=C dd if=/dev/zero of=/var/cache/big bs=1M count=20; rm /var/cache/big;"
            " dd if=/dev/zero of=/var/big bs=1M count=20 && echo room",
    **SECTORS,
}
FILES: Dict[str, Entry] = {
    "/etc/rofs.conf.d/10-etc.conf": File("[Overlay /etc]\n"),
    "/users": Link("/usr/users"),
    "/usr/users/notes": File("moved\n"),
}

SCENARIOS = (
    Scenario("links", CONF, (LINKS,), files=FILES,
             routine=NEWEST),
)
