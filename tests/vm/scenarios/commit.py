"""Changes that are kept: what rofs commit does on a machine that is at work, and when it is cut
off; and the boot for maintenance.

The parts of the scenario "minimal" that come after its first boot are here, too. The test module
reads the answers.
"""

from __future__ import annotations

from typing import Dict

from ..disk import Entry, File, Link
from ..probe import UNITS
from ..scenario import MINIMAL_CONF, RARELY, SYSTEM, Scenario

# What each change is made to.
FILES: Dict[str, Entry] = {
    "/etc/kept/deleted": File("on flash\n"),
    "/etc/kept/mode": File("on flash\n"),
    "/etc/kept/type": File("on flash\n"),
    "/etc/kept/written": File("on flash\n"),
    "/var/kept/directory/old": File("on flash\n"),
    "/var/kept/replaced/old": File("on flash\n"),
    "/home/user/other": File("on flash\n"),
}

# The file systems and the directories that nobody may be able to write to while another process
# can.
CLOSED = ("/", "/usr", "/boot", "/rofs/ro", "/rofs/ro/etc", "/rofs/ro/var")
# Tries to, and says at its end how often it has tried, and where it could.
LEAK = r"""
$SIG{TERM} = sub {
    open my $said, ">", "/run/leaks" or die;
    print $said "$tries\n", map { "$_\n" } sort keys %written;
    exit;
};
for (;;) {
    for (@ARGV) { $tries++; $written{$_} = 1 if open my $file, ">", "$_/leak" }
    select undef, undef, undef, 0.002;
}
"""
# Holds what lies in the lowers, as services do: files and directories that are open or locked, and
# the directory that it is in.
HOLD = r"""
for (qw(/etc/kept/deleted /etc/kept/mode /etc/kept/type /etc/kept/written /var/kept/directory/old
        /home/user/notes)) {
    open my $file, "<", $_ or die "$_: $!";
    readline $file;
    flock $file, 1;
    push @held, $file;
}
for (qw(/var/kept/directory /var/kept/replaced /etc/kept)) {
    opendir my $directory, $_ or die "$_: $!";
    push @held, $directory;
}
chdir "/var/kept/directory" or die $!;
open my $ready, ">", "/run/held" or die $!;
sleep 1 while 1;
"""
START = f"""
cat >/run/leak.pl <<'END'
{LEAK}
END
cat >/run/hold.pl <<'END'
{HOLD}
END
systemd-run --quiet --unit=leak perl /run/leak.pl {" ".join(CLOSED)}
systemd-run --quiet --unit=hold perl /run/hold.pl
systemd-run --quiet --unit=stand -p WorkingDirectory=/var/kept/replaced sleep infinity
for i in $(seq 300); do [ -e /run/held ] && break; sleep 0.2; done
systemctl is-active leak hold stand
"""
# The service's own process is asked, since / may be a writable overlay in its name space.
STOP = "systemctl stop leak; cat /run/leaks"

# One line of fstab for / on each suite: what it says must not matter.
CHANGE = r"""
set -e
. /etc/os-release
case ${VERSION_CODENAME:-sid} in
bullseye) sed -i 's/^LABEL=root .*/LABEL=root \/ ext4 ro 0 1/' /etc/fstab ;;
bookworm) sed -i 's/^LABEL=root .*/LABEL=root \/ ext4 rw,errors=remount-ro 0 1/' /etc/fstab ;;
trixie) sed -i '/^LABEL=root /d' /etc/fstab ;;
*) sed -i 's/^LABEL=root .*/LABEL=root \/ ext4 defaults 0 1/' /etc/fstab ;;
esac
echo committed >/etc/hostname
cd /etc/kept
rm deleted
chmod 0604 mode
chown 7:8 mode
rm type
mkdir type
echo committed >type/file
echo committed >>written
setfattr -n trusted.test -v text written
cd /var/kept
rm -r directory
mkdir directory
echo committed >directory/new
mv replaced/old replaced/new
mkdir -p tree/deep
cp /bin/sleep tree/program
cp -L "$(ldd /bin/ls | grep -o '/[^ ]*libselinux[^ ]*')" tree/library.so
echo committed >tree/deep/file
ln tree/deep/file tree/hard
ln -s deep tree/link
truncate -s 1M tree/sparse
mkfifo tree/fifo
echo committed >/home/user/notes
setfacl -m user:1:r /home/user/notes
rm /home/user/other
"""
PATHS = "/etc/hostname /etc/fstab /etc/kept /var/kept /home/user"

