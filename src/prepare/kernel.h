/* SPDX-License-Identifier: MIT */
#pragma once

#include <linux/magic.h>

#ifndef EXFAT_SUPER_MAGIC
#define EXFAT_SUPER_MAGIC 0x2011bab0 /* statfs(2) f_type; linux/magic.h of older systems lacks it */
#endif
