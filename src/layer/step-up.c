/* SPDX-License-Identifier: MIT */
#include "layer/step-up.h"

#include <sys/stat.h>

#include "basic/io.h"
#include "basic/macro.h"

int step_up(int *fd, dev_t dev, ino_t ino)
{
	_cleanup_close_ int up = open_dir_at(*fd, "..");
	struct stat st;

	if (up < 0)
		return up;
	if (fstat(up, &st) < 0)
		return -errno;
	if (st.st_dev != dev || st.st_ino != ino)
		return -ESTALE;
	closep(fd);
	*fd = TAKE_FD(up);
	return 0;
}
