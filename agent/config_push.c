/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config_push.h"

#include "bytes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* parcel: kind u8 | push u64 | of its kind; all numbers big endian */
enum parcel_kind {
	PARCEL_OFFER = 1, /* mode u8 | sealed length u32 */
	PARCEL_CHUNK,	  /* offset u32 | bytes */
	PARCEL_HAVE,	  /* so many bytes from the beginning, u32 */
	PARCEL_VERDICT,	  /* ok u8 | why, u8 length and text */
	PARCEL_TAKE,
	PARCEL_DROP,
	PARCEL_TOOK, /* as VERDICT */
};

#define CHUNKS_AT_ONCE 4

const char *config_push_state_name(enum config_push_state s)
{
	static const char *const names[] = {
		[CONFIG_PUSH_ASKED] = "asked",	   [CONFIG_PUSH_VALID] = "valid",
		[CONFIG_PUSH_REFUSED] = "refused", [CONFIG_PUSH_SILENT] = "silent",
		[CONFIG_PUSH_TAKEN] = "taken",	   [CONFIG_PUSH_FAILED] = "failed",
	};

	return names[s];
}

void config_push_init(struct config_push *p, node_id_t self, const struct config_push_ops *ops, void *ctx)
{
	*p = (struct config_push){ .ops = ops, .ctx = ctx, .self = self };
}

static void guest_forget(struct config_push_guest *g)
{
	free(g->sealed);
	*g = (struct config_push_guest){ .state = CONFIG_PUSH_GUEST_NONE };
}

static void host_free_texts(struct config_push_host *h)
{
	for (uint8_t i = 0; i < h->count; i++) {
		free(h->node[i].sealed);
		h->node[i].sealed = NULL;
	}
}

void config_push_close(struct config_push *p)
{
	host_free_texts(&p->host);
	guest_forget(&p->guest);
}

/* ---- parcels ---- */

struct parcel {
	uint8_t data[CONFIG_PUSH_PARCEL_MAX];
	struct writer w;
};

static void parcel_begin(struct parcel *x, enum parcel_kind kind, uint64_t id)
{
	x->w = writer_init(x->data, sizeof x->data);
	write_u8(&x->w, kind);
	write_u64(&x->w, id);
}

static void parcel_send(const struct config_push *p, struct parcel *x, node_id_t to)
{
	if (!x->w.failed)
		p->ops->send(p->ctx, to, x->data, (uint8_t)x->w.used);
}

static void say(const struct config_push *p, node_id_t to, enum parcel_kind kind, uint64_t id)
{
	struct parcel x;

	parcel_begin(&x, kind, id);
	parcel_send(p, &x, to);
}

static void say_result(const struct config_push *p, node_id_t to, enum parcel_kind kind, uint64_t id, bool ok,
		       const char *why)
{
	struct parcel x;

	parcel_begin(&x, kind, id);
	write_u8(&x.w, ok);
	write_str8(&x.w, ok ? "" : why);
	parcel_send(p, &x, to);
}

/* Which push, from whom, for whom: what is sealed for one is worth nothing to another. */
static size_t about(uint64_t id, node_id_t from, node_id_t to, uint8_t ret[16])
{
	struct writer w = writer_init(ret, 16);

	write_u64(&w, id);
	write_u8(&w, from);
	write_u8(&w, to);
	return w.used;
}

/* ---- the host ---- */

static void host_phase(struct config_push *p, enum config_push_phase phase)
{
	p->host.phase = phase;
	p->host.began = p->now;
}

static void host_end(struct config_push *p, bool taken)
{
	struct config_push_host *h = &p->host;

	host_free_texts(h);
	h->phase = CONFIG_PUSH_IDLE;
	p->ops->ended(p->ctx, h, taken);
}

/* Nobody takes it. Who does not hear that forgets it in a while. */
static void host_drop(struct config_push *p)
{
	for (uint8_t i = 1; i < p->host.count; i++)
		say(p, p->host.node[i].id, PARCEL_DROP, p->host.id);
	p->ops->drop(p->ctx);
	host_end(p, false);
}

