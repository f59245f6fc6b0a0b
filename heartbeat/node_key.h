/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The identity of a node: an Ed25519 key that signs heartbeats and an X25519 key from which the keys of its
 * pulses are agreed, pair by pair. Owns the file format of the secret half, the text of the public half, and
 * the derivation. Refuses a key file that others could have read or written. Each key has one use and one
 * algorithm; no packet can choose another.
 */
#ifndef RK_NODE_KEY_H
#define RK_NODE_KEY_H

#include "crypto.h"
#include "ids.h"

struct sentence;

#define NODE_PUBLIC_TEXT_MAX 96 /* "rk1:" + 86 characters + NUL, and room */

struct node_public {
	uint8_t sign[CRYPTO_KEY_SIZE];	/* Ed25519 */
	uint8_t agree[CRYPTO_KEY_SIZE]; /* X25519 */
};

struct node_key {
	uint8_t sign[CRYPTO_KEY_SIZE];	/* Ed25519 seed */
	uint8_t agree[CRYPTO_KEY_SIZE]; /* X25519 secret */
	struct node_public public_key;
};

int node_key_generate(struct node_key *ret);
void node_key_wipe(struct node_key *key);

/* Writes a new file of mode 0400, whole or not at all, and durably. Never replaces one.
 * @retval -EEXIST there is a file already; why says so (why may be NULL) */
int node_key_save(const struct node_key *key, const char *path, struct sentence *why);
/* @retval -ENOENT  no such file
 * @retval -EACCES  readable or writable by group or others, or not owned by this user or root
 * @retval -ELOOP   a symbolic link
 * @retval -EBADMSG not a key file, or damaged */
int node_key_load(const char *path, struct node_key *ret, struct sentence *why);

/* "rk1:" + base64url of both public keys, without padding. */
void node_public_format(const struct node_public *p, char ret[NODE_PUBLIC_TEXT_MAX]);
/* @retval -EINVAL not exactly that form. */
int node_public_parse(const char *text, struct node_public *ret);

/* What pulses and heartbeats carry to tell clusters apart: the first 8 bytes of a SHA-256 over the name. */
uint64_t node_cluster_hash(const char *cluster);

/* The key of pulses from -> to, one of which must be `self` with the secret `mine`. Bound to the cluster's
 * name, both ids, both public keys and the direction. */
int node_pair_key(const struct node_key *mine, const struct node_public *peer, const char *cluster,
		  node_id_t self, node_id_t peer_id, bool sending, uint8_t ret[CRYPTO_KEY_SIZE]);

/* The key that seals a parcel of self to the peer, or opens one of it: made from the pair's, for that alone.
 */
int node_parcel_key(const struct node_key *mine, const struct node_public *peer, const char *cluster,
		    node_id_t self, node_id_t peer_id, bool sending, uint8_t ret[CRYPTO_KEY_SIZE]);

#endif
