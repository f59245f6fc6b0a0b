/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The few primitives of libcrypto (OpenSSL 3) that ringkeep uses, with its errors turned into -errno: random
 * bytes, Ed25519, X25519, HKDF-SHA256, HMAC-SHA256, ChaCha20-Poly1305. Keys are raw 32-byte strings. There is
 * no choice of algorithm anywhere: what a key is for says how it is used. Hashes of files are in digest.h.
 *
 * RFC 2104, 5869, 7748, 8032, 8439.
 */
#ifndef RK_CRYPTO_H
#define RK_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_KEY_SIZE	      32
#define CRYPTO_SIGNATURE_SIZE 64
#define CRYPTO_MAC_SIZE	      32 /* whole HMAC-SHA256; wire formats may carry less of it */

/* @retval -EIO the system has no random bytes for us. */
int crypto_random(void *ret, size_t len);
/* Overwrites a secret; the compiler cannot leave it out. */
void crypto_wipe(void *p, size_t len);
/* Takes the same time wherever the difference is. */
bool crypto_equal(const void *a, const void *b, size_t len);

/* ---- Ed25519 ---- */
struct crypto_signer;
struct crypto_verifier;

int crypto_ed25519_public(const uint8_t seed[CRYPTO_KEY_SIZE], uint8_t ret[CRYPTO_KEY_SIZE]);
int crypto_signer_new(const uint8_t seed[CRYPTO_KEY_SIZE], struct crypto_signer **ret);
void crypto_signer_free(struct crypto_signer *s);
int crypto_sign(struct crypto_signer *s, const void *data, size_t len, uint8_t ret[CRYPTO_SIGNATURE_SIZE]);
int crypto_verifier_new(const uint8_t public_key[CRYPTO_KEY_SIZE], struct crypto_verifier **ret);
void crypto_verifier_free(struct crypto_verifier *v);
/* @retval -EBADMSG the signature is not of this key over this data. */
int crypto_verify(struct crypto_verifier *v, const void *data, size_t len,
		  const uint8_t signature[CRYPTO_SIGNATURE_SIZE]);

/* ---- X25519 ---- */
int crypto_x25519_public(const uint8_t secret[CRYPTO_KEY_SIZE], uint8_t ret[CRYPTO_KEY_SIZE]);
/* @retval -EKEYREJECTED the peer's key has a small order: anybody would know the result. */
int crypto_x25519_agree(const uint8_t secret[CRYPTO_KEY_SIZE], const uint8_t peer_public[CRYPTO_KEY_SIZE],
			uint8_t ret[CRYPTO_KEY_SIZE]);

/* ---- HKDF-SHA256 and HMAC-SHA256 ---- */
int crypto_hkdf(const void *secret, size_t secret_len, const void *salt, size_t salt_len, const void *info,
		size_t info_len, void *ret, size_t len);

/* A keyed HMAC-SHA256, ready for many messages. */
struct crypto_mac;
int crypto_mac_new(const uint8_t key[CRYPTO_KEY_SIZE], struct crypto_mac **ret);
void crypto_mac_free(struct crypto_mac *m);
int crypto_mac_compute(struct crypto_mac *m, const void *data, size_t len, uint8_t ret[CRYPTO_MAC_SIZE]);
/* One message under a key of any length, as others choose theirs. */
int crypto_hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t ret[CRYPTO_MAC_SIZE]);

/* ---- ChaCha20-Poly1305 ---- */

#define CRYPTO_SEAL_NONCE_SIZE 12
#define CRYPTO_SEAL_TAG_SIZE   16
#define CRYPTO_SEAL_OVERHEAD   (CRYPTO_SEAL_NONCE_SIZE + CRYPTO_SEAL_TAG_SIZE)

/* Encrypts under a random nonce; about is authenticated, too, and not in the result: nonce | ciphertext |
 * tag, len + CRYPTO_SEAL_OVERHEAD bytes. One key for no more than 2^32 of them. */
int crypto_seal(const uint8_t key[CRYPTO_KEY_SIZE], const void *about, size_t about_len, const void *data,
		size_t len, uint8_t *ret);
/* ret: len - CRYPTO_SEAL_OVERHEAD bytes, worthless unless 0 is returned.
 * @retval -EBADMSG not sealed with this key about this, or changed. */
int crypto_open(const uint8_t key[CRYPTO_KEY_SIZE], const void *about, size_t about_len, const uint8_t *data,
		size_t len, uint8_t *ret);

#endif
