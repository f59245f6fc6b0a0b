/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The vectors of the RFCs: what another implementation would compute, too.
 */
#include "crypto.h"
#include "hex.h"
#include "unit.h"

#include <errno.h>

static void unhex(const char *text, uint8_t *ret, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char two[3] = { text[2 * i], text[2 * i + 1], 0 };

		ret[i] = (uint8_t)strtoul(two, NULL, 16);
	}
}

/* RFC 8032, 7.1, test 3 */
START_TEST(ed25519)
{
	uint8_t seed[32], public_key[32], signature[64];
	const uint8_t message[2] = { 0xaf, 0x82 };
	struct crypto_signer *s;
	struct crypto_verifier *v;

	unhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", seed, 32);
	ck_assert_int_eq(crypto_ed25519_public(seed, public_key), 0);
	hex_assert("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", public_key, 32);
	ck_assert_int_eq(crypto_signer_new(seed, &s), 0);
	ck_assert_int_eq(crypto_sign(s, message, 2, signature), 0);
	hex_assert("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
		   "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
		   signature, 64);
	ck_assert_int_eq(crypto_verifier_new(public_key, &v), 0);
	for (int i = 0; i < 3; i++) { /* a failure leaves no state behind */
		ck_assert_int_eq(crypto_verify(v, message, 2, signature), 0);
		ck_assert_int_eq(crypto_verify(v, message, 1, signature), -EBADMSG);
		signature[i] ^= 1;
		ck_assert_int_eq(crypto_verify(v, message, 2, signature), -EBADMSG);
		signature[i] ^= 1;
	}
	crypto_signer_free(s);
	crypto_verifier_free(v);
}
END_TEST

/* RFC 7748, 6.1 */
START_TEST(x25519)
{
	uint8_t a[32], b[32], b_public[32], secret[32];

	unhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", b, 32);
	ck_assert_int_eq(crypto_x25519_public(b, b_public), 0);
	hex_assert("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", b_public, 32);
	unhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", a, 32); /* as a peer's */
	ck_assert_int_eq(crypto_x25519_agree(b, a, secret), 0);
	hex_assert("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", secret, 32);
	memset(a, 0, sizeof a);
	ck_assert_int_eq(crypto_x25519_agree(b, a, secret), -EKEYREJECTED);
	a[0] = 1; /* also of small order */
	ck_assert_int_eq(crypto_x25519_agree(b, a, secret), -EKEYREJECTED);
}
END_TEST

/* RFC 5869, A.1; RFC 4231, 4.2 with the key padded, which HMAC does itself */
START_TEST(hkdf_and_hmac)
{
	uint8_t secret[22], salt[13], info[10], out[42], key[32] = { 0 };
	struct crypto_mac *m;

	memset(secret, 0x0b, sizeof secret);
	unhex("000102030405060708090a0b0c", salt, 13);
	unhex("f0f1f2f3f4f5f6f7f8f9", info, 10);
	ck_assert_int_eq(crypto_hkdf(secret, 22, salt, 13, info, 10, out, 42), 0);
	hex_assert("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
		   out, 42);
	memset(key, 0x0b, 20);
	ck_assert_int_eq(crypto_mac_new(key, &m), 0);
	for (int i = 0; i < 3; i++) { /* each message starts anew */
		ck_assert_int_eq(crypto_mac_compute(m, "Hi There", 8, out), 0);
		hex_assert("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", out, 32);
	}
	crypto_mac_free(m);
}
END_TEST

START_TEST(random_differs)
{
	uint8_t a[32], b[32];

	ck_assert_int_eq(crypto_random(a, 32), 0);
	ck_assert_int_eq(crypto_random(b, 32), 0);
	ck_assert(!crypto_equal(a, b, 32));
	crypto_wipe(a, 32);
	memset(b, 0, 32);
	ck_assert(crypto_equal(a, b, 32));
}
END_TEST

START_TEST(what_is_sealed_opens_only_as_it_was)
{
	static const char text[] =
		"Ladies and Gentlemen of the class of '99: If I could offer you only one tip "
		"for the future, sunscreen would be it.";
	/* RFC 8439, 2.8.2 */
	static const char rfc[] = "070000004041424344454647"
				  "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
				  "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
				  "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
				  "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691";
	uint8_t key[CRYPTO_KEY_SIZE], about[12], sealed[sizeof text + CRYPTO_SEAL_OVERHEAD],
		again[sizeof sealed];
	uint8_t opened[sizeof text];
	size_t len = sizeof text - 1, whole = len + CRYPTO_SEAL_OVERHEAD;

	for (int i = 0; i < CRYPTO_KEY_SIZE; i++)
		key[i] = (uint8_t)(0x80 + i);
	unhex("50515253c0c1c2c3c4c5c6c7", about, sizeof about);
	unhex(rfc, sealed, whole);
	ck_assert_int_eq(crypto_open(key, about, sizeof about, sealed, whole, opened), 0);
	ck_assert_mem_eq(opened, text, len);
	ck_assert_int_eq(crypto_seal(key, about, sizeof about, text, len, sealed), 0);
	ck_assert_int_eq(crypto_seal(key, about, sizeof about, text, len, again), 0);
	ck_assert(memcmp(sealed, again, whole) != 0);
	ck_assert_int_eq(crypto_open(key, about, sizeof about, sealed, whole, opened), 0);
	ck_assert_mem_eq(opened, text, len);
	for (size_t i = 0; i < whole; i++) {
		sealed[i] ^= 1;
		ck_assert_int_eq(crypto_open(key, about, sizeof about, sealed, whole, opened), -EBADMSG);
		sealed[i] ^= 1;
	}
	ck_assert_int_eq(crypto_open(key, about, sizeof about - 1, sealed, whole, opened), -EBADMSG);
	ck_assert_int_eq(crypto_open(key, about, sizeof about, sealed, CRYPTO_SEAL_OVERHEAD - 1, opened),
			 -EBADMSG);
}
END_TEST

UNIT_MAIN("crypto", ed25519, x25519, hkdf_and_hmac, random_differs, what_is_sealed_opens_only_as_it_was)
