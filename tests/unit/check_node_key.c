/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hex.h"
#include "node_key.h"
#include "pulse_sample.h"
#include "sentence.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[96];
static struct sentence why;

static void make_dir(void)
{
	(void)snprintf(dir, sizeof dir, "/tmp/ringkeep-key-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/node.key", dir);
	why.text[0] = '\0';
}

static void remove_dir(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing else was left behind */
}

START_TEST(loads_what_it_saved)
{
	struct node_key a, b;
	struct stat st;

	make_dir();
	ck_assert_int_eq(node_key_generate(&a), 0);
	ck_assert_int_eq(node_key_save(&a, path, &why), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0400);
	ck_assert_int_eq(node_key_load(path, &b, &why), 0);
	ck_assert_mem_eq(&a, &b, sizeof a);
	remove_dir();
}
END_TEST

START_TEST(never_replaces_a_key)
{
	struct node_key a = sample_key(1), b = sample_key(2), c;

	make_dir();
	ck_assert_int_eq(node_key_save(&a, path, &why), 0);
	ck_assert_int_eq(node_key_save(&b, path, &why), -EEXIST);
	ck_assert_ptr_nonnull(strstr(why.text, path));
	ck_assert_int_eq(node_key_load(path, &c, &why), 0);
	ck_assert_mem_eq(&a, &c, sizeof a);
	remove_dir();
}
END_TEST

START_TEST(refuses_a_file_that_others_can_get_at)
{
	static const mode_t bad[] = { 0440, 0404, 0420, 0402, 0410, 0401, 0644 };
	struct node_key a = sample_key(1);

	make_dir();
	ck_assert_int_eq(node_key_save(&a, path, &why), 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_int_eq(chmod(path, bad[i]), 0);
		ck_assert_int_eq(node_key_load(path, &a, &why), -EACCES);
		ck_assert_ptr_nonnull(strstr(why.text, "chmod 0400"));
	}
	ck_assert_int_eq(chmod(path, 0600), 0);
	ck_assert_int_eq(node_key_load(path, &a, &why), 0);
	if (geteuid() == 0) { /* only root can give a file away */
		ck_assert_int_eq(chown(path, 1, 0), 0);
		ck_assert_int_eq(node_key_load(path, &a, &why), -EACCES);
	}
	remove_dir();
}
END_TEST

START_TEST(refuses_what_is_not_the_file_itself)
{
	struct node_key a = sample_key(1);
	char real[96];

	make_dir();
	(void)snprintf(real, sizeof real, "%s/real", dir);
	ck_assert_int_eq(node_key_load(path, &a, &why), -ENOENT);
	ck_assert_int_eq(node_key_save(&a, real, &why), 0);
	ck_assert_int_eq(symlink(real, path), 0);
	ck_assert_int_eq(node_key_load(path, &a, &why), -ELOOP);
	ck_assert_int_eq(node_key_save(&a, path, &why), -EEXIST);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0400), 0);
	ck_assert_int_eq(node_key_load(path, &a, &why), -EBADMSG); /* and does not wait for a writer */
	ck_assert_int_eq(unlink(real), 0);
	remove_dir();
}
END_TEST

START_TEST(refuses_damaged_files)
{
	struct node_key a = sample_key(1), b;
	uint8_t data[256];
	ssize_t len;
	int fd;

	make_dir();
	ck_assert_int_eq(node_key_save(&a, path, &why), 0);
	fd = open(path, O_RDONLY);
	len = read(fd, data, sizeof data);
	(void)close(fd);
	ck_assert_int_gt(len, 2 * CRYPTO_KEY_SIZE);
	for (ssize_t n = 0; n <= len + 1; n++) { /* cut, damaged, and longer */
		if (n == len)
			continue;
		(void)unlink(path);
		fd = open(path, O_WRONLY | O_CREAT, 0400);
		ck_assert_int_eq(write(fd, data, (size_t)n), n);
		(void)close(fd);
		ck_assert_int_eq(node_key_load(path, &b, &why), -EBADMSG);
	}
	data[len - 20] ^= 1;
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT, 0400);
	ck_assert_int_eq(write(fd, data, (size_t)len), len);
	(void)close(fd);
	ck_assert_int_eq(node_key_load(path, &b, &why), -EBADMSG);
	remove_dir();
}
END_TEST

