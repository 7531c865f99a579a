/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The extended attributes by which overlayfs marks what is in an upper layer. Source:
 * Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
 */

/* What overlayfs keeps for itself begins so, and means nothing outside an upper layer. */
#define OVERLAY_ATTRIBUTE_PREFIX "trusted.overlay."
/* On a directory with the value "y": nothing of the lower directory shows through it. */
#define OVERLAY_ATTRIBUTE_OPAQUE OVERLAY_ATTRIBUTE_PREFIX "opaque"
/* On an empty file, with any value: a whiteout, since Linux 6.7. */
#define OVERLAY_ATTRIBUTE_WHITEOUT OVERLAY_ATTRIBUTE_PREFIX "whiteout"