static void host_say_chunks(const struct config_push *p, struct config_push_node *n)
{
	uint32_t at = n->have;

	for (int i = 0; i < CHUNKS_AT_ONCE && at < n->sealed_len; i++) {
		uint32_t left = n->sealed_len - at,
			 len = left < CONFIG_PUSH_CHUNK_MAX ? left : CONFIG_PUSH_CHUNK_MAX;
		struct parcel x;

		parcel_begin(&x, PARCEL_CHUNK, p->host.id);
		write_u32(&x.w, at);
		write_bytes(&x.w, n->sealed + at, len);
		parcel_send(p, &x, n->id);
		at += len;
	}
	n->sent = at;
}

static void host_say(struct config_push *p, struct config_push_node *n)
{
	const struct config_push_host *h = &p->host;
	struct parcel x;

	n->said_at = p->now;
	if (h->phase == CONFIG_PUSH_TAKING) {
		say(p, n->id, PARCEL_TAKE, h->id);
	} else if (!n->offered || n->have == n->sealed_len) { /* again: the verdict was lost */
		parcel_begin(&x, PARCEL_OFFER, h->id);
		write_u8(&x.w, (uint8_t)h->mode);
		write_u32(&x.w, n->sealed_len);
		parcel_send(p, &x, n->id);
	} else {
		host_say_chunks(p, n);
	}
}

static enum config_push_state host_waits_for(const struct config_push_host *h)
{
	return h->phase == CONFIG_PUSH_TAKING ? CONFIG_PUSH_VALID : CONFIG_PUSH_ASKED;
}

static bool host_all(const struct config_push_host *h, enum config_push_state state)
{
	for (uint8_t i = 0; i < h->count; i++)
		if (h->node[i].state != state)
			return false;
	return true;
}

static bool host_any(const struct config_push_host *h, enum config_push_state state)
{
	for (uint8_t i = 0; i < h->count; i++)
		if (h->node[i].state == state)
			return true;
	return false;
}

/* After each change of a node's state. A node that says no ends it once the others have spoken, so that the
 * operator hears all that is wrong at once. */
static void host_judge(struct config_push *p)
{
	struct config_push_host *h = &p->host;

	if (h->phase == CONFIG_PUSH_ASKING && !host_any(h, CONFIG_PUSH_ASKED)) {
		if (!host_all(h, CONFIG_PUSH_VALID)) {
			host_drop(p);
		} else if (h->mode == CONFIG_PUSH_CHECK) {
			host_drop(p);
		} else {
			host_phase(p, CONFIG_PUSH_OWN);
			p->ops->take(p->ctx, h->mode);
		}
	} else if (h->phase == CONFIG_PUSH_TAKING && !host_any(h, CONFIG_PUSH_VALID)) {
		host_end(p, true);
	}
}

static void host_late(struct config_push *p)
{
	struct config_push_host *h = &p->host;
	bool taking = h->phase == CONFIG_PUSH_TAKING;

	for (uint8_t i = 0; i < h->count; i++) {
		if (h->node[i].state != host_waits_for(h))
			continue;
		h->node[i].state = taking ? CONFIG_PUSH_FAILED : CONFIG_PUSH_SILENT;
		(void)snprintf(
			h->node[i].why, sizeof h->node[i].why, "%s",
			taking ? "it had said yes, and does not say whether it has taken it: look at it, and "
				 "push again"
			       : "it does not answer");
	}
	host_judge(p);
}

static int host_seal(struct config_push *p, struct config_push_node *n, const char *text, size_t len)
{
	uint8_t a[16];
	size_t a_len = about(p->host.id, p->self, n->id, a);

	n->sealed = malloc(len + CRYPTO_SEAL_OVERHEAD);
	n->sealed_len = (uint32_t)(len + CRYPTO_SEAL_OVERHEAD);
	return n->sealed ? p->ops->seal(p->ctx, n->id, a, a_len, text, len, n->sealed) : -ENOMEM;
}