START_TEST(public_text_has_one_form)
{
	struct node_key k = sample_key(1);
	struct node_public p;
	char text[NODE_PUBLIC_TEXT_MAX], bad[NODE_PUBLIC_TEXT_MAX + 8];

	node_public_format(&k.public_key, text);
	ck_assert_str_eq(
		text,
		"rk1:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1x6Gk5wm_CFrElKugRpubHtoKsfeLFqq7ef_tqQYj6FIg");
	ck_assert_int_eq(node_public_parse(text, &p), 0);
	ck_assert_mem_eq(&p, &k.public_key, sizeof p);
	ck_assert_int_eq(node_public_parse("", &p), -EINVAL);
	ck_assert_int_eq(node_public_parse("rk1:", &p), -EINVAL);
	for (size_t n = 0; n < strlen(text); n++) {
		(void)snprintf(bad, sizeof bad, "%.*s", (int)n, text);
		ck_assert_int_eq(node_public_parse(bad, &p), -EINVAL);
		(void)snprintf(bad, sizeof bad, "%s", text);
		bad[n] = '/';
		ck_assert_int_eq(node_public_parse(bad, &p), -EINVAL);
	}
	(void)snprintf(bad, sizeof bad, "%s=", text);
	ck_assert_int_eq(node_public_parse(bad, &p), -EINVAL);
	(void)snprintf(bad, sizeof bad, "%s", text);
	bad[strlen(bad) - 1] = 'R'; /* bits that belong to no byte */
	ck_assert_int_eq(node_public_parse(bad, &p), -EINVAL);
}
END_TEST

static void pair(node_id_t self, node_id_t peer, const char *cluster, bool sending, uint8_t *ret)
{
	struct node_key mine = sample_key(self), theirs = sample_key(peer);

	ck_assert_int_eq(node_pair_key(&mine, &theirs.public_key, cluster, self, peer, sending, ret), 0);
}

/* Changing this vector cuts nodes of two versions off from each other. */
START_TEST(pair_keys_agree_and_differ)
{
	uint8_t ab[32], ab2[32], ba[32], other[32];

	pair(1, 2, "office", true, ab);
	pair(2, 1, "office", false, ab2);
	ck_assert_mem_eq(ab, ab2, 32);
	hex_assert("52cfa2c629166bc57a80ac4a3204dd9010163c9b478c0ef0ce5e74af24ad5262", ab, 32);
	pair(1, 2, "office", false, ba);
	ck_assert_mem_ne(ab, ba, 32);
	pair(1, 2, "lab", true, other);
	ck_assert_mem_ne(ab, other, 32);
	pair(1, 3, "office", true, other);
	ck_assert_mem_ne(ab, other, 32);
}
END_TEST

START_TEST(refuses_a_public_key_that_gives_no_secret)
{
	struct node_key mine = sample_key(1);
	struct node_public weak = { 0 };
	uint8_t key[32];

	ck_assert_int_eq(node_pair_key(&mine, &weak, "office", 1, 2, true, key), -EKEYREJECTED);
}
END_TEST

START_TEST(cluster_hash_is_as_agreed)
{
	ck_assert_uint_eq(node_cluster_hash("office"), 0xd188bf1f7708017fULL);
	ck_assert_uint_ne(node_cluster_hash("office2"), node_cluster_hash("office"));
}
END_TEST

UNIT_MAIN("node_key", loads_what_it_saved, never_replaces_a_key, refuses_a_file_that_others_can_get_at,
	  refuses_what_is_not_the_file_itself, refuses_damaged_files, public_text_has_one_form,
	  pair_keys_agree_and_differ, refuses_a_public_key_that_gives_no_secret, cluster_hash_is_as_agreed)
