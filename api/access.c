/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access.h"

#include "cleanup.h"
#include "crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 256

static bool hex_parse(const char *text, uint8_t ret[DIGEST_SHA256_SIZE])
{
	for (size_t i = 0; i < DIGEST_SHA256_SIZE; i++) {
		unsigned value = 0;

		for (size_t k = 0; k < 2; k++) {
			char c = text[2 * i + k];

			if (c >= '0' && c <= '9')
				value = value << 4 | (unsigned)(c - '0');
			else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
				value = value << 4 | (unsigned)((c | 0x20) - 'a' + 10);
			else
				return false;
		}
		ret[i] = (uint8_t)value;
	}
	return text[2 * DIGEST_SHA256_SIZE] == '\0';
}

static enum config_role role_parse(const char *text)
{
	for (enum config_role r = ROLE_VIEWER; r <= ROLE_ADMIN; r++)
		if (!strcmp(text, config_role_name(r)))
			return r;
	return ROLE_NONE;
}

static bool name_good(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < RK_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789._@-") == len;
}

static int line_parse(char *line, unsigned number, struct access *a, struct sentence *reterr)
{
	char *rest = NULL, *word[5] = { NULL };
	struct access_entry *e = &a->entry[a->count];

	for (int i = 0; i < 5; i++)
		word[i] = strtok_r(i == 0 ? line : NULL, " \t\r", &rest);
	if (!word[0] || word[0][0] == '#')
		return 0;
	if (!word[3] || word[4])
		return sentence_fail(reterr, -EINVAL,
				     "line %u: write NAME ROLE token SHA256, or NAME ROLE certificate SHA256",
				     number);
	if (a->count == ACCESS_ENTRIES_MAX)
		return sentence_fail(reterr, -EINVAL, "line %u: there are more than %d", number,
				     ACCESS_ENTRIES_MAX);
	if (!name_good(word[0]))
		return sentence_fail(reterr, -EINVAL,
				     "line %u: a name has up to %d letters, digits and . _ @ -", number,
				     RK_NAME_MAX - 1);
	*e = (struct access_entry){ .role = role_parse(word[1]) };
	(void)snprintf(e->name, sizeof e->name, "%s", word[0]);
	if (e->role == ROLE_NONE)
		return sentence_fail(reterr, -EINVAL, "line %u: a role is viewer, operator or admin", number);
	if (strcmp(word[2], "token") && strcmp(word[2], "certificate"))
		return sentence_fail(reterr, -EINVAL, "line %u: \"%.20s\" is neither token nor certificate",
				     number, word[2]);
	e->kind = !strcmp(word[2], "token") ? ACCESS_TOKEN : ACCESS_CERTIFICATE;
	if (!hex_parse(word[3], e->hash))
		return sentence_fail(reterr, -EINVAL, "line %u: a SHA-256 has 64 hexadecimal digits", number);
	a->count++;
	return 0;
}

int access_parse(const char *text, size_t len, struct access *ret, struct sentence *reterr)
{
	unsigned number = 1;

	ret->count = 0;
	for (size_t at = 0; at < len; number++) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;
		char line[LINE_MAX_BYTES];
		int r;

		if (n >= sizeof line || memchr(text + at, '\0', n))
			return sentence_fail(reterr, -EINVAL, "line %u: longer than %d bytes, or not text",
					     number, LINE_MAX_BYTES - 1);
		memcpy(line, text + at, n);
		line[n] = '\0';
		r = line_parse(line, number, ret, reterr);
		if (r < 0)
			return r;
		at += n + 1;
	}
	return 0;
}

int access_read(const char *path, struct access *ret, struct sentence *reterr)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_(free_ptr) char *text = malloc(ACCESS_FILE_BYTES_MAX + 1);
	struct sentence why = { "" };
	struct stat st;
	ssize_t n;
	int r;

	if (!text)
		return sentence_fail(reterr, -ENOMEM, "out of memory");
	if (fd < 0 || fstat(fd, &st) < 0)
		return sentence_fail(reterr, -errno, "%.150s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXO | S_IWGRP)))
		return sentence_fail(reterr, -EPERM,
				     "%.150s: only its owner and group may read it, and only its owner write "
				     "to it: chmod 640",
				     path);
	n = read(fd, text, ACCESS_FILE_BYTES_MAX + 1);
	if (n < 0)
		return sentence_fail(reterr, -errno, "%.150s: %s", path, strerror(errno));
	if (n > ACCESS_FILE_BYTES_MAX)
		return sentence_fail(reterr, -EFBIG, "%.150s: longer than %d bytes", path,
				     ACCESS_FILE_BYTES_MAX);
	r = access_parse(text, (size_t)n, ret, &why);
	return r < 0 ? sentence_fail(reterr, r, "%.100s, %s", path, why.text) : 0;
}

/* All of them, each time. */
static const struct access_entry *find(const struct access *a, enum access_kind kind, const void *data,
				       size_t len)
{
	const struct access_entry *found = NULL;
	uint8_t hash[DIGEST_SHA256_SIZE];

	digest_sha256(data, len, hash);
	for (size_t i = 0; i < a->count; i++)
		if (a->entry[i].kind == kind && crypto_equal(a->entry[i].hash, hash, sizeof hash))
			found = &a->entry[i];
	return found;
}

const struct access_entry *access_token(const struct access *a, const char *token)
{
	size_t len = strnlen(token, ACCESS_TOKEN_MAX + 1);

	return len == 0 || len > ACCESS_TOKEN_MAX ? NULL : find(a, ACCESS_TOKEN, token, len);
}

const struct access_entry *access_certificate(const struct access *a, const uint8_t *der, size_t len)
{
	return find(a, ACCESS_CERTIFICATE, der, len);
}
