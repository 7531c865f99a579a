/* SPDX-License-Identifier: MIT */
/*
 * A plugin for QEMU's emulation: when QEMU ends, writes how many instructions the guest has retired
 * to the file of its argument out=.
 *
 * Unlike times, this number hardly depends on the load of the host. It is right for a machine with
 * one processor. The declarations are those of version 1 of the interface for plugins, which every
 * later QEMU accepts or refuses by qemu_plugin_version; QEMU's package for developers does not exist
 * in Debian 12.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
typedef struct qemu_info qemu_info_t;
typedef uint64_t qemu_plugin_id_t;
enum qemu_plugin_op {
	QEMU_PLUGIN_INLINE_ADD_U64
};

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t id,
						      struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
					      void *counter, uint64_t add);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
				    void (*cb)(qemu_plugin_id_t id, void *data), void *data);

EXPORT int qemu_plugin_version = 1;

static uint64_t instructions;

/* A block is translated: count all of it each time that it runs. */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &instructions,
						 qemu_plugin_tb_n_insns(tb));
}

static void ended(qemu_plugin_id_t id, void *data)
{
	(void)id;
	fprintf(data, "%" PRIu64 "\n", instructions);
	fclose(data);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv);
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	FILE *out;

	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0)
		return -1;
	out = fopen(argv[0] + 4, "we");
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, out);
	return 0;
}