static bool guest_busy(const struct config_push *p)
{
	const struct config_push_guest *g = &p->guest;

	return g->state != CONFIG_PUSH_GUEST_NONE && g->state != CONFIG_PUSH_GUEST_TOOK &&
	       boot_diff_ns(g->heard_at, p->now) < CONFIG_PUSH_GUEST_NS;
}

int config_push_begin(struct config_push *p, uint64_t id, enum config_push_mode mode, const node_id_t *others,
		      uint8_t count, const char *text, size_t len, boot_t now, char why[CONFIG_PUSH_WHY_MAX])
{
	struct config_push_host *h = &p->host;
	int r = 0;

	p->now = now;
	if (len == 0 || len > CONFIG_PUSH_TEXT_MAX) {
		(void)snprintf(why, CONFIG_PUSH_WHY_MAX,
			       "A configuration to be pushed has 1 to %d bytes, this one has %zu.",
			       CONFIG_PUSH_TEXT_MAX, len);
		return -E2BIG;
	}
	if (config_push_busy(p) || guest_busy(p)) {
		(void)snprintf(why, CONFIG_PUSH_WHY_MAX, "Another push is under way; try again in a minute.");
		return -EBUSY;
	}
	if (!p->ops->check(p->ctx, text, len, mode, why))
		return -EINVAL;
	guest_forget(&p->guest);
	*h = (struct config_push_host){ .mode = mode, .id = id, .count = 1 };
	h->node[0] = (struct config_push_node){ .id = p->self };
	for (uint8_t i = 0; i < count && h->count <= NODE_ID_MAX && r == 0; i++) {
		struct config_push_node *n = &h->node[h->count++];

		*n = (struct config_push_node){ .id = others[i] };
		r = host_seal(p, n, text, len);
	}
	if (r < 0) {
		host_free_texts(h);
		(void)snprintf(why, CONFIG_PUSH_WHY_MAX, "It cannot be sealed for the other nodes: %s.",
			       strerror(-r));
		return r;
	}
	host_phase(p, CONFIG_PUSH_ASKING);
	for (uint8_t i = 1; i < h->count; i++)
		host_say(p, &h->node[i]);
	if (mode == CONFIG_PUSH_CHECK) {
		h->node[0].state = CONFIG_PUSH_VALID;
		host_judge(p);
	} else {
		p->ops->stage(p->ctx, text, len);
	}
	return 0;
}

static struct config_push_node *host_node(struct config_push_host *h, node_id_t id)
{
	for (uint8_t i = 1; i < h->count; i++)
		if (h->node[i].id == id)
			return &h->node[i];
	return NULL;
}

static void host_have(struct config_push *p, struct config_push_node *n, uint32_t have)
{
	if (p->host.phase != CONFIG_PUSH_ASKING || n->state != CONFIG_PUSH_ASKED || have > n->sealed_len)
		return;
	if (n->offered && have <= n->have)
		return; /* an older answer: the clock says it again */
	n->offered = true;
	n->have = have;
	if (have < n->sealed_len && have >= n->sent) /* all that was sent is there: go on at once */
		host_say(p, n);
}

static void host_result(struct config_push *p, struct config_push_node *n, enum parcel_kind kind, bool ok,
			const char *why)
{
	bool took = kind == PARCEL_TOOK;

	if (n->state != (took ? CONFIG_PUSH_VALID : CONFIG_PUSH_ASKED) ||
	    p->host.phase != (took ? CONFIG_PUSH_TAKING : CONFIG_PUSH_ASKING))
		return;
	n->state = ok ? (took ? CONFIG_PUSH_TAKEN : CONFIG_PUSH_VALID)
		      : (took ? CONFIG_PUSH_FAILED : CONFIG_PUSH_REFUSED);
	(void)snprintf(n->why, sizeof n->why, "%s", why);
	host_judge(p);
}

