/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pushing.h"

#include "agent.h"
#include "config_push.h"
#include "log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static_assert(CONFIG_PUSH_PARCEL_MAX == PULSE_PARCEL_MAX, "one parcel is one entry of a pulse");

struct pushing {
	struct agent *agent;
	struct config_push push;
	uint32_t writing[CONFIG_FILE_STEPS]; /* steps that the recorder has not answered; of several the last
						counts */
	bool waits;			     /* somebody, for the answer to his command */
	bool begins;			     /* ... which is being begun: `reply` if it has ended already */
	json_t *reply;
	control_ticket_t ticket;
	char user[CONTROL_USER_MAX];
};

/* ---- what the machine wants ---- */

static void op_send(void *ctx, node_id_t to, const uint8_t *data, uint8_t len)
{
	struct pushing *p = ctx;
	const struct pulse_parcel parcel = { data, len };

	/* Lost, if it cannot be sent: it is said again. */
	(void)pulse_io_send_parcels(p->agent->pulse, to, &parcel, 1, p->agent->now);
}

static int parcel_key(const struct pushing *p, node_id_t node, bool sending, uint8_t ret[CRYPTO_KEY_SIZE])
{
	const struct agent *a = p->agent;
	const struct config_node *n = config_node(a->config, node);
	struct node_public peer;
	int r = n ? node_public_parse(n->public_key, &peer) : -ENOENT;

	return r < 0 ? r : node_parcel_key(&a->key, &peer, a->config->cluster, a->self, node, sending, ret);
}

static int op_seal(void *ctx, node_id_t to, const uint8_t *about, size_t about_len, const char *text,
		   size_t len, uint8_t *ret)
{
	uint8_t key[CRYPTO_KEY_SIZE];
	int r = parcel_key(ctx, to, true, key);

	if (r == 0)
		r = crypto_seal(key, about, about_len, text, len, ret);
	crypto_wipe(key, sizeof key);
	return r;
}

static int op_open(void *ctx, node_id_t from, const uint8_t *about, size_t about_len, const uint8_t *sealed,
		   size_t sealed_len, char *ret)
{
	uint8_t key[CRYPTO_KEY_SIZE];
	int r = parcel_key(ctx, from, false, key);

	if (r == 0)
		r = crypto_open(key, about, about_len, sealed, sealed_len, (uint8_t *)ret);
	crypto_wipe(key, sizeof key);
	return r;
}

static bool op_check(void *ctx, const char *text, size_t len, enum config_push_mode mode,
		     char why[CONFIG_PUSH_WHY_MAX])
{
	const struct pushing *p = ctx;
	struct sentence reason = { "" };
	bool good = agent_reload_check(p->agent, text, len, mode == CONFIG_PUSH_INSTALL, &reason);

	(void)snprintf(why, CONFIG_PUSH_WHY_MAX, "%.*s", CONFIG_PUSH_WHY_MAX - 1, reason.text);
	return good;
}

static void write_step(struct pushing *p, enum config_file_step step, const char *text, size_t len)
{
	int r = recorder_config(&p->agent->recorder, step, p->agent->paths.config, text, len);

	p->writing[step]++;
	if (r < 0)
		pushing_wrote(p, step, -r);
}

static void op_stage(void *ctx, const char *text, size_t len)
{
	write_step(ctx, CONFIG_FILE_STAGE, text, len);
}

static void op_take(void *ctx, enum config_push_mode mode)
{
	(void)mode;
	write_step(ctx, CONFIG_FILE_TAKE, "", 0);
}

static void op_drop(void *ctx)
{
	write_step(ctx, CONFIG_FILE_DROP, "", 0);
}

static json_t *nodes_json(const struct agent *a, const struct config_push_host *h)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < h->count; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s}", "node", agent_node_name(a, h->node[i].id),
						"reason", config_push_state_name(h->node[i].state), "text",
						h->node[i].why));
	return list;
}

static const struct config_push_node *first_of(const struct config_push_host *h, enum config_push_state state)
{
	for (uint8_t i = 0; i < h->count; i++)
		if (h->node[i].state == state)
			return &h->node[i];
	return NULL;
}

