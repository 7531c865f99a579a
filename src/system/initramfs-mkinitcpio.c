/* SPDX-License-Identifier: MIT */
/* mkinitcpio: which of its images contain fsck. Its presets say which images there are. */
#include <string.h>

#include "basic/text.h"
#include "system/dir-names.h"
#include "system/initramfs-maker.h"

#define PRESETS	    "/etc/mkinitcpio.d/"
#define PRESETS_MAX 1000u
#define CONFIG	    "/etc/mkinitcpio.conf"

/* Drop-ins count only for an image whose preset names no configuration. */
static int look_at_config(const struct initramfs_reading *x, const char *config,
			  struct initramfs_fsck *ret)
{
	static const struct initramfs_dirs dirs = {
		.list = { CONFIG ".d" },
		.suffix = ".conf",
		.by_version = true,
	};
	_cleanup_initramfs_files_ struct initramfs_files files = { 0 };
	_cleanup_shell_variable_ struct shell_variable hooks = { .name = "HOOKS" };
	const char *file;
	int err = initramfs_files_add(&files, x->root, config ? config : CONFIG);

	if (err >= 0 && !config)
		err = initramfs_files_add_dirs(&files, x->root, &dirs);
	if (err >= 0)
		err = initramfs_files_variable(&files, &hooks, "fsck", &file);
	if (err < 0 || !shell_variable_has(&hooks, "fsck"))
		return err;
	ret->is_contained = true;
	ret->change = "remove fsck from HOOKS";
	ret->edit = true;
	ret->file = strdup(file ? file : CONFIG);
	return ret->file ? 0 : -ENOMEM;
}

/* Is fsck among the hooks that -S or --skiphooks names? */
static bool skips_fsck(const char *options)
{
	static const char *const names[] = { "-S", "--skiphooks" };
	bool skips = false;

	for (const char *s = options + strspn(options, " "); *s; s += strspn(s, " ")) {
		size_t n = strcspn(s, " =");
		bool is_name = false;

		for (size_t i = 0; i < ELEMENTSOF(names); i++)
			is_name = is_name ||
				  (n == strlen(names[i]) && strncmp(s, names[i], n) == 0);
		if (skips) {
			for (const char *word = s; word < s + n; word += *word == ',') {
				size_t length = strcspn(word, ", ");

				if (length == strlen("fsck") && strncmp(word, "fsck", length) == 0)
					return true;
				word += length;
			}
		}
		skips = is_name;
		s += n + (s[n] == '=');
	}
	return false;
}

/* A variable of a preset; .value is NULL where it does not set it. */
static int read_variable(const char *text, const char *image, const char *suffix, char **ret)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_shell_variable_ struct shell_variable v = { 0 };
	int err = text_format(&name, "%s%s", image, suffix);

	v.name = name;
	if (err >= 0)
		err = shell_variable_read(&v, text);
	if (err < 0)
		return err;
	*ret = v.value && *v.value ? TAKE_PTR(v.value) : NULL;
	return 0;
}

static int look_at_image(const struct initramfs_reading *x, const char *preset, const char *image,
			 struct initramfs_fsck *ret)
{
	_cleanup_free_ char *options = NULL, *config = NULL;
	int err = read_variable(preset, image, "_options", &options);

	if (err >= 0 && options && skips_fsck(options))
		return 0;
	if (err >= 0)
		err = read_variable(preset, image, "_config", &config);
	if (err >= 0 && !config)
		err = read_variable(preset, "ALL", "_config", &config);
	return err < 0 ? err : look_at_config(x, config, ret);
}

/* Returns: the number of images in it, or -ENOMEM. */
static int look_at_preset(const struct initramfs_reading *x, const char *text,
			  struct initramfs_fsck *ret)
{
	_cleanup_free_ char *images = NULL;
	int n = 0, err = read_variable(text, "", "PRESETS", &images);
	char *rest = NULL;

	if (err < 0 || !images)
		return err;
	for (char *image = strtok_r(images, " ", &rest); image && err >= 0 && !ret->is_contained;
	     image = strtok_r(NULL, " ", &rest), n++)
		err = look_at_image(x, text, image, ret);
	return err < 0 ? err : n;
}

int initramfs_mkinitcpio_look(const struct initramfs_reading *x, struct initramfs_fsck *ret)
{
	_cleanup_dir_names_ struct dir_names presets = { 0 };
	_cleanup_initramfs_files_ struct initramfs_files files = { 0 };
	int images = 0,
	    err = dir_names_read(x->root, PRESETS, "*.preset", 0, PRESETS_MAX, &presets);

	for (size_t i = 0; i < presets.n && err >= 0; i++) {
		_cleanup_free_ char *path = NULL;

		err = text_format(&path, PRESETS "%s", presets.list[i]);
		if (err >= 0)
			err = initramfs_files_add(&files, x->root, path);
	}
	for (size_t i = 0; i < files.n && err >= 0 && !ret->is_contained; i++) {
		err = look_at_preset(x, files.list[i].text, ret);
		images += err > 0 ? err : 0;
	}
	/* Without a preset, an image is made by hand. */
	if (err >= 0 && images == 0)
		err = look_at_config(x, NULL, ret);
	return err < 0 ? err : 0;
}
