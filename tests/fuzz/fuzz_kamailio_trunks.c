/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as Kamailio's list of registrations at carriers (uac.reg_dump), and as what its hash table has of
 * a carrier's answer. Whatever is read has a name, a state that exists and a URI of one line that fits.
 */
#include "fuzz.h"
#include "kamailio_text.h"
#include "kamailio_trunks.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void check_record(const json_t *o)
{
	struct kamailio_trunk_record r;

	if (!kamailio_trunk_record(o, &r))
		return;
	assert(r.registration && r.flags >= 0);
	assert(memchr(r.from, 0, sizeof r.from));
	assert(!r.from[0] || (strncmp(r.from, "sip:", 4) == 0 && strchr(r.from, '@')));
	for (int on = 0; on < 2; on++) {
		enum trunk_state s = kamailio_trunk_state(r.flags, r.expires_in_s, on);

		assert(s > TRUNK_UNKNOWN && s < TRUNK_STATES && s != TRUNK_REJECTED);
		assert(s != TRUNK_REGISTERED || r.expires_in_s > 0);
		assert(s != TRUNK_FAILED || on || r.expires_in_s > 0); /* one that is off does not fail */
	}
}

static void check_answer(const json_t *o)
{
	const char *text = json_string_value(json_object_get(json_object_get(o, "item"), "value"));
	int64_t retry_after_ms;
	int status;

	if (text && kamailio_trunk_status(text, &status, &retry_after_ms))
		assert(status >= 100 && status <= 699 && retry_after_ms >= -1 && retry_after_ms <= 86400000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *clean = malloc(size ? size : 1);
	const json_t *item;
	json_t *o;
	size_t i;

	assert(clean);
	memcpy(clean, data, size);
	kamailio_clean(clean, size);
	o = json_loadb(clean, size, 0, NULL);
	free(clean);
	json_array_foreach(o, i, item) check_record(item);
	check_record(o);
	check_answer(o);
	json_decref(o);
	return 0;
}
