# Shared by tools/test, tools/demo, tools/screenshots and tools/package: output, installing dependencies, images.
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
		${PYTEST_ADDOPTS:+PYTEST_ADDOPTS="$PYTEST_ADDOPTS"} "$python" "$@"
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

# What says which distribution this is, and what is mounted.
os_release=/etc/os-release mountinfo=/proc/self/mountinfo

is_arch() {
	grep -qsE '^ID(_LIKE)?="?([a-z ]+ )?arch\b' "$os_release"
}

# Arch's names of Debian's packages below; '' where it has none that is needed.
declare -A arch_names=(
	[acl]=acl [ansible-core]=ansible-core [attr]=attr [binutils]=binutils
	[btrfs-progs]=btrfs-progs [clang]=clang
	[ccache]=ccache [clang-format]=clang [clang-tidy]=clang [codespell]=codespell [debhelper]=debhelper
	[debian-archive-keyring]=debian-archive-keyring [diffutils]=diffutils [dosfstools]=dosfstools
	[dpkg-dev]=dpkg [e2fsprogs]=e2fsprogs [erofs-utils]=erofs-utils [f2fs-tools]=f2fs-tools
	[fakeroot]=fakeroot [fdisk]=util-linux [flake8]=flake8 [gcc]=gcc
	[gcc-i686-linux-gnu]='' [gcc-s390x-linux-gnu]='' [gcovr]=gcovr [git]=git [kmod]=kmod
	[libarchive-tools]=libarchive [libblkid-dev]=util-linux-libs [libc6-dev]=glibc
	[libcap2-bin]=libcap [libclang-rt-dev]=compiler-rt [libmount-dev]=util-linux-libs
	[libsmartcols-dev]=util-linux-libs [libsystemd-dev]=systemd-libs [libudev-dev]=systemd-libs
	[makepkg]=pacman [meson]=meson [mmdebstrap]=mmdebstrap [mount]=util-linux
	[mtools]=mtools [ninja-build]=ninja [pacman-package-manager]=pacman [pkgconf]=pkgconf
	[python3]=python
	[python3-jsonschema]=python-jsonschema [python3-pytest]=python-pytest
	[python3-pytest-xdist]=python-pytest-xdist
	[qemu-system-x86]=qemu-system-x86 [qemu-user]=qemu-user [qemu-utils]=qemu-img [scdoc]=scdoc
	[shellcheck]=shellcheck [squashfs-tools]=squashfs-tools [strace]=strace [systemd]=systemd
	[systemd-dev]=systemd [tar]=tar [user-mode-linux]='' [util-linux]=util-linux [valgrind]=valgrind
	[xfsprogs]=xfsprogs [zsh]=zsh)

# arch_missing PACKAGE...: print what pacman does not find of these packages of Debian, or all.
arch_missing() {
	local package names=()
	for package in "$@"; do
		package=${arch_names[${package%%|*}]}
		[ -z "$package" ] || names+=("$package")
	done
	mapfile -t names < <(printf '%s\n' "${names[@]}" | sort -u)
	if command -v pacman >/dev/null; then
		pacman -T "${names[@]}"
	else
		printf '%s\n' "${names[@]}"
	fi
}

# lacking PACKAGE...: print what has to be installed, by its name in this distribution.
lacking() {
	if is_arch; then
		arch_missing "$@"
	elif command -v dpkg-query >/dev/null; then
		missing "$@"
	else
		printf '%s\n' "${@%%|*}"
	fi
}

