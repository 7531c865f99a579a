/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The command: main.c picks a verb, and each verb has a file or a folder of its own. A verb gets its
 * arguments, argv[0] being its name, prints, and returns an exit status.
 */

/** enum rofs_exit - exit statuses of all verbs; rofs(8) */
enum rofs_exit {
	ROFS_DONE = 0,	  /* done; status: protected */
	ROFS_WRONG = 1,	  /* something is wrong; status: not everything declared is in force */
	ROFS_USAGE = 2,	  /* wrong arguments */
	ROFS_REFUSED = 3, /* not root, or not possible here */
	ROFS_OFF = 4,	  /* rofs is off in this boot */
};

int verb_status(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_plan(int argc, char **argv);
int verb_diff(int argc, char **argv);
int verb_commit(int argc, char **argv);
int verb_revert(int argc, char **argv);
int verb_undo(int argc, char **argv);
int verb_log(int argc, char **argv);
int verb_suggest(int argc, char **argv);
int verb_chroot(int argc, char **argv);
int verb_maintenance(int argc, char **argv);
