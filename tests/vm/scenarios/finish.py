"""What a power cut has left of a transaction over two file systems; and one that cannot be
completed, until somebody removes it in a maintenance boot.
"""

from __future__ import annotations

from typing import Dict

from ..disk import File
from ..scenario import ENDS, MINIMAL_CONF, RARELY, SYSTEM, Scenario
from ..volume import Volume
from .commit import FLAGS, interrupted

FSTAB = "LABEL=root / ext4 errors=remount-ro 0 1\nLABEL=home /home ext4 defaults 0 2\n"
LEFT = "ls -A /rofs/ro/rofs; echo; ls -A /rofs/ro/home/.rofs"
INTERRUPTED = f"""
echo committed >/etc/hostname; echo committed >/home/alice/notes; rm /home/alice/gone
{interrupted("rofs commit --yes /etc/hostname /home/alice")}
"""
# No record that rofs has written.
DAMAGE = """
mkdir -m 0700 /rofs/commit && echo damaged >/rofs/commit/record
ls /rofs; cat /rofs/commit/record
"""
OTHERS = """
echo lost >/etc/lost
rofs commit --yes /etc/lost; echo $?
rofs chroot true; echo $?
rofs undo --yes; echo $?
rofs maintenance; echo $?
"""

CUT: Dict[str, str] = {
    **SYSTEM,
    "interrupted": INTERRUPTED,
    "left": LEFT,
    "flags": FLAGS,
}
UNFINISHED: Dict[str, str] = {**SYSTEM, "left": LEFT}
FINISHED: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "content": "cat /etc/hostname /home/alice/notes; ls /home/alice",
    "diff": "rofs diff --raw --noheadings --output=CHANGE,PATH /etc/hostname /home/alice",
    "left": LEFT,
    "flags": FLAGS,
    "said": "journalctl -b -o cat --no-pager -u rofs-finish-home.service",
    "maintenance": "rofs maintenance; echo $?",
}
DAMAGED: Dict[str, str] = {**SYSTEM, "status": "rofs status", "damage": DAMAGE}
STUCK: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "said": "journalctl -b -o cat --no-pager -u rofs-finish.service",
    "others": OTHERS,
    "left": LEFT,
    "flags": FLAGS,
}
REPAIRED: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "record": "cat /rofs/commit/record",
    "remove": "rm -r /rofs/commit; ls /rofs",
}
AFTER: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "commit": "echo kept >/etc/kept; rofs commit --yes /etc/kept; echo $?",
    "flags": FLAGS,
}

SCENARIOS = (
    Scenario("finish", MINIMAL_CONF,
             (CUT, UNFINISHED, FINISHED, DAMAGED, STUCK, REPAIRED, AFTER),
             files={"/etc/fstab": File(FSTAB)}, suites=ENDS, routine=RARELY, resets=(2,),
             disks=(Volume("ext4", label="home", files={
                 "/alice/notes": File("on flash\n"), "/alice/gone": File("on flash\n")}),)),
)