# What every program sees: all but the number of links of directories, which changes when the
# dentries are dropped.
MERGED = """
find /etc /home /var/kept /var/lib/dpkg -printf '%p %y %m %U:%G %T@ %l ' \\
    \\( -type d -o -printf '%s' \\) -printf '\\n' | sort
find /etc /home /var/kept -type f -print0 | sort -z | xargs -0 md5sum
find /etc/kept /var/kept /home -print0 | sort -z | xargs -0 getfacl -n -p
"""
# All of the root file system, with every inode's number and its time of change; but for the
# directory of transactions.
TREE = ("cd /rofs/ro && find . -xdev -path ./rofs -prune -o"
        " -printf '%P\\t%y %m %U:%G %i %s %T@ %C@ %l\\n' | sort >{}")
OTHERS = TREE.format("/run/tree") + r"""
diff /var/local/data/tree /run/tree | sed -n 's/^[<>] \([^\t]*\)\t.*/\1/p' | sort -u
"""
# Mount flags and those of the file system.
FLAGS = ("for m in / /rofs/ro; do findmnt -n -o OPTIONS,FS-OPTIONS --mountpoint $m; done |"
         " tr -s ' ' | sed 's/,[^ ]*//g'")
REFUSED = f"LC_ALL=C; for d in {' '.join(CLOSED)}; do touch $d/new; done; ls -d /leak /new"
LEFT = "ls -A /rofs/ro/rofs | sed 's/[0-9]*$//' | sort -u"
ROWS = "--raw --noheadings --output=CHANGE,PATH"
CONTENT = r"""
cd "$1"
cat etc/hostname etc/kept/written etc/kept/type/file var/kept/directory/new var/kept/replaced/new \
    var/kept/tree/deep/file var/kept/tree/hard home/user/notes
stat -c '%n %a %u:%g' etc/kept/mode
getfattr -n trusted.test --only-values etc/kept/written; echo
getfacl -n -c home/user/notes | grep user:1
readlink var/kept/tree/link
stat -c '%n %h %s' var/kept/tree/hard var/kept/tree/sparse
stat -c '%n %F' var/kept/tree/fifo
cmp var/kept/tree/program /bin/sleep && echo same program
ls etc/kept/deleted home/user/other var/kept/directory/old var/kept/replaced/old 2>/dev/null
"""


def content(directory: str) -> str:
    """Asks for all that was changed, below a directory."""
    return f"set -- {directory}\n{CONTENT}"


COMMIT: Dict[str, str] = {
    "commit_start": START,
    "commit_tree": TREE.format("/var/local/data/tree"),
    "commit_change": CHANGE,
    "commit_merged": MERGED,
    "commit_dry_run": f"rofs commit --dry-run --yes {PATHS}",
    "commit_dry_flash": "cat /rofs/ro/etc/hostname; " + LEFT,
    "commit_paths": "rofs commit --yes /etc/hostname /etc/fstab /etc/kept",
    "commit_paths_flash": "cd /rofs/ro; cat etc/hostname home/user/notes etc/kept/written",
    "commit_all": "rofs commit --all --yes",
    "commit_merged_after": MERGED,
    "commit_flags": FLAGS,
    "commit_leaks": STOP,
    "commit_refused": REFUSED,
    "commit_held": "systemctl is-active hold stand",
    "commit_flash": content("/rofs/ro"),
    "commit_diff": f"rofs diff {ROWS} {PATHS}",
    "commit_status": "rofs status",
    "commit_again": f"rofs commit --yes {PATHS}; echo $?",
    "commit_log": "rofs log",
    "commit_left": LEFT,
    "commit_running": SYSTEM["running"],
    # Made afterwards: they are not kept.
    "commit_lost": "echo lost >/etc/lost; echo lost >/home/user/lost",
}

