/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node_key.h"

#include "bytes.h"
#include "cleanup.h"
#include "digest.h"
#include "sentence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "ringkeep node key 1\n" | seed[32] | secret[32] | first 8 bytes of a SHA-256 over all before: finds
 * accidents. */
static const char node_key_magic[] = "ringkeep node key 1\n";
#define MAGIC_SIZE     (sizeof node_key_magic - 1)
#define SUM_SIZE       8
#define FILE_SIZE      (MAGIC_SIZE + 2 * CRYPTO_KEY_SIZE + SUM_SIZE)
#define PUBLIC_PREFIX  "rk1:"
#define PUBLIC_BYTES   (2 * CRYPTO_KEY_SIZE)
#define BASE64_SIZE(n) (((n)*4 + 2) / 3)
#define KEY_PATH_MAX   4096

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int node_key_fill_public(struct node_key *k)
{
	int r = crypto_ed25519_public(k->sign, k->public_key.sign);

	return r ? r : crypto_x25519_public(k->agree, k->public_key.agree);
}

int node_key_generate(struct node_key *ret)
{
	int r = crypto_random(ret->sign, sizeof ret->sign);

	if (r == 0)
		r = crypto_random(ret->agree, sizeof ret->agree);
	if (r == 0)
		r = node_key_fill_public(ret);
	if (r)
		node_key_wipe(ret);
	return r;
}

void node_key_wipe(struct node_key *key)
{
	crypto_wipe(key, sizeof *key);
}

static void node_key_encode(const struct node_key *key, uint8_t ret[FILE_SIZE])
{
	struct writer w = writer_init(ret, FILE_SIZE);
	uint8_t sum[DIGEST_SHA256_SIZE];

	write_bytes(&w, node_key_magic, MAGIC_SIZE);
	write_bytes(&w, key->sign, CRYPTO_KEY_SIZE);
	write_bytes(&w, key->agree, CRYPTO_KEY_SIZE);
	digest_sha256(ret, w.used, sum);
	write_bytes(&w, sum, SUM_SIZE);
}

static int node_key_decode(const uint8_t *data, size_t len, struct node_key *ret)
{
	uint8_t sum[DIGEST_SHA256_SIZE];

	if (len != FILE_SIZE || memcmp(data, node_key_magic, MAGIC_SIZE) != 0)
		return -EBADMSG;
	digest_sha256(data, FILE_SIZE - SUM_SIZE, sum);
	if (memcmp(sum, data + FILE_SIZE - SUM_SIZE, SUM_SIZE) != 0)
		return -EBADMSG;
	memcpy(ret->sign, data + MAGIC_SIZE, CRYPTO_KEY_SIZE);
	memcpy(ret->agree, data + MAGIC_SIZE + CRYPTO_KEY_SIZE, CRYPTO_KEY_SIZE);
	return node_key_fill_public(ret);
}

static int node_key_write(int fd, const uint8_t *data)
{
	ssize_t n = write(fd, data, FILE_SIZE);

	if (n < 0)
		return -errno;
	if (n != (ssize_t)FILE_SIZE)
		return -ENOSPC;
	return fsync(fd) ? -errno : 0;
}

/* So that the name is durable, too. */
static int node_key_sync_directory(const char *path)
{
	char directory[KEY_PATH_MAX];
	_cleanup_(close_fd) int fd = -EBADF;
	char *slash;

	(void)snprintf(directory, sizeof directory, "%s", path); /* its length was checked by the caller */
	slash = strrchr(directory, '/');
	if (!slash)
		(void)strcpy(directory, ".");
	else
		slash[slash == directory] = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		return -errno;
	return 0;
}

int node_key_save(const struct node_key *key, const char *path, struct sentence *why)
{
	char temporary[KEY_PATH_MAX];
	uint8_t data[FILE_SIZE];
	_cleanup_(close_fd) int fd = -EBADF;
	int n = snprintf(temporary, sizeof temporary, "%s.new", path);
	int r;

	if (n < 0 || n >= (int)sizeof temporary)
		return sentence_fail(why, -ENAMETOOLONG, "the path of the key file is too long");
	(void)unlink(temporary); /* left by a crash; never the key itself */
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd < 0)
		return sentence_fail(why, -errno, "%s cannot be written: %s", temporary, strerror(errno));
	node_key_encode(key, data);
	r = node_key_write(fd, data);
	crypto_wipe(data, sizeof data);
	if (r == 0 && link(temporary, path)) /* unlike rename(2), never replaces */
		r = -errno;
	(void)unlink(temporary);
	if (r == 0)
		r = node_key_sync_directory(path);
	if (r == -EEXIST)
		return sentence_fail(why, r, "%s exists already and is not replaced; move it away first",
				     path);
	if (r)
		return sentence_fail(why, r, "%s cannot be written: %s", path, strerror(-r));
	return 0;
}

