/* SPDX-License-Identifier: MIT */
#include "rofs/status/reason.h"

#include <string.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>

#include "basic/text.h"

#define MESSAGES_MAX 2000u /* how far back, the messages of early boot included */

static int add_match(sd_journal *j, const char *field, const char *value)
{
	_cleanup_free_ char *match = NULL;
	int err = text_format(&match, "%s=%s", field, value);

	return err < 0 ? err : sd_journal_add_match(j, match, 0);
}

/*
 * (_BOOT_ID and _SYSTEMD_UNIT) or (_BOOT_ID and _PID 1 and UNIT), as journalctl -b -u does. Or what
 * PID 1 logs through the kernel before the journal is up, which is when our mounts fail: then only
 * the text names the unit.
 */
static int match_unit(sd_journal *j, const char *unit)
{
	char boot[SD_ID128_STRING_MAX];
	const struct {
		const char *field; /* NULL: or */
		const char *value;
	} terms[] = {
		{ "_BOOT_ID", boot },
		{ "_SYSTEMD_UNIT", unit },
		{ NULL, NULL },
		{ "_BOOT_ID", boot },
		{ "_PID", "1" },
		{ "UNIT", unit },
		{ NULL, NULL },
		{ "_BOOT_ID", boot },
		{ "_TRANSPORT", "kernel" },
		{ "SYSLOG_IDENTIFIER", "systemd" },
	};
	sd_id128_t id;
	int err;

	err = sd_id128_get_boot(&id);
	if (err < 0)
		return err;
	sd_id128_to_string(id, boot);

	sd_journal_flush_matches(j);
	err = 0;
	for (size_t i = 0; i < ELEMENTSOF(terms) && err >= 0; i++)
		err = terms[i].field ? add_match(j, terms[i].field, terms[i].value) :
				       sd_journal_add_disjunction(j);
	return err;
}

/* A field's value, NULL if this message has none; the caller frees it. */
static char *get(sd_journal *j, const char *field)
{
	const void *data;
	size_t len, name = strlen(field) + 1;

	if (sd_journal_get_data(j, field, &data, &len) < 0 || len < name)
		return NULL;
	return strndup((const char *)data + name, len - name);
}

/* Is it about this path? "/var/a: ..." and "[Persist /var/a]: ..." are about /var/a. */
static bool is_about(const char *text, const char *path)
{
	size_t n = path ? strlen(path) : 0;

	for (const char *s = text; n > 0 && (s = strstr(s, path)); s += n)
		if ((s == text || s[-1] == ' ') && (s[n] == ':' || s[n] == ']'))
			return true;
	return false;
}

/*
 * How much a message explains: most an error that a program of the unit has logged as one, first of
 * all about this path, as a unit may prepare several; then anything that mount(8) or fsck(8) has
 * printed, then PID 1's warnings and errors. Progress reports explain nothing, nor does the last line
 * of mount(8), "       dmesg(1) may have more information".
 */
static unsigned worth(sd_journal *j, const char *unit, const char *path, const char *text)
{
	_cleanup_free_ char *pid = get(j, "_PID"), *priority = get(j, "PRIORITY"),
			    *transport = get(j, "_TRANSPORT");
	bool from_kernel = transport && strcmp(transport, "kernel") == 0,
	     serious = priority && priority[0] <= '4';

	if (!text[0] || text[0] == ' ' || (from_kernel && !strstr(text, unit)))
		return 0;
	if (!from_kernel && (!pid || strcmp(pid, "1") != 0))
		return serious ? 3 + is_about(text, path) : 2;
	return serious ? 1 : 0;
}

struct message {
	char *text;
	unsigned worth;
};

/* Puts what is worth more than @best into it. */
static void best_message(sd_journal *j, const char *unit, const char *path, struct message *best)
{
	if (sd_journal_seek_tail(j) < 0)
		return;
	/* From the newest back: of two that are worth the same, the newer one. */
	for (unsigned i = 0; i < MESSAGES_MAX && sd_journal_previous(j) > 0; i++) {
		char *text = get(j, "MESSAGE");
		unsigned w = text ? worth(j, unit, path, text) : 0;

		if (w <= best->worth) {
			free(text);
			continue;
		}
		free(best->text);
		*best = (struct message){ text, w };
	}
}

/* One line without the full stop and the blanks at its end. */
static void trim(char *s)
{
	size_t n;

	s[strcspn(s, "\n")] = '\0';
	for (n = strlen(s); n > 0 && strchr(". ", s[n - 1]); n--)
		s[n - 1] = '\0';
}

/* Any program may have written it, for any terminal. */
static int printable(char *s, char **ret)
{
	trim(s);
	return text_printable(s, ret);
}

static enum journal_view view(sd_journal *j)
{
	/* Files that this user may not read are left out without an error. */
	if (sd_journal_has_runtime_files(j) > 0 || sd_journal_has_persistent_files(j) > 0)
		return JOURNAL_SEEN;
	return geteuid() == 0 ? JOURNAL_NONE : JOURNAL_DENIED;
}

static void close_journal(sd_journal **j)
{
	sd_journal_close(*j);
}

int reason_find(const struct problem *p, char **ret)
{
	__attribute__((cleanup(close_journal))) sd_journal *j = NULL;
	struct message best = { 0 };
	enum journal_view seen;
	int err;

	*ret = NULL;
	err = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
	if (err < 0)
		return err == -ENOMEM ? err : JOURNAL_NONE;
	seen = view(j);
	if (seen != JOURNAL_SEEN)
		return seen;

	for (size_t i = 0; i < p->n_units; i++) {
		err = match_unit(j, p->units[i]);
		if (err == -ENOMEM)
			return free(best.text), err;
		if (err >= 0)
			best_message(j, p->units[i], p->path, &best);
	}
	err = best.text ? printable(best.text, ret) : 0;
	free(best.text);
	return err < 0 ? err : (int)seen;
}
