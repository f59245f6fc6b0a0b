/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The fence agents of a configuration, for `hactl config check`: each is asked for its metadata, and then
 * whether it could work with what it will be told.
 */
#include "cleanup.h"
#include "fence_call.h"
#include "fence_check.h"
#include "hactl.h"
#include "libexec.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define METADATA_MS 20000 /* the slowest has taken 600 ms */

struct asked {
	struct fence_result result;
	const char *text; /* of metadata, in room */
	size_t len;
	char room[FENCE_ANSWER_LINE_MAX + FENCE_OUTPUT_MAX];
};

/* The program holds the deadline; a program that does not is killed. */
static int ask(const struct fence_request *r, struct asked *ret)
{
	struct fence_call call;
	char program[256];
	int error;

	fence_call_init(&call, ret->room, sizeof ret->room);
	error = fence_call_start(&call, libexec_path("fence-call", program, sizeof program), r);
	if (error < 0)
		return error;
	for (;;) {
		struct pollfd fds[2] = { { .fd = call.pidfd, .events = POLLIN },
					 { .fd = call.output, .events = POLLIN } };

		if (poll(fds, 2, (int)(r->timeout_ms + FENCE_CALL_GRACE_MS)) == 0)
			fence_call_kill(&call);
		if (fds[0].revents)
			break;
		fence_call_listen(&call);
	}
	fence_call_end(&call, &ret->result, &ret->text, &ret->len);
	return 0;
}

/* False after a finding. */
static bool metadata_of(const struct config_fence_device *d, struct place at, struct asked *a,
			struct fence_metadata *ret, struct findings *f)
{
	const struct fence_request r = { .agent = d->agent, .action = "metadata", .timeout_ms = METADATA_MS };
	char why[120];
	int error = ask(&r, a);

	if (error < 0)
		findings_add(f, FINDING_ERROR, at,
			     "agent: %s was not asked: %s; is ringkeep-fence-call installed?", d->agent,
			     strerror(-error));
	else if (a->result.answer == FENCE_ANSWER_TIMEOUT)
		findings_add(f, FINDING_ERROR, at, "agent: %s did not say its metadata within %d s", d->agent,
			     METADATA_MS / 1000);
	else if (a->result.answer == FENCE_ANSWER_BROKEN && !a->result.code)
		findings_add(f, FINDING_ERROR, at, "agent: %s", a->result.said);
	else if (a->result.answer != FENCE_ANSWER_OK)
		findings_add(f, FINDING_ERROR, at, "agent: %s gave no metadata (%s %d)%s%s", d->agent,
			     a->result.code < 0 ? "signal" : "exit code", abs(a->result.code),
			     a->result.said[0] ? ": " : "", a->result.said);
	else if (fence_metadata_parse(a->text, a->len, ret, why, sizeof why) < 0)
		findings_add(f, FINDING_ERROR, at, "agent: what %s says about itself cannot be read: %s",
			     d->agent, why);
	else
		return true;
	return false;
}

/* The agent's own opinion of what it will be told; it does not talk to the device for that. */
static void validate(const struct config *c, const struct config_fence_device *d, struct place at,
		     struct asked *a, struct findings *f)
{
	for (uint32_t i = 0; i < d->targets_count; i++) {
		node_id_t node = (node_id_t)config_node_named(c, d->targets[i].name)->id;
		struct fence_request r;

		if (!config_fence_request(c, (fence_device_t)(d - c->fence_devices), node, FENCE_STATUS, &r))
			return;
		r.action = "validate-all";
		if (ask(&r, a) < 0 || a->result.answer == FENCE_ANSWER_OK)
			continue;
		findings_add(f, a->result.answer == FENCE_ANSWER_FAILED ? FINDING_ERROR : FINDING_NOTE, at,
			     "target %s: %s: %s", d->targets[i].name, d->agent, a->result.said);
	}
}

static void check_used(const struct config *c, const struct config_fence_device *d, struct place at,
		       struct findings *f)
{
	for (uint32_t n = 0; n < c->nodes_count; n++)
		for (uint32_t l = 0; l < c->nodes[n].fence_levels_count; l++)
			for (uint32_t k = 0; k < c->nodes[n].fence_levels[l].devices_count; k++)
				if (!strcmp(c->nodes[n].fence_levels[l].devices[k], d->name))
					return;
	findings_add(f, FINDING_NOTE, at,
		     "fence-device %s: no fence-level of a node names it, so it fences nobody", d->name);
}

static void check_device(const struct config *c, const struct config_fence_device *d, uint32_t file,
			 struct asked *a, struct findings *f)
{
	_cleanup_(free_ptr) struct fence_metadata *m = malloc(sizeof *m);
	struct place at = { file, d->line };
	uint32_t before = f->count;
	bool wrong = false;

	if (!m || !metadata_of(d, at, a, m, f))
		return;
	fence_check(c, d, m, file, f);
	for (uint32_t i = before; i < f->count; i++)
		wrong |= f->list[i].level == FINDING_ERROR;
	if (!wrong && (m->actions & FENCE_HAS_VALIDATE))
		validate(c, d, at, a, f);
}

bool hactl_check_fence(struct hactl *h, const struct config *c, const char *path, json_t *ret_errors,
		       json_t *ret_notes)
{
	_cleanup_(findings_free_ptr) struct findings *f = findings_new();
	_cleanup_(free_ptr) struct asked *a = malloc(sizeof *a);

	if (!f || !a) {
		(void)hactl_complain(h, "%s", strerror(ENOMEM));
		return false;
	}
	int file = findings_file(f, path);

	for (uint32_t i = 0; i < c->fence_devices_count; i++) {
		const struct config_fence_device *d = &c->fence_devices[i];

		check_used(c, d, (struct place){ (uint32_t)file, d->line }, f);
		if (d->agent[0])
			check_device(c, d, (uint32_t)file, a, f);
	}
	return hactl_tell_findings(h, f, ret_errors, ret_notes);
}
