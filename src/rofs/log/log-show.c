/* SPDX-License-Identifier: MIT */
/* rofs log: what is printed. */
#include "rofs/log/log-show.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "basic/beneath.h"
#include "basic/io.h"
#include "rofs/ui/json.h"
#include "system/program.h"
#include "transaction/names.h"
#include "transaction/place.h"

enum {
	COLUMN_NUMBER,
	COLUMN_TIME,
	COLUMN_KIND,
	COLUMN_USER,
	COLUMN_PATHS,
	COLUMN_BYTES,
	COLUMN_NOTE,
	COLUMN_COMMAND,
	_COLUMN_MAX,
};

static const struct table_column columns[] = {
	[COLUMN_NUMBER] = { "NUMBER", "number of the transaction", TABLE_RIGHT },
	[COLUMN_TIME] = { "TIME", "when it was written", 0 },
	[COLUMN_KIND] = { "KIND", "commit, chroot or undo", 0 },
	[COLUMN_USER] = { "USER", "who asked for it; with sudo, who typed that", 0 },
	[COLUMN_PATHS] = { "PATHS", "number of paths that were switched", TABLE_RIGHT },
	[COLUMN_BYTES] = { "BYTES", "content that was written", TABLE_RIGHT },
	[COLUMN_NOTE] = { "NOTE", "whether it was undone, or can be", 0 },
	[COLUMN_COMMAND] = { "COMMAND", "the command", 0 },
};
_Static_assert(ELEMENTSOF(columns) == _COLUMN_MAX, "a heading for each column");

void log_help_columns(FILE *f)
{
	table_help(columns, ELEMENTSOF(columns), f);
}

