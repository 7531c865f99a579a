# What tools/test and tools/demo share: saying things, installing what is missing.
# shellcheck shell=bash disable=SC2034

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Not the first python3 in PATH: pytest and the like belong to the system's.
python=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1

bold='' red='' green='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

say() {
	printf '%s\n' "$*"
}

# die MESSAGE...: end with status 2, the message on standard error.
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 2
}

# as_root COMMAND...: run it as root, through sudo if need be.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
		return
	fi
	command -v sudo >/dev/null || die "needs root for: $*; run it as root or install sudo"
	sudo "$@"
}

# as_root_python ARGUMENT...: Debian's Python as root, with our settings and cache kept.
as_root_python() {
	as_root env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$top/tests" ROFS_CACHE="$ROFS_CACHE" \
		ROFS_BUILD_DIR="${ROFS_BUILD_DIR:-}" ${CI:+CI="$CI"} ${NO_COLOR:+NO_COLOR="$NO_COLOR"} \
		"$python" "$@"
}

# The cache of the user who calls, also in the steps that run as root.
export ROFS_CACHE=${ROFS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rofs}
mkdir -p "$ROFS_CACHE" || exit 2

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

is_known() {
	[ -n "$(apt-cache show --no-all-versions "$1" 2>/dev/null)" ]
}

# choose ALTERNATIVE...: the first that is installed, else the first that this release has.
# A last alternative "-" means that nothing of them is needed.
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

# missing PACKAGE...: those that are to be installed; a|b are alternatives.
missing() {
	local package alternatives
	for package in "$@"; do
		IFS='|' read -ra alternatives <<<"$package"
		choose "${alternatives[@]}"
	done
}

# need PACKAGE...: install what is missing of them, saying what.
need() {
	local lacking
	if ! command -v apt-get >/dev/null; then
		say "This is neither Debian nor Ubuntu; it is up to you to have: $*"
		return
	fi
	lacking=$(missing "$@")
	[ -n "$lacking" ] || return 0
	say "Refreshing the package lists"
	as_root apt-get -q -q update || die "apt-get update failed"
	# What a release knows is certain only now.
	lacking=$(missing "$@" | tr '\n' ' ')
	say "Installing $lacking"
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -q -y --no-install-recommends install \
		$lacking >/dev/null || die "apt-get install failed"
}

build_needs=(gcc libc6-dev meson ninja-build 'pkgconf|pkg-config' 'systemd-dev|systemd'
	libblkid-dev libmount-dev libsmartcols-dev libsystemd-dev scdoc)
image_needs=(python3 mmdebstrap debian-archive-keyring e2fsprogs util-linux diffutils
	qemu-system-x86 qemu-utils btrfs-progs dosfstools erofs-utils f2fs-tools fdisk mtools
	squashfs-tools xfsprogs)

# need_amd64: the virtual machines are of the host's architecture, and that is only one.
need_amd64() {
	[ "$(uname -m)" = x86_64 ] || die "the virtual machines need an x86_64 host, not $(uname -m)"
}

# prepare_images SUITE...: make what is not in the cache; only that needs root.
prepare_images() {
	PYTHONPATH=$top/tests "$python" -m vm.image --ready --source "$top" "$@" && return
	as_root_python -m vm.image --source "$top" "$@"
}

# prepare_roots SUITE...: the root file systems that are not ext4, after prepare_images.
prepare_roots() {
	PYTHONPATH=$top/tests "$python" -m vm.root --ready --source "$top" "$@" && return
	as_root_python -m vm.root --source "$top" "$@"
}
