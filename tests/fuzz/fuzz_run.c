/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Runs a fuzzer without libFuzzer: fuzz_X DIR [MUTATIONS]. Every file of DIR, then each file MUTATIONS times
 * with a few bytes changed, cut out or doubled; always the same ones.
 */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1 << 17)

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t mutate(uint8_t *data, size_t size, uint64_t *random)
{
	for (uint64_t n = 1 + next_random(random) % 4; n > 0 && size > 0; n--) {
		size_t at = next_random(random) % size, len = 1 + next_random(random) % 8;

		switch (next_random(random) % 4) {
		case 0:
			data[at] = (uint8_t)next_random(random);
			break;
		case 1:
			data[at] ^= (uint8_t)(1 << next_random(random) % 8);
			break;
		case 2: /* cut out */
			len = len < size - at ? len : size - at;
			memmove(data + at, data + at + len, size - at - len);
			size -= len;
			break;
		default: /* double */
			len = len < size - at ? len : size - at;
			if (size + len > INPUT_MAX)
				break;
			memmove(data + at + len, data + at, size - at);
			size += len;
			break;
		}
	}
	return size;
}

static int run_file(const char *path, unsigned mutations, uint64_t *random)
{
	static uint8_t original[INPUT_MAX];
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		return -1;
	}
	size_t size = fread(original, 1, sizeof original, f);

	(void)fclose(f);
	for (unsigned i = 0; i <= mutations; i++) {
		/* A heap copy of the exact size, so that the sanitizer sees a read past the end. */
		uint8_t *room = malloc(INPUT_MAX), *exact;
		size_t len = size;

		if (!room)
			return -1;
		memcpy(room, original, size);
		if (i)
			len = mutate(room, size, random);
		exact = malloc(len ? len : 1);
		if (!exact)
			return -1;
		memcpy(exact, room, len);
		free(room);
		(void)LLVMFuzzerTestOneInput(exact, len);
		free(exact);
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned mutations = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0, files = 0;
	uint64_t random = 0x9e3779b97f4a7c15ULL;
	struct dirent **names;
	int n = argc > 1 ? scandir(argv[1], &names, NULL, alphasort) : -1;

	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];

		(void)snprintf(path, sizeof path, "%s/%s", argv[1], names[i]->d_name);
		if (names[i]->d_name[0] != '.') {
			if (run_file(path, mutations, &random) < 0)
				return EXIT_FAILURE;
			files++;
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	(void)printf("%u files, %u mutations each\n", files, mutations);
	return files ? EXIT_SUCCESS : EXIT_FAILURE; /* an empty corpus tests nothing */
}
