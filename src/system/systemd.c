/* SPDX-License-Identifier: MIT */
#include "system/systemd.h"

#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "basic/macro.h"

#define PRIVATE_SOCKET "unix:path=/run/systemd/private"
#define TIMEOUT_USEC   (UINT64_C(5) * 1000000)
#define DESTINATION    "org.freedesktop.systemd1"
#define OBJECT	       "/org/freedesktop/systemd1"
#define INTERFACE      "org.freedesktop.systemd1.Manager"

/* PID 1's own socket, as systemctl(1) uses it: there is no bus daemon in between. */
static int open_private(sd_bus **ret)
{
	_cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
	int err;

	err = sd_bus_new(&bus);
	if (err < 0)
		return err;
	err = sd_bus_set_address(bus, PRIVATE_SOCKET);
	if (err < 0)
		return err;
	err = sd_bus_start(bus);
	if (err < 0)
		return err;
	*ret = TAKE_PTR(bus);
	return 0;
}

static uint64_t now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* sd-bus itself waits 90 s for a peer that accepts the connection and does not answer. */
static int wait_until_ready(sd_bus *bus)
{
	uint64_t end = now_usec() + TIMEOUT_USEC;
	int err;

	while ((err = sd_bus_is_ready(bus)) == 0) {
		uint64_t now = now_usec();

		if (now >= end)
			return -ETIMEDOUT;
		err = sd_bus_process(bus, NULL);
		if (err == 0)
			err = sd_bus_wait(bus, end - now);
		if (err < 0)
			return err;
	}
	return err < 0 ? err : 0;
}

static int open_with(int (*open)(sd_bus **), sd_bus **ret)
{
	_cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
	int err = open(&bus);

	if (err >= 0)
		err = wait_until_ready(bus);
	if (err < 0)
		return err;
	sd_bus_set_method_call_timeout(bus, TIMEOUT_USEC);
	*ret = TAKE_PTR(bus);
	return 0;
}

static int open_bus(sd_bus **ret)
{
	int err = -EPERM;

	if (geteuid() == 0)
		err = open_with(open_private, ret);
	/* If PID 1 does not answer, the bus cannot help. */
	return err < 0 && err != -ETIMEDOUT ? open_with(sd_bus_open_system, ret) : err;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct unit_state *)a)->name, ((const struct unit_state *)b)->name);
}

void units_done(struct unit_states *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->units[i].active);
		free(u->units[i].sub);
	}
	free(u->units);
	*u = (struct unit_states){ 0 };
}

static struct unit_state *find(const struct unit_states *u, const char *name)
{
	const struct unit_state key = { .name = name };

	return u->n ? bsearch(&key, u->units, u->n, sizeof(*u->units), compare) : NULL;
}

static int call(sd_bus *bus, const char *const *names, size_t n, sd_bus_message **reply)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int err;

	err = sd_bus_message_new_method_call(bus, &m, DESTINATION, OBJECT, INTERFACE,
					     "ListUnitsByNames");
	if (err < 0)
		return err;
	err = sd_bus_message_open_container(m, 'a', "s");
	for (size_t i = 0; i < n && err >= 0; i++)
		err = sd_bus_message_append(m, "s", names[i]);
	if (err >= 0)
		err = sd_bus_message_close_container(m);
	if (err < 0)
		return err;
	return sd_bus_call(bus, m, TIMEOUT_USEC, NULL, reply);
}

static int read_reply(sd_bus_message *reply, struct unit_states *u)
{
	const char *name, *active, *sub;
	int err;

	err = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
	if (err < 0)
		return err;
	while ((err = sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, NULL, &active, &sub,
					  NULL, NULL, NULL, NULL, NULL)) > 0) {
		struct unit_state *state = find(u, name);

		if (!state || state->active)
			continue;
		state->active = strdup(active);
		state->sub = strdup(sub);
		if (!state->active || !state->sub)
			return -ENOMEM;
	}
	return err;
}

int units_ask(const char *const *names, size_t n, struct unit_states *ret)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_units_ struct unit_states u = { 0 };
	int err;

	err = open_bus(&bus);
	if (err < 0)
		return err;
	err = call(bus, names, n, &reply);
	if (err < 0)
		return err;

	u.units = calloc(n + 1, sizeof(*u.units));
	if (!u.units)
		return -ENOMEM;
	for (u.n = 0; u.n < n; u.n++)
		u.units[u.n].name = names[u.n];
	qsort(u.units, u.n, sizeof(*u.units), compare);
	err = read_reply(reply, &u);
	if (err < 0)
		return err;

	*ret = TAKE_STRUCT(u);
	return 0;
}

const char *units_find(const struct unit_states *u, const char *name)
{
	const struct unit_state *state = find(u, name);

	return state ? state->active : NULL;
}

int units_restart(const char *name)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	int err = open_bus(&bus);

	if (err < 0)
		return err;
	err = sd_bus_call_method(bus, DESTINATION, OBJECT, INTERFACE, "RestartUnit", NULL, NULL,
				 "ss", name, "replace");
	return err < 0 ? err : 0;
}