# A program that runs from flash, with a library and in a directory of it: all are replaced.
RUNS = """
systemd-run --quiet --unit=program -p Environment=LD_PRELOAD=/var/kept/tree/library.so \\
    -p WorkingDirectory=/var/kept/tree/deep /var/kept/tree/program infinity
maps=/proc/$(systemctl show -P MainPID program)/maps
for i in $(seq 300); do grep -q tree/library $maps && break; sleep 0.2; done
grep -o 'kept/tree/.*' $maps | sort -u
cd /var/kept/tree
for name in program library.so; do echo "another $name" >new && mv -f new $name; done
rm -r deep && mkdir deep && echo another >deep/file
cd /
rofs commit --yes /var/kept/tree; echo $?
systemctl is-active program
cd /rofs/ro/var/kept/tree && cat program library.so deep/file
"""
# The command and its guard die in a window, and nothing is left that could close it but the service
# that a timer starts: the verdict before and after that.
ORPHAN = r"""
superblock() { findmnt -n -o FS-OPTIONS --mountpoint /rofs/ro | grep -o '^r[ow]'; }
verdict() { rofs status --json | grep -o '"verdict".*'; rofs status | grep writable; }
rofs chroot sleep 1000 >/dev/null 2>&1 &
for i in $(seq 300); do pgrep -x sleep -a | grep -q 1000 && break; sleep 0.2; done
pkill -STOP '^rofs'; pkill -KILL '^rofs'
superblock; verdict
systemctl start rofs-watch.service
for i in $(seq 300); do [ "$(superblock)" = ro ] && break; sleep 0.2; done
superblock; verdict
systemctl is-failed rofs-restore.service rofs-watch.service
"""
COMMITTED: Dict[str, str] = {
    **SYSTEM,
    "root": "findmnt -n -o OPTIONS,FS-OPTIONS /",
    "write": "touch /new",
    "others": OTHERS,
    "content": content("/"),
    "lost": "ls /etc/lost /home/user/lost",
    "status": "rofs status",
    "diff": f"rofs diff {ROWS} {PATHS}",
    "flags_before": FLAGS,
    "fstab": "grep -o '^LABEL=root .*' /etc/fstab",
    "runs": RUNS,
    "flags": FLAGS,
    "log": "rofs log",
    "orphan": ORPHAN,
    "restored": "journalctl -b -u rofs-restore.service -o cat --no-pager",
    "maintenance": "rofs maintenance",
    "mark": "ls -A /rofs/ro/rofs | grep maintenance; rofs status",
    "flags_after": FLAGS,
    "writable": "touch /etc/new /var/new /home/new /var/local/data/new",
}

MAINTENANCE: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "json": "rofs status --json",
    "early": "find /run/systemd/generator.early -name '*.mount'",
    "mark": "ls -A /rofs",
    "writable": "for d in / /usr /etc /var /home; do touch $d/new && echo $d; done",
    "replaced": "cat /var/kept/tree/program /var/kept/tree/library.so /var/kept/tree/deep/file",
    "commit": "rofs commit --all --yes",
    "reload": "systemctl daemon-reload; find /run/systemd/generator.early -name '*.mount'",
    "reloaded": "for d in / /etc /var /home; do findmnt -n -o FSTYPE,OPTIONS --target $d; done",
    "running_after": SYSTEM["running"],
    "status_after": "rofs status",
}

