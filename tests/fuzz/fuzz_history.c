/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A history record as another node may send it: refused, or a sentence.
 */
#include "fuzz.h"
#include "history.h"
#include "history_text.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char sentence[200];
	uint64_t number = 0;
	node_id_t node = 0;
	const char *group;
	json_t *list = json_array(), *j = json_loadb((const char *)data, size, 0, NULL);

	if (size && history_identify((const char *)data, size, &node, &number) == 0) {
		assert(node > 0 && node <= NODE_ID_MAX && number > 0 && number <= HISTORY_NUMBER_MAX);
		assert(!memchr(data, '\n', size));
	}
	history_sentence(j, sentence, sizeof sentence);
	assert(strlen(sentence) < sizeof sentence);
	assert(history_tenure(j, &group).node <= NODE_ID_MAX && group);
	/* Twice: as somebody's beginning and end may come. */
	if (j && json_array_append(list, j) == 0 && json_array_append_new(list, json_deep_copy(j)) == 0)
		history_tidy(list, 2);
	assert(json_array_size(list) <= 2);
	json_decref(list);
	json_decref(j);
	return 0;
}
