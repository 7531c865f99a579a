/* SPDX-License-Identifier: MIT */
#pragma once

#include "rofs/ui/json.h"
#include "verdict/problem.h"

/**
 * json_problem - the fields that every problem has, within an object
 * @message: its sentence, from problem_format() or without the position
 */
void json_problem(struct json *j, const struct problem *p, const char *message);
