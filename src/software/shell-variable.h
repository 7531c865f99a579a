/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "basic/macro.h"

/*
 * Configuration that is a shell script, from which a program takes some variables. Nothing is run: an
 * assignment in a branch counts as one that is reached.
 */

/** struct shell_variable - what a variable is set to by the scripts read so far */
struct shell_variable {
	const char *name;
	/*
	 * The value without quotes; of an array, its elements with a blank between two. NULL: it is not
	 * set. Owned.
	 */
	char *value;
};

/**
 * shell_variable_read - follow a variable through one more script
 * @v:    with .name; the rest as the scripts before have left it, all-zero for the first.
 *        shell_variable_done() frees it, also after a failure.
 * @text: of the script
 *
 * References to the variable itself are expanded: HOOKS+=(a), HOOKS=("${HOOKS[@]}" a),
 * HOOKS=(${HOOKS[@]/a/b}).
 *
 * Returns: 1: the script sets it; 0, or -ENOMEM.
 */
int shell_variable_read(struct shell_variable *v, const char *text);
void shell_variable_done(struct shell_variable *v);

/** shell_variable_has - is @word in the value, between blanks or commas? */
bool shell_variable_has(const struct shell_variable *v, const char *word);

#define _cleanup_shell_variable_ _cleanup_(shell_variable_done)