/* ---- the guest ---- */

static void guest_say(const struct config_push *p)
{
	const struct config_push_guest *g = &p->guest;
	struct parcel x;

	if (g->state == CONFIG_PUSH_GUEST_HEARS) {
		parcel_begin(&x, PARCEL_HAVE, g->id);
		write_u32(&x.w, g->have);
		parcel_send(p, &x, g->from);
	} else if (g->state == CONFIG_PUSH_GUEST_SAID) {
		say_result(p, g->from, PARCEL_VERDICT, g->id, g->ok, g->why);
	} else if (g->state == CONFIG_PUSH_GUEST_TOOK) {
		say_result(p, g->from, PARCEL_TOOK, g->id, g->ok, g->why);
	} /* else: it is being written, and then said */
}

static void guest_result(struct config_push *p, enum config_push_guest_state state, bool ok, const char *why)
{
	struct config_push_guest *g = &p->guest;

	g->state = state;
	g->ok = ok;
	(void)snprintf(g->why, sizeof g->why, "%s", ok ? "" : why);
	guest_say(p);
}

static void guest_offer(struct config_push *p, node_id_t from, uint64_t id, uint8_t mode, uint32_t len)
{
	struct config_push_guest *g = &p->guest;

	if (g->state != CONFIG_PUSH_GUEST_NONE && g->id == id && g->from == from) {
		guest_say(p);
		return;
	}
	if (config_push_busy(p) || guest_busy(p)) {
		say_result(p, from, PARCEL_VERDICT, id, false,
			   "another push is under way there; try again in a minute");
		return;
	}
	guest_forget(g);
	g->sealed = malloc(len);
	if (!g->sealed) {
		say_result(p, from, PARCEL_VERDICT, id, false, "out of memory");
		return;
	}
	*g = (struct config_push_guest){ .state = CONFIG_PUSH_GUEST_HEARS,
					 .mode = (enum config_push_mode)mode,
					 .from = from,
					 .id = id,
					 .sealed = g->sealed,
					 .sealed_len = len,
					 .heard_at = p->now };
	guest_say(p);
}

/* The text is whole. */
static void guest_look(struct config_push *p)
{
	struct config_push_guest *g = &p->guest;
	size_t len = g->sealed_len - CRYPTO_SEAL_OVERHEAD, a_len;
	char *text = malloc(len + 1), why[CONFIG_PUSH_WHY_MAX] = "";
	uint8_t a[16];

	a_len = about(g->id, g->from, p->self, a);
	if (!text) {
		guest_result(p, CONFIG_PUSH_GUEST_SAID, false, "out of memory");
	} else if (p->ops->open(p->ctx, g->from, a, a_len, g->sealed, g->sealed_len, text) < 0) {
		guest_result(p, CONFIG_PUSH_GUEST_SAID, false, "it came damaged");
	} else {
		text[len] = 0;
		if (!p->ops->check(p->ctx, text, len, g->mode, why)) {
			guest_result(p, CONFIG_PUSH_GUEST_SAID, false, why);
		} else if (g->mode == CONFIG_PUSH_CHECK) {
			guest_result(p, CONFIG_PUSH_GUEST_SAID, true, "");
		} else {
			g->state = CONFIG_PUSH_GUEST_STAGES;
			p->ops->stage(p->ctx, text, len);
		}
	}
	free(text);
}

static void guest_chunk(struct config_push *p, uint32_t at, const uint8_t *data, size_t len)
{
	struct config_push_guest *g = &p->guest;

	if (g->state == CONFIG_PUSH_GUEST_HEARS && at == g->have && len <= g->sealed_len - g->have) {
		memcpy(g->sealed + at, data, len);
		g->have += (uint32_t)len;
	}
	if (g->state == CONFIG_PUSH_GUEST_HEARS && g->have == g->sealed_len)
		guest_look(p);
	else
		guest_say(p);
}

