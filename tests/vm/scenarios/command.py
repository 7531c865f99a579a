"""The command, and the two services that tell the truth: on a healthy machine and on a broken one.
"""

from __future__ import annotations

from typing import Dict

from ..disk import Absent, File
from ..scenario import MINIMAL_CONF, ONE, SECTORS, SYSTEM, Scenario
from .fstab import BROKEN as BROKEN_FSTAB

STATUS = "LC_ALL=C.UTF-8 rofs status"
NOBODY = "runuser -u nobody -- env LC_ALL=C.UTF-8"
JOURNAL = "journalctl -b --no-pager -o cat"


# By identifier, not by unit: journald cannot tell the unit of a process that has ended by the time
# it looks.
def verdict(name: str) -> Dict[str, str]:
    """What everybody who tells the truth says at this moment."""
    return {
        f"{name}_status": STATUS,
        f"{name}_json": "rofs status --json",
        f"{name}_verify": "systemctl restart rofs-verify.service",
        f"{name}_failed": SYSTEM["failed"],
        f"{name}_motd": "cat /run/motd.d/rofs",
        f"{name}_journal": f"journalctl --sync; {JOURNAL} -t rofs-verify | tail -n 4",
    }


# What each letter of `rofs diff` stands for, made in this order; `opaque` is the first directory.
CHANGES = """
echo new >/home/added
echo more >>/etc/issue
rm /etc/issue.net
chmod 600 /etc/debian_version
rm /etc/motd && mkdir /etc/motd
rm -r /var/backups && mkdir /var/backups
exec 5<>/etc/profile 5>&-
"""
CHANGED = "/etc/issue /etc/issue.net /etc/debian_version /etc/motd /etc/profile /home /var/backups"
ROWS = "--raw --noheadings --output=CHANGE,TYPE,PATH,NOTE"

# A container whose tree is that of the machine, on an overlay of its own: docker's, in short.
CONTAINER = """
mount -t tmpfs box /mnt && mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/rofs/ro,upperdir=/mnt/upper,workdir=/mnt/work box /mnt/root
mkdir /mnt/root/old
cat >/mnt/root/inside <<'END'
cd /mnt/root && mount --bind . . && cd . && pivot_root . old || exit 99
mount -t proc proc /proc; mount -t tmpfs tmpfs /run; umount -l /old
tell() { echo "== $*"; "$@" 2>&1; echo "exit $?"; }
tell rofs status
tell rofs status --json
tell rofs diff
tell rofs check
mv /etc/rofs.conf /etc/rofs.conf.d /tmp
echo "== NO CONFIGURATION"
tell rofs status
tell rofs diff
tell rofs check
tell rofs plan
tell /usr/lib/rofs/rofs-verify
END
unshare --mount --propagation private --pid --fork --ipc --uts --net sh /mnt/root/inside
umount -R /mnt
"""

# Neither the bus nor PID 1 can be asked.
ALONE = "unshare --mount sh -c 'mount -t tmpfs none /run/dbus &&" \
        " mount --bind /dev/null /run/systemd/private && exec env LC_ALL=C.UTF-8 rofs status'"

HEALTHY: Dict[str, str] = {
    **SYSTEM,
    "diff_idle": f"rofs diff {ROWS}",
    "diff_idle_all": f"rofs diff --all {ROWS}",
    **verdict("healthy"),
    "diff_made": CHANGES,
    "diff": f"rofs diff {ROWS} {CHANGED}",
    "diff_json": "rofs diff --json",
    "diff_unprivileged": f"{NOBODY} rofs diff",
    "diff_nobody_as_root": f"{NOBODY} unshare --user --map-root-user rofs diff",
    "diff_rootless": "unshare --user --map-root-user rofs diff",
    "status_rootless": "unshare --user --map-root-user rofs status",
    "check": "rofs check",
    "check_unprivileged": f"{NOBODY} rofs check",
    "check_root_device": "mkdir -p /etc/rofs.conf.d;"
                         " printf '[Partition self]\\nDevice=LABEL=root\\n"
                         "[Persist /var/local/self]\\nPartition=self\\n'"
                         " >/etc/rofs.conf.d/self.conf; rofs check; rm /etc/rofs.conf.d/self.conf",
    "container": CONTAINER,
    "verify_at_boot": "systemctl show -p ActiveState -p ExecMainStatus rofs-verify.service",
    "verify_blame": "systemd-analyze blame --no-pager | grep -E 'rofs-(verify|watch)'; true",
    "critical": "systemd-analyze critical-chain --no-pager multi-user.target",
    "unprivileged": f"{NOBODY} rofs status",
    "unprivileged_json": f"{NOBODY} rofs status --json",
    "metrics": "rofs status --openmetrics",
    "red": f"TERM=xterm SYSTEMD_PAGER= script -qec '{STATUS}' /dev/null",
    "columns": f"{STATUS} --output=PATH,UNIT --noheadings --raw",
    "plan": "rm -rf /run/planned && rofs plan --output=/run/planned &&"
            " diff -r --no-dereference /run/planned /run/systemd/generator.early &&"
            " find /run/planned | wc -l",
    "plan_unprivileged": f"{NOBODY} rofs plan --output=/tmp/planned &&"
                         " diff -r --no-dereference /tmp/planned /run/systemd/generator.early",
    "timer": "systemctl show -p ActiveState -p SubState rofs-watch.timer",
    # A machine on which nothing happens.
    "idle_before": "journalctl --sync; journalctl -b -u rofs-watch.service -o cat --no-pager;"
                   " awk '{print $7}' /sys/block/vda/stat /sys/block/vdb/stat",
    "idle": "for i in 1 2 3 4 5 6; do systemctl start rofs-watch.service || exit 1; done",
    "idle_after": "sync; journalctl --sync; journalctl -b -u rofs-watch.service -o cat --no-pager;"
                  " awk '{print $7}' /sys/block/vda/stat /sys/block/vdb/stat",
    "bus_down": "systemctl stop dbus.socket dbus.service; " + STATUS,
    "bus_down_unprivileged": f"{NOBODY} rofs status",
    "bus_up": "systemctl start dbus.socket dbus.service",
    "alone": ALONE,
    "sectors_so_far": SECTORS["sectors"],
    "edit": "printf '[Overlay /opt]\\n' >>/etc/rofs.conf; " + STATUS,
    "edit_unprivileged": f"{NOBODY} rofs status",
    "full_made": "size=$(df -k --output=size /rofs | tail -n 1);"
                 " dd if=/dev/zero of=/var/big bs=1K 2>/dev/null"
                 " count=$((size * 965 / 1000 - $(df -k --output=used /rofs | tail -n 1)));"
                 " systemctl start rofs-watch.service",
    **verdict("full"),
    "full_message": "journalctl -b -o cat --no-pager -p crit -t rofs-verify",
    **SECTORS,
}

