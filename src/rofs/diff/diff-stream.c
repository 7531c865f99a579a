/* SPDX-License-Identifier: MIT */
/* rofs diff: one row after the other, as JSON or as plain paths. */
#include "rofs/diff/diff.h"

#include "verdict/observed.h"

static void json_attributes(struct json *j, const struct change *c)
{
	json_open(j, "attributes", '[');
	for (unsigned bit = 1; bit <= CHANGE_XATTR; bit <<= 1)
		if (c->attributes & bit)
			json_string(j, NULL, change_attribute_to_string(bit));
	json_close(j, ']');
}

static size_t add_hex(struct strbuf *b, const char *s)
{
	for (; *s; s++)
		strbuf_addf(b, "%02x", (unsigned)(unsigned char)*s);
	return 0;
}

/* One that is not UTF-8, and so no string of JSON, is given as its bytes as well. */
static int json_path(struct diff_stream *s, struct path_node *path)
{
	struct json *j = &s->json;
	size_t wrong;
	const char *text = path_text_set(&s->path, path, &wrong);

	if (!text)
		return -ENOMEM;
	json_text(j, "path", text);
	if (wrong == 0)
		return 0;
	text = path_text_set(&s->hex, path, NULL);
	if (!text)
		return -ENOMEM;
	json_text(j, "path_hex", text);
	return 0;
}

static void json_unread(struct json *j, const struct change *c)
{
	json_string(j, "unread", change_unread_to_string(c->unread));
	json_string(j, "error", c->kind == CHANGE_UNKNOWN ? diff_error(c->error) : NULL);
}

/* ISO 8601, in UTC. */
static void json_time(struct json *j, const char *key, time_t when)
{
	char text[32];
	struct tm t;

	if (when && gmtime_r(&when, &t) && strftime(text, sizeof(text), "%FT%TZ", &t) > 0)
		json_string(j, key, text);
	else
		json_string(j, key, NULL);
}

static const char *type_or_null(mode_t type)
{
	return type ? change_type_to_string(type) : NULL;
}

static int json_row(struct diff_stream *s, const struct diff_row *row)
{
	struct json *j = &s->json;
	const char letter[] = { change_kind_to_letter(row->change.kind), '\0' };
	const struct change *c = &row->change;

	json_open(j, NULL, '{');
	if (json_path(s, row->path) < 0)
		return -ENOMEM;
	json_string(j, "change", letter);
	json_string(j, "type", type_or_null(c->type));
	json_string(j, "lower_type", type_or_null(c->lower_type));
	json_number(j, "size", row->size);
	json_number(j, "used", row->used);
	json_number(j, "links", row->links);
	json_attributes(j, c);
	json_boolean(j, "same_content", diff_same_content(c));
	json_boolean(j, "opaque", c->opaque);
	json_boolean(j, "starts_empty", row->starts_empty);
	json_boolean(j, "made_by_rofs", row->by_rofs);
	json_time(j, "on_flash_since", row->on_flash);
	json_unread(j, c);
	json_string(j, "overlay", row->overlay->path);
	json_string(j, "pool", pool_name(row->overlay));
	json_close(j, '}');
	return json_flush(j);
}

static int print_path(struct diff_stream *s, const struct diff_row *row)
{
	if (!path_text_set(&s->path, row->path, NULL))
		return -ENOMEM;
	fwrite(s->path.text.text, s->path.text.len + 1, 1, stdout);
	return 0;
}

void diff_stream_begin(struct diff_stream *s)
{
	if (!s->as_json)
		return;
	s->path.add = json_add_text;
	s->hex.add = add_hex;
	json_open(&s->json, NULL, '[');
}

int diff_stream_row(struct diff_stream *s, const struct diff_row *row)
{
	return s->as_json ? json_row(s, row) : print_path(s, row);
}

int diff_stream_end(struct diff_stream *s)
{
	if (!s->as_json)
		return 0;
	json_close(&s->json, ']');
	return json_print(&s->json);
}

void diff_stream_done(struct diff_stream *s)
{
	json_done(&s->json);
	path_text_done(&s->path);
	path_text_done(&s->hex);
}