const char *log_time(char buffer[32], time_t t)
{
	struct tm tm;

	if (!localtime_r(&t, &tm) || strftime(buffer, 32, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		strcpy(buffer, "-");
	return buffer;
}

const char *log_user(char buffer[LOG_USER_MAX], const struct history_entry *e)
{
	if (*e->user)
		return e->user;
	snprintf(buffer, LOG_USER_MAX, "%u", e->uid);
	return e->uid == 0 ? "root" : buffer;
}

/* Later commits may have removed it from a kept.N that stays. On other file systems, it goes with that of the root. */
static bool is_there(int kept_fd, const struct record_entry *e)
{
	const uint64_t inode = record_is_change(e) && e->fs == 0 ? record_old_inode(e) : 0;
	const char *slot = place_slot_name(e->slot), *name;
	_cleanup_close_ int dir = -1;
	struct place_file f;

	if (inode == 0 || !slot)
		return true;
	dir = open_parent_beneath(kept_fd, slot, &name);
	return dir >= 0 && place_look(dir, name, &f) >= 0 && f.inode == inode;
}

static bool is_kept(const struct log_view *v, const struct history_entry *e)
{
	_cleanup_record_ struct record r = { 0 };
	_cleanup_close_ int fd = -1;
	char name[NAME_SIZE];

	if (v->base_fd >= 0)
		fd = open_dir_at(v->base_fd, name_of(name, NAME_KEPT, e->number));
	if (fd < 0 || record_read(fd, &r) < 0)
		return false;
	for (size_t i = 0; i < r.n_entries; i++)
		if (!is_there(fd, &r.entries[i]))
			return false;
	return true;
}

static void fill_note(struct table *t, struct libscols_line *line, const struct log_view *v,
		      const struct history_entry *e)
{
	if (e->undone)
		table_cellf(t, line, COLUMN_NOTE, "undone by %u", e->undone);
	else if (e->undoes)
		table_cellf(t, line, COLUMN_NOTE, "undid %u", e->undoes);
	else if (e == history_last_done(v->history) && is_kept(v, e))
		table_cell(t, line, COLUMN_NOTE, "can be undone");
}

static void add_line(struct table *t, const struct log_view *v, const struct history_entry *e)
{
	struct libscols_line *line = table_line(t, NULL);
	char time[32], user[LOG_USER_MAX];

	table_cellf(t, line, COLUMN_NUMBER, "%u", e->number);
	table_cell(t, line, COLUMN_TIME, log_time(time, e->time));
	table_cell(t, line, COLUMN_KIND, transaction_kind_to_string(e->kind));
	table_cell(t, line, COLUMN_USER, log_user(user, e));
	table_cellf(t, line, COLUMN_PATHS, "%" PRIu64, e->n_paths);
	table_cell_bytes(t, line, COLUMN_BYTES, e->bytes);
	fill_note(t, line, v, e);
	table_cell(t, line, COLUMN_COMMAND, e->command);
}

int log_table(const struct log_view *v, const struct table_style *style, const struct output *o)
{
	_cleanup_table_ struct table *t = NULL;
	int err = table_new(columns, ELEMENTSOF(columns), style, o, &t);

	if (err < 0)
		return err;
	for (size_t i = 0; i < v->history->n; i++)
		add_line(t, v, &v->history->entries[i]);
	return table_print(t);
}

static void json_number_or_null(struct json *j, const char *key, unsigned n)
{
	if (n)
		json_number(j, key, n);
	else
		json_null(j, key);
}

static void json_entry(struct json *j, const struct log_view *v, const struct history_entry *e)
{
	json_open(j, NULL, '{');
	json_number(j, "number", e->number);
	json_number(j, "time", (uint64_t)e->time);
	json_string(j, "kind", transaction_kind_to_string(e->kind));
	json_number(j, "uid", e->uid);
	json_string(j, "user", *e->user ? e->user : NULL);
	json_string(j, "command", e->command);
	json_number(j, "bytes", e->bytes);
	json_number(j, "n_paths", e->n_paths);
	json_open(j, "paths", '[');
	for (size_t i = 0; i < e->n_shown; i++)
		json_string(j, NULL, e->paths[i]);
	json_close(j, ']');
	json_number_or_null(j, "undone_by", e->undone);
	json_number_or_null(j, "undoes", e->undoes);
	json_boolean(j, "kept", is_kept(v, e));
	json_close(j, '}');
}

int log_json(const struct log_view *v)
{
	_cleanup_json_ struct json j = { 0 };

	json_open(&j, NULL, '[');
	for (size_t i = 0; i < v->history->n; i++)
		json_entry(&j, v, &v->history->entries[i]);
	json_close(&j, ']');
	return json_print(&j);
}

char log_letter(const struct record_entry *e)
{
	if (e->operation == RECORD_GONE)
		return 'D';
	if (e->operation == RECORD_ATTRIBUTES)
		return 'm';
	return e->old_inode ? 'M' : 'A';
}

static int print_path(char letter, const char *path)
{
	_cleanup_free_ char *shown = NULL;

	if (text_escape(path, &shown) < 0)
		return -ENOMEM;
	printf("%c %s\n", letter, shown);
	return 0;
}

static int print_record(const struct record *r)
{
	_cleanup_record_paths_ struct record_paths paths = { 0 };
	int err = record_paths_find(r, &paths);

	for (size_t i = 0; i < paths.n && err >= 0; i++)
		err = print_path(log_letter(paths.list[i].entry), paths.list[i].path);
	return err;
}

static int print_history(const struct history_entry *e)
{
	int err = 0;

	for (size_t i = 0; i < e->n_shown && err >= 0; i++)
		err = print_path('-', e->paths[i]);
	if (e->n_paths > e->n_shown)
		printf("and %" PRIu64 " more, which were not recorded\n", e->n_paths - e->n_shown);
	return err;
}

int log_paths(const struct log_view *v, const struct history_entry *e)
{
	_cleanup_record_ struct record r = { 0 };
	_cleanup_close_ int fd = -1;
	char name[NAME_SIZE];

	if (v->base_fd >= 0)
		fd = open_dir_at(v->base_fd, name_of(name, NAME_KEPT, e->number));
	if (fd >= 0 && record_read(fd, &r) >= 0 && r.number == e->number)
		return print_record(&r);
	return print_history(e);
}
