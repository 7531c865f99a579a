/* SPDX-License-Identifier: MIT */
/* What makes the block device of the root file system read-only, once nothing has to write to it any more. */
#include "plan/fstab.h"
#include "plan/unit-name.h"
#include "unit/unit-internal.h"

/* One that local-fs.target does not wait for needs its disk for the whole boot: see system/device-users.h. */
static int add_mount(struct strbuf *b, const struct fstab_entry *e)
{
	_cleanup_free_ char *unit = NULL;
	int err = fstab_is_before_local_fs(e) ? unit_name_from_path(e->dir, ".mount", &unit) : 0;

	if (unit)
		strbuf_addf(b, "After=%s\n", unit);
	return err == -ENOMEM ? err : 0;
}

static int add_mounts(const struct plan *p, struct strbuf *b)
{
	int err = 0;

	strbuf_add(
		b,
		"# By then it is known which devices exist. Also what is mounted read-only is checked\n"
		"# before, and has its journal replayed.\n");
	for (size_t i = 0; i < p->n_partitions; i++)
		if (p->partitions[i].conf)
			strbuf_addf(b, "After=%s\n", p->partitions[i].unit);
	for (size_t i = 0; i < p->n_lowers; i++)
		strbuf_addf(b, "After=%s\n", p->lowers[i].unit);
	for (size_t i = 0; i < p->facts->n_fstab && err >= 0; i++)
		err = add_mount(b, &p->facts->fstab[i]);
	return err;
}

/* They open a window of their own, and find the device as it was. */
static void add_finishes(const struct plan *p, struct strbuf *b)
{
	if (p->n_pools == 0)
		return;
	strbuf_add(b, "# They complete what a power cut has interrupted.\n"
		      "After=" UNIT_FINISH "\n");
	for (size_t i = 0; i < p->n_lowers; i++)
		if (p->lowers[i].finish_unit)
			strbuf_addf(b, "After=%s\n", p->lowers[i].finish_unit);
	for (size_t i = 0; i < p->n_finishes; i++)
		strbuf_addf(b, "After=%s\n", p->finishes[i].unit);
}

int unit_render_device(struct rendering *r)
{
	const struct unit_helper helper = { .program = "rofs-device", .sandbox = SANDBOX_DEVICE };
	const struct plan *p = r->plan;
	_cleanup_strbuf_ struct strbuf b = { 0 };
	int err;

	if (!p->device_read_only)
		return 0;
	unit_add_head(&b, conf_key_pos(&p->conf->root.section, "Device"), "/",
		      "make its block device read-only");
	strbuf_add(
		&b,
		"# It makes the file system read-only. The others may write to the disk before.\n"
		"After=systemd-remount-fs.service systemd-growfs-root.service "
		"systemd-repart.service\n");
	add_finishes(p, &b);
	err = add_mounts(p, &b);
	if (err < 0)
		return err;
	unit_add_before_local_fs(&b);
	strbuf_add(&b, "# It is for the whole boot, not for `systemctl isolate`.\n"
		       "IgnoreOnIsolate=yes\n");
	unit_add_helper(r, &b, &helper);
	return unit_add_unit(r, UNIT_DEVICE, &b);
}
