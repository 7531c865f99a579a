"""The probe: what is run inside a booted system, and how its words come out exactly.

The image gets a service that starts after the target the machine boots into, runs one shell
snippet per section and writes a line for each to the second serial port. It is of Type=simple, so
that its start job is done at once: `systemctl is-system-running --wait` inside a section does not
wait for itself. It outlives `systemctl isolate`; when a section makes a soft reboot it goes on with
the next one afterwards.
"""

from __future__ import annotations

import base64
import dataclasses
from typing import Dict, List, Mapping, Sequence, Tuple

from .disk import Entry, File, Link

DIRECTORY = "/usr/local/lib/test-probe"
UNITS = "/usr/local/lib/systemd/system"
SECTION_TIMEOUT_SECONDS = 300

TARGETS = ("multi-user.target", "rescue.target", "emergency.target")

# Without default dependencies: these would pull all of sysinit.target into emergency.target.
UNIT = f"""\
[Unit]
Description=Test probe
DefaultDependencies=no
After={" ".join(TARGETS)}
Conflicts=shutdown.target
Before=shutdown.target
IgnoreOnIsolate=yes
[Service]
Type=simple
ExecStart={DIRECTORY}/run
TimeoutStopSec=5
"""

# Nobody is there to give a password, or to leave the shell.
NO_SHELL = """\
[Service]
ExecStart=
ExecStart=-/bin/sleep infinity
"""

# base64 because a serial line is neither 8-bit clean nor free of the terminal's newline handling.
# As few programs as possible: under emulation, starting each takes longer than most answers.
RUN = f"""\
#!/bin/bash
exec 3>/dev/ttyS1
stty -F /dev/ttyS1 raw -echo
boot=$(sed -n 's/.*test-probe=\\([0-9]*\\).*/\\1/p' /proc/cmdline)
[ "$boot" ] || read -r boot </sys/class/dmi/id/product_serial
work=/run/test-probe
mkdir -p "$work"
echo "HELLO $boot" >&3
for snippet in {DIRECTORY}/"$boot"/*; do
    name=${{snippet##*/}}
    test ! -e "$work/$name" || continue
    : >"$work/$name"
    begin=$EPOCHREALTIME
    timeout -k 5 {SECTION_TIMEOUT_SECONDS} bash "$snippet" \\
        >"$work/out" 2>"$work/err" </dev/null
    status=$?
    end=$EPOCHREALTIME
    said= complained=
    [ ! -s "$work/out" ] || said=$(base64 -w0 "$work/out")
    [ ! -s "$work/err" ] || complained=$(base64 -w0 "$work/err")
    printf 'SECTION %s %s %s O%s E%s\\n' "${{name#*-}}" $status \\
        $(((${{end/[.,]/}} - ${{begin/[.,]/}}) / 1000)) "$said" "$complained" >&3
done
echo DONE >&3
systemctl --no-block poweroff
"""


@dataclasses.dataclass(frozen=True)
class Section:
    """What one snippet said: exit status (124: it took too long), time, stdout, stderr."""

    name: str
    status: int
    milliseconds: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"{self.name}: status {self.status}\n{self.out}{self.err}"

    @property
    def line(self) -> str:
        """stdout without blanks at its ends."""
        return self.out.strip()


Snippets = Mapping[str, str]


def probe_files(boots: Sequence[Snippets]) -> Dict[str, Entry]:
    """The files that make an image run `boots[0]` in its first boot, `boots[1]` in its second.

    Which boot it is the kernel command line says (see `probe_argument`). Sections run in the
    order of the mapping.
    """
    files: Dict[str, Entry] = {
        f"{DIRECTORY}/run": File(RUN, 0o755),
        f"{UNITS}/test-probe.service": File(UNIT),
        **{f"{UNITS}/{target}.wants/test-probe.service": Link("../test-probe.service")
           for target in TARGETS},
        **{f"{UNITS}/{shell}.service.d/no-shell.conf": File(NO_SHELL)
           for shell in ("rescue", "emergency")},
    }
    for number, snippets in enumerate(boots, start=1):
        for order, (name, snippet) in enumerate(snippets.items()):
            if "-" in name or "/" in name or " " in name:
                raise ValueError(f"section name {name!r}: letters, digits and _ only")
            files[f"{DIRECTORY}/{number}/{order:03}-{name}"] = File(snippet + "\n")
    return files


def probe_argument(boot: int) -> str:
    """The kernel argument that selects the snippets of boot 1, 2, ..."""
    return f"test-probe={boot}"


def loader_argv(boot: int) -> List[str]:
    """QEMU's arguments that say the same where the kernel command line is the boot loader's."""
    return ["-smbios", f"type=1,serial={boot}"]


def parse(text: str) -> Tuple[Dict[str, Section], bool]:
    """The sections of the serial port's output, by name, and whether the probe finished."""
    sections = {}
    finished = False
    for line in text.replace("\r", "").split("\n"):
        words = line.split(" ")
        if words[0] == "SECTION" and len(words) == 6:
            name, status, milliseconds = words[1], int(words[2]), int(words[3])
            out, err = (base64.b64decode(w[1:]).decode(errors="replace") for w in words[4:6])
            sections[name] = Section(name, status, milliseconds, out, err)
        finished = finished or words[0] == "DONE"
    return sections, finished
