"""Lowers that the kernel refuses, beside overlays that it takes."""

from __future__ import annotations

from typing import Dict

from ..disk import File
from ..scenario import MINIMAL_CONF, ONE, SECTORS, SYSTEM, Scenario
from ..volume import Volume

FSTAB = """\
LABEL=root / ext4 defaults 0 1
LABEL=SRV /srv vfat defaults 0 0
LABEL=fold /mnt ext4 defaults 0 2
"""

REFUSED: Dict[str, str] = {
    **SYSTEM,
    "said": "journalctl -b -u 'rofs-prepare-*' -p err -o cat --no-pager",
    "kernel": "journalctl -b -k -g overlay -o cat --no-pager",
    "srv": "systemctl show -p ActiveState -p Result rofs-overlay-srv.mount;"
           " systemctl status --no-pager rofs-overlay-srv.mount",
    "mnt": "systemctl show -p ActiveState -p Result rofs-overlay-mnt.mount; findmnt -n -o FSTYPE"
           " /mnt",
    "lower": "cat /rofs/ro/srv/file",
    "writable": "touch /etc/new /var/new /home/new /tmp/new /var/local/data/new",
    "readonly": "touch /srv/new /new",
    **SECTORS,
}

SCENARIOS = (
    Scenario("refused", MINIMAL_CONF + "[Overlay /srv]\n[Overlay /mnt]\n", (REFUSED,),
             routine=ONE,
             files={"/etc/fstab": File(FSTAB)}, disks=(
                 Volume("vfat", "SRV", files={"/file": File("on flash\n")}),
                 # Capable of it: no directory is case-insensitive.
                 Volume("ext4", "fold", arguments=("-O", "casefold", "-E", "encoding=utf8")),
             )),
)
