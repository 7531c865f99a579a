"""What is asked of a machine of another architecture, in two boots, and what the answers must be.

It is protected, keeps what is committed, and loses the rest.
"""

from __future__ import annotations

import json
import re
from typing import Dict, Iterable, List, Tuple

from vm.machine import Boot
from vm.scenario import SECTORS, SYSTEM

# More than a file offset of 32 bits, and a time of 32 bits, can be.
LARGE_BYTES = 5 * 1024 ** 3
PATHS = "/etc/hostname /var/late /var/large"
CONTENT = ("cat etc/hostname; stat -c '%s %Y' var/large var/late;"
           " tail -c 4 var/large")
EXPECTED = ["committed", f"{LARGE_BYTES} 0", "0 4102444800", "end"]
FIRST: Dict[str, str] = {
    **SYSTEM,
    "verdict": "rofs status --json",
    "change": f"""
echo committed >/etc/hostname
echo forgotten >/var/lib/rofs-lower
touch -d 2100-01-01T00:00Z /var/late
truncate -s {LARGE_BYTES - 4} /var/large
echo end >>/var/large
touch -d @0 /var/large
echo kept >/var/local/data/file
""",
    "changes": "rofs diff",
    "commit": f"rofs commit --yes {PATHS}",
    "flash": f"cd /rofs/ro; {CONTENT}",
    "verdict_after": "rofs status --json",
}
SECOND: Dict[str, str] = {
    **SYSTEM,
    "verdict": "rofs status --json",
    "there": f"cd /; {CONTENT}",
    "others": "cat /var/lib/rofs-lower /var/local/data/file",
    "log": "rofs log",
    **SECTORS,
}
# What is seen, by name, and what it must be.
Rows = Iterable[Tuple[str, object, object]]
# On a slow host, udev needs longer for the console than systemd waits; nobody logs in there.
GETTY = re.compile("tty(S|AMA)0|seri.*Getty|getty", re.IGNORECASE)


def verdict(boot: Boot, name: str = "verdict") -> str:
    """What `rofs status --json` says, if it says anything."""
    return json.loads(boot[name].out or "{}").get("verdict", boot[name].err)


def rows(first: Boot, second: Boot) -> Rows:
    """What the two boots have answered."""
    return [
        ("first protected boot: verdict", verdict(first), "protected"),
        ("first protected boot: system", first["running"].line, "running"),
        ("commit", first["commit"].status, 0),
        ("on flash", first["flash"].out.splitlines(), EXPECTED),
        ("after it: verdict", verdict(first, "verdict_after"), "protected"),
        ("second protected boot: verdict", verdict(second), "protected"),
        ("second protected boot: system", second["running"].line, "running"),
        ("committed", second["there"].out.splitlines(), EXPECTED),
        ("others", second["others"].out.splitlines(), ["on flash", "kept"]),
        ("second protected boot: sectors", set(second["sectors"].out.split()), {"0"}),
    ]


def faults(seen: Rows) -> List[str]:
    """What is not as it must be."""
    return [f"{what}: {was!r}; expected {wanted!r}" for what, was, wanted in seen
            if was != wanted]


def trouble(boots: Iterable[Boot]) -> List[str]:
    """What the consoles say went wrong."""
    return [line for boot in boots for line in boot.trouble if not GETTY.search(line)]
