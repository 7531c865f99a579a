# Shared by tools/test, tools/demo and tools/screenshots: output, installing dependencies, images.
# shellcheck shell=bash disable=SC2034

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Use the system's Python, which has pytest, etc., rather than the first python3 in PATH.
python=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1

bold='' red='' green='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

say() {
	printf '%s\n' "$*"
}

# die MESSAGE...: print the message on standard error and exit with status 2.
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 2
}

# as_root COMMAND...: run the command as root, using sudo if necessary.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
		return
	fi
	command -v sudo >/dev/null || die "root privileges are required for: $*; run this as root or install sudo"
	sudo "$@"
}

# as_root_python ARGUMENT...: run Debian's Python as root, with our settings and cache.
as_root_python() {
	as_root env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$top/tests" ROFS_CACHE="$ROFS_CACHE" \
		ROFS_BUILD_DIR="${ROFS_BUILD_DIR:-}" ${CI:+CI="$CI"} ${NO_COLOR:+NO_COLOR="$NO_COLOR"} \
		"$python" "$@"
}

# Use the cache of the calling user even in steps that run as root.
export ROFS_CACHE=${ROFS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rofs}
mkdir -p "$ROFS_CACHE" || exit 2

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

is_known() {
	[ -n "$(apt-cache show --no-all-versions "$1" 2>/dev/null)" ]
}

# choose ALTERNATIVE...: print nothing if one is installed, else the first that this release has.
# If the last alternative is "-", none of them is required.
choose() {
	local package
	for package in "$@"; do
		is_installed "$package" && return
	done
	for package in "$@"; do
		[ "$package" = - ] && return
		if is_known "$package"; then
			say "$package"
			return
		fi
	done
	say "$1"
}

# missing PACKAGE...: print the packages that have to be installed; a|b are alternatives.
missing() {
	local package alternatives
	for package in "$@"; do
		IFS='|' read -ra alternatives <<<"$package"
		choose "${alternatives[@]}"
	done
}

# need PACKAGE...: install the missing packages, and print their names.
need() {
	local lacking
	if ! command -v apt-get >/dev/null; then
		say "This is neither Debian nor Ubuntu; make sure that these are installed: $*"
		return
	fi
	lacking=$(missing "$@")
	[ -n "$lacking" ] || return 0
	say "Updating the package lists"
	as_root apt-get -q -q update || die "apt-get update failed"
	# Only now are the available packages known reliably.
	lacking=$(missing "$@" | tr '\n' ' ')
	say "Installing $lacking"
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -q -y --no-install-recommends install \
		$lacking >/dev/null || die "apt-get install failed"
}

build_needs=(gcc libc6-dev meson ninja-build 'pkgconf|pkg-config' 'systemd-dev|systemd'
	libblkid-dev libmount-dev libsmartcols-dev libsystemd-dev libudev-dev scdoc)
# What the tests call; tests/support.py maps each program to its package.
test_needs=(python3 python3-jsonschema python3-pytest acl attr binutils btrfs-progs dosfstools
	e2fsprogs fdisk mount strace systemd util-linux valgrind xfsprogs zsh)
image_needs=(python3 mmdebstrap debian-archive-keyring e2fsprogs util-linux diffutils
	qemu-system-x86 qemu-utils btrfs-progs dosfstools erofs-utils f2fs-tools fdisk mtools
	squashfs-tools xfsprogs)

# need_amd64: the virtual machines use the architecture of the host, and only amd64 is supported.
need_amd64() {
	[ "$(uname -m)" = x86_64 ] || die "the virtual machines require an x86_64 host, not $(uname -m)"
}

# prepare_images SUITE...: create the images that are not cached, which requires root.
prepare_images() {
	PYTHONPATH=$top/tests "$python" -m vm.image --ready --source "$top" "$@" && return
	as_root_python -m vm.image --source "$top" "$@"
}

# prepare_roots [--every-boot] SUITE...: create the root file systems other than ext4, after
# prepare_images.
prepare_roots() {
	PYTHONPATH=$top/tests "$python" -m vm.root --ready --source "$top" "$@" && return
	as_root_python -m vm.root --source "$top" "$@"
}