static json_t *result_json(const struct agent *a, const struct config_push_host *h, bool taken)
{
	const struct config_push_node *bad = first_of(h, CONFIG_PUSH_REFUSED);
	json_t *nodes = nodes_json(a, h);

	if (!bad)
		bad = first_of(h, CONFIG_PUSH_SILENT);
	if (bad && !taken)
		return control_refusal("refused", nodes, "Nothing was changed on any node: %s: %s",
				       agent_node_name(a, bad->id), bad->why);
	bad = first_of(h, CONFIG_PUSH_FAILED);
	if (bad)
		return control_refusal("refused", nodes, "The nodes differ now: %s: %s",
				       agent_node_name(a, bad->id), bad->why);
	return control_ok(json_pack("{s:b, s:b, s:o}", "taken", taken, "installed",
				    taken && h->mode == CONFIG_PUSH_INSTALL, "nodes", nodes));
}

static void op_ended(void *ctx, const struct config_push_host *h, bool taken)
{
	struct pushing *p = ctx;
	struct agent *a = p->agent;

	if (h->mode != CONFIG_PUSH_CHECK)
		records_event(a, "config-push", NULL, "configuration pushed by %s: %s", p->user,
			      !taken				? "refused, nothing was changed"
			      : first_of(h, CONFIG_PUSH_FAILED) ? "taken, but not by all nodes"
			      : h->mode == CONFIG_PUSH_INSTALL
				      ? "on all disks, in force after a restart of each agent"
				      : "in force on all nodes");
	if (p->begins)
		p->reply = result_json(a, h, taken);
	else if (p->waits)
		control_reply(a->control, p->ticket, result_json(a, h, taken));
	p->waits = false;
}

static const struct config_push_ops push_ops = {
	.send = op_send,
	.seal = op_seal,
	.open = op_open,
	.check = op_check,
	.stage = op_stage,
	.take = op_take,
	.drop = op_drop,
	.ended = op_ended,
};

/* ---- what the recorder says ---- */

static enum config_push_mode mode_now(const struct pushing *p)
{
	return config_push_busy(&p->push) ? p->push.host.mode : p->push.guest.mode;
}

/* On disk. If it cannot be taken all the same, the disk gets the old one back. */
static void taken(struct pushing *p)
{
	struct sentence why = { "" };
	bool ok = mode_now(p) == CONFIG_PUSH_INSTALL || agent_reload(p->agent, &why);

	if (!ok)
		write_step(p, CONFIG_FILE_BACK, "", 0);
	config_push_took(&p->push, ok, why.text, p->agent->now.boot);
}

void pushing_wrote(struct pushing *p, enum config_file_step step, int error)
{
	char why[CONFIG_PUSH_WHY_MAX];

	if (!p || p->writing[step] == 0)
		return;
	(void)snprintf(why, sizeof why, "%.100s cannot be written: %s", p->agent->paths.config,
		       strerror(error));
	if (error)
		log_error("config push: %s", why);
	if (--p->writing[step] > 0)
		return;
	if (step == CONFIG_FILE_STAGE)
		config_push_staged(&p->push, error == 0, why, p->agent->now.boot);
	else if (step == CONFIG_FILE_TAKE && error == 0)
		taken(p);
	else if (step == CONFIG_FILE_TAKE)
		config_push_took(&p->push, false, why, p->agent->now.boot);
}

void pushing_recorder_gone(struct pushing *p)
{
	for (int step = 0; p && step < CONFIG_FILE_STEPS; step++)
		if (p->writing[step]) {
			p->writing[step] = 1;
			pushing_wrote(p, (enum config_file_step)step, EPIPE);
		}
}

/* ---- from outside ---- */

void pushing_parcel(struct pushing *p, node_id_t from, const uint8_t *data, size_t len)
{
	const struct config_node *n = p ? config_node(p->agent->config, from) : NULL;

	/* A witness may vote, no more. */
	if (n && !n->witness && !p->agent->stopping && !p->agent->leaving)
		(void)config_push_parcel(&p->push, from, data, len, p->agent->now.boot);
	else if (n && n->witness && p->push.host.phase != CONFIG_PUSH_IDLE)
		(void)config_push_parcel(&p->push, from, data, len, p->agent->now.boot); /* its answers */
}