static void guest_take(struct config_push *p, node_id_t from, uint64_t id)
{
	struct config_push_guest *g = &p->guest;

	if (g->state == CONFIG_PUSH_GUEST_NONE || g->id != id || g->from != from) {
		say_result(p, from, PARCEL_TOOK, id, false,
			   "its agent was started again meanwhile and has forgotten it; push again");
	} else if (g->state == CONFIG_PUSH_GUEST_SAID && g->ok && g->mode != CONFIG_PUSH_CHECK) {
		g->state = CONFIG_PUSH_GUEST_TAKES;
		p->ops->take(p->ctx, g->mode);
	} else {
		guest_say(p);
	}
}

static void guest_drop(struct config_push *p)
{
	struct config_push_guest *g = &p->guest;

	if (g->state == CONFIG_PUSH_GUEST_TAKES || g->state == CONFIG_PUSH_GUEST_TOOK)
		return; /* it was committed: this one is from before */
	if (g->state == CONFIG_PUSH_GUEST_STAGES || (g->state == CONFIG_PUSH_GUEST_SAID && g->ok))
		p->ops->drop(p->ctx);
	guest_forget(g);
}

/* ---- both ---- */

static bool parcel_of_guest(struct config_push *p, node_id_t from, enum parcel_kind kind, uint64_t id,
			    struct reader *r)
{
	struct config_push_guest *g = &p->guest;
	bool mine = g->state != CONFIG_PUSH_GUEST_NONE && g->id == id && g->from == from;

	if (mine)
		g->heard_at = p->now;
	if (kind == PARCEL_OFFER) {
		uint8_t mode = read_u8(r);
		uint32_t len = read_u32(r);

		if (!reader_done(r) || mode >= CONFIG_PUSH_MODES || len <= CRYPTO_SEAL_OVERHEAD ||
		    len > CONFIG_PUSH_SEALED_MAX)
			return false;
		guest_offer(p, from, id, mode, len);
	} else if (kind == PARCEL_CHUNK) {
		uint32_t at = read_u32(r);
		size_t len = r->left;
		const uint8_t *data = read_span(r, len);

		if (!data || len == 0 || !reader_done(r))
			return false;
		if (mine)
			guest_chunk(p, at, data, len);
	} else if (!reader_done(r)) {
		return false;
	} else if (kind == PARCEL_TAKE) {
		guest_take(p, from, id);
	} else if (mine) {
		guest_drop(p);
	}
	return true;
}

static bool parcel_of_host(struct config_push *p, node_id_t from, enum parcel_kind kind, uint64_t id,
			   struct reader *r)
{
	struct config_push_host *h = &p->host;
	struct config_push_node *n = h->phase != CONFIG_PUSH_IDLE && h->id == id ? host_node(h, from) : NULL;
	char why[CONFIG_PUSH_WHY_MAX];
	uint8_t ok;

