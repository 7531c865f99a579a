"""A machine with the minimal rofs.conf and what an administrator does first with it.

The test modules read the answers.
"""

from __future__ import annotations

import re
from typing import Dict, List, Tuple

from ..disk import Entry, File
from ..probe import Section
from ..scenario import ENDS, EXTREMES, MINIMAL_CONF, NO_NETWORK, ONE, SECTORS, SYSTEM, Scenario
from ..volume import Volume
from . import commit

OVERLAYS = ("var", "etc", "home")
OUR_UNITS = ("rofs.mount", "rofs-ro.mount", "rofs-overlay-var.mount", "rofs-overlay-etc.mount",
             "rofs-overlay-home.mount", "rofs-persist-data.mount", "var.mount", "etc.mount",
             "home.mount", "var-local-data.mount", "tmp.mount")

# The services that run in each boot with the minimal rofs.conf.
SERVICES = ("rofs-prepare.service", "rofs-verify.service", "rofs-watch.service",
            "systemd-fsck@dev-disk-by\\x2dlabel-data.service")

# The first files that are copied up from each lower: their attributes are set with the capabilities
# that the overlay was mounted with.
PRIVILEGED = """
for directory in /etc /var/lib /home/user; do
    cd $directory && file=$(find . -maxdepth 1 -type f -size +0 | sort | tail -n 1) &&
        chown 7:8 $file && chmod 6755 $file && touch -d @0 $file &&
        setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 $file &&
        mknod node c 1 3 && chown 9:9 node &&
        stat -c '%u:%g %a %Y' $file && getfattr -n security.capability -e hex $file | tail -n 2
done
"""
# What is after a limit, here a short one, and after the next start.
HANG = """
cd /run/systemd/system && mkdir rofs-verify.service.d
printf '[Service]\\nTimeoutStartSec=2s\\nExecStartPre=/bin/sleep infinity\\n' \\
    >rofs-verify.service.d/hang.conf
systemctl daemon-reload
systemctl restart rofs-verify 2>/dev/null
systemctl show -P Result rofs-verify; systemctl is-system-running
rm -r rofs-verify.service.d
systemctl daemon-reload
systemctl restart rofs-verify
systemctl show -P Result rofs-verify; systemctl is-system-running
"""

UNIT_STATES = "\n".join(
    f"systemctl show --no-pager -p Id -p ActiveState -p FragmentPath -p Result {unit}; echo"
    for unit in OUR_UNITS)

EARLY_TEXT = """
cd /run/systemd/generator.early || exit
find . -printf '%P %y %m %l\\n' | sort
find . -type f -print0 | sort -z | xargs -0 sha256sum
"""


def permissions(name: str) -> str:
    """Asks for mode, owner, ACL and attributes of a lower root and of the merged one.

    What xfs shows of its own ACLs as attributes is left out: it is none of the merged root.
    """
    return f"""
for directory in /rofs/ro/{name} /{name}; do
    cd "$directory"
    echo "== $directory"
    stat -c '%a %u:%g' .
    getfacl -p -n .
    getfattr -h -d -m - -e hex . | grep -v ^trusted.SGI_ACL_
done
"""


def both_permissions(section: Section) -> Tuple[str, str]:
    """The answers to `permissions`: of the lower root and of the merged one."""
    _, lower, merged = re.split("^== .*\n", section.out, flags=re.MULTILINE)
    return lower, merged


