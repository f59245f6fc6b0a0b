/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What every release of this major version has said: tests/wire/MAJOR.MINOR/NAME.hex, without tag or
 * signature. Files are added at a release and never changed (docs/UPGRADE.md). Each must be understood for
 * ever, with nothing lost of it, and mean what it meant.
 */
#include "heartbeat_sample.h"
#include "unit.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ROOM (HEARTBEAT_SIZE_MAX + 16)

static uint8_t bytes[ROOM], again[ROOM], now[ROOM];
static struct peers_config peers;
static struct pulse pulse;
static struct heartbeat heartbeat;

static size_t read_hex(const char *dir, const char *name)
{
	char path[PATH_MAX + 300], digits[3] = "";
	size_t len = 0;
	int c, got = 0;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "re");

	ck_assert_msg(f != NULL, "%s cannot be read", path);
	memset(bytes, 0, sizeof bytes);
	while ((c = getc(f)) != EOF) {
		if (isspace(c))
			continue;
		ck_assert_msg(isxdigit(c), "%s is not hex", path);
		digits[got++] = (char)c;
		if (got < 2)
			continue;
		ck_assert_uint_lt(len, ROOM - CRYPTO_SIGNATURE_SIZE);
		bytes[len++] = (uint8_t)strtoul(digits, NULL, 16);
		got = 0;
	}
	ck_assert_int_eq(got, 0);
	(void)fclose(f);
	return len;
}

static void check_pulse(const char *name, size_t len)
{
	ck_assert_msg(pulse_decode(bytes, len + PULSE_TAG_SIZE, &pulse) == 0, "%s is not understood", name);
	ck_assert_uint_eq(pulse.skipped, 0);
	ck_assert_msg(pulse_encode(&pulse, again, sizeof again) == (int)len && memcmp(again, bytes, len) == 0,
		      "something of %s is lost", name);
	if (strcmp(name, "pulse.hex") != 0)
		return;
	sample_pulse(&pulse);
	ck_assert_int_eq(pulse_encode(&pulse, now, sizeof now), (int)len);
	ck_assert_mem_eq(now, bytes, len);
}

/* The sample says what a file of its name meant. */
static void check_meaning(const char *name, size_t len)
{
	char sample[64];

	for (unsigned t = HEARTBEAT_STATE; t < HEARTBEAT_TYPES_COUNT; t++) {
		struct heartbeat h;

		(void)snprintf(sample, sizeof sample, "heartbeat-%s.hex",
			       heartbeat_type_name((enum heartbeat_type)t));
		if (strcmp(name, sample) != 0)
			continue;
		sample_heartbeat(&h, (enum heartbeat_type)t);
		h.sender = heartbeat.sender;
		h.cluster = heartbeat.cluster;
		h.incarnation = heartbeat.incarnation;
		h.sequence = heartbeat.sequence;
		ck_assert_int_eq(heartbeat_encode(&h, &peers, now, sizeof now), (int)len);
		ck_assert_mem_eq(now, bytes, len);
	}
}

static void check_heartbeat(const char *name, size_t len)
{
	uint32_t skipped;

	ck_assert_msg(heartbeat_decode(bytes, len + CRYPTO_SIGNATURE_SIZE, &peers, &heartbeat, &skipped) == 0,
		      "%s is not understood", name);
	ck_assert_uint_eq(skipped, 0);
	ck_assert_msg(heartbeat_encode(&heartbeat, &peers, again, sizeof again) == (int)len &&
			      memcmp(again, bytes, len) == 0,
		      "something of %s is lost", name);
	check_meaning(name, len);
}

static int check_release(const char *release)
{
	char dir[PATH_MAX];
	struct dirent *e;
	int count = 0;

	(void)snprintf(dir, sizeof dir, "%s/%.40s", WIRE_DIR, release);
	DIR *d = opendir(dir);

	ck_assert_msg(d != NULL, "%s cannot be read", dir);
	while ((e = readdir(d))) {
		if (!strstr(e->d_name, ".hex"))
			continue;
		size_t len = read_hex(dir, e->d_name);

		if (!strncmp(e->d_name, "pulse", 5))
			check_pulse(e->d_name, len);
		else
			check_heartbeat(e->d_name, len);
		count++;
	}
	(void)closedir(d);
	return count;
}

START_TEST(what_was_said_is_understood)
{
	struct dirent *e;
	DIR *d = opendir(WIRE_DIR);
	char major[8];
	int count = 0;

	ck_assert(d != NULL);
	sample_peers(&peers, 1);
	(void)snprintf(major, sizeof major, "%d.", wire_major());
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, major, strlen(major)))
			count += check_release(e->d_name);
	(void)closedir(d);
	ck_assert_int_ge(count, 16);
}
END_TEST

UNIT_MAIN("wire_golden", what_was_said_is_understood)
