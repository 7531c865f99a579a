/* SPDX-License-Identifier: MIT */
#include "verdict/transactions.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "basic/strbuf.h"
#include "basic/text.h"

void transactions_done(struct transactions *t)
{
	free(t->list);
	*t = (struct transactions){ 0 };
}

int transactions_add(struct transactions *t, const struct observed_transaction *one)
{
	int err = array_reserve(t->list, t->n);

	if (err >= 0)
		t->list[t->n++] = *one;
	return err;
}

const struct observed_transaction *transactions_pending(const struct transactions *t)
{
	for (size_t i = t->n; i > 0; i--)
		if (t->list[i - 1].needs_reboot)
			return &t->list[i - 1];
	return NULL;
}

int transactions_format(const struct transactions *t, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	if (t->unfinished)
		strbuf_add(&b, "unfinished\n");
	if (t->next_is_maintenance)
		strbuf_add(&b, "maintenance\n");
	if (t->has_written)
		strbuf_add(&b, "written\n");
	if (t->kept_bytes || t->kept_changed.tv_sec)
		strbuf_addf(&b, "kept %" PRIu64 " %lld %ld\n", t->kept_bytes,
			    (long long)t->kept_changed.tv_sec, t->kept_changed.tv_nsec);
	for (size_t i = 0; i < t->n; i++)
		strbuf_addf(&b, "%s %u %d %lld %" PRIu64 " %" PRIu64 "\n", t->list[i].kind,
			    t->list[i].number, t->list[i].needs_reboot, (long long)t->list[i].time,
			    t->list[i].bytes, t->list[i].paths);
	return strbuf_take(&b, ret);
}

/* The next number of a line. Of a negative one, the bits are right. */
static bool next_number(const char **at, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(*at, &end, 10);
	if (end == *at || errno)
		return false;
	*at = end;
	return true;
}

static bool parse_one(const char *line, struct observed_transaction *ret)
{
	uint64_t number, needs_reboot, when;
	size_t n = strcspn(line, " ");
	const char *at = line + n;

	if (n == 0 || n >= sizeof(ret->kind) || !next_number(&at, &number) ||
	    !next_number(&at, &needs_reboot) || !next_number(&at, &when) ||
	    !next_number(&at, &ret->bytes) || !next_number(&at, &ret->paths))
		return false;
	memcpy(ret->kind, line, n);
	ret->kind[n] = '\0';
	ret->number = (unsigned)number;
	ret->needs_reboot = needs_reboot != 0;
	ret->time = (time_t)when;
	return true;
}

static bool parse_kept(const char *line, struct transactions *t)
{
	const char *at = line + strlen("kept ");
	uint64_t bytes, seconds, nanoseconds;

	if (strncmp(line, "kept ", strlen("kept ")) != 0 || !next_number(&at, &bytes) ||
	    !next_number(&at, &seconds) || !next_number(&at, &nanoseconds))
		return false;
	t->kept_bytes = bytes;
	t->kept_changed = (struct timespec){ (time_t)seconds, (long)nanoseconds };
	return true;
}

static int parse_line(const char *line, struct transactions *t)
{
	struct observed_transaction one = { 0 };

	if (strcmp(line, "unfinished") == 0)
		t->unfinished = true;
	else if (strcmp(line, "maintenance") == 0)
		t->next_is_maintenance = true;
	else if (strcmp(line, "written") == 0)
		t->has_written = true;
	else if (!parse_kept(line, t) && parse_one(line, &one))
		return transactions_add(t, &one);
	return 0;
}

int transactions_parse(char *text, struct transactions *ret)
{
	struct transactions t = { .known = true };
	char *state, *line;
	int err = 0;

	for (line = strtok_r(text, "\n", &state); line && err >= 0;
	     line = strtok_r(NULL, "\n", &state))
		err = parse_line(line, &t);
	if (err < 0)
		transactions_done(&t);
	else
		*ret = t;
	return err;
}
