/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "crypto.h"

#include "cleanup.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

struct crypto_signer {
	EVP_PKEY *key;
	EVP_MD_CTX *context;
};

struct crypto_verifier {
	EVP_PKEY *key;
	EVP_MD_CTX *context;
};

struct crypto_mac {
	EVP_MAC_CTX *context;
};

static void pkey_free(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

static void pkey_ctx_free(EVP_PKEY_CTX **p)
{
	EVP_PKEY_CTX_free(*p);
}

static void kdf_ctx_free(EVP_KDF_CTX **p)
{
	EVP_KDF_CTX_free(*p);
}

/* The queue of OpenSSL's errors is per thread and grows stale; its text would say nothing that `error` does
 * not. */
static int crypto_fail(int error)
{
	ERR_clear_error();
	return error;
}

int crypto_random(void *ret, size_t len)
{
	return RAND_bytes(ret, (int)len) == 1 ? 0 : crypto_fail(-EIO);
}

void crypto_wipe(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

static int crypto_public(int type, const uint8_t secret[CRYPTO_KEY_SIZE], uint8_t ret[CRYPTO_KEY_SIZE])
{
	_cleanup_(pkey_free) EVP_PKEY *key =
		EVP_PKEY_new_raw_private_key(type, NULL, secret, CRYPTO_KEY_SIZE);
	size_t len = CRYPTO_KEY_SIZE;

	if (!key || EVP_PKEY_get_raw_public_key(key, ret, &len) != 1 || len != CRYPTO_KEY_SIZE)
		return crypto_fail(-EKEYREJECTED);
	return 0;
}

int crypto_ed25519_public(const uint8_t seed[CRYPTO_KEY_SIZE], uint8_t ret[CRYPTO_KEY_SIZE])
{
	return crypto_public(EVP_PKEY_ED25519, seed, ret);
}

int crypto_x25519_public(const uint8_t secret[CRYPTO_KEY_SIZE], uint8_t ret[CRYPTO_KEY_SIZE])
{
	return crypto_public(EVP_PKEY_X25519, secret, ret);
}

int crypto_signer_new(const uint8_t seed[CRYPTO_KEY_SIZE], struct crypto_signer **ret)
{
	struct crypto_signer *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	s->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, CRYPTO_KEY_SIZE);
	s->context = EVP_MD_CTX_new();
	if (!s->key || !s->context) {
		crypto_signer_free(s);
		return crypto_fail(-EKEYREJECTED);
	}
	*ret = s;
	return 0;
}

void crypto_signer_free(struct crypto_signer *s)
{
	if (!s)
		return;
	EVP_MD_CTX_free(s->context);
	EVP_PKEY_free(s->key);
	free(s);
}

int crypto_sign(struct crypto_signer *s, const void *data, size_t len, uint8_t ret[CRYPTO_SIGNATURE_SIZE])
{
	size_t size = CRYPTO_SIGNATURE_SIZE;

	if (EVP_DigestSignInit(s->context, NULL, NULL, NULL, s->key) != 1 ||
	    EVP_DigestSign(s->context, ret, &size, data, len) != 1 || size != CRYPTO_SIGNATURE_SIZE)
		return crypto_fail(-EIO);
	return 0;
}

int crypto_verifier_new(const uint8_t public_key[CRYPTO_KEY_SIZE], struct crypto_verifier **ret)
{
	struct crypto_verifier *v = calloc(1, sizeof *v);

	if (!v)
		return -ENOMEM;
	v->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, CRYPTO_KEY_SIZE);
	v->context = EVP_MD_CTX_new();
	if (!v->key || !v->context) {
		crypto_verifier_free(v);
		return crypto_fail(-EKEYREJECTED);
	}
	*ret = v;
	return 0;
}

void crypto_verifier_free(struct crypto_verifier *v)
{
	if (!v)
		return;
	EVP_MD_CTX_free(v->context);
	EVP_PKEY_free(v->key);
	free(v);
}

int crypto_verify(struct crypto_verifier *v, const void *data, size_t len,
		  const uint8_t signature[CRYPTO_SIGNATURE_SIZE])
{
	if (EVP_DigestVerifyInit(v->context, NULL, NULL, NULL, v->key) != 1)
		return crypto_fail(-EIO);
	if (EVP_DigestVerify(v->context, signature, CRYPTO_SIGNATURE_SIZE, data, len) != 1)
		return crypto_fail(-EBADMSG);
	return 0;
}

int crypto_x25519_agree(const uint8_t secret[CRYPTO_KEY_SIZE], const uint8_t peer_public[CRYPTO_KEY_SIZE],
			uint8_t ret[CRYPTO_KEY_SIZE])
{
	_cleanup_(pkey_free) EVP_PKEY *mine =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, CRYPTO_KEY_SIZE);
	_cleanup_(pkey_free) EVP_PKEY *peer =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer_public, CRYPTO_KEY_SIZE);
	_cleanup_(pkey_ctx_free) EVP_PKEY_CTX *context = mine ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
	size_t len = CRYPTO_KEY_SIZE;

	/* OpenSSL itself refuses an all-zero result (RFC 7748, 6.1), which is what a small-order key gives.
	 */
	if (!peer || !context || EVP_PKEY_derive_init(context) != 1 ||
	    EVP_PKEY_derive_set_peer(context, peer) != 1 || EVP_PKEY_derive(context, ret, &len) != 1 ||
	    len != CRYPTO_KEY_SIZE)
		return crypto_fail(-EKEYREJECTED);
	return 0;
}

