"""What a machine does whose power is cut, and what it is asked afterwards; see vm/powercut.py."""

from __future__ import annotations

import random
from typing import Dict

from ..disk import Entry, File, Link
from ..scenario import ONE, SYSTEM, Scenario

DIRECTORY = "/usr/local/lib/test-powercut"
APP = "/var/lib/app"
# Nothing else on the partition has this name: the write that carries it is the one that counts.
APP_NAME = "populated"
TREE_DIRECTORIES, TREE_FILES = 16, 16
SPARSE_BYTES = 1024 * 1024

# The journal is written each second, so that what is half copied gets on to the medium.
CONF = f"""\
[Overlay /var]
[Overlay /etc]
[Overlay /home]
[Partition data]
Device=LABEL=data
Options=noatime,nodev,nosuid,commit=1
[Persist /var/local/data]
Partition=data
Directory=/data
[Persist {APP}]
Partition=data
Directory=/{APP_NAME}
Populate=yes
"""

# Each record can be told from any other and from a torn one; record_text() in vm/powercut.py is
# the same. A promise goes out of the serial port after fsync(2) has returned, and not before.
RECORDS = r"""#!/usr/bin/perl
# records verify: what is in the log, and in the other files
# records write: appends records without end
use strict;
use warnings;
use Fcntl;
use IO::Handle;

my ($log, $state, $unsynced) = map { "/var/local/data/$_" } qw(log state unsynced);
my $own = "/var/lib/app/own";

sub record {
    my ($n, $boot) = @_;
    my $text = sprintf "%08d %04d %s", $n, $boot, chr(97 + $n % 26) x ($n * 61 % 1500);
    return $text . sprintf " %u\n", unpack("%32C*", $text);
}

# How many records are good, their bytes, and the bytes of the file.
sub scan {
    my ($path) = @_;
    my ($count, $good) = (0, 0);
    open my $file, "<", $path or return (0, 0, 0);
    while (my $line = <$file>) {
        last unless $line =~ /^(\d{8}) (\d{4}) / && $line eq record($1, $2);
        last if $1 != $count + 1;
        $count++;
        $good += length $line;
    }
    return ($count, $good, -s $path);
}

sub read_state {
    open my $file, "<", $state or return 0;
    my $line = <$file> // "";
    return $line =~ /^(\d{8}) (\d{4}) / && $line eq record($1, $2) ? $1 + 0 : "torn";
}

sub must { $_[0] or die "$_[1]: $!\n" }
sub sync { must(shift->sync, "fsync") }
sub sync_directory { sysopen my $d, $_[0], O_RDONLY or die "$_[0]: $!\n"; sync($d) }

sub make {
    my ($path, $text) = @_;
    sysopen my $f, $path, O_WRONLY | O_CREAT | O_TRUNC or die "$path: $!\n";
    must(syswrite($f, $text), $path);
    sync($f);
}

if ($ARGV[0] eq "verify") {
    my ($count, $good, $size) = scan($log);
    printf "log %d %d %d\n", $count, $good, $size;
    print "hash ", $good ? `head -c $good $log | md5sum` : "none\n";
    printf "state %s\n", read_state();
    printf "unsynced %d\n", (scan($unsynced))[0];
    printf "own %d\n", -e $own ? 1 : 0;
    exit 0;
}

my $boot = do { open my $f, "<", "/proc/cmdline" or die; <$f> =~ /test-cut=(\d+)/; $1 };
sysopen my $port, "/dev/ttyS1", O_WRONLY | O_NOCTTY or die "ttyS1: $!\n";
my ($n, $good, $size) = scan($log);
sysopen my $out, $log, O_WRONLY | O_CREAT | O_APPEND or die "$log: $!\n";
if ($size > $good) {
    must(truncate($out, $good), "truncate");
    sync($out);
}
sysopen my $loose, $unsynced, O_WRONLY | O_CREAT | O_TRUNC or die "$unsynced: $!\n";
make($own, "mine\n") unless -e $own;
sync_directory("/var/lib/app");
sync_directory("/var/local/data");
syswrite $port, "O 1\nLOAD\n";
for (my $i = 1;; $i++) {
    $n++;
    must(syswrite($out, record($n, $boot)), $log);
    sync($out);
    syswrite $port, "P $n\n";
    must(syswrite($loose, record($i, $boot)), $unsynced);
    syswrite $port, "U $i\n";
    next if $i % 4;
    make("$state.new", record($n, $boot));
    must(rename("$state.new", $state), "rename");
    sync_directory("/var/local/data");
    syswrite $port, "S $n\n";
}
"""

# All that a copy must have; the order of directories and the size they take are left out.
MANIFEST = r"""#!/bin/bash
# manifest DIRECTORY: what is in it, to a file below /run that has its name
cd "$1" || exit
list() {
    find . -mindepth 1 ! -path ./own -printf '%P %y %m %U %G %n %T@ %l\n'
    find . -type f ! -path ./own -printf '%P %s\n'
    echo sparse $(($(stat -c %b sparse) < 100))
    find . -type f ! -path ./own -print0 | xargs -0 md5sum
}
attributes() {
    find . ! -path ./own -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex --absolute-names
}
{ list | sort; attributes; } >"/run/manifest${1//\//-}"
"""

VERIFY: Dict[str, str] = {
    "versions": "systemctl --version | head -n 1; uname -r",
    "running": SYSTEM["running"],
    "failed": SYSTEM["failed"],
    "status": "rofs status",
    "records": f"{DIRECTORY}/records verify",
    "app": f"findmnt -n -o SOURCE --mountpoint {APP} | tail -n 1; cd /run;"
           f" {DIRECTORY}/manifest /rofs/ro{APP}; {DIRECTORY}/manifest {APP};"
           " grep -c . manifest-rofs-ro*; diff manifest-rofs-ro* manifest-var* | head -n 20",
}
# At shutdown the records end when systemd stops their service, as those of any program do.
WRITE = f"{DIRECTORY}/records write"
BOOTS = (
    {**VERIFY, "load": WRITE},
    {**VERIFY, "load": f"systemd-run --quiet --unit=records {WRITE}; sleep 1"},
)


def tree() -> Dict[str, Entry]:
    """Some hundred files of different sizes, always the same."""
    choice = random.Random(1)
    files: Dict[str, Entry] = {}
    for directory in range(TREE_DIRECTORIES):
        for number in range(TREE_FILES):
            name = f"{APP}/{directory}/{'deep/' * (directory % 3)}{number}"
            size = choice.choice((0, 1, 700, 4096, 30000, 130000))
            mode = choice.choice((0o600, 0o640, 0o755, 0o4711))
            files[name] = File(choice.getrandbits(8 * size).to_bytes(size, "big")
                               if size else b"", mode)
        files[f"{APP}/{directory}/link"] = Link("1")
    sparse = b"begin" + bytes(SPARSE_BYTES) + b"end"
    files[f"{APP}/sparse"] = File(sparse)
    return files


FILES: Dict[str, Entry] = {
    **tree(),
    f"{DIRECTORY}/records": File(RECORDS, 0o755),
    f"{DIRECTORY}/manifest": File(MANIFEST, 0o755),
}

SCENARIOS = (
    Scenario("powercut", CONF, BOOTS, files=FILES, suites=ONE, cuts=10),
)
