/* SPDX-License-Identifier: MIT */
#include "transaction/boot-id.h"

#include <fcntl.h>
#include <string.h>

#include "basic/macro.h"

int boot_id_read(int root_fd, char ret[BOOT_ID_SIZE])
{
	_cleanup_close_ int fd =
		openat(root_fd, "proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[BOOT_ID_SIZE];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	if (strspn(text, "0123456789abcdef-") != sizeof(text) - 1)
		return -EBADMSG;
	strcpy(ret, text);
	return 0;
}
