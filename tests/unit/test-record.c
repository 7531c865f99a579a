/* SPDX-License-Identifier: MIT */
/*
 * Records and the history: what is written is read again, what is damaged is refused, and each allocation
 * fails once. The linker puts the functions below in the place of the real ones: --wrap in meson.build.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/macro.h"
#include "basic/path.h"
#include "check.h"
#include "transaction/history.h"
#include "transaction/kept.h"
#include "transaction/names.h"
#include "transaction/record.h"

static bool armed;	   /* only the allocations of what is tested count */
static unsigned countdown; /* of allocations until the one that fails; 0: none does */
static unsigned n_seen;

static bool fails(void)
{
	if (!armed)
		return false;
	n_seen++;
	if (countdown == 0 || --countdown > 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

/* @line replaces one of the lines of a valid record. */
#define HEAD	       "rofs-transaction 1\n"
#define NUMBERS	       "7 0 commit 1700000000 0f-1 1000 4096 2 1\n"
#define COMMAND	       "rofs\\x20commit\\x20/etc\n"
#define WHERE	       "/rofs/ro\n/rofs/ro/home\n"
#define ENTRY	       "new 1 12 0 1 2 -5 999999999 staging.7/slots/1 /user/\\xff\\x0a\\x5cx\n"
#define END	       "end\n"
#define VALID	       HEAD NUMBERS COMMAND WHERE ENTRY END
#define ENTRY_OF(line) HEAD NUMBERS COMMAND WHERE line "\n" END

static int parse(const char *text, struct record *ret)
{
	char *copy = __real_strdup(text);
	int err = record_parse(copy, ret);

	free(copy);
	return err;
}

static void test_valid(void)
{
	_cleanup_record_ struct record r = { 0 };
	const struct record_entry *e;

	CHECK_INT(parse(VALID, &r), 0);
	CHECK_INT(r.number, 7);
	CHECK_INT(r.kind, TRANSACTION_COMMIT);
	CHECK_INT(r.time, 1700000000);
	CHECK_STR(r.boot, "0f-1");
	CHECK_INT(r.uid, 1000);
	CHECK_INT(r.bytes, 4096);
	CHECK_STR(r.command, "rofs commit /etc");
	CHECK_INT(r.n_where, 2);
	CHECK_STR(r.where[1], "/rofs/ro/home");
	CHECK_INT(r.n_entries, 1);
	e = &r.entries[0];
	CHECK_INT(e->operation, RECORD_NEW);
	CHECK_INT(e->fs, 1);
	CHECK_INT(e->inode, 12);
	CHECK_INT(e->old_inode, 0);
	CHECK_INT(e->flags, RECORD_IMMUTABLE);
	CHECK_INT(e->old_flags, RECORD_APPEND);
	CHECK_INT(e->mtime.tv_sec, -5);
	CHECK_INT(e->mtime.tv_nsec, 999999999);
	CHECK_STR(e->slot, "staging.7/slots/1");
	CHECK_STR(e->path, "user/\xff\n\\x");
}

/* Where the C library has a time_t of 64 bits. */
#if __TIMESIZE == 64 || __GLIBC_PREREQ(2, 34)
static void test_after_2038(void)
{
	_cleanup_record_ struct record r = { 0 };

	CHECK_INT(parse(HEAD "7 0 commit 4102444800 0f-1 1000 4096 2 1\n" COMMAND WHERE
			     "new 1 12 0 1 2 7258118400 5 staging.7/slots/1 /x\n" END,
			&r),
		  0);
	CHECK_INT(r.time, 4102444800);
	CHECK_INT(r.entries[0].mtime.tv_sec, 7258118400);
}
#else
static void test_after_2038(void)
{
}
#endif

static void test_damaged(void)
{
	static const char *const damaged[] = {
		"",
		"\n",
		HEAD,
		HEAD NUMBERS COMMAND WHERE ENTRY,
		HEAD NUMBERS COMMAND WHERE ENTRY "end",
		VALID "\n",
		VALID END,
		HEAD NUMBERS COMMAND WHERE ENTRY ENTRY END,
		HEAD NUMBERS COMMAND WHERE END,
		"rofs-transaction 2\n" NUMBERS COMMAND WHERE ENTRY END,
		HEAD "7 0 commit 1700000000 0f-1 1000 4096 2\n" COMMAND WHERE ENTRY END,
		HEAD "7 0 commit 1700000000 0f-1 1000 4096 2 1 1\n" COMMAND WHERE ENTRY END,
		HEAD "7 0 other 1700000000 0f-1 1000 4096 2 1\n" COMMAND WHERE ENTRY END,
		HEAD "x 0 commit 1700000000 0f-1 1000 4096 2 1\n" COMMAND WHERE ENTRY END,
		HEAD "4294967296 0 commit 1700000000 0f-1 1000 4096 2 1\n" COMMAND WHERE ENTRY END,
		HEAD
		"7 0 commit 1700000000 0123456789012345678901234567890123456 1000 4096 2 1\n" COMMAND
			WHERE ENTRY END,
		HEAD "7 0 commit 1700000000 0f-1 1000 4096 0 0\n" COMMAND END,
		HEAD "7 0 commit 1700000000 0f-1 1000 4096 2 18446744073709551615\n" COMMAND WHERE
			ENTRY END,
		HEAD "7 0 commit 1700000000 0f-1 1000 4096 4294967295 1\n" COMMAND WHERE ENTRY END,
		HEAD NUMBERS "two words\n" WHERE ENTRY END,
		HEAD NUMBERS COMMAND "/rofs/ro\nrofs/ro/home\n" ENTRY END,
		ENTRY_OF("old 1 12 0 0 0 0 0 staging/slots/1 /x"),
		ENTRY_OF("new 2 12 0 0 0 0 0 staging/slots/1 /x"),
		ENTRY_OF("new -1 12 0 0 0 0 0 staging/slots/1 /x"),
		ENTRY_OF("new 1 12 0 4 0 0 0 staging/slots/1 /x"),
		ENTRY_OF("new 1 12 0 0 0 0 1000000000 staging/slots/1 /x"),
		ENTRY_OF("new 1 18446744073709551616 0 0 0 0 0 staging/slots/1 /x"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 x"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 //x"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /x/"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /x/../y"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /.."),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /./x"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /x/."),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /x//y"),
		ENTRY_OF("new 1 12 0 0 0 0 0 ../slots/1 /x"),
		ENTRY_OF("new 1 12 0 0 0 0 0 /slots/1 /x"),
		ENTRY_OF("new 1 12 0 0 0 0 0 slot /x"),
		ENTRY_OF("new 1 12 0 0 0 0 0  /x"),
		ENTRY_OF("times 1 12 0 0 0 0 0 staging/slots/1 /x"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /x more"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /\\x00"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /\\x2"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /\\x2G"),
		ENTRY_OF("new 1 12 0 0 0 0 0 staging/slots/1 /\\n"),
		ENTRY_OF("new 1 12"),
	};

	CHECK_EACH(text, damaged)
	{
		_cleanup_record_ struct record r = { 0 };

		check.label = *text;
		CHECK_INT(parse(*text, &r), -EBADMSG);
		CHECK_INT(r.n_entries, 0);
	}
	check.label = NULL;
}

/* A valid one in which some bytes are others. */
static void test_random(void)
{
	uint32_t state = 1;

	for (unsigned i = 0; i < 20000; i++) {
		_cleanup_record_ struct record r = { 0 };
		char text[] = VALID;

		for (unsigned n = check_random(&state) % 4 + 1; n > 0; n--)
			text[check_random(&state) % (sizeof(text) - 1)] =
				(char)(check_random(&state) % 256);
		if (record_parse(text, &r) < 0)
			continue;
		for (size_t j = 0; j < r.n_entries; j++) {
			const struct record_entry *e = &r.entries[j];

			CHECK(e->fs < r.n_where && !path_has_dotdot(e->path) && *e->path != '/');
			CHECK(!path_has_dotdot(e->slot) && *e->slot != '/');
		}
	}
}

static void make(struct record *r, size_t n)
{
	struct record_entry *e;

	*r = (struct record){
		.number = 3, .kind = TRANSACTION_CHROOT, .time = -1, .uid = 5, .bytes = 1
	};
	strcpy(r->boot, "b");
	r->command = __real_strdup("a\nb \\ \x7f\xc3\xa4");
	CHECK_INT(record_add_where(r, "/rofs/ro"), 0);
	CHECK_INT(record_add_where(r, "/rofs/ro/a b"), 0);
	for (size_t i = 0; i < n; i++) {
		char path[64];

		snprintf(path, sizeof(path), "dir %zu/name\t%zu", i / 10, i);
		CHECK_INT(record_add(r, i % 3 ? RECORD_NEW : RECORD_GONE, i % 2, "staging/slots/1",
				     path, &e),
			  0);
		e->inode = i + 1;
	}
	CHECK_INT(record_add(r, RECORD_ATTRIBUTES, 1, "staging/slots/2", "", &e), 0);
	CHECK_INT(record_add(r, RECORD_TIMES, 0, "", "dir", &e), 0);
	e->mtime = (struct timespec){ -7, 8 };
}

static int temporary(void)
{
	char path[] = "/tmp/rofs-test-record-XXXXXX";
	int fd = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	CHECK(fd >= 0);
	return fd;
}

static void remove_all(int fd)
{
	char path[4096], link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	unlinkat(fd, RECORD_NAME, 0);
	unlinkat(fd, NAME_LOG, 0);
	if (n > 0) {
		path[n] = '\0';
		rmdir(path);
	}
	close(fd);
}

static void test_written_is_read(void)
{
	int fd = temporary();

	/* The last one is written in several parts. */
	for (size_t n = 1; n <= 10000; n *= 100) {
		_cleanup_record_ struct record r = { 0 }, again = { 0 };

		make(&r, n);
		CHECK_INT(record_write(fd, &r), 0);
		CHECK_INT(record_read(fd, &again), 0);
		CHECK_INT(again.n_entries, r.n_entries);
		CHECK_INT(again.time, -1);
		CHECK_STR(again.command, r.command);
		CHECK_STR(again.where[1], r.where[1]);
		for (size_t i = 0; i < again.n_entries && i < r.n_entries; i++) {
			CHECK_STR(again.entries[i].path, r.entries[i].path);
			CHECK_STR(again.entries[i].slot, r.entries[i].slot);
			CHECK_INT(again.entries[i].inode, r.entries[i].inode);
			CHECK_INT(again.entries[i].mtime.tv_nsec, r.entries[i].mtime.tv_nsec);
		}
	}
	remove_all(fd);
}

/* Of a medium that somebody else has made: all of it a hole, and the larger one not even addressable everywhere. */
static void test_large(void)
{
	static const off_t sizes[] = { UINT32_MAX, (off_t)1 << 36 };
	int fd = temporary();

	CHECK_EACH(size, sizes)
	{
		_cleanup_record_ struct record r = { 0 };
		_cleanup_close_ int file =
			openat(fd, RECORD_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		CHECK_INT(ftruncate(file, *size), 0);
		CHECK_INT(record_read(fd, &r), -EBADMSG);
	}
	remove_all(fd);
}

static void test_user_path(void)
{
	static const struct {
		uint32_t fs;
		const char *path, *expected;
	} rows[] = {
		{ 0, "etc/x", "/etc/x" }, { 0, "", "/" },	 { 1, "x", "/home/x" },
		{ 1, "", "/home" },	  { 2, "x", "/boot/x" },
	};
	_cleanup_record_ struct record r = { 0 };

	CHECK_INT(record_add_where(&r, "/rofs/ro"), 0);
	CHECK_INT(record_add_where(&r, "/rofs/ro/home"), 0);
	CHECK_INT(record_add_where(&r, "/boot"), 0);
	CHECK_EACH(row, rows)
	{
		const struct record_entry e = { .fs = row->fs, .path = (char *)row->path };
		_cleanup_free_ char *path = NULL;

		CHECK_INT(record_user_path(&r, &e, &path), 0);
		CHECK_STR(path, row->expected);
	}
}

static void test_names(void)
{
	static const struct {
		const char *name;
		unsigned expected;
	} rows[] = {
		{ "kept.1", 1 },  { "kept.12345", 12345 },  { "kept.", 0 },
		{ "kept", 0 },	  { "kept.0", 0 },	    { "kept.01", 0 },
		{ "kept.1x", 0 }, { "kept.-1", 0 },	    { "kept.1.2", 0 },
		{ "xkept.1", 0 }, { "kept.4294967296", 0 }, { "kept.99999999999999999999999", 0 },
	};

	CHECK_EACH(row, rows)
	{
		check.label = row->name;
		CHECK_INT(name_number(row->name, NAME_KEPT), row->expected);
	}
	check.label = NULL;
}

static void test_history(void)
{
	_cleanup_history_ struct history h = { 0 }, again = { 0 };
	_cleanup_record_ struct record r = { 0 };
	int fd = temporary();
	struct stat st;

	make(&r, 500);
	for (unsigned i = 1; i <= 150; i++) {
		r.number = i;
		r.undoes = i == 150 ? 149 : 0;
		r.kind = i == 150 ? TRANSACTION_UNDO : TRANSACTION_COMMIT;
		CHECK_INT(history_add(&h, &r, i % 2 ? "jo e" : NULL), 0);
	}
	CHECK_INT(history_write(fd, NAME_LOG, &h), 0);
	CHECK_INT(fstatat(fd, NAME_LOG, &st, 0), 0);
	CHECK((size_t)st.st_size <= HISTORY_BYTES_MAX);
	CHECK_INT(history_read(fd, &again), 0);
	CHECK(again.n > 10 && again.n <= HISTORY_ENTRIES_MAX);
	CHECK_INT(again.entries[again.n - 1].number, 150);
	CHECK_INT(again.entries[again.n - 1].undoes, 149);
	CHECK_INT(again.entries[again.n - 2].undone, 150);
	CHECK_STR(again.entries[again.n - 2].user, "jo e");
	CHECK_INT(again.entries[again.n - 2].n_paths, 501);
	CHECK_INT(history_last_done(&again)->number, 148);
	CHECK(history_find(&again, 1) == NULL);
	remove_all(fd);
}

static void test_damaged_history(void)
{
	char text[] =
		"garbage\n1 commit 5 0 0 0 0 1 root rofs /a\n2 commit 5 0 0 0 0 1\n\n0 commit 5 0 0 0 0 1 a b\n"
		"3 other 5 0 0 0 0 1 root rofs /a\n4 undo 5 0 0 0 1 1 \\xzz rofs\n5 chroot 5 0 0 0 0 0 root rofs\ncut off";
	_cleanup_history_ struct history h = { 0 };

	CHECK_INT(history_parse(text, &h), 0);
	CHECK_INT(h.n, 2);
	CHECK_INT(h.entries[0].number, 1);
	CHECK_INT(h.entries[1].number, 5);
}

static int use_all(void)
{
	_cleanup_record_ struct record r = { 0 };
	_cleanup_history_ struct history h = { 0 };
	_cleanup_record_paths_ struct record_paths p = { 0 };
	char text[] = VALID, line[] = "1 commit 5 0 0 0 0 1 root rofs /a /b\n";
	int err;

	armed = true;
	err = record_parse(text, &r);
	if (err >= 0)
		err = history_parse(line, &h);
	if (err >= 0)
		err = history_add(&h, &r, "root");
	if (err >= 0)
		err = record_paths_find(&r, &p);
	armed = false;
	return err;
}

static void test_memory(void)
{
	unsigned n;

	CHECK_INT(use_all(), 0);
	n = n_seen;
	CHECK(n > 10);
	for (unsigned i = 1; i <= n; i++) {
		countdown = i;
		CHECK_INT(use_all(), -ENOMEM);
	}
}

int main(void)
{
	test_valid();
	test_after_2038();
	test_damaged();
	test_random();
	test_written_is_read();
	test_large();
	test_user_path();
	test_names();
	test_history();
	test_damaged_history();
	test_memory();
	return check_done();
}