MINIMAL_FIRST: Dict[str, str] = {
    **SYSTEM,
    "status": "systemctl status --no-pager 'rofs-*.mount'",
    "units": UNIT_STATES,
    "machine_id": (
        "cat /etc/machine-id; cat /run/machine-id;"
        " busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1"
        " org.freedesktop.DBus.Peer GetMachineId | tr -d '\"' | cut -d' ' -f2"
    ),
    "machine_id_lower": "stat -c %s /rofs/ro/etc/machine-id",
    "machine_id_mode": "stat -c %a /etc/machine-id; findmnt -n /etc/machine-id",
    "journal": "for kind in '' -k; do journalctl -b $kind --no-pager -o cat | wc -l; done",
    "journal_files": "ls /var/log/journal",
    **{f"permissions_{name}": permissions(name) for name in OVERLAYS},
    "writable": "touch /etc/new /var/new /home/new /tmp/new && rm /tmp/new",
    "tmp": "stat -c %a /tmp; findmnt -n -o FSTYPE /tmp",
    "readonly_root": "touch /new",
    "readonly_usr": "touch /usr/new",
    "closed": "runuser -u nobody -- ls /rofs",
    "rofs_mode": "stat -c %a /rofs",
    "change": (
        "echo changed >/etc/hostname; echo changed >/var/lib/rofs-lower;"
        " echo changed >/home/user/notes; rm /etc/hosts"
    ),
    "merged": "cat /etc/hostname /var/lib/rofs-lower /home/user/notes; test ! -e /etc/hosts",
    "lower": "cd /rofs/ro; cat etc/hostname var/lib/rofs-lower home/user/notes etc/hosts",
    "lower_new": "ls -d /rofs/ro/etc/new /rofs/ro/var/new /rofs/ro/home/new",
    "lower_write": "touch /rofs/ro/var/new",
    "upper": "cd /rofs/rw; cat etc/upper/hostname var/upper/lib/rofs-lower home/upper/user/notes",
    "persist": "echo kept >/var/local/data/file; sync; cat /rofs/persist/data/file",
    "logind": "loginctl list-sessions --no-pager && systemctl is-active systemd-logind",
    "dbus": "busctl --no-pager list | grep -c org.freedesktop.login1; systemctl is-active dbus",
    "log": "logger -t rofs-test hello; journalctl --sync; journalctl -b -t rofs-test -o cat",
    "cron": "systemctl is-active cron",
    "timer": "for i in $(seq 60); do test -e /var/lib/ticked && exit 0; sleep 0.5; done; exit 1",
    "state": "cat /var/lib/test/file /var/lib/private/test-dynamic/file",
    "dhcp": "ip -4 -o addr show eth0; cat /etc/resolv.conf",
    "useradd": (
        "useradd -m -s /bin/bash tester && id -un tester && stat -c %U /home/tester &&"
        " runuser -u tester -- touch /home/tester/file"
    ),
    "apt": (
        "apt-get install -y /opt/small.deb && cat /etc/rofs-small.conf /var/lib/rofs-small/data"
        " && dpkg-query -W rofs-small && test -e /var/lib/rofs-small/configured"
    ),
    "early_before": EARLY_TEXT,
    "reload": "systemctl daemon-reload",
    "early_after": EARLY_TEXT,
    "units_after": UNIT_STATES,
    "running_after": "systemctl is-system-running --wait",
    "edit": (
        "printf '[Overlay /srv]\\n' >>/etc/rofs.conf; printf '[Overlay /opt]\\n' >/etc/new.conf;"
        " printf 'tmpfs /home tmpfs size=1M 0 0\\n' >>/etc/fstab; systemctl daemon-reload"
    ),
    "early_edited": EARLY_TEXT,
    "units_edited": UNIT_STATES,
    "running_edited": "systemctl is-system-running --wait",
    "privileged": PRIVILEGED,
    **{f"security_{i}": f"systemd-analyze security --no-pager '{unit}' | tail -n 1"
       for i, unit in enumerate(SERVICES)},
    "limits": "for unit in '" + "' '".join(SERVICES) + "'; do"
              " systemctl show -P TimeoutStartUSec \"$unit\"; done",
    "watch": "systemctl start rofs-watch; systemctl show -P Result rofs-watch;"
             " journalctl -b -o cat -p err -u rofs-watch -u rofs-verify",
    "hang": HANG,
    "load": "dd if=/dev/zero of=/var/load bs=1M count=100 && sync && stat -c %s /var/load",
    **SECTORS,
}

MINIMAL_SECOND: Dict[str, str] = {
    **SYSTEM,
    "forgotten": "cat /etc/hostname /var/lib/rofs-lower /home/user/notes /etc/hosts",
    "gone": "ls -d /etc/new /var/new /home/new /home/tester /var/load /etc/rofs-small.conf",
    "kept": "cat /var/local/data/file",
    "machine_id": "cat /etc/machine-id",
    "persist_journal": "journalctl -b -u var-local-data.mount -u rofs-persist-data.mount -o cat",
    **SECTORS,
    **commit.COMMIT,
}

POOLS_CONF = """\
[Memory]
Size=48M
[Overlay /var]
[Overlay /etc]
[Overlay /home]
Size=16M
Options=nosuid,nodev
[Overlay /srv]
Size=8M
StartEmpty=/srv/scratch
[Overlay /opt]
"""