/* ret_others: all nodes but this one and those of the list. NULL, or which name is none. */
static const char *others_of(const struct agent *a, const char *without, node_id_t ret_others[RK_NODES_MAX],
			     uint8_t *ret_count, char name[RK_NAME_MAX])
{
	node_set_t left_out = 0;

	for (const char *at = without; *at; at += strspn(at, ",")) {
		size_t len = strcspn(at, ",");
		const struct config_node *n = NULL;

		(void)snprintf(name, RK_NAME_MAX, "%.*s", (int)len, at);
		for (uint32_t i = 0; i < a->config->nodes_count; i++)
			if (!strcmp(a->config->nodes[i].name, name))
				n = &a->config->nodes[i];
		if (!n || n->id == a->self)
			return name;
		left_out |= node_bit((node_id_t)n->id);
		at += len;
	}
	*ret_count = 0;
	for (uint32_t i = 0; i < a->config->nodes_count; i++) {
		node_id_t id = (node_id_t)a->config->nodes[i].id;

		if (id != a->self && !node_in(left_out, id))
			ret_others[(*ret_count)++] = id;
	}
	return NULL;
}

static int mode_of(const char *word)
{
	static const char *const words[CONFIG_PUSH_MODES] = { "check", "apply", "install" };

	for (int i = 0; i < CONFIG_PUSH_MODES; i++)
		if (!strcmp(word, words[i]))
			return i;
	return -1;
}

static const char *text_of(const struct control_request *req, const char *key)
{
	return json_string_value(json_object_get(req->args, key)) ?: "";
}

enum control_answer pushing_command(struct pushing *p, const struct control_request *req, json_t **ret_reply)
{
	struct agent *a = p->agent;
	const char *text = text_of(req, "text"), *unknown;
	int mode = mode_of(text_of(req, "mode")), r;
	node_id_t others[RK_NODES_MAX];
	char why[CONFIG_PUSH_WHY_MAX] = "", name[RK_NAME_MAX];
	uint64_t id;
	uint8_t count = 0;

	if (mode < 0 || !*text)
		*ret_reply = control_refusal("usage", NULL,
					     "A push has a text and a mode: check, apply or install.");
	else if (a->paths.witness)
		*ret_reply =
			control_refusal("refused", NULL, "A witness pushes nothing; do it on another node.");
	else if ((unknown = others_of(a, text_of(req, "without"), others, &count, name)))
		*ret_reply = control_refusal("refused", NULL, "There is no other node \"%s\".", unknown);
	else if (config_push_busy(&p->push))
		*ret_reply =
			control_refusal("refused", NULL, "Another push is under way; try again in a minute.");
	else if ((r = crypto_random(&id, sizeof id)) < 0)
		*ret_reply = control_refusal("internal", NULL, "No random number: %s.", strerror(-r));
	if (*ret_reply)
		return CONTROL_REPLY;
	p->begins = p->waits = true;
	p->reply = NULL;
	p->ticket = req->ticket;
	(void)snprintf(p->user, sizeof p->user, "%s", req->user);
	r = config_push_begin(&p->push, id, (enum config_push_mode)mode, others, count, text, strlen(text),
			      a->now.boot, why);
	p->begins = false;
	if (r == 0 && !p->reply)
		return CONTROL_LATER;
	p->waits = false;
	*ret_reply = r == 0 ? p->reply
		     : r == -EINVAL
			     ? control_refusal("refused", NULL, "Nothing was changed on any node: %s: %s",
					       agent_node_name(a, a->self), why)
			     : control_refusal("refused", NULL, "%s", why);
	return CONTROL_REPLY;
}

/* ---- life ---- */

int pushing_open(struct agent *a, struct pushing **ret, struct sentence *reterr)
{
	struct pushing *p = calloc(1, sizeof *p);

	if (!p)
		return sentence_fail(reterr, -ENOMEM, "Out of memory.");
	p->agent = a;
	config_push_init(&p->push, a->self, &push_ops, p);
	*ret = p;
	return 0;
}

void pushing_close(struct pushing *p)
{
	if (p)
		config_push_close(&p->push);
	free(p);
}

void pushing_tick(struct pushing *p)
{
	if (p && !boot_before(p->agent->now.boot, config_push_next(&p->push)))
		config_push_tick(&p->push, p->agent->now.boot);
}

boot_t pushing_next(const struct pushing *p)
{
	return p ? config_push_next(&p->push) : BOOT_NEVER;
}
