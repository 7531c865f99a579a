"""`rofs chroot`: a dist-upgrade of a running machine with little RAM, as one transaction."""

from __future__ import annotations

from typing import Dict

from .. import repository
from ..disk import File
from ..scenario import MINIMAL_CONF, RARELY, SECTORS, SYSTEM, Scenario

# What is on the root apart from transactions, by name and content; times of directories as well.
STATE = ("(cd /rofs/ro &&"
         " find . -path ./rofs -prune -o -printf '%P %y %m %U %G %T@ %n %l\\n' | sort;"
         " find . -path ./rofs -prune -o -type f -print0 | sort -z | xargs -0 md5sum) | md5sum")
RO = "findmnt -rno FS-OPTIONS / | grep -o '^r[ow]'"
DIRECTORY = "/usr/local/lib/test-upgrade"
PREPARE = f"""\
#!/bin/sh -e
mount -o ro LABEL={repository.LABEL} /mnt
echo 'deb [trusted=yes] file:/mnt ./' >/tmp/sources
printf 'Dir::Etc::sourcelist "/tmp/sources";\nDir::Etc::sourceparts "/dev/null";\n' >/tmp/apt.conf
export APT_CONFIG=/tmp/apt.conf DEBIAN_FRONTEND=noninteractive
apt-get -q update
"""
UPGRADE = PREPARE + """\
apt-get -qy -o Dpkg::Options::=--force-confold dist-upgrade </dev/null
apt-get -qy install rofs-account rofs-files
umount /mnt
rm -rf /var/lib/apt/lists/*
"""
# dpkg asks about the file, and rofs about the changes: both on the terminal.
ASKING = f"""\
#!/bin/sh -e
mount -o ro LABEL={repository.LABEL} /mnt
dpkg -i /mnt/rofs-asking_*.deb
umount /mnt
"""
# Not before they are asked: dpkg drops what was typed by then.
ANSWERING = f"""\
#!/bin/sh
answer() {{
    for i in $(seq 100); do
        grep -aq "$1" /run/typescript && break
        sleep 1
    done
    echo "$2"
}}
>/run/typescript
{{ answer 'default=N' y; answer 'to flash?' "$1"; sleep 1; }} |
    script -qefc 'rofs chroot sh {DIRECTORY}/asking' /run/typescript
"""
FAILING = PREPARE + "apt-get -qy install rofs-account rofs-failing\n"


def begun(script: str) -> str:
    """Start it in the background: emulated, it takes longer than a question may."""
    return (f"systemd-run -q --unit=test-chroot -p Type=exec sh -c"
            f" 'rofs chroot sh {DIRECTORY}/{script} >/run/said 2>&1; echo $? >/run/status'")


WAIT = "for i in $(seq 100); do [ ! -e /run/status ] || break; sleep 1; done"

# The power goes while dpkg is at work; nothing is synced.
CUT: Dict[str, str] = {
    **SYSTEM,
    "before": STATE,
    "begun": begun("upgrade"),
    "wait": "for i in $(seq 110); do [ $(grep -c '^Unpacking' /run/said) -ge 5 ] && break; sleep 1;"
            " done",
    "half_way": "grep -c '^Unpacking' /run/said; ls /run/status; ls /rofs/ro/rofs",
    "cut": "echo b >/proc/sysrq-trigger; sleep 60",
}
FIRST: Dict[str, str] = {
    **SYSTEM,
    "verdict": "rofs status",
    "cut_left": "ls /rofs/ro/rofs",
    "before": STATE,
    # A package fails half-way.
    "failing_begun": "rm -f /run/status; " + begun("failing"),
    "failing_1": WAIT, "failing_2": WAIT,
    "failing": "cat /run/status; tail -n 3 /run/said",
    "failing_left": RO,
    # And rofs itself is killed half-way. What either of them has left is looked at once.
    "killed_begun": "rm -f /run/status /run/said; " + begun("upgrade"),
    "killed": "for i in $(seq 100); do grep -q '^Unpacking' /run/said && break; sleep 1; done;"
              " kill -9 $(pgrep -o -x rofs); sleep 5; grep -c Unpacking /run/said; pgrep -x rofs",
    "killed_left": f"{RO}; ls /rofs/ro/rofs; {STATE}",
    # A person answers: once to discard, once to keep.
    **{f"asked_{answer}": f"sh {DIRECTORY}/answering {answer}; echo $?;"
                          f" cat /rofs/ro{repository.ASKED}; {RO}"
       for answer in ("n", "y")},
    "account_in_ram": "useradd --system --no-create-home in-ram",
    "begun": "rm -f /run/status /run/said; awk '{print $7}' /sys/block/vda/stat;"
             + begun("upgrade"),
    **{f"wait_{i}": WAIT for i in range(8)},
    "status": "cat /run/status",
    "said": "cat /run/said",
    "written": "awk '{print $7}' /sys/block/vda/stat",
    "left": f"{RO}; ls /rofs/ro/rofs",
    "live": "systemctl is-system-running --wait; systemctl --failed --no-legend --plain;"
            " systemctl daemon-reload; systemctl restart dbus; systemd-run -q --wait true; echo $?",
    "packages": "dpkg-query --admindir=/rofs/ro/var/lib/dpkg -W"
                " -f '${Version} ${db:Status-Abbrev}\\n'"
                " libc6 systemd dbus bash rofs-account rofs-files",
    "motd": "cat /run/motd.d/rofs",
    "conflict": "rofs commit /etc/passwd",
    "memory": "grep -E 'MemTotal|Shmem:' /proc/meminfo",
    **SECTORS,
}
SECOND: Dict[str, str] = {
    **SYSTEM,
    "packages": "dpkg -l | grep -c '+rofs1'; dpkg --audit",
    "status": "rofs status",
    "account": f"id -u {repository.ACCOUNT}; id -u {repository.SYSUSER};"
               " stat -c %U:%G /usr/share/rofs-account/owned; id in-ram",
    "files": "getfattr -n security.capability --only-values --absolute-names"
             " /usr/bin/rofs-capable | od -An -tx1 | head -n 1;"
             " stat -c %a /usr/bin/rofs-setuid; tty; dpkg-divert --list 'rofs*'",
    "conffile": f"cat {repository.CONFFILE}",
    "updates": "systemctl show -p ConditionResult ldconfig systemd-sysusers systemd-hwdb-update",
    "machine_id": "cat /rofs/ro/etc/machine-id | wc -c; ls /rofs/ro/var/lib/dbus",
    "overlay": "cd /rofs/ro; getfattr -R -h -d -m trusted.overlay usr etc var 2>/dev/null;"
               " find . -path ./rofs -prune -o -path ./dev -prune -o -type c -print",
    "diff": "rofs diff --raw --noheadings --output=CHANGE,PATH /etc",
    **SECTORS,
}

SCENARIOS = (
    Scenario(
        "upgrade", MINIMAL_CONF, (CUT, FIRST, SECOND), routine=RARELY, memory=512, seconds=3000,
        disks=(repository.make_disk,), resets=(1,),
        files={
            f"{DIRECTORY}/upgrade": File(UPGRADE),
            f"{DIRECTORY}/failing": File(FAILING),
            f"{DIRECTORY}/asking": File(ASKING),
            f"{DIRECTORY}/answering": File(ANSWERING),
            repository.ASKED: File("of the administrator\n"),
            repository.CONFFILE: File("# changed by the administrator\n"),
        }),
)