POOLS: Dict[str, str] = {
    **SYSTEM,
    "permissions_opt": permissions("opt"),
    "home_options": "findmnt -n -o OPTIONS /home",
    "start_empty": "ls -A /srv/scratch; ls -A /rofs/ro/srv/scratch; cat /srv/kept/file",
    "sizes": "findmnt -n -b --list -o TARGET,SIZE /rofs /rofs/rw/home /rofs/rw/srv;"
             " for m in /rofs /rofs/rw/home /rofs/rw/srv; do"
             " stat -f -c \"$m %S %b\" $m; done",
    "fill_own": "LC_ALL=C dd if=/dev/zero of=/home/big bs=1M count=100",
    "after_own": "touch /etc/still /var/still && dd if=/dev/zero of=/var/some bs=1M count=4"
                 " && cat /var/still && touch /srv/still",
    "running_own": "systemctl is-system-running",
    "fill_shared": "LC_ALL=C dd if=/dev/zero of=/var/big bs=1M count=100",
    "full_shared": "LC_ALL=C; printf 'more text\\n' >>/var/another; df /var | tail -n 1",
    "running_full": "systemctl is-system-running",
    "alive_full": "systemctl is-active systemd-logind dbus cron systemd-journald &&"
                  " loginctl list-sessions --no-pager && systemctl start test-tick.service;"
                  " systemctl daemon-reload && touch /srv/other",
    "freed": "rm /var/big && echo more text >/var/another && cat /var/another",
    **SECTORS,
}
POOLS_FILES: Dict[str, Entry] = {
    "/srv/scratch/old": File("on flash\n"),
    "/srv/kept/file": File("on flash\n"),
}

USR: Dict[str, str] = {
    **SYSTEM,
    "apt": "apt-get install -y /opt/hello.deb && hello && dpkg-query -W hello",
    "lower": "ls /rofs/ro/usr/bin/hello",
    **SECTORS,
}

CONTROL: Dict[str, str] = {
    **SYSTEM,
    "writable": "touch /etc/new || touch /var/new || touch /home/new",
    **SECTORS,
}

Mistake = Tuple[str, bytes, int]
RIGHT = "no mistake"

# (name, text, the line of it that is wrong counted from 1; 0: any of its lines will do). Each
# text but the first begins with a header, which ends what a refused header has poisoned.
MISTAKES: List[Mistake] = [
    ("key before any section", b"Size=10M\n", 1),
    (RIGHT, f"{MINIMAL_CONF}Directory=/data\n".encode(), 0),
    ("NUL byte", b"[Overlay /srv/nul]\nSize=1\0M\n", 2),
    ("invalid UTF-8", b"[Overlay /srv/utf]\nSize=\xff\xfeM\n", 2),
    ("line too long", b"[Overlay /srv/long]\nSize=" + b"1" * 5000 + b"\n", 2),
    ("text after the bracket", b"[Overlay /opt] more\n", 1),
    ("missing equals sign", b"[Overlay /srv/equals]\nSize\n", 2),
    ("relative path", b"[Overlay srv]\n", 1),
    ("dot dot", b"[Overlay /srv/../usr]\n", 1),
    ("root", b"[Overlay /]\n", 1),
    *((f"API path {path}", f"[Overlay {path}]\n".encode(), 1)
      for path in ("/proc", "/sys/fs", "/dev", "/run/x", "/rofs")),
    *((f"overlay path with {character}", f"[Overlay /srv/a{character}b]\n".encode(), 1)
      for character in ",:\\\"%' \x01"),
    ("overlay path over 200 bytes", b"[Overlay /srv/" + b"p" * 200 + b"]\n", 1),
    ("overlay below a persist", b"[Overlay /var/local/data/below]\n", 0),
    ("section twice", b"[Overlay /media]\n[Overlay /media]\n", 2),
    ("key twice", b"[Overlay /mnt]\nSize=1M\nSize=2M\n", 3),
    ("path declared twice", b"[Overlay /srv/both]\n[Persist /srv/both]\nPartition=data\n"
                            b"Directory=/both\n", 0),
    ("unknown partition", b"[Persist /var/local/other]\nPartition=dta\nDirectory=/other\n", 0),
    ("shared directory", b"[Persist /var/local/again]\nPartition=data\nDirectory=/data\n", 0),
    ("directory below another one",
     b"[Persist /var/local/below]\nPartition=data\nDirectory=/data/below\n", 0),
    ("no directory on a partition that others use",
     b"[Persist /var/local/whole]\nPartition=data\n", 0),
    ("directory outside the partition",
     b"[Persist /var/local/out]\nPartition=data\nDirectory=/../..\n", 3),
    ("persist below a persist",
     b"[Persist /var/local/data/deeper]\nPartition=data\nDirectory=/deeper\n", 0),
    ("format of what has data", b"[Partition named]\nDevice=LABEL=data\nType=ext4\nFormat=yes\n",
     4),
    ("format without a type", b"[Partition untyped]\nDevice=/dev/vdc\nFormat=yes\n", 3),
    ("unused partition", b"[Partition spare]\nDevice=LABEL=spare\n", 0),
    ("unknown key", b"[Overlay /srv/key]\nSiez=1M\n", 2),
    ("unknown section", b"[Overlya /srv/section]\n", 1),
    ("bad size", b"[Overlay /srv/size]\nSize=large\n", 2),
    ("bad boolean", b"[Root]\nTmp=perhaps\n", 2),
    ("relative directory", b"[Persist /var/local/relative]\nPartition=data\nDirectory=rel\n", 3),
    ("relative start-empty", b"[Overlay /srv/start]\nStartEmpty=cache\n", 2),
]