# Many files, so that each part of a commit takes a while. The last one is switched half-way.
MANY, HALF_WAY = 150, 55
# It is killed with so many files staged, and so often after the switch. In the switch it is killed
# last: until the next boot, no other commit begins.
STAGING = tuple(range(0, MANY - 10, 10))
CLEANING = 6
# Runs a commit, and kills it in one of its parts. Or says how many milliseconds it takes from the
# switch to its end. What an earlier one has staged is still there when it begins.
KILLER = r"""
my ($part, $moment, @command) = @ARGV;
my $base = "/rofs/ro/rofs";
sub names { opendir my $directory, $_[0] or return; grep !/^\./, readdir $directory }
sub staged { -e "$base/staging/slots" ? scalar names("$base/staging/slots") : -1 }
sub kept { (sort { $b <=> $a } map { /^kept\.(\d+)$/ } names($base))[0] // 0 }
sub content { open my $file, "<", $_[0] or return ""; readline $file }
sub is_switched { content("/rofs/ro$_[0]") eq content($_[0]) }
sub ms { 1000 * (split " ", content("/proc/uptime"))[0] }
sub pause { select undef, undef, undef, $_[0] }
sub is_writable { open my $file, "<", "/proc/self/mountinfo"; grep m{ /rofs/ro .* rw\b}, <$file> }
my ($left, $kept) = (staged(), kept());
my $is_begun;
my %reached = (
    start => sub { 1 },
    window => \&is_writable,
    staging => sub { ($is_begun ||= $left < 0 || staged() < $left) && staged() >= $moment },
    switch => sub { -e "$base/commit" && is_switched($moment) },
    cleaning => sub { kept() > $kept },
);
my $pid = fork // die $!;
if (!$pid) {
    open STDOUT, ">", "/dev/null";
    open STDERR, ">&", \*STDOUT;
    exec @command;
}
sub await {
    until ($reached{$_[0]}()) { return if waitpid $pid, 1; pause(0.001) }
    return 1;
}
if ($part eq "measure") {
    await("cleaning");
    my $begin = ms();
    waitpid $pid, 0;
    printf "%d\n", ms() - $begin;
    exit($? != 0);
}
my $is_there = await($part);
pause($moment / 1000) if $part eq "cleaning";
kill KILL => $pid if $is_there;
waitpid $pid, 0 if $is_there;
print $is_there && $? == 9 ? "killed" : "ended";
"""
# A round's line: part, moment, its number, what became of it, whether the file system is read-only
# again, and how many files on flash say which number. All files have its number before.
ROUND = f"""
cd /var/many || exit
on_flash() {{ (cd /rofs/ro/var/many && cat * | sort | uniq -c | tr -s ' \\n' ' '); }}
is_rw() {{ findmnt -n -o FS-OPTIONS --mountpoint /rofs/ro | grep -q '^rw'; }}
write() {{
    round=$(($(cat /run/round) + 1))
    echo $round >/run/round
    for i in $(seq {MANY}); do echo $round >$i; done
}}
commit() {{ perl /run/kill.pl "$@" rofs commit --yes /var/many; }}
round() {{
    write
    killed=$(commit $1 $2) again=rw
    for i in $(seq 300); do is_rw || {{ again=ro; break; }}; sleep 0.1; done
    test ! -e /rofs/ro/rofs/commit || killed=marked
    echo "$1 $2 $round $killed $again $(on_flash)"
}}
"""
KILL_CLEANING = f"""
cat >/run/kill.pl <<'END'
{KILLER}
END
cat >/run/round.sh <<'END'
{ROUND}
END
echo 0 >/run/round
. /run/round.sh
write
takes=$(commit measure 0) || exit
# On a busy host, one takes ten times as long as another. After one that has ended, the moments are
# closer to each other.
step=$((takes / {CLEANING})) moment=0 kills=0
for i in $(seq {2 * CLEANING}); do
    round cleaning $moment
    moment=$((moment + step))
    test $killed = killed && kills=$((kills + 1)) || step=$((step / 2)) moment=0
    test $kills -lt {CLEANING} || break
done
"""
KILL_STAGING = f"""
. /run/round.sh
round start 0
round window 0
for files in {" ".join(map(str, STAGING))}; do round staging $files; done
"""
# Once, unless the switch is over before it is seen.
KILL_SWITCH = f"""
. /run/round.sh
for try in 1 2 3; do
    test -e /rofs/ro/rofs/commit || round switch /var/many/{HALF_WAY}
done
"""
# It is killed while it waits for the medium to have the mark. A filter of system calls is no way to
# do that: rofs exchanges two names as a trial before.
AFTER_MARK = r"""
for (1 .. 40000) { last if -e "/rofs/ro/rofs/commit"; select undef, undef, undef, 0.001 }
kill KILL => $ARGV[0];
"""


def interrupted(command: str) -> str:
    """Runs a transaction that leaves its mark, on a file system that is read-only again."""
    return f"""
{command} >/dev/null 2>&1 &
perl -e '{AFTER_MARK}' $!
wait $! 2>/dev/null
for i in $(seq 50); do
    findmnt -n -o FS-OPTIONS --mountpoint /rofs/ro | grep -q '^ro' && break
    sleep 0.1
done
"""


