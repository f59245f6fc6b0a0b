/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who may use the API, and as what: the access file, a line each, "NAME ROLE token SHA256" or "NAME ROLE
 * certificate SHA256", with the SHA-256 of the bearer token, or of the client certificate (DER), in
 * hexadecimal. Empty lines and lines that begin with # say nothing. Pure.
 */
#ifndef RK_ACCESS_H
#define RK_ACCESS_H

#include "config.h"
#include "digest.h"
#include "sentence.h"

#define ACCESS_ENTRIES_MAX    256
#define ACCESS_FILE_BYTES_MAX (64 * 1024)
#define ACCESS_TOKEN_MAX      256 /* characters */

enum access_kind { ACCESS_TOKEN, ACCESS_CERTIFICATE };

struct access_entry {
	char name[RK_NAME_MAX];
	enum config_role role;
	enum access_kind kind;
	uint8_t hash[DIGEST_SHA256_SIZE];
};

struct access {
	size_t count;
	struct access_entry entry[ACCESS_ENTRIES_MAX];
};

/* @retval -EINVAL with a sentence that begins with the line; ret is not to be used. */
int access_parse(const char *text, size_t len, struct access *ret, struct sentence *reterr);
/* @retval -EPERM others than its owner and group may read it, or others than its owner write to it */
int access_read(const char *path, struct access *ret, struct sentence *reterr);
/* NULL: nobody. The time that it takes says nothing of how much of a token was right. */
const struct access_entry *access_token(const struct access *a, const char *token);
const struct access_entry *access_certificate(const struct access *a, const uint8_t *der, size_t len);

#endif