# announce_packages MEGABYTES PACKAGE...: what need would install; no more than that is downloaded,
# and about four times as much becomes of it.
announce_packages() {
	local megabytes=$1 packages
	shift
	mapfile -t packages < <(lacking "$@")
	[ ${#packages[@]} -gt 0 ] || return 0
	say "${#packages[@]} packages and what they depend on are to be installed. That downloads up to"
	say "$megabytes MB, takes up to $((megabytes * 4)) MB on disk, and one to three minutes:"
	say "${packages[*]}" | fold -s -w 96 | sed 's/^/  /'
}

# need PACKAGE...: install the missing packages. Elsewhere than on Debian and Ubuntu, name them.
need() {
	local packages
	mapfile -t packages < <(lacking "$@")
	[ ${#packages[@]} -gt 0 ] || return 0
	if is_arch; then
		die "install these packages first; debhelper and mmdebstrap are in the AUR: ${packages[*]}"
	fi
	if ! command -v apt-get >/dev/null; then
		say "Make sure that these packages are installed, whatever they are called here:"
		say "${packages[*]}"
		return
	fi
	say "Updating the package lists"
	as_root apt-get -q -q update || die "apt-get update failed"
	# Only now are the available packages known reliably.
	mapfile -t packages < <(missing "$@")
	[ ${#packages[@]} -gt 0 ] || return 0
	say "Installing ${packages[*]}"
	# A new machine may be in the middle of its own upgrade.
	if as_root lslocks --noheadings --output PATH | grep -q '^/var/lib/dpkg/lock'; then
		say "Another program is installing packages: waiting for it"
	fi
	# apt says how much that is.
	(
		set -o pipefail
		as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y \
			-o DPkg::Lock::Timeout=900 --no-install-recommends install "${packages[@]}" |
			sed -n 's/^\(Need to get\|After this operation\)/  &/p'
	) || die "apt-get install failed"
}

# Beside each list: how many megabytes it downloads on a bare Debian (bookworm, trixie, sid), at most.
build_megabytes=80 test_megabytes=145 image_megabytes=60 all_megabytes=250
build_needs=(gcc libc6-dev meson ninja-build 'pkgconf|pkg-config' 'systemd-dev|systemd'
	libblkid-dev libmount-dev libsmartcols-dev libsystemd-dev libudev-dev scdoc)
# What the tests call; tests/support.py maps each program to its package.
test_needs=(python3 python3-jsonschema python3-pytest python3-pytest-xdist acl 'ansible-core|-' attr
	binutils btrfs-progs debhelper dosfstools dpkg-dev e2fsprogs f2fs-tools fakeroot fdisk git kmod
	libarchive-tools libcap2-bin makepkg mount pacman-package-manager squashfs-tools strace systemd
	'user-mode-linux|-' util-linux valgrind xfsprogs zsh)
image_needs=(python3 mmdebstrap debian-archive-keyring e2fsprogs util-linux diffutils
	qemu-system-x86 qemu-utils btrfs-progs dosfstools erofs-utils f2fs-tools fdisk mtools
	squashfs-tools xfsprogs)
# What only tools/test --all runs.
all_needs=(ccache clang clang-format clang-tidy 'libclang-rt-dev|-' codespell debian-archive-keyring
	flake8 gcc-i686-linux-gnu gcc-s390x-linux-gnu gcovr mmdebstrap qemu-user shellcheck)
# tools/package builds in a chroot, which has the compiler.
package_needs=(python3 mmdebstrap debian-archive-keyring mount tar util-linux)

# host_suite: the Debian release of this system, if the virtual machines can have it, too.
host_suite() {
	local suite
	for suite in bullseye bookworm trixie; do
		grep -qsx "VERSION_CODENAME=$suite" /etc/os-release && say $suite
	done
}

# images_ready [--boots=...] SUITE...: whether prepare_images has nothing to do.
images_ready() {
	[ -x "$python" ] && PYTHONPATH=$top/tests "$python" -m vm.prepare --ready --source "$top" "$@"
}

# need_mounts: namespaces are made, which a chroot in an ordinary directory does not allow.
need_mounts() {
	grep -qsE '^([^ ]+ ){4}/ ' "$mountinfo" || die "/proc is not mounted, or / is not a mount point;" \
		"before you enter a chroot, mount /dev, /proc and /sys in it, and bind it onto itself:" \
		"mount --bind DIRECTORY DIRECTORY"
}

# need_amd64: the virtual machines use the architecture of the host, and only amd64 is supported.
need_amd64() {
	[ "$(uname -m)" = x86_64 ] || die "the virtual machines require an x86_64 host, not $(uname -m)"
}

# prepare_images [--boots=quick|routine|every] SUITE...: create the images that these boots of the
# tests need and that are not cached, which requires root. Without boots, only what a machine needs.
prepare_images() {
	images_ready "$@" && return
	as_root_python -m vm.prepare --source "$top" "$@"
}