LOCKED_OUT = "ls /rofs/ro/rofs; rofs commit --yes /var/many; echo $?"
CRASH = "sync; echo b >/proc/sysrq-trigger; sleep 60"
MANY_ON_FLASH = "cd /rofs/ro/var/many && cat * | sort | uniq -c | tr -s ' '"

# Two seconds before a timer is due, which is set by the clock.
TIMER_MINUTE = 7
TIMER = f"""
echo timed >/srv/file
now=$(date +%s)
hour=$((now / 3600))
test $((now % 3600)) -lt {TIMER_MINUTE * 60 - 5} || hour=$((hour + 1))
date -s "@$((hour * 3600 + {TIMER_MINUTE * 60} - 2))"
for i in $(seq 100); do test -e /rofs/ro/srv/file && break; sleep 1; done
cat /rofs/ro/srv/file
for i in $(seq 300); do
    test "$(systemctl show -P ActiveState rofs-commit-srv.service)" = inactive && break
    sleep 0.2
done
systemctl show -P Result rofs-commit-srv.service
"""

CUT: Dict[str, str] = {
    **SYSTEM,
    "kill_cleaning": KILL_CLEANING,
    "kill_staging": KILL_STAGING,
    "kill_switch": KILL_SWITCH,
    "locked_out": LOCKED_OUT,
    "status": "rofs status",
    "flags": FLAGS,
    "crash": CRASH,
}
# Asked only if that boot goes on, which it should not.
UNFINISHED: Dict[str, str] = {
    **SYSTEM,
    "said": "journalctl -b -o cat --no-pager -u 'rofs-finish*'; ls /rofs/ro/rofs",
}
FINISHED: Dict[str, str] = {
    **SYSTEM,
    "many": MANY_ON_FLASH,
    "left": LEFT,
    "status": "rofs status",
    "diff": f"rofs diff {ROWS} /var/many",
    "flags": FLAGS,
    "timer": TIMER,
    "cancel": "rofs maintenance; rofs maintenance --cancel; echo $?; ls /rofs/ro/rofs",
    "maintenance": "rofs maintenance; echo $?; ls /rofs/ro/rofs",
    "at_shutdown": "echo at shutdown >/home/user/notes; cat /rofs/ro/home/user/notes",
    "flags_after": FLAGS,
}
PROTECTED_AGAIN: Dict[str, str] = {
    **SYSTEM,
    "status": "rofs status",
    "left": LEFT,
    "timed": "cat /rofs/ro/srv/file",
    "at_shutdown": "cat /rofs/ro/home/user/notes",
    "diff": f"rofs diff {ROWS} /home /srv",
    "flags": FLAGS,
}
CUT_CONF = MINIMAL_CONF.replace("[Overlay /home]\n", f"""\
[Overlay /home]
CommitAt=shutdown
[Overlay /srv]
CommitAt=*:{TIMER_MINUTE:02}
""")
# The power goes in a boot for maintenance, before and after the mark is removed.
CRASH_UNIT = """\
[Unit]
DefaultDependencies=no
After=systemd-remount-fs.service
{order}=rofs-maintenance.service
Before=local-fs.target
ConditionKernelCommandLine=test-crash={order}
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo b >/proc/sysrq-trigger; sleep 60'
"""
CUT_FILES: Dict[str, Entry] = {
    **{f"/var/many/{number}": File("on flash\n") for number in range(1, MANY + 1)},
    **{f"{UNITS}/test-crash-{order}.service": File(CRASH_UNIT.format(order=order))
       for order in ("Before", "After")},
    **{f"{UNITS}/local-fs.target.wants/test-crash-{order}.service":
       Link(f"../test-crash-{order}.service") for order in ("Before", "After")},
}

SCENARIOS = (
    Scenario("commit-cut", CUT_CONF,
             (CUT, UNFINISHED, FINISHED, MAINTENANCE, MAINTENANCE, PROTECTED_AGAIN),
             files=CUT_FILES, routine=RARELY, resets=(1, 2, 4, 5),
             words=((), (), (), ("test-crash=Before",), ("test-crash=After",), ())),
)
