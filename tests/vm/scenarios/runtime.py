"""What an administrator may do to a running machine: reload, stop, isolate, soft-reboot."""

from __future__ import annotations

from typing import Dict

from ..scenario import ENDS, MINIMAL_CONF, NEWEST, SECTORS, SYSTEM, Scenario

# Whether everything is still in its place, with what was changed before.
STATE = """
for path in /etc /var /home /tmp /rofs /rofs/ro /rofs/overlay/var /var/local/data; do
    # The last: below a partition is its guard.
    findmnt -n -o TARGET,SOURCE,FSTYPE --mountpoint "$path" | tail -n 1 | grep . ||
        echo "$path: nothing mounted"
done
cat /etc/changed /var/changed /home/changed /var/local/data/changed /rofs/ro/etc/hostname
touch /etc/new /var/new /home/new /var/local/data/new && echo writable
touch /new 2>/dev/null || echo read-only
"""

# What PID 1 logs of units of ours as if their conditions were not met. Up to 249 it gives only the
# description, which begins with the path.
SKIPPED = ("journalctl -b -o cat --no-pager | grep -E"
           " 'Condition check resulted in (rofs|[a-z-]+\\.mount|/)|^(rofs|[a-z-]+\\.mount).* was"
           " skipped' | grep -vE ' (dev|sys|proc)-'")

# Something that keeps /var busy, as a database does, and something that needs it.
BUSY = """
systemd-run --quiet --unit=busy sh -c 'exec 3>>/var/held; while sleep 1; do date >&3; done'
systemd-run --quiet --unit=needy -p RequiresMountsFor=/var/lib -p RequiresMountsFor=/home \\
    sleep infinity
sleep 1; systemctl is-active busy needy
"""
SERVICES = "systemctl is-active busy needy systemd-journald systemd-logind cron dbus"

# What may not be stopped by hand, since it would take the machine's changes with it.
LAYERS = ("var.mount", "etc.mount", "home.mount", "rofs.mount", "rofs-ro.mount",
          "rofs-overlay-var.mount", "rofs-overlay-home.mount", "rofs-prepare.service")


def by_hand(verb: str) -> str:
    """Asks systemd to stop or restart each layer."""
    return "\n".join(
        f"timeout 60 systemctl {verb} {unit} && echo {unit} was allowed to {verb}"
        for unit in LAYERS)


# A medium is pulled, while a program has a file open, and put back. Nobody starts anything but the
# service that a timer starts else, and at once: that asks for the mounts, as the start of any
# service does.
HOLD = "sh -c 'exec 3>>/var/local/data/held; echo held >&3; exec sleep infinity' &"
PULL = r"""
verdict() { rofs status --json | grep -o '"verdict".*'; }
shown() { findmnt -n -o SOURCE,FSTYPE --mountpoint "$1" | tail -n 1; }
dead() { grep -c " $disk " /proc/1/mountinfo; }
disk=$(readlink -f /dev/disk/by-label/data)
sync; echo 1 >"$(readlink -f /sys/block/${disk##*/}/device/..)/remove"
systemctl start rofs-watch.service
for i in $(seq 100); do
    [ "$(dead)" = 0 ] && break
    sleep 0.2
done
shown /var/local/data; dead
(echo lost >/var/local/data/lost) 2>/dev/null || echo /var/local/data: refused
(echo lost >/etc/kept) 2>/dev/null || echo /etc/kept: refused
verdict
echo 1 >/sys/bus/pci/rescan
for i in $(seq 300); do
    [ "$(shown /etc/kept)" ] && systemctl is-active --quiet rofs-verify.service && break
    sleep 0.2
done
verdict; cat /var/local/data/changed /etc/kept
"""

CHANGE = "for d in /etc /var /home /var/local/data; do echo changed >$d/changed; done"

ROUND: Dict[str, str] = {
    **SYSTEM,
    "skipped": SKIPPED,
    "change": CHANGE,
    "busy": BUSY,
    "before": STATE,
    "reexec": "systemctl daemon-reexec",
    "after_reexec": STATE,
    "stop": by_hand("stop"),
    "after_stop": STATE,
    "services_after_stop": SERVICES,
    "restart": by_hand("restart"),
    "after_restart": STATE,
    "services_after_restart": SERVICES,
    "running_restart": SYSTEM["running"],
    "rescue": "systemctl isolate rescue.target; systemctl is-active rescue.target",
    "after_rescue": STATE,
    "emergency": "systemctl isolate emergency.target; systemctl is-active emergency.target",
    "after_emergency": STATE,
    "back": "systemctl isolate multi-user.target; systemctl is-active multi-user.target",
    "after_back": STATE,
    "running_back": SYSTEM["running"],
    "soft_reboot": "systemctl soft-reboot && sleep 60",
    "after_soft_reboot": STATE,
    "ids": "cat /etc/machine-id /run/machine-id",
    "busy_soft_reboot": "systemctl is-active busy",
    "running_soft_reboot": SYSTEM["running"],
    "failed_soft_reboot": SYSTEM["failed"],
    **SECTORS,
}

# A directory on the partition, so that there is a helper between the partition and the persist.
CONF = MINIMAL_CONF + "Directory=/kept\n"

SCENARIOS = (
    Scenario("runtime", CONF, (ROUND,),
             routine=ENDS),
    Scenario("pulled", CONF + "[Persist /etc/kept]\nPartition=data\nDirectory=/file\nKind=file\n",
             ({**SYSTEM, "change": CHANGE + "; echo kept >/etc/kept", "hold": HOLD,
               "pull_1": PULL, "pull_2": PULL,
               "after_pull": STATE},),
             # On bookworm, the scenario "missing" pulls a medium.
             suites=ENDS, routine=NEWEST),
)
