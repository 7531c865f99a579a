/* SPDX-License-Identifier: MIT */
/*
 * Each allocation of a whole run fails once: the run says so, crashes nowhere and frees everything (the sanitizers look).
 * The linker puts the functions below in the place of the real ones: --wrap in meson.build.
 */
#include <search.h>
#include <stdarg.h>
#include <stdlib.h>

#include "check.h"
#include "model.h"

static bool armed;	   /* only the model's allocations count, not the test's */
static unsigned countdown; /* of allocations until the one that fails */
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
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
int __real_vasprintf(char **ret, const char *format, va_list ap) _printf_(2, 0);
void *__real_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);
int __wrap_vasprintf(char **ret, const char *format, va_list ap) _printf_(2, 0);
void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
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

int __wrap_vasprintf(char **ret, const char *format, va_list ap)
{
	/* What *ret holds after a failure is not defined. */
	return fails() ? *ret = (char *)0x1, -1 : __real_vasprintf(ret, format, ap);
}

void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *))
{
	return fails() ? NULL : __real_tsearch(key, root, compare);
}

/* Every kind of section, message and unit. */
static const char text[] =
	"[Root]\nTmp=yes\n"
	"[Memory]\nSize=10%\nInodes=1K\n"
	"[Overlay /var]\nStartEmpty=/var/log /var/log/x\nOptions=nosuid\nCommitAt=daily; shutdown\n"
	"[Overlay /etc]\n"
	"[Overlay /home]\n"
	"[Overlay /srv/a]\nSize=1M\n"
	"[Overlay /opt]\nPartition=data\nDirectory=/x\nIfMissing=emergency\n"
	"[Partition data]\nDevice=LABEL=a b\nTimeout=5s\nRequires=a.service b.service\nAfter=c.mount\n"
	"[Partition same]\nDevice=LABEL=a b\n"
	"[Partition unused]\nDevice=/dev/sda9\n"
	"[Persist /var/a b%\\]\nPartition=data\nDirectory=/p\nMode=0700\nUser=root\nGroup=0\n"
	"[Persist /var/q]\nPartition=data\n"
	"[Persist /var/r]\nPartition=data\n"
	"[Persist /var/q/below]\nPartition=data\n"
	"[Overlay /link]\n"
	"[Overlay relative]\nSize=1\nCommitAt=never\n"
	"[Overlay /dup]\n[Overlay /dup]\n"
	"[Persist /x]\nPartition=nothing\nPopulate=maybe\n"
	"[Persist /y]\nPartition=nothing\n"
	"[Szie]\nx=y\n"
	"[Memory\nSize=1\n"
	"[Partition nothing]\nDvice=x\n"
	"line\n";

static int run(struct model *m)
{
	static const struct link_fact links[] = { { "/link", "/etc", PATH_DIRECTORY },
						  { NULL, NULL, PATH_MISSING } };
	int err;

	armed = true;
	err = model_read(m, text);
	armed = false;
	if (err < 0)
		return err;
	if (model_look(m, links) < 0)
		abort();
	model_add_fstab(m, "/dev/sda1", "/", "ext4", "rw");
	model_add_fstab(m, "UUID=x", "/home", "ext4",
			"rw,x-systemd.device-timeout=7s,x-systemd.requires=/a,"
			"x-systemd.after=b,x-systemd.wanted-by=c.target,"
			"x-systemd.wants-mounts-for=/d/e");
	model_add_fstab(m, "x:/y", "/net", "nfs", "x-systemd.requires=");
	model_add_fstab(m, "/dev/sda4", "/srv", "ext4", "defaults");
	model_add_fstab(m, "/dev/sda5", "none", "swap", "sw");
	model_add_fstab(m, "/dev/sda5", "none", "swap", "sw");
	armed = true;
	err = model_plan(m);
	if (err >= 0)
		err = model_render(m);
	armed = false;
	return err;
}

int main(void)
{
	unsigned total;

	for (unsigned n = 0;; n++) {
		_cleanup_model_ struct model m = { 0 };
		int err;

		countdown = n;
		n_seen = 0;
		err = run(&m);
		if (n == 0) {
			total = n_seen;
			CHECK_INT(err, 0);
			CHECK(m.diag.n_errors > 8);
			CHECK(m.plan.n_overlays == 5);
			CHECK(total > 300);
			continue;
		}
		if (n > total)
			break;

		/* Either the run fails, or a message is lost, which counts as a mistake. */
		if (err != -ENOMEM && !m.diag.failed) {
			fprintf(stderr, "allocation %u of %u: ", n, total);
			CHECK_INT(err, -ENOMEM);
		}
		CHECK(err == 0 || m.set.n_files == 0);
	}
	return check_done();
}
