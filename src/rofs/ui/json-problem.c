/* SPDX-License-Identifier: MIT */
#include "rofs/ui/json-problem.h"

void json_problem(struct json *j, const struct problem *p, const char *message)
{
	json_string(j, "kind", problem_kind_to_string(p->kind));
	json_string(j, "severity", diag_level_to_string(p->severity));
	json_string(j, "path", p->path);
	json_string(j, "partition", p->partition);
	json_string(j, "unit", p->unit);
	json_string(j, "reason", p->reason);
	json_string(j, "message", message);
}
