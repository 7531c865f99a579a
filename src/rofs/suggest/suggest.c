/* SPDX-License-Identifier: MIT */
/* rofs suggest: from a machine as it is to the rofs.conf for it. Writes nothing. */
#include <string.h>

#include "rofs/rofs.h"
#include "rofs/suggest/decide.h"
#include "rofs/suggest/gather.h"
#include "rofs/suggest/try.h"
#include "rofs/ui/output.h"
#include "system/log.h"
#include "system/program.h"

static const char usage[] =
	"Usage: rofs suggest [--root=DIR]\n"
	"\n"
	"Print a rofs.conf for this machine, with a reason for each line: overlays for what programs write to,\n"
	"persists for what must be kept, the partition for it, and what to change in fstab and in the boot\n"
	"configuration. Nothing is written. Run it as root, on a machine that boots without rofs:\n"
	"rofs suggest >/etc/rofs.conf\n"
	"\n"
	"  --root=DIR  read the system below DIR, such as an image, without the devices of this machine;\n"
	"              default: $ROFS_ROOT or /\n"
	"  --help      show this help\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 usage.\n";

static int show(const struct suggestion *s)
{
	_cleanup_output_ struct output o;
	_cleanup_free_ char *text = NULL;
	int err = suggestion_print(s, &text);

	if (err < 0)
		return err;
	output_open(&o, true);
	return output_lines(&o, text);
}

/* Each round learns of sections that cannot be, of which there are not more than paths. */
static int decide_and_try(const char *root, struct machine *m)
{
	int err;

	do {
		_cleanup_suggestion_ struct suggestion s = { 0 };

		err = decide(m, &s);
		if (err >= 0)
			err = try_suggestion(root, &s, m);
	} while (err > 0);
	return err;
}

static int suggest(const char *root)
{
	_cleanup_loaded_ struct loaded l = LOADED_INIT, probed = LOADED_INIT;
	_cleanup_machine_ struct machine m = { 0 };
	_cleanup_suggestion_ struct suggestion s = { 0 };
	_cleanup_free_ char *probe = NULL;
	int err = load_edited(root, &l);

	if (err >= 0)
		err = gather(&l, &m);
	if (err >= 0)
		err = gather_probe(&m, &probe);
	if (err >= 0)
		err = load_proposed(root, probe, &probed);
	if (err >= 0)
		err = gather_mounts(&probed, strcmp(root, "/") == 0, &m);
	if (err >= 0)
		err = decide_and_try(root, &m);
	if (err >= 0)
		err = decide(&m, &s);
	return err < 0 ? err : show(&s);
}

int verb_suggest(int argc, char **argv)
{
	const char *root = program_root();
	const struct program_option options[] = {
		{ .name = "root", .value = &root },
	};
	const struct program_call call = { .usage = usage,
					   .options = options,
					   .n_options = ELEMENTSOF(options) };
	int err, status;

	status = program_parse(argc, argv, &call);
	if (status >= 0)
		return status;

	err = suggest(root);
	if (err < 0)
		return log_error(ROFS_WRONG, "%s: %s", root, strerror(-err));
	return ROFS_DONE;
}