def mistakes_conf() -> Tuple[bytes, List[Tuple[str, range]]]:
    """rofs.conf with what is right after the first of all mistakes; where each mistake is.

    The positions are (name, the lines of the file of which one must be named).
    """
    text = b""
    positions = []
    for name, chunk, wrong in MISTAKES:
        if name == RIGHT:
            text += chunk
            continue
        first = text.count(b"\n") + 1
        lines = chunk.count(b"\n")
        where = range(first + wrong - 1, first + wrong) if wrong else range(first, first + lines)
        positions.append((name, where))
        text += chunk
    return text, positions


MISTAKES_TEXT, MISTAKES_POSITIONS = mistakes_conf()
# Only a look at the device tells that this is one too.
FOREIGN_LINE = MISTAKES_TEXT.count(b"\n") + 1
MISTAKES_TEXT += b"""\
[Partition foreign]
Device=/dev/vdc
Type=ext4
Format=yes
Timeout=90s
[Persist /var/foreign]
Partition=foreign
"""
RIGHT_LINES = range(2, 2 + MINIMAL_CONF.count("\n"))

MISTAKEN: Dict[str, str] = {
    **{name: SYSTEM[name] for name in ("running", "failed", "journal_trouble", "mounts")},
    "said": "journalctl -b -t rofs-generator -o cat --no-pager",
    "writable": "touch /etc/new /var/new /home/new /var/local/data/new",
    "early": "ls /run/systemd/generator.early",
    "format_said": "journalctl -b -u rofs-format-foreign.service -o cat --no-pager",
    "foreign": "touch /var/foreign/new",
    **SECTORS,
}

SCENARIOS = (
    Scenario("minimal", MINIMAL_CONF,
             (MINIMAL_FIRST, MINIMAL_SECOND, commit.COMMITTED, commit.MAINTENANCE),
             # The DHCP client is asked for once. In the third, the initramfs mounts / writable.
             words=((), (NO_NETWORK,), (NO_NETWORK, "rw"), (NO_NETWORK,)),
             files=commit.FILES, network=True),
    Scenario("pools", POOLS_CONF, (POOLS,), files=POOLS_FILES, suites=ENDS,
             routine=ONE),
    Scenario("usr", MINIMAL_CONF + "[Overlay /usr]\n", (USR,), routine=EXTREMES),
    Scenario("mistakes", MISTAKES_TEXT, (MISTAKEN,), suites=ENDS, routine=ONE,
             disks=(Volume("vfat", "DATA", files={"/file": File("not to be lost\n")}),)),
    Scenario("control", "", (CONTROL,), rofs=False,
             files={"/etc/fstab": File("LABEL=root / ext4 ro 0 1\n"),
                    "/etc/network/interfaces": File("auto lo\niface lo inet loopback\n")},
             suites=ENDS, routine=ONE),
)
