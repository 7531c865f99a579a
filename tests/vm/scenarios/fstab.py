"""fstab files as they are found: written for a normal machine, with every kind of line."""

from __future__ import annotations

from typing import Dict

from ..disk import Entry, File
from ..scenario import EXTREMES, MINIMAL_CONF, ONE, SECTORS, SYSTEM, Scenario
from ..volume import Volume

HOME_UUID = "8c2bd9c5-2f0e-4b5c-8f57-0b6a5b6f3a10"
EFI_UUID = "1234-ABCD"

# What every boot here is asked.
COMMON: Dict[str, str] = {
    **SYSTEM,
    "root": "findmnt -n -o OPTIONS,FS-OPTIONS /",
    "write_root": "touch /new",
    "swaps": "swapon --show=NAME,TYPE --noheadings --raw",
    "gone_wrong": "journalctl -b -p err -o cat --no-pager",
}
EARLY = ("cd /run/systemd/generator.early && find . -printf '%P %y %m %l\\n' | sort &&"
         " find . -type f -print0 | sort -z | xargs -0 sha256sum")
RELOAD: Dict[str, str] = {
    "early_before": EARLY,
    "reload": "systemctl daemon-reload",
    "early_after": EARLY,
    "running_after": "systemctl is-system-running --wait",
}

# A server that was partitioned by the book.
SPLIT_FSTAB = f"""\
# <file system> <mount point> <type> <options> <dump> <pass>
LABEL=root     /         ext4  errors=remount-ro     0 1
LABEL=usr      /usr      ext4  defaults              0 2
LABEL=var      /var      ext4  defaults,noatime      0 2
LABEL=log      /var/log  ext4  defaults,nodev,nosuid 0 2
UUID={HOME_UUID} /home ext4 defaults,nosuid       0 2
LABEL=swap     none      swap  sw                    0 0
tmpfs          /tmp      tmpfs defaults,nosuid,size=40M 0 0
"""
SPLIT: Dict[str, str] = {
    **COMMON,
    "usr": "findmnt -n -o SOURCE,OPTIONS,FS-OPTIONS /usr; touch /usr/new",
    "writable": "touch /etc/new /var/new /home/new /var/log/new /tmp/new /var/local/data/new",
    "lowers": "findmnt -n --list -o TARGET,SOURCE,OPTIONS /rofs/ro/home /rofs/ro/var;"
              " for m in /rofs/ro/home /rofs/ro/var /var/log; do findmnt -n --list -o"
              " TARGET,SOURCE,OPTIONS $m; done",
    "home": "cat /home/alice/notes /rofs/ro/home/alice/notes; ls /rofs/rw/home/upper",
    "var": "cat /var/lib/rofs-lower /rofs/ro/var/lib/rofs-lower",
    "flags": "for m in /home /rofs/overlay/home /var; do"
             " findmnt -n -o OPTIONS --mountpoint $m | tr , '\\n' | grep -x nosuid"
             " || echo suid; done",
    "set_user_id": "for d in /home /var; do cp /usr/bin/id $d/id; chmod 4755 $d/id;"
                   " setpriv --reuid 1234 --clear-groups $d/id -u; done",
    "apt": "apt-get install -y /opt/small.deb && dpkg-query -W rofs-small",
    "tmp": "findmnt -n -b -o SOURCE,SIZE /tmp",
    **RELOAD,
    "sectors": "sync; for d in vda vdc vdd vdf; do"
               " echo $d $(awk '{print $7}' /sys/block/$d/stat); done",
}