HEALTHY_CONF = "[Memory]\nSize=48M\n" + MINIMAL_CONF

BROKEN_CONF = """\
[Memory]
Size=48M
[Overlay /var]
[Overlay /etc]
[Overlay /home]
Szie=1M
[Overlay /srv]
[Partition data]
Device=LABEL=data
[Persist /var/local/data]
Partition=data
[Partition gone]
Device=LABEL=gone
Timeout=2s
[Persist /var/local/gone]
Partition=gone
"""

BROKEN: Dict[str, str] = {
    **BROKEN_FSTAB,
    "boot_failed": SYSTEM["failed"],
    "boot_status": STATUS,
    "boot_json": "rofs status --json",
    "boot_unprivileged": f"{NOBODY} rofs status",
    "boot_motd": "cat /run/motd.d/rofs",
    "boot_journal": f"{JOURNAL} -t rofs-verify",
    "boot_alone": ALONE,
    "catalog": "journalctl --update-catalog; journalctl -b -x --no-pager"
               " MESSAGE_ID=3df5f2fcf9c74f4e8cc9c4bb39f1ae0a -n 1",
    # An overlay is unmounted by hand; the timer's service notices by itself.
    "overlay_gone": "umount /srv",
    "overlay_watch": "systemctl start rofs-watch.service; sleep 2;"
                     " for i in $(seq 300); do systemctl list-jobs | grep -q rofs-verify || break;"
                     f" sleep 0.2; done; journalctl --sync; {JOURNAL} -t rofs-verify | tail -n 8",
    **verdict("overlay"),
    "overlay_back": "systemctl start srv.mount",
    # The two-argument forms do not look into fstab.
    "root_rw": "mount -o remount,rw /dev/vda /",
    **verdict("root"),
    "root_ro": "mount -o remount,ro /dev/vda /",
    "covered": "mount -t tmpfs scratch /var/local/data",
    **verdict("covered"),
    "uncovered": "umount /var/local/data",
    "pool_filled": "df -m --output=avail /rofs | tail -n 1; dd if=/dev/zero of=/home/big bs=1M"
                   " count=1 2>/dev/null;"
                   " dd if=/dev/zero of=/var/big bs=256K count=185 2>/dev/null;"
                   " df --output=pcent /rofs",
    "pool_watch": "for i in 1 2 3; do systemctl start rofs-watch.service || exit 1; done;"
                  f" journalctl --sync; {JOURNAL} -t rofs-verify",
    "pool_message": "journalctl -b -x --no-pager MESSAGE_ID=fa0b26375bf94a55baa9979360b7a6a9 -n 1",
    **verdict("pool"),
    "pool_unprivileged": f"{NOBODY} rofs status",
    "pool_emptied": "rm /var/big; systemctl start rofs-watch.service; cat /run/rofs-watch/state",
}

OFF: Dict[str, str] = {
    **SYSTEM,
    "early": "find /run/systemd/generator.early -type f",
    "writable": "touch /new /usr/new /etc/new /var/new",
    "said": "journalctl -b -t rofs-generator -o cat --no-pager",
    "off_status": STATUS,
    "off_json": "rofs status --json",
    "off_plan": "rofs plan | grep -c '^# '",
    "off_check": "rofs check",
    "off_diff": "rofs diff",
    "off_unprivileged": f"{NOBODY} rofs status",
    "off_verify": "/usr/lib/rofs/rofs-verify; echo $?; ls /run/motd.d",
    "off_units": "systemctl list-units --all --plain --no-legend --no-pager 'rofs*'",
}

SCENARIOS = (
    Scenario("command", HEALTHY_CONF, (HEALTHY,), network=True, suites=ONE),
    # With an fstab that cannot be read, too.
    Scenario("broken", BROKEN_CONF, (BROKEN,), suites=ONE, files={
        "/etc/fstab": Absent(), "/etc/fstab/is": File("a directory\n"),
    }),
    Scenario("off", BROKEN_CONF, (OFF,), arguments=("rofs=off",), suites=ONE),
)
