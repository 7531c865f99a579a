"""Boots into rescue and emergency mode, in which rofs stands aside unless it is told not to."""

from __future__ import annotations

from typing import Dict

from ..scenario import MINIMAL_CONF, NEWEST, ONE, SECTORS, Scenario

# No D-Bus and no journal in emergency.target: what needs neither.
RECOVERY: Dict[str, str] = {
    "running": "systemctl is-system-running",
    "target": "for t in rescue emergency multi-user; do"
              " systemctl --quiet is-active $t.target && echo $t; done",
    "mounts": "findmnt --json --list -o TARGET,SOURCE,FSTYPE,OPTIONS",
    "units": "systemctl list-units --all --plain --no-legend --no-pager 'rofs*'",
    "early": "find /run/systemd/generator.early -type f",
    "said": "dmesg | grep -o 'rofs-generator.*'",
    "status": "rofs status",
    "diff": "rofs diff",
    "writable": "for f in /new /usr/new /etc/new /var/new /home/new; do"
                " touch $f 2>/dev/null && echo $f; done",
    **SECTORS,
}

# What switches rofs off, and the target that it boots into. The other words that do are compared
# in the same place; tests/unit/test-bootmode.c has them all.
WORDS = {
    "emergency": "emergency",
    "single": "rescue",
}
PROTECTED = ("single", "rofs=on")

SCENARIOS = (
    Scenario("recovery", MINIMAL_CONF, [RECOVERY] * (1 + len(WORDS)),
             words=[PROTECTED, *((word,) for word in WORDS)], routine=ONE),
    # With systemd.unit=rescue.target the scenario "dracut" boots on the newest ones.
    Scenario("recovery-newest", MINIMAL_CONF, [RECOVERY] * 2, words=[PROTECTED, ("emergency",)],
             suites=NEWEST),
    # What emergency.target is like on a machine that has never heard of rofs.
    Scenario("recovery-control", "", (RECOVERY,), words=[("emergency",)], rofs=False, suites=ONE),
)
