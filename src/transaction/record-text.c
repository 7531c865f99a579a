/* SPDX-License-Identifier: MIT */
#include "transaction/record-text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PART 16384u /* bytes */

static bool is_escaped(unsigned char c)
{
	return c <= ' ' || c == 0x7f || c == '\\';
}

void record_text_add(struct strbuf *b, const char *word)
{
	while (*word) {
		size_t n = 0;

		while (word[n] && !is_escaped((unsigned char)word[n]))
			n++;
		strbuf_add_n(b, word, n);
		word += n;
		if (*word)
			strbuf_addf(b, "\\x%02x", (unsigned char)*word++);
	}
}

bool record_text_line(struct record_text *t)
{
	char *end = t->line ? strchr(t->line, '\n') : NULL;

	t->word = NULL;
	if (!end)
		return false;
	*end = '\0';
	t->word = t->line;
	t->line = end + 1;
	return true;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Returns false where the text is not what record_text_add() writes. */
static bool unescape(char *word)
{
	const char *from = word;
	char *to = word;

	while (*from) {
		int high, low;

		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		if (from[1] != 'x' || (high = digit(from[2])) < 0 || (low = digit(from[3])) < 0)
			return false;
		if (high == 0 && low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		from += 4;
	}
	*to = '\0';
	return true;
}

char *record_text_word(struct record_text *t)
{
	char *word = t->word, *blank = word ? strchr(word, ' ') : NULL;

	if (!word)
		return NULL;
	if (blank)
		*blank = '\0';
	t->word = blank ? blank + 1 : NULL;
	return unescape(word) ? word : NULL;
}

bool record_text_number(struct record_text *t, uint64_t max, uint64_t *ret)
{
	const char *word = record_text_word(t);
	uint64_t n = 0;

	if (!word || !*word)
		return false;
	for (; *word; word++) {
		unsigned d = (unsigned)(*word - '0');

		if (d > 9 || d > max || n > (max - d) / 10)
			return false;
		n = n * 10 + d;
	}
	*ret = n;
	return true;
}

/* In parts, which end at the first NUL: the size of a file on a foreign medium is no reason to allocate it. */
static int read_all(int fd, struct strbuf *text)
{
	char part[PART];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (memchr(part, '\0', (size_t)n))
			return -EBADMSG;
		strbuf_add_n(text, part, (size_t)n);
		if (text->failed)
			return -ENOMEM;
	}
	return 0;
}

int record_text_read(int dir_fd, const char *name, char **ret)
{
	/* O_NONBLOCK: if it is a FIFO, the open does not wait for a writer. */
	_cleanup_close_ int fd =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_strbuf_ struct strbuf text = { 0 };
	struct stat st;
	int err;

	if (fd < 0 && errno == ELOOP)
		return -EBADMSG;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	err = read_all(fd, &text);
	return err < 0 ? err : strbuf_take(&text, ret);
}
