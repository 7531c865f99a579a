/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/** enum boot_mode - does rofs act in this boot? Only BOOT_NORMAL says yes. */
enum boot_mode {
	BOOT_NORMAL,
	BOOT_INITRD,   /* the generator runs in an initrd: its turn comes in the real root */
	BOOT_OFF,      /* rofs=off on the kernel command line */
	BOOT_RECOVERY, /* a word that asks for a repair shell: fstab rules, / can be written */
	/* Root has asked for one boot in which / can be written; boot_decide() does not know of it. */
	BOOT_MAINTENANCE,
	_BOOT_MODE_MAX,
};

/**
 * struct boot - the verdict and the word that decided it
 *
 * @word points into the string given to boot_decide(), with the length @word_len; NULL when no word
 * decided.
 */
struct boot {
	enum boot_mode mode;
	const char *word;
	int word_len; /* bytes */
};

/**
 * boot_decide - read the kernel command line
 * @cmdline:   contents of /proc/cmdline
 * @in_initrd: is this an initrd?
 *
 * rofs=off|no|0 and rofs=on|yes|1: the last one counts, and rofs=on wins over the recovery words:
 * single s S 1 rescue emergency recovery, systemd.unit=rescue.target or emergency.target
 * (systemd(1), "Kernel command line"; Ubuntu's recovery menu passes "recovery"). Words in double
 * quotes may hold blanks, as the kernel reads them.
 */
struct boot boot_decide(const char *cmdline, bool in_initrd);

/**
 * boot_has_word - does the kernel command line have this word?
 * @word: with "=" at its end: with any value
 */
bool boot_has_word(const char *cmdline, const char *word);

/** boot_mounts_writable - does the kernel command line have / mounted writable? */
bool boot_mounts_writable(const char *cmdline);

/** boot_skips_fsck - does the kernel command line say that no file system is to be checked? */
bool boot_skips_fsck(const char *cmdline);

/** boot_forces_fsck - the word on the kernel command line that has clean file systems checked; or NULL */
const char *boot_forces_fsck(const char *cmdline);

/**
 * boot_each_value - go through all NAME=VALUE on the kernel command line
 * @name: mostly with the "=" at its end; in it, - and _ are the same, as for systemd
 * @each: gets the value without double quotes; returns 0 or -errno, which ends it
 *
 * Returns: 0, -ENOMEM or what @each returned.
 */
int boot_each_value(const char *cmdline, const char *name,
		    int (*each)(void *data, const char *value), void *data);

/**
 * boot_value - the value of the last NAME=VALUE on the kernel command line
 * @name: with the "=" at its end
 * @ret:  a copy without double quotes around it, NULL if the word is not there; the caller frees it
 *
 * Returns: 0 or -ENOMEM.
 */
int boot_value(const char *cmdline, const char *name, char **ret);

/**
 * boot_reads_fstab - does systemd mount what fstab says?
 *
 * Not with fstab=no; systemd-fstab-generator(8). The last one counts. rd.fstab= is for the initramfs.
 *
 * Returns: 0 or -ENOMEM.
 */
int boot_reads_fstab(const char *cmdline, bool *ret);
