/* SPDX-License-Identifier: MIT */
/* The tables that drive the reader, for tests/test_docs.py: section kind, key, default, separated by tabs. */
#include "conf/conf.h"

int main(void)
{
	for (int kind = 0; kind < _CONF_KIND_MAX; kind++) {
		size_t n;
		const struct conf_key *keys = conf_keys((enum conf_kind)kind, &n);

		for (size_t i = 0; i < n; i++)
			printf("%s\t%s\t%s\n", conf_kind_to_string((enum conf_kind)kind),
			       keys[i].name, keys[i].fallback);
	}
	return 0;
}
