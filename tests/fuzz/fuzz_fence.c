/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Any bytes as a fence agent's metadata, as an answer and as a request: what is accepted keeps its limits,
 * and what is written of it reads as the same.
 */
#include "fence_metadata.h"
#include "fence_wire.h"
#include "fuzz.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static void metadata(const char *text, size_t size)
{
	static struct fence_metadata m;
	char why[120] = "";

	if (fence_metadata_parse(text, size, &m, why, sizeof why) < 0) {
		assert(why[0] && strlen(why) < sizeof why);
		return;
	}
	assert(m.count <= FENCE_METADATA_PARAMETERS_MAX);
	for (size_t i = 0; i < m.count; i++) {
		const char *name = m.parameter[i].name;

		assert(name[0] && strlen(name) < FENCE_METADATA_NAME_MAX);
		assert(fence_metadata_find(&m, name, strlen(name)));
		(void)fence_metadata_suggest(&m, name);
	}
}

static void answer(const char *text, size_t size)
{
	struct fence_result r, again;
	char line[FENCE_ANSWER_LINE_MAX];
	size_t output, output_again;
	int n = fence_answer_read(text, size, &r, &output);

	if (n < 0)
		return;
	assert((size_t)n <= size && output <= FENCE_OUTPUT_MAX && strlen(r.said) < sizeof r.said);
	size_t len = fence_answer_write(&r, output, line);

	assert(len < sizeof line && fence_answer_read(line, len, &again, &output_again) == (int)len);
	assert(again.answer == r.answer && again.code == r.code && again.took_ms == r.took_ms &&
	       output_again == output && !strcmp(again.said, r.said));
}

static void request(const char *text, size_t size)
{
	static struct fence_request_text t, again;
	char why[120];
	size_t len;

	if (size >= sizeof t.text || memchr(text, 0, size))
		return;
	memcpy(t.text, text, size);
	t.text[size] = 0;
	if (!fence_request_whole(t.text, size) || fence_request_read(&t, why, sizeof why) < 0)
		return;
	for (size_t i = 0; i < t.request.parameters_count; i++)
		(void)fence_parameter_secret(t.request.parameter[i]);
	if (fence_request_write(&t.request, again.text, &len) < 0)
		return; /* it was longer before */
	assert(fence_request_read(&again, why, sizeof why) == 0);
	assert(!strcmp(again.request.agent, t.request.agent) &&
	       again.request.parameters_count == t.request.parameters_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	char said[FENCE_SAID_MAX];

	metadata(text, size);
	answer(text, size);
	request(text, size);
	fence_said(text, size, said);
	for (const char *p = said; *p; p++)
		assert(*p >= ' ' && *p < 0x7f);
	return 0;
}