static int node_key_check_file(int fd, const char *path, struct sentence *why)
{
	struct stat st;

	if (fstat(fd, &st))
		return sentence_fail(why, -errno, "%s cannot be examined: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return sentence_fail(why, -EBADMSG, "%s is not a regular file", path);
	if (st.st_mode & 077)
		return sentence_fail(
			why, -EACCES,
			"%s has mode %04o, so group or others can get at the key; chmod 0400 it, and if they "
			"may have read it, make a new one",
			path, st.st_mode & 07777);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return sentence_fail(why, -EACCES,
				     "%s belongs to uid %u; it must belong to root or to uid %u", path,
				     st.st_uid, geteuid());
	return 0;
}

int node_key_load(const char *path, struct node_key *ret, struct sentence *why)
{
	uint8_t data[FILE_SIZE + 1];
	/* O_NONBLOCK: somebody may have put a FIFO there. */
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n;
	int r;

	if (fd < 0 && errno == ELOOP)
		return sentence_fail(why, -ELOOP,
				     "%s is a symbolic link; the key file must be in its place itself", path);
	if (fd < 0)
		return sentence_fail(why, -errno, "%s cannot be read: %s", path, strerror(errno));
	r = node_key_check_file(fd, path, why);
	if (r)
		return r;
	n = read(fd, data, sizeof data);
	if (n < 0)
		return sentence_fail(why, -errno, "%s cannot be read: %s", path, strerror(errno));
	r = node_key_decode(data, (size_t)n, ret);
	crypto_wipe(data, sizeof data);
	if (r) {
		node_key_wipe(ret);
		return sentence_fail(why, r, "%s is damaged or is not a key file of ringkeep", path);
	}
	return 0;
}

/* ---- the public half ---- */

static void base64url_encode(const uint8_t *data, size_t len, char *ret)
{
	uint32_t bits = 0;
	int have = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		have += 8;
		while (have >= 6) {
			have -= 6;
			*ret++ = base64url[bits >> have & 63];
		}
	}
	if (have)
		*ret++ = base64url[bits << (6 - have) & 63];
	*ret = '\0';
}

/* text has exactly BASE64_SIZE(len) characters. Bits that belong to no byte must be zero: one key, one text.
 */
static int base64url_decode(const char *text, uint8_t *ret, size_t len)
{
	uint32_t bits = 0;
	int have = 0;
	size_t n = 0;

	for (; *text; text++) {
		const char *at = strchr(base64url, *text);

		if (!at)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)(at - base64url);
		have += 6;
		if (have >= 8) {
			have -= 8;
			ret[n++] = (uint8_t)(bits >> have);
		}
	}
	return n == len && (bits & ((1U << have) - 1)) == 0 ? 0 : -EINVAL;
}

void node_public_format(const struct node_public *p, char ret[NODE_PUBLIC_TEXT_MAX])
{
	uint8_t bytes[PUBLIC_BYTES];

	memcpy(bytes, p->sign, CRYPTO_KEY_SIZE);
	memcpy(bytes + CRYPTO_KEY_SIZE, p->agree, CRYPTO_KEY_SIZE);
	memcpy(ret, PUBLIC_PREFIX, strlen(PUBLIC_PREFIX));
	base64url_encode(bytes, sizeof bytes, ret + strlen(PUBLIC_PREFIX));
}

int node_public_parse(const char *text, struct node_public *ret)
{
	uint8_t bytes[PUBLIC_BYTES];

	if (strncmp(text, PUBLIC_PREFIX, strlen(PUBLIC_PREFIX)) != 0)
		return -EINVAL;
	text += strlen(PUBLIC_PREFIX);
	if (strlen(text) != BASE64_SIZE(PUBLIC_BYTES) || base64url_decode(text, bytes, sizeof bytes) != 0)
		return -EINVAL;
	memcpy(ret->sign, bytes, CRYPTO_KEY_SIZE);
	memcpy(ret->agree, bytes + CRYPTO_KEY_SIZE, CRYPTO_KEY_SIZE);
	return 0;
}

/* ---- derivations ---- */

uint64_t node_cluster_hash(const char *cluster)
{
	static const char domain[] = "ringkeep cluster 1";
	uint8_t text[sizeof domain + RK_NAME_MAX], hash[DIGEST_SHA256_SIZE];
	size_t len = strnlen(cluster, RK_NAME_MAX);
	struct reader r;

	memcpy(text, domain, sizeof domain); /* with its NUL */
	memcpy(text + sizeof domain, cluster, len);
	digest_sha256(text, sizeof domain + len, hash);
	r = reader_init(hash, sizeof hash);
	return read_u64(&r);
}

int node_pair_key(const struct node_key *mine, const struct node_public *peer, const char *cluster,
		  node_id_t self, node_id_t peer_id, bool sending, uint8_t ret[CRYPTO_KEY_SIZE])
{
	const struct node_public *from = sending ? &mine->public_key : peer;
	const struct node_public *to = sending ? peer : &mine->public_key;
	uint8_t secret[CRYPTO_KEY_SIZE], info[256];
	struct writer w = writer_init(info, sizeof info);
	int r = crypto_x25519_agree(mine->agree, peer->agree, secret);

	if (r)
		return r;
	write_str8(&w, "ringkeep pulse HMAC-SHA256-128 1");
	write_u8(&w, sending ? self : peer_id);
	write_u8(&w, sending ? peer_id : self);
	write_bytes(&w, from->sign, CRYPTO_KEY_SIZE);
	write_bytes(&w, from->agree, CRYPTO_KEY_SIZE);
	write_bytes(&w, to->sign, CRYPTO_KEY_SIZE);
	write_bytes(&w, to->agree, CRYPTO_KEY_SIZE);
	r = w.failed ? -EINVAL
		     : crypto_hkdf(secret, sizeof secret, cluster, strlen(cluster), info, w.used, ret,
				   CRYPTO_KEY_SIZE);
	crypto_wipe(secret, sizeof secret);
	return r;
}

int node_parcel_key(const struct node_key *mine, const struct node_public *peer, const char *cluster,
		    node_id_t self, node_id_t peer_id, bool sending, uint8_t ret[CRYPTO_KEY_SIZE])
{
	static const char salt[] = "ringkeep", info[] = "parcel";
	uint8_t pair[CRYPTO_KEY_SIZE];
	int r = node_pair_key(mine, peer, cluster, self, peer_id, sending, pair);

	if (r == 0)
		r = crypto_hkdf(pair, sizeof pair, salt, sizeof salt - 1, info, sizeof info - 1, ret,
				CRYPTO_KEY_SIZE);
	crypto_wipe(pair, sizeof pair);
	return r;
}