# A machine whose fstab has grown over the years.
ODD_FSTAB = """\
PARTUUID=dead-01 /mnt/gone ext4 nofail,x-systemd.device-timeout=3 0 2
LABEL=root / ext4 rw,discard,errors=remount-ro,x-systemd.growfs 0 1
LABEL=home\\040disk /home ext4 defaults,nofail,x-systemd.growfs 0 2
/home/shared /srv none bind 0 0
/var/lib/pictures /media/pictures none bind 0 0
tmpfs /var/cache tmpfs size=8M,mode=0755 0 0
tmpfs /media/my\\040ram tmpfs size=1M 0 0
UUID=1234-ABCD /boot/efi vfat umask=0077 0 1
/dev/disk/by-label/swap none swap sw,pri=5 0 0
/swapfile none swap sw 0 0
/dev/zram0 none swap pri=100,noauto 0 0
this line is not one
"""
ODD_FILES: Dict[str, Entry] = {
    "/etc/fstab": File(ODD_FSTAB),
    "/media/pictures/below": File(""),
    "/media/my ram/below": File(""),
    "/boot/efi/below": File(""),
    "/mnt/gone/below": File(""),
    "/var/lib/pictures/one": File("picture\n"),
    "/home/shared/below": File("of the root\n"),
}
ODD: Dict[str, str] = {
    **COMMON,
    "writable": "touch /etc/new /var/new /home/new /srv/new /var/cache/new /boot/efi/new"
                " '/media/my ram/new' /media/pictures/new /var/local/data/new",
    "srv": "cat /srv/file; ls /rofs/rw/srv/upper; ls /rofs/ro/srv; ls /home/shared",
    "pictures": "cat /media/pictures/one; ls /var/lib/pictures /rofs/rw/var/upper/lib/pictures",
    "zram": "modprobe zram && echo 32M >/sys/block/zram0/disksize && mkswap /dev/zram0 &&"
            " systemctl start dev-zram0.swap && swapon --show=NAME --noheadings",
    # Newer versions have a drop-in that names them, so that they are loaded at least.
    "growfs": "systemctl list-units --state=active,activating,failed --no-legend --plain"
              " --no-pager 'systemd-growfs*'",
    "gone": "systemctl show -p ActiveState --value mnt-gone.mount",
    **RELOAD,
    **SECTORS,
}

# On first use, by hand only, and of disks that are not there.
LATE_FSTAB = """\
LABEL=root / ext4 defaults 0 1
LABEL=home /home ext4 defaults,nofail,x-systemd.automount,x-systemd.idle-timeout=60 0 2
LABEL=absent /srv ext4 noauto,nofail,x-systemd.automount,x-systemd.device-timeout=3 0 2
LABEL=absent2 /media ext4 defaults,x-systemd.device-timeout=3 0 2
LABEL=home /opt ext4 noauto 0 2
LABEL=swap none swap sw 0 0
/swapfile none swap sw 0 0
"""
LATE: Dict[str, str] = {
    **COMMON,
    "writable": "touch /etc/new /var/new /home/new /opt/new /var/local/data/new",
    "home": "cat /home/alice/notes; findmnt -n -o FSTYPE,SOURCE --list /home",
    "opt": "ls /opt",
    "absent": "touch /srv/new; touch /media/new",
    "states": "for u in home.automount srv.automount srv.mount media.mount home.mount; do"
              " echo $u $(systemctl show -p ActiveState --value $u); done",
    "verdict": "rofs status",
    "said": "journalctl -b -t rofs-generator -o cat --no-pager",
    **RELOAD,
    **SECTORS,
}

# No fstab that could be read: the boot of it, in command.py, goes on with other questions.
BROKEN: Dict[str, str] = {
    **COMMON,
    "writable": "touch /etc/new /var/new /home/new /var/local/data/new",
    "said": "journalctl -b -t rofs-generator -o cat --no-pager",
    **SECTORS,
}

SCENARIOS = (
    Scenario("fstab-split", MINIMAL_CONF, (SPLIT,), routine=EXTREMES, files={
        "/etc/fstab": File(SPLIT_FSTAB),
    }, disks=(
        Volume("ext4", label="usr", part="usr"),
        Volume("ext4", label="var", part="var"),
        Volume("ext4", label="log"),
        Volume("ext4", label="home", uuid=HOME_UUID, files={"/alice/notes": File("at home\n")}),
        Volume("swap", label="swap"),
    )),
    Scenario("fstab-odd", MINIMAL_CONF + "[Overlay /srv]\n", (ODD,), files=ODD_FILES, routine=ONE,
             disks=(
                 Volume("ext4", label="home disk", files={"/shared/file": File("shared\n")}),
                 Volume("vfat", label="EFI", uuid=EFI_UUID),
                 Volume("swap", label="swap"),
             )),
    Scenario("fstab-late",
             MINIMAL_CONF + "[Overlay /srv]\n[Overlay /media]\n[Overlay /opt]\n[Root]\nSwap=yes\n",
             (LATE,), routine=ONE,
             # Units by name: of a description the console shows the ends only.
             words=[("systemd.status_unit_format=name",)],
             files={"/etc/fstab": File(LATE_FSTAB), "/swapfile": File("", 0o600)},
             disks=(
                 Volume("ext4", label="home", files={"/alice/notes": File("at home\n")}),
                 Volume("swap", label="swap"),
             )),
)
