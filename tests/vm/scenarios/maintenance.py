"""What comes between `rofs maintenance` and the next protected boot: a transaction that a power cut
has interrupted, emergency mode, and soft reboots, also of a machine with a pending chroot.
"""

from __future__ import annotations

from typing import Dict

from ..disk import Entry, File, Link
from ..probe import UNITS
from ..scenario import MINIMAL_CONF, RARELY, SYSTEM, Scenario
from .commit import FLAGS, interrupted

MOUNTS = ("for d in / /etc /var /home; do findmnt -n -o FSTYPE,OPTIONS --target $d | sed 's/,.*//';"
          " done")
PENDING = ("rofs status; rofs status --json | grep -o '\"reboot_pending\": *[a-z]*';"
           " rofs diff --raw --noheadings --output=CHANGE,PATH /etc")
SOFT_REBOOT = "systemctl soft-reboot && sleep 60"
# With enough files for the switch to last until it is seen.
INTERRUPTED = f"""
echo committed >/etc/hostname
for i in $(seq 300); do echo $i >/etc/many-$i; done
{interrupted("rofs commit --yes /etc/hostname /etc/many-*")}
ls -A /rofs/ro/rofs; cat /rofs/ro/etc/hostname
"""

PROTECTED: Dict[str, str] = {
    **SYSTEM,
    "shadowed": "echo in RAM >/etc/issue",
    "chroot": "rofs chroot sh -c 'echo on flash >/etc/issue; echo new >/usr/local/new'; echo $?",
    "pending": PENDING,
    "soft_reboot": SOFT_REBOOT,
    "pending_after": PENDING,
    "running_after": SYSTEM["running"],
    "failed_after": SYSTEM["failed"],
    "flags_after": FLAGS,
    "content": "cat /etc/issue /rofs/ro/etc/issue /rofs/ro/usr/local/new",
    "maintenance": "rofs maintenance; echo $?",
    "interrupted": INTERRUPTED,
    "flags": FLAGS,
}
# Of the boot that completes the transaction, and reboots before it comes to them.
COMPLETED: Dict[str, str] = {**SYSTEM, "said": "journalctl -b -o cat -u rofs-finish.service"}
MAINTAINED: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "left": "ls -A /rofs",
    "content": "cat /etc/issue /etc/hostname",
    "emergency": "systemctl isolate emergency.target; systemctl is-active emergency.target",
    "reload": "systemctl daemon-reload; find /run/systemd/generator.early -name '*.mount'",
    "mounts_emergency": MOUNTS,
    "status_emergency": "rofs status",
    "back": "systemctl isolate multi-user.target; systemctl is-active multi-user.target",
    "mounts_back": MOUNTS,
    "status_back": "rofs status",
    "running_back": SYSTEM["running"],
    "left_back": "ls -A /rofs",
}
NEXT: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "content": "cat /etc/issue /etc/hostname /usr/local/new",
    "diff": "rofs diff --raw --noheadings --output=CHANGE,PATH /etc/issue /etc/hostname",
    "flags": FLAGS,
    "left": "ls -A /rofs/ro/rofs",
    "maintenance": "rofs maintenance; echo $?",
}
# The boot ends in emergency.target by itself, without a journal and D-Bus.
FAILED: Dict[str, str] = {
    "target": "for t in emergency local-fs multi-user; do"
              " systemctl --quiet is-active $t.target && echo $t; done",
    "status": "rofs status",
    "left": "ls -A /rofs",
    "reload": "systemctl daemon-reload; find /run/systemd/generator.early -name '*.mount'",
    "mounts": MOUNTS,
    "status_after": "rofs status",
}
SOFT: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "soft_reboot": SOFT_REBOOT,
    "status_after": "rofs status",
    "running_after": SYSTEM["running"],
    "failed_after": SYSTEM["failed"],
    "flags_after": FLAGS,
    "mounts_after": MOUNTS,
}
LAST: Dict[str, str] = {"status": "rofs status", "flags": FLAGS, **SYSTEM}

FAILING = "test-failing"
UNIT = f"""\
[Unit]
DefaultDependencies=no
After=systemd-remount-fs.service
Before=local-fs.target
ConditionKernelCommandLine={FAILING}
[Service]
Type=oneshot
ExecStart=/bin/false
"""
FILES: Dict[str, Entry] = {
    f"{UNITS}/{FAILING}.service": File(UNIT),
    f"{UNITS}/local-fs.target.requires/{FAILING}.service": Link(f"../{FAILING}.service"),
}

SCENARIOS = (
    # systemd has soft reboots since version 254.
    Scenario("maintenance", MINIMAL_CONF,
             (PROTECTED, COMPLETED, MAINTAINED, NEXT, FAILED, NEXT, SOFT, LAST), files=FILES,
             routine=RARELY, resets=(2,),
             words=((), (), (), (), (FAILING,), (), (), ())),
)
