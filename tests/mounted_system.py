"""A small system between real mounts: in a mount namespace, booted by its units.

The system lives on a tmpfs and sees the host's /usr. The generator writes its units there, and
`boot` mounts what they say in the order systemd would, with rofs-prepare where it belongs. The
fixture `system` gives one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable

DATA = "[Partition data]\nDevice=LABEL=data\n"
RUNNING_ID = "0123456789abcdef0123456789abcdef"  # a machine-id

TMPFS = "mount -t tmpfs -o mode=0755 sys sys"
BTRFS = """
truncate -s 128M image
mkfs.btrfs -q image
mount -o loop image sys
for name in etc var; do btrfs -q subvolume create sys/$name; done
"""
SETUP = """
mkdir sys
{root}
cp {generator} {prepare} sys
cd sys
mkdir -p -m 0755 etc home proc rofs run usr var dev root
mkdir -m 1777 tmp
links=
for name in bin sbin lib lib64 lib32 libx32; do
    if [ -L /$name ]; then links="$links /$name"; fi
done
[ -z "$links" ] || cp -P $links .
mount --bind /usr usr
mount --bind /dev dev
mount -t proc proc proc
mount -t tmpfs run run
printf 'root:x:0:0::/root:/bin/sh\\nalice:x:1234:5678::/:/bin/sh\\n' > etc/passwd
printf 'root:x:0:\\nstaff:x:4321:\\n' > etc/group
: > etc/fstab
mkdir run/disk
cp ../rofs.conf etc
cp ../boot ../checks run
{lower}
touch -d '2020-02-02 02:02:02.123456789 UTC' etc var home
exec chroot . /bin/sh -eu /run/checks
"""

# What systemd would do, in its order. prepare leaves its exit status in /run/status.
BOOT = r"""
units=/run/units
# What a unit says, in variables: to start a process for each key would take most of the time.
read_unit() {
    where= what= type= options= exist= mount_points= verb= subject=
    while IFS= read -r line; do
        case $line in *%%*) line=$(printf '%s\n' "$line" | sed 's/%%/%/g') ;; esac
        case $line in
        Where=*) where=${line#*=} ;;
        What=*) what=${line#*=} ;;
        Type=*) type=${line#*=} ;;
        Options=*) options=${line#*=} ;;
        AssertPathExists=*) exist="$exist ${line#*=}" ;;
        AssertPathIsMountPoint=*) mount_points="$mount_points ${line#*=}" ;;
        ExecStart=*/rofs-prepare\ *)
            subject=${line##*/rofs-prepare }
            verb=${subject%% *} subject=${subject#* }
            ;;
        esac
    done < "$units/$1"
}
# mounted_on DIRECTORY [TYPE]: whether anything is mounted there, or anything of another type.
mounted_on() {
    while IFS= read -r line; do
        point=${line#* * * * } point=${point%% *}
        case $point in *\\*) point=$(printf '%b' "$point") ;; esac
        [ "$point" = "$1" ] || continue
        line=${line##* - }
        [ "${line%% *}" = "${2:-}" ] || return 0
    done < /proc/self/mountinfo
    return 1
}
# systemd does not take the guard (autofs) for the mount itself.
is_mounted() { mounted_on "$1" autofs; }
# is_canonical PATH: no link is in it.
is_canonical() {
    point=$1
    while [ -n "$point" ]; do
        [ ! -L "$point" ] || return 1
        point=${point%/*}
    done
}
start() {
    read_unit "$1"
    ! is_mounted "$where" || return 0
    for path in $exist; do [ -e "$path" ] || return 1; done
    for path in $mount_points; do mounted_on "$path" || return 1; done
    # systemd refuses a mount point that is not canonical.
    is_canonical "$where" || return 1
    [ -e "$where" ] || mkdir -p "$where"
    mount -t "$type" -o "$options" "$what" "$where"
}
# by_depth UNIT...: those that exist, in the order of their mount points.
by_depth() {
    for u in "$@"; do
        [ -f "$u" ] || continue
        read_unit "$u"
        printf '%s\t%s\n' "$u" "$where"
    done | sort -t '	' -k 2 | cut -f 1
}
generate() { ROFS_LOG=stderr ROFS_ROOT=/ /rofs-generator $units || true; }
pools() {
    cd $units
    start rofs.mount
    start rofs-ro.mount
    for u in $(by_depth rofs-ro-* rofs-rw-*); do start "$u"; done
    for u in rofs-persist-*.mount; do
        [ -f "$u" ] || continue
        read_unit "$u"
        mkdir -p "$where"
        if [ -b "$what" ]; then start "$u"; continue; fi
        # The partition: a directory that stays over the boots of a test.
        flags= IFS=,
        for flag in $options; do
            case $flag in ro | nosuid | nodev | noexec) flags=$flags$flag, ;; esac
        done
        unset IFS
        mount --bind -o "${flags}private" /run/disk "$where"
    done
    cd /
}
# The run that mounts what it prepares; systemd then finds it mounted.
early_mounts() {
    sum=0
    [ ! -f $units/rofs-prepare.service ] || /rofs-prepare ram || sum=$?
    echo $sum > /run/status
}
# What systemd starts for the overlays if one of these is missing.
retry() {
    for path in $(sed -n 's/^ConditionPathExists=|!//p' $units/rofs-prepare-retry.service); do
        [ -e "$path" ] || { /rofs-prepare ram; return; }
    done
}
prepare() {
    : "${sum:=0}"
    runs $units/rofs-prepare-persist-*.service $units/rofs-prepare-rw-*.service
    echo $sum > /run/status
}
runs() {
    for u in "$@"; do
        [ -f "$u" ] || continue
        read_unit "${u##*/}"
        /rofs-prepare "$verb" "$subject" || sum=$?
    done
}
merge() {
    cd $units
    for u in $(by_depth rofs-overlay-*); do
        start "$u" || echo "not mounted: $u"
    done
    runs $units/rofs-prepare-fallback-*.service
    mine=
    for u in local-fs.target.wants/*.mount local-fs.target.requires/*.mount; do
        [ ! -L "$u" ] || mine="$mine ${u##*/}"
    done
    for u in $(by_depth $mine); do
        [ "$u" = tmp.mount ] || start "$u" || echo "not mounted: $u"
    done
    cd /
}
boot() { generate 2>/dev/null; early_mounts; pools; prepare; merge; }
# Everything of a directory that can be seen, without the name: two can be compared.
facts() {
    stat -c '%F %a %u %g %y' "$1"
    getfacl -cpn "$1"
    getfattr -h -d -m - -e hex --absolute-names "$1" | sed '/^#/d;/trusted\.overlay\./d'
}
# The same for all below.
listing() {
    (cd "$1" && find . -printf '%y %m %U %G %T@ %s %p %l\n' | sort &&
        find . -exec getfattr -h -d -m - -e hex {} + | sort)
}
"""

# The type of the fixture system.
System = Callable[..., subprocess.CompletedProcess[str]]


def sections(done: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    """What the checks printed, cut at lines `== NAME`. Fails if a command failed."""
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        if line.startswith("== "):
            found[line[3:]] = []
        elif found and line:
            list(found.values())[-1].append(line)
    return found