	if (kind == PARCEL_HAVE) {
		uint32_t have = read_u32(r);

		if (!reader_done(r))
			return false;
		if (n)
			host_have(p, n, have);
		return true;
	}
	ok = read_u8(r);
	read_str8(r, why, sizeof why);
	if (!reader_done(r) || ok > 1)
		return false;
	for (char *c = why; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (n)
		host_result(p, n, kind, ok, why);
	return true;
}

bool config_push_parcel(struct config_push *p, node_id_t from, const uint8_t *data, size_t len, boot_t now)
{
	struct reader r = reader_init(data, len);
	uint8_t kind = read_u8(&r);
	uint64_t id = read_u64(&r);

	p->now = now;
	if (r.failed || from == p->self)
		return false;
	switch (kind) {
	case PARCEL_OFFER:
	case PARCEL_CHUNK:
	case PARCEL_TAKE:
	case PARCEL_DROP:
		return parcel_of_guest(p, from, (enum parcel_kind)kind, id, &r);
	case PARCEL_HAVE:
	case PARCEL_VERDICT:
	case PARCEL_TOOK:
		return parcel_of_host(p, from, (enum parcel_kind)kind, id, &r);
	default:
		return false;
	}
}

void config_push_staged(struct config_push *p, bool ok, const char *why, boot_t now)
{
	struct config_push_node *own = &p->host.node[0];

	p->now = now;
	if (p->host.phase == CONFIG_PUSH_ASKING && own->state == CONFIG_PUSH_ASKED) {
		own->state = ok ? CONFIG_PUSH_VALID : CONFIG_PUSH_REFUSED;
		(void)snprintf(own->why, sizeof own->why, "%s", ok ? "" : why);
		host_judge(p);
	} else if (p->guest.state == CONFIG_PUSH_GUEST_STAGES) {
		guest_result(p, CONFIG_PUSH_GUEST_SAID, ok, why);
	}
}

void config_push_took(struct config_push *p, bool ok, const char *why, boot_t now)
{
	struct config_push_host *h = &p->host;

	p->now = now;
	if (h->phase == CONFIG_PUSH_OWN) {
		h->node[0].state = ok ? CONFIG_PUSH_TAKEN : CONFIG_PUSH_REFUSED;
		(void)snprintf(h->node[0].why, sizeof h->node[0].why, "%s", ok ? "" : why);
		if (!ok) {
			host_drop(p);
			return;
		}
		host_phase(p, CONFIG_PUSH_TAKING);
		for (uint8_t i = 1; i < h->count; i++)
			host_say(p, &h->node[i]);
		host_judge(p);
	} else if (p->guest.state == CONFIG_PUSH_GUEST_TAKES) {
		guest_result(p, CONFIG_PUSH_GUEST_TOOK, ok, why);
	}
}

/* What is being written has to be heard of first. */
static bool guest_ages(const struct config_push_guest *g)
{
	return g->state != CONFIG_PUSH_GUEST_NONE && g->state != CONFIG_PUSH_GUEST_STAGES &&
	       g->state != CONFIG_PUSH_GUEST_TAKES;
}

static bool host_asks(const struct config_push_host *h)
{
	return h->phase == CONFIG_PUSH_ASKING || h->phase == CONFIG_PUSH_TAKING;
}

static boot_t host_limit(const struct config_push_host *h)
{
	return boot_add(h->began, h->phase == CONFIG_PUSH_TAKING ? CONFIG_PUSH_TAKE_NS : CONFIG_PUSH_ASK_NS);
}

void config_push_tick(struct config_push *p, boot_t now)
{
	struct config_push_host *h = &p->host;
	struct config_push_guest *g = &p->guest;

	p->now = now;
	if (host_asks(h) && !boot_before(now, host_limit(h)))
		host_late(p);
	for (uint8_t i = 1; host_asks(h) && i < h->count; i++)
		if (h->node[i].state == host_waits_for(h) &&
		    !boot_before(now, boot_add(h->node[i].said_at, CONFIG_PUSH_AGAIN_NS)))
			host_say(p, &h->node[i]);
	if (guest_ages(g) && boot_diff_ns(g->heard_at, now) >= CONFIG_PUSH_GUEST_NS) {
		if (g->state == CONFIG_PUSH_GUEST_SAID && g->ok && g->mode != CONFIG_PUSH_CHECK)
			p->ops->drop(p->ctx);
		guest_forget(g);
	}
}

boot_t config_push_next(const struct config_push *p)
{
	const struct config_push_host *h = &p->host;
	boot_t next = BOOT_NEVER;

	if (host_asks(h)) {
		next = host_limit(h);
		for (uint8_t i = 1; i < h->count; i++)
			if (h->node[i].state == host_waits_for(h))
				next = boot_min(next, boot_add(h->node[i].said_at, CONFIG_PUSH_AGAIN_NS));
	}
	if (guest_ages(&p->guest))
		next = boot_min(next, boot_add(p->guest.heard_at, CONFIG_PUSH_GUEST_NS));
	return next;
}
