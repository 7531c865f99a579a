/* SPDX-License-Identifier: MIT */
#include "rofs/ui/ask.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "transaction/interrupt.h"

#define ANSWER_MAX 16 /* bytes; longer ones are no */

bool ask_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool ask_yes(const char *question)
{
	char answer[ANSWER_MAX];

	printf("%s [y/N] ", question);
	fflush(stdout);
	if (!interrupt_wait(STDIN_FILENO) || !fgets(answer, sizeof(answer), stdin)) {
		putchar('\n');
		return false;
	}
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}