int crypto_hkdf(const void *secret, size_t secret_len, const void *salt, size_t salt_len, const void *info,
		size_t info_len, void *ret, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	_cleanup_(kdf_ctx_free) EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char digest[] = "SHA256";
	/* OSSL_PARAM is not const-correct; none of these is written to. */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret, secret_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, salt_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, info_len),
		OSSL_PARAM_construct_end(),
	};

	EVP_KDF_free(kdf); /* the context has its own reference */
	if (!context || EVP_KDF_derive(context, ret, len, params) != 1)
		return crypto_fail(-EIO);
	return 0;
}

int crypto_mac_new(const uint8_t key[CRYPTO_KEY_SIZE], struct crypto_mac **ret)
{
	struct crypto_mac *m = calloc(1, sizeof *m);
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	if (m && mac)
		m->context = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac); /* the context has its own reference */
	if (!m || !m->context || EVP_MAC_init(m->context, key, CRYPTO_KEY_SIZE, params) != 1) {
		crypto_mac_free(m);
		return crypto_fail(-ENOMEM);
	}
	*ret = m;
	return 0;
}

void crypto_mac_free(struct crypto_mac *m)
{
	if (!m)
		return;
	EVP_MAC_CTX_free(m->context);
	free(m);
}

int crypto_mac_compute(struct crypto_mac *m, const void *data, size_t len, uint8_t ret[CRYPTO_MAC_SIZE])
{
	size_t size = 0;

	/* Without a key, init() starts over with the one that it has: 0.5 us instead of 1.5. */
	if (EVP_MAC_init(m->context, NULL, 0, NULL) != 1 || EVP_MAC_update(m->context, data, len) != 1 ||
	    EVP_MAC_final(m->context, ret, &size, CRYPTO_MAC_SIZE) != 1 || size != CRYPTO_MAC_SIZE)
		return crypto_fail(-EIO);
	return 0;
}

int crypto_hmac(const void *key, size_t key_len, const void *data, size_t len, uint8_t ret[CRYPTO_MAC_SIZE])
{
	unsigned size = 0;

	if (!HMAC(EVP_sha256(), key, (int)key_len, data, len, ret, &size) || size != CRYPTO_MAC_SIZE)
		return crypto_fail(-EIO);
	return 0;
}

/* ---- ChaCha20-Poly1305 ---- */

static int cipher_begin(EVP_CIPHER_CTX *c, const uint8_t key[CRYPTO_KEY_SIZE], const uint8_t *nonce,
			const void *about, size_t about_len, bool encrypt)
{
	int n;

	return c && EVP_CipherInit_ex2(c, EVP_chacha20_poly1305(), key, nonce, encrypt, NULL) == 1 &&
	       EVP_CipherUpdate(c, NULL, &n, about, (int)about_len) == 1;
}

int crypto_seal(const uint8_t key[CRYPTO_KEY_SIZE], const void *about, size_t about_len, const void *data,
		size_t len, uint8_t *ret)
{
	uint8_t *text = ret + CRYPTO_SEAL_NONCE_SIZE, *tag = text + len;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n, r = crypto_random(ret, CRYPTO_SEAL_NONCE_SIZE);
	bool ok = r == 0 && len <= INT32_MAX && cipher_begin(c, key, ret, about, about_len, true) &&
		  EVP_CipherUpdate(c, text, &n, data, (int)len) == 1 && EVP_CipherFinal_ex(c, tag, &n) == 1 &&
		  EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, CRYPTO_SEAL_TAG_SIZE, tag) == 1;

	EVP_CIPHER_CTX_free(c);
	return ok ? 0 : crypto_fail(r < 0 ? r : -EIO);
}

int crypto_open(const uint8_t key[CRYPTO_KEY_SIZE], const void *about, size_t about_len, const uint8_t *data,
		size_t len, uint8_t *ret)
{
	uint8_t tag[CRYPTO_SEAL_TAG_SIZE], end[CRYPTO_SEAL_TAG_SIZE];
	EVP_CIPHER_CTX *c;
	size_t text_len = len - CRYPTO_SEAL_OVERHEAD;
	bool ok;
	int n;

	if (len < CRYPTO_SEAL_OVERHEAD || len > INT32_MAX)
		return -EBADMSG;
	memcpy(tag, data + len - sizeof tag, sizeof tag);
	c = EVP_CIPHER_CTX_new();
	ok = cipher_begin(c, key, data, about, about_len, false) &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1 &&
	     EVP_CipherUpdate(c, ret, &n, data + CRYPTO_SEAL_NONCE_SIZE, (int)text_len) == 1 &&
	     EVP_CipherFinal_ex(c, end, &n) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok ? 0 : crypto_fail(-EBADMSG);
}
