/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * herd VIP PORT OWN OWN_PORT COUNT: a hundred thousand telephones on one UDP socket. They register with
 * digest (one nonce serves them all until it is refused), send again as RFC 3261 says, and answer every
 * INVITE with 486: a phone that is busy is a phone that was reached. Commands come as lines on stdin, results
 * go as JSON lines to stdout:
 *
 * - register EXPIRES_S RATE LOOPS: every phone, RATE per second, again and again LOOPS times (0: until stop)
 * - sample EVERY SOCKET REPLY: of each EVERY-th phone that registers, how long until the Kamailio behind the
 *   datagram socket SOCKET has that very REGISTER (asked every millisecond at first)
 * - lags: what sample measured since it was last asked
 * - call COUNT RATE SINCE_NS FOR_MS: COUNT phones, evenly chosen, each called until it was reached; times are
 *   counted from SINCE_NS of CLOCK_BOOTTIME
 * - stop, quit
 */
#include "labtool.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SLOTS	      8192 /* transactions in flight */
#define WINDOW	      64   /* REGISTERs in flight where no rate is given: as fast as they are answered */
#define POLLS	      64   /* phones whose way to the other Kamailio is watched */
#define LAGS_MAX      200000
#define T1_NS	      500000000ULL
#define T2_NS	      4000000000ULL
#define TIMER_F_NS    32000000000ULL
#define CALL_AGAIN_NS 500000000ULL  /* T1: an INVITE without an answer is sent again */
#define CALL_NS	      4000000000ULL /* ... and given up, and the call tried anew */
#define CALL_PAUSE_NS 100000000ULL  /* between two tries */
#define CHALLENGES    5
#define POLL_NS	      1000000ULL
#define POLL_LOST_NS  100000000ULL
#define FIRST_USER    100000

struct phone {
	uint32_t cseq;
	uint32_t called; /* 1 + index of its target */
};

enum kind { KIND_FREE, KIND_REGISTER, KIND_CALL };

struct slot {
	enum kind kind;
	uint32_t gen, phone, tries, challenged;
	uint64_t first_ns, next_ns;
	uint32_t next_free;
};

struct target {
	uint32_t phone;
	uint64_t reached_ns, again_ns;
	bool busy;
};

struct poll_entry {
	bool used;
	uint32_t phone, cseq;
	uint64_t since_ns, asked_ns;
};

struct herd {
	int fd, rpc_fd;
	struct sockaddr_in to;
	const char *vip, *own;
	uint16_t own_port;
	uint32_t count;
	struct phone *phones;
	struct slot slots[SLOTS];
	uint32_t free_first, in_flight;
	char realm[64], nonce[256];
	bool proxy; /* it was a proxy that challenged a call */
	EVP_MD *md5;
	/* register */
	bool registering;
	uint32_t expires_s, loops, ok, failed;
	uint64_t rate, sent, start_ns, total;
	uint64_t retransmitted;
	/* call */
	bool calling;
	struct target *targets;
	uint32_t targets_count, targets_next, reached;
	uint64_t call_rate, call_sent, call_start_ns, call_since_ns, call_end_ns;
	uint32_t refused, refused_status; /* how many were, and the last answer */
	/* sample */
	uint32_t sample_every;
	struct sockaddr_un rpc_to;
	struct poll_entry polls[POLLS];
	double lags[LAGS_MAX];
	uint32_t lags_count, lags_skipped;
};

/* ---- digest ---- */

static void herd_md5(const struct herd *h, char ret[33], const char *text)
{
	unsigned char sum[16];

	EVP_Digest(text, strlen(text), sum, NULL, h->md5, NULL);
	for (int i = 0; i < 16; i++)
		sprintf(ret + 2 * i, "%02x", sum[i]);
}

static int herd_authorization(const struct herd *h, char *ret, size_t size, const char *name,
			      const char *method, uint32_t user, const char *uri)
{
	char a1[33], a2[33], response[33], text[512];

	if (!*h->nonce)
		return 0;
	snprintf(text, sizeof text, "%u:%s:pw%u", user, h->realm, user);
	herd_md5(h, a1, text);
	snprintf(text, sizeof text, "%s:%s", method, uri);
	herd_md5(h, a2, text);
	snprintf(text, sizeof text, "%s:%s:%s", a1, h->nonce, a2);
	herd_md5(h, response, text);
	return snprintf(
		ret, size,
		"%s: Digest "
		"username=\"%u\",realm=\"%s\",nonce=\"%s\",uri=\"%s\",response=\"%s\",algorithm=MD5\r\n",
		name, user, h->realm, h->nonce, uri, response);
}

static void herd_challenge(struct herd *h, const char *text)
{
	const char *realm = strstr(text, "realm=\""), *nonce = strstr(text, "nonce=\"");

	if (realm)
		sscanf(realm + 7, "%63[^\"]", h->realm);
	if (nonce)
		sscanf(nonce + 7, "%255[^\"]", h->nonce);
}

/* ---- transactions ---- */

static struct slot *slot_take(struct herd *h, enum kind kind, uint32_t phone, uint64_t now)
{
	struct slot *s;

	if (h->free_first == SLOTS)
		return NULL;
	s = &h->slots[h->free_first];
	h->free_first = s->next_free;
	h->in_flight++;
	s->kind = kind;
	s->gen++;
	s->phone = phone;
	s->tries = s->challenged = 0;
	s->first_ns = now;
	return s;
}

static void slot_free(struct herd *h, struct slot *s)
{
	s->kind = KIND_FREE;
	s->next_free = h->free_first;
	h->free_first = (uint32_t)(s - h->slots);
	h->in_flight--;
}

static void herd_send(const struct herd *h, const char *text, int len)
{
	/* A full buffer or a refusal is a lost packet. */
	(void)!sendto(h->fd, text, (size_t)len, 0, (const struct sockaddr *)&h->to, sizeof h->to);
}

static void slot_transmit(struct herd *h, struct slot *s, uint64_t now)
{
	const struct phone *p = &h->phones[s->phone];
	uint32_t user = FIRST_USER + s->phone, index = (uint32_t)(s - h->slots);
	uint64_t wait = T1_NS << (s->tries < 3 ? s->tries : 3);
	char text[2048], auth[640] = "", uri[64];
	int n;

	s->tries++;
	if (s->kind == KIND_REGISTER) {
		s->next_ns = now + (wait < T2_NS ? wait : T2_NS);
		snprintf(uri, sizeof uri, "sip:%s", h->vip);
		herd_authorization(h, auth, sizeof auth, "Authorization", "REGISTER", user, uri);
		n = snprintf(text, sizeof text,
			     "REGISTER %s SIP/2.0\r\nVia: SIP/2.0/UDP "
			     "%s:%u;branch=z9hG4bK-%u-%u;rport\r\nMax-Forwards: 70\r\n"
			     "From: <sip:%u@%s>;tag=r%u\r\nTo: <sip:%u@%s>\r\nCall-ID: "
			     "%u-aabbccddeeff@%s\r\nCSeq: %u REGISTER\r\n"
			     "Contact: <sip:%u@%s:%u>;expires=%u\r\n%sUser-Agent: lab phone with a usual "
			     "name 1.2.3\r\n"
			     "Content-Length: 0\r\n\r\n",
			     uri, h->own, h->own_port, index, s->gen, user, h->vip, s->phone, user, h->vip,
			     s->phone, h->own, p->cseq, user, h->own, h->own_port, h->expires_s, auth);
	} else {
		uint32_t caller = FIRST_USER + (s->phone + 1) % h->count;

		s->next_ns = now + CALL_AGAIN_NS;
		snprintf(uri, sizeof uri, "sip:%u@%s", user, h->vip);
		herd_authorization(h, auth, sizeof auth, h->proxy ? "Proxy-Authorization" : "Authorization",
				   "INVITE", caller, uri);
		n = snprintf(text, sizeof text,
			     "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP "
			     "%s:%u;branch=z9hG4bK-%u-%u;rport\r\nMax-Forwards: 70\r\n"
			     "From: <sip:%u@%s>;tag=c%u\r\nTo: <sip:%u@%s>\r\nCall-ID: c%u-%u@%s\r\nCSeq: 1 "
			     "INVITE\r\n"
			     "Contact: <sip:%u@%s:%u>\r\n%sContent-Length: 0\r\n\r\n",
			     uri, h->own, h->own_port, index, s->gen, caller, h->vip, s->gen, user, h->vip,
			     index, s->gen, h->own, caller, h->own, h->own_port, auth);
	}
	herd_send(h, text, n);
}

/* ---- sample: is it at the other Kamailio? ---- */

static void sample_begin(struct herd *h, const struct slot *s, uint64_t now)
{
	if (!h->sample_every || s->phone % h->sample_every)
		return;
	for (int i = 0; i < POLLS; i++) {
		struct poll_entry *e = &h->polls[i];

		if (e->used)
			continue;
		*e = (struct poll_entry){ true, s->phone, h->phones[s->phone].cseq, now, 0 };
		return;
	}
	h->lags_skipped++;
}

/* The longer it takes, the less often it is asked: 5 % of what is measured, and no load of its own. */
static uint64_t sample_pause(const struct poll_entry *e, uint64_t now)
{
	return (now - e->since_ns) / 20 > POLL_NS ? (now - e->since_ns) / 20 : POLL_NS;
}

static void sample_ask(struct herd *h, uint64_t now)
{
	for (int i = 0; h->sample_every && i < POLLS; i++) {
		struct poll_entry *e = &h->polls[i];
		char text[160];
		int n;

		if (!e->used || now - e->asked_ns < (e->asked_ns & 1 ? POLL_LOST_NS : sample_pause(e, now)))
			continue;
		n = snprintf(text, sizeof text,
			     "{\"jsonrpc\":\"2.0\",\"method\":\"ul.lookup\",\"params\":[\"location\",\"%u\"],"
			     "\"id\":%d}",
			     FIRST_USER + e->phone, i + 1);
		e->asked_ns = now | 1; /* odd: an answer is awaited */
		(void)!sendto(h->rpc_fd, text, (size_t)n, MSG_DONTWAIT, (struct sockaddr *)&h->rpc_to,
			      sizeof h->rpc_to);
	}
}

static void sample_answers(struct herd *h, uint64_t now)
{
	char text[8192];
	ssize_t n;

	while ((n = recv(h->rpc_fd, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
		const char *id, *cseq, *contact;
		char want[64];
		unsigned i;

		text[n] = 0;
		id = strrchr(text, '{') ? strstr(text, "\"id\":") : NULL;
		while (id && strstr(id + 1, "\"id\":"))
			id = strstr(id + 1, "\"id\":");
		i = id ? (unsigned)strtoul(id + 5, NULL, 10) - 1 : POLLS;
		if (i >= POLLS || !h->polls[i].used)
			continue;
		snprintf(want, sizeof want, "sip:%u@", FIRST_USER + h->polls[i].phone);
		contact = strstr(text, want); /* an answer about the one before in this slot is none */
		cseq = contact ? strstr(text, "\"CSeq\":") : NULL;
		h->polls[i].asked_ns = now & ~1ULL;
		if (!cseq || strtoul(cseq + 7, NULL, 10) < h->polls[i].cseq)
			continue;
		h->polls[i].used = false;
		if (h->lags_count < LAGS_MAX)
			h->lags[h->lags_count++] = (double)(now - h->polls[i].since_ns) / 1e6;
	}
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile(double *sorted, uint32_t n, double q)
{
	return n ? sorted[(uint32_t)((n - 1) * q)] : -1;
}

static void sample_print(struct herd *h)
{
	uint32_t waiting = 0;

	for (int i = 0; i < POLLS; i++)
		waiting += h->polls[i].used;
	qsort(h->lags, h->lags_count, sizeof *h->lags, compare_double);
	printf("{\"k\":\"lags\",\"n\":%u,\"waiting\":%u,\"skipped\":%u,\"median_ms\":%.2f,\"p99_ms\":%.2f,"
	       "\"max_ms\":%.2f}\n",
	       h->lags_count, waiting, h->lags_skipped, quantile(h->lags, h->lags_count, 0.5),
	       quantile(h->lags, h->lags_count, 0.99), quantile(h->lags, h->lags_count, 1));
	h->lags_count = h->lags_skipped = 0;
}

static void sample_start(struct herd *h, const char *args)
{
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	unsigned every;
	char path[108], reply[108];

	if (h->rpc_fd >= 0)
		close(h->rpc_fd);
	h->rpc_fd = -1;
	h->sample_every = 0;
	memset(h->polls, 0, sizeof h->polls);
	if (sscanf(args, "%u %107s %107s", &every, path, reply) != 3 || !every)
		return;
	h->rpc_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	unlink(reply);
	strcpy(own.sun_path, reply);
	h->rpc_to.sun_family = AF_UNIX;
	strcpy(h->rpc_to.sun_path, path);
	if (h->rpc_fd < 0 || bind(h->rpc_fd, (struct sockaddr *)&own, sizeof own) < 0)
		lab_die("%s", reply);
	h->sample_every = every;
}

/* ---- register ---- */

static void register_result(struct herd *h, uint64_t now)
{
	printf("{\"k\":\"registered\",\"ok\":%u,\"failed\":%u,\"again\":%llu,\"s\":%.3f,\"end_ns\":%llu}\n",
	       h->ok, h->failed, (unsigned long long)h->retransmitted, (double)(now - h->start_ns) / 1e9,
	       (unsigned long long)now);
	h->registering = false;
}

static void register_more(struct herd *h, uint64_t now)
{
	uint32_t limit = h->rate ? SLOTS / 2 : WINDOW;
	uint64_t due = h->rate ? (now - h->start_ns) * h->rate / 1000000000ULL + 1 : UINT64_MAX;

	for (int i = 0; i < 256 && h->sent < due && (!h->total || h->sent < h->total); i++) {
		uint32_t phone = (uint32_t)(h->sent % h->count);
		struct slot *s = h->in_flight < limit ? slot_take(h, KIND_REGISTER, phone, now) : NULL;

		if (!s)
			break;
		h->phones[phone].cseq++;
		h->sent++;
		slot_transmit(h, s, now);
	}
	if (h->total && h->ok + h->failed == h->total)
		register_result(h, now);
}

static void register_answer(struct herd *h, struct slot *s, int status, const char *text, uint64_t now)
{
	/* 400: a CSeq that Kamailio has seen, of a REGISTER whose answer was lost. */
	if ((status == 401 || status == 400) && s->challenged++ < CHALLENGES) {
		if (status == 401)
			herd_challenge(h, text);
		h->phones[s->phone].cseq++;
		s->gen++;
		slot_transmit(h, s, now);
		return;
	}
	if (status == 200) {
		h->ok++;
		sample_begin(h, s, now);
	} else {
		h->failed++;
	}
	slot_free(h, s);
}

/* ---- call ---- */

static void call_result(struct herd *h)
{
	double *ms = calloc(h->targets_count, sizeof *ms);
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->targets_count; i++) {
		struct target *t = &h->targets[i];

		h->phones[t->phone].called = 0;
		if (t->reached_ns)
			ms[n++] = (double)(int64_t)(t->reached_ns - h->call_since_ns) / 1e6;
	}
	qsort(ms, n, sizeof *ms, compare_double);
	printf("{\"k\":\"called\",\"n\":%u,\"reached\":%u,\"first_ms\":%.1f,\"median_ms\":%.1f,\"p99_ms\":%."
	       "1f,\"last_ms\":%.1f,"
	       "\"attempts\":%llu,\"refused\":%u,\"refused_with\":%u}\n",
	       h->targets_count, n, quantile(ms, n, 0), quantile(ms, n, 0.5), quantile(ms, n, 0.99),
	       quantile(ms, n, 1), (unsigned long long)h->call_sent, h->refused, h->refused_status);
	free(ms);
	h->calling = false;
}

static void call_start(struct herd *h, const char *args, uint64_t now)
{
	unsigned long long rate, since_ns, for_ms;
	unsigned count;

	if (sscanf(args, "%u %llu %llu %llu", &count, &rate, &since_ns, &for_ms) != 4 || !count ||
	    count > h->count)
		return;
	h->targets = realloc(h->targets, count * sizeof *h->targets);
	for (uint32_t i = 0; i < count; i++) {
		h->targets[i] = (struct target){ .phone = (uint32_t)((uint64_t)i * h->count / count) };
		h->phones[h->targets[i].phone].called = i + 1;
	}
	h->targets_count = count;
	h->targets_next = h->reached = h->refused = 0;
	h->call_rate = rate;
	h->call_sent = 0;
	h->call_start_ns = now;
	h->call_since_ns = since_ns;
	h->call_end_ns = now + for_ms * 1000000ULL;
	h->calling = true;
}

static void call_more(struct herd *h, uint64_t now)
{
	uint64_t due = (now - h->call_start_ns) * h->call_rate / 1000000000ULL + 1;

	for (uint32_t looked = 0; h->call_sent < due && looked < h->targets_count; looked++) {
		struct target *t = &h->targets[h->targets_next];
		struct slot *s;

		h->targets_next = (h->targets_next + 1) % h->targets_count;
		if (t->reached_ns || t->busy || now < t->again_ns)
			continue;
		s = slot_take(h, KIND_CALL, t->phone, now);
		if (!s)
			break;
		t->busy = true;
		h->call_sent++;
		slot_transmit(h, s, now);
	}
	if (h->call_sent < due)
		h->call_start_ns =
			now - h->call_sent * 1000000000ULL / h->call_rate; /* nobody to call: no debt */
	if (h->reached == h->targets_count || now > h->call_end_ns)
		call_result(h);
}

static void call_end(struct herd *h, struct slot *s, bool reached, uint64_t now)
{
	uint32_t called = h->phones[s->phone].called;
	struct target *t = called && h->calling ? &h->targets[called - 1] : NULL;

	slot_free(h, s);
	if (!t)
		return;
	t->busy = false;
	t->again_ns = now + CALL_PAUSE_NS;
	if (reached && !t->reached_ns) {
		t->reached_ns = now;
		h->reached++;
	}
}

/* The ACK of a final answer that is no 2xx goes to the proxy, with the INVITE's branch. */
static void call_ack(const struct herd *h, const struct slot *s, const char *answer)
{
	const char *to = strstr(answer, "\r\nTo:"), *end = to ? strstr(to + 2, "\r\n") : NULL;
	uint32_t user = FIRST_USER + s->phone, caller = FIRST_USER + (s->phone + 1) % h->count,
		 index = (uint32_t)(s - h->slots);
	char text[1024];
	int n;

	if (!end)
		return;
	n = snprintf(text, sizeof text,
		     "ACK sip:%u@%s SIP/2.0\r\nVia: SIP/2.0/UDP "
		     "%s:%u;branch=z9hG4bK-%u-%u;rport\r\nMax-Forwards: 70\r\n"
		     "From: <sip:%u@%s>;tag=c%u%.*s\r\nCall-ID: c%u-%u@%s\r\nCSeq: 1 ACK\r\nContent-Length: "
		     "0\r\n\r\n",
		     user, h->vip, h->own, h->own_port, index, s->gen, caller, h->vip, s->gen,
		     (int)(end - to), to, index, s->gen, h->own);
	if (n < (int)sizeof text)
		herd_send(h, text, n);
}

static void call_answer(struct herd *h, struct slot *s, int status, const char *text, uint64_t now)
{
	if (status < 200)
		return;
	call_ack(h, s, text);
	if ((status == 401 || status == 407) && s->challenged++ < CHALLENGES) {
		h->proxy = status == 407;
		herd_challenge(h, text);
		s->gen++;
		slot_transmit(h, s, now);
		return;
	}
	if (status != 486) {
		h->refused++;
		h->refused_status = (uint32_t)status;
	}
	call_end(h, s, status == 486, now);
}

/* ---- what comes ---- */

static void herd_response(struct herd *h, const char *text, uint64_t now)
{
	const char *branch = strstr(text, "branch=z9hG4bK-");
	unsigned status, index, gen;
	struct slot *s;

	if (!branch || sscanf(text, "SIP/2.0 %u", &status) != 1 ||
	    sscanf(branch, "branch=z9hG4bK-%u-%u", &index, &gen) != 2 || index >= SLOTS)
		return;
	s = &h->slots[index];
	if (s->kind == KIND_FREE || s->gen != gen || status < 200)
		return;
	if (s->kind == KIND_REGISTER)
		register_answer(h, s, (int)status, text, now);
	else
		call_answer(h, s, (int)status, text, now);
}

/* As any phone: all Vias, From, To, Call-ID and CSeq as they came. */
static void herd_request(const struct herd *h, const char *text, const struct sockaddr_in *from)
{
	static const char *const kept[] = { "Via:", "From:", "To:", "Call-ID:", "CSeq:" };
	char answer[4096];
	size_t used;
	const char *line;

	if (!strncmp(text, "ACK ", 4))
		return;
	used = (size_t)snprintf(answer, sizeof answer, "SIP/2.0 %s\r\n",
				strncmp(text, "INVITE ", 7) ? "200 OK" : "486 Busy Here");
	for (line = strstr(text, "\r\n"); line && line[2] && line[2] != '\r';
	     line = strstr(line + 2, "\r\n")) {
		const char *start = line + 2, *end = strstr(start, "\r\n");

		for (size_t i = 0; end && i < sizeof kept / sizeof *kept; i++)
			if (!strncasecmp(start, kept[i], strlen(kept[i])) &&
			    used + (size_t)(end - start) + 64 < sizeof answer)
				used += (size_t)sprintf(answer + used, "%.*s%s\r\n", (int)(end - start),
							start, i == 2 ? ";tag=herd" : "");
	}
	used += (size_t)sprintf(answer + used, "Content-Length: 0\r\n\r\n");
	(void)!sendto(h->fd, answer, used, 0, (const struct sockaddr *)from, sizeof *from);
}

static void herd_receive(struct herd *h)
{
	char text[8192];

	for (int i = 0; i < 512; i++) {
		struct sockaddr_in from;
		socklen_t len = sizeof from;
		ssize_t n =
			recvfrom(h->fd, text, sizeof text - 1, MSG_DONTWAIT, (struct sockaddr *)&from, &len);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			continue;
		text[n] = 0;
		if (!strncmp(text, "SIP/2.0 ", 8))
			herd_response(h, text, lab_now_ns());
		else
			herd_request(h, text, &from);
	}
}

static void herd_late(struct herd *h, uint64_t now)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		struct slot *s = &h->slots[i];

		if (s->kind == KIND_FREE || now < s->next_ns)
			continue;
		if (s->kind == KIND_CALL && now - s->first_ns > CALL_NS) {
			call_end(h, s, false, now);
		} else if (now - s->first_ns > TIMER_F_NS) {
			h->failed++;
			slot_free(h, s);
		} else {
			h->retransmitted += s->kind == KIND_REGISTER;
			slot_transmit(h, s, now);
		}
	}
}

static bool herd_command(struct herd *h, char *line, uint64_t now)
{
	unsigned long long rate;

	if (!strncmp(line, "register ", 9) &&
	    sscanf(line + 9, "%u %llu %u", &h->expires_s, &rate, &h->loops) == 3) {
		h->rate = rate;
		h->sent = h->ok = h->failed = 0;
		h->retransmitted = 0;
		h->total = (uint64_t)h->loops * h->count;
		h->start_ns = now;
		h->registering = true;
	} else if (!strncmp(line, "call ", 5)) {
		call_start(h, line + 5, now);
	} else if (!strncmp(line, "sample ", 7)) {
		sample_start(h, line + 7);
	} else if (!strncmp(line, "lags", 4)) {
		sample_print(h);
	} else if (!strncmp(line, "stop", 4)) {
		register_result(h, now);
	} else if (!strncmp(line, "quit", 4)) {
		return false;
	}
	return true;
}

static bool herd_commands(struct herd *h, uint64_t now)
{
	static char buf[4096];
	static size_t used;
	ssize_t n = read(STDIN_FILENO, buf + used, sizeof buf - used - 1);
	char *end;

	if (n <= 0)
		return false;
	used += (size_t)n;
	buf[used] = 0;
	while ((end = strchr(buf, '\n'))) {
		*end = 0;
		if (!herd_command(h, buf, now))
			return false;
		used -= (size_t)(end + 1 - buf);
		memmove(buf, end + 1, used + 1);
	}
	return true;
}

static void herd_open(struct herd *h)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(h->own_port) };
	const int size = 16 << 20;

	h->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (inet_pton(AF_INET, h->own, &own.sin_addr) != 1 ||
	    inet_pton(AF_INET, h->vip, &h->to.sin_addr) != 1 ||
	    bind(h->fd, (struct sockaddr *)&own, sizeof own) < 0)
		lab_die("%s:%u", h->own, h->own_port);
	(void)setsockopt(h->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	(void)setsockopt(h->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
}

static void herd_run(struct herd *h)
{
	uint64_t late_ns = 0;
	bool goes_on = true;

	while (goes_on) {
		struct pollfd fds[3] = { { h->fd, POLLIN, 0 },
					 { STDIN_FILENO, POLLIN, 0 },
					 { h->rpc_fd, POLLIN, 0 } };
		bool busy = h->registering || h->calling || h->in_flight || h->sample_every;
		uint64_t now;

		fflush(stdout);
		(void)poll(fds, 3, busy ? 1 : 1000);
		now = lab_now_ns();
		if (fds[1].revents)
			goes_on = herd_commands(h, now);
		if (fds[0].revents)
			herd_receive(h);
		if (fds[2].revents)
			sample_answers(h, lab_now_ns());
		if (h->registering)
			register_more(h, now);
		if (h->calling)
			call_more(h, now);
		sample_ask(h, now);
		if (now - late_ns > 5000000) {
			herd_late(h, now);
			late_ns = now;
		}
	}
}

int main(int argc, char **argv)
{
	static struct herd h;

	if (argc != 6) {
		fprintf(stderr, "usage: herd VIP PORT OWN OWN_PORT COUNT\n");
		return 2;
	}
	h.vip = argv[1];
	h.to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2])) };
	h.own = argv[3];
	h.own_port = (uint16_t)atoi(argv[4]);
	h.count = (uint32_t)atoi(argv[5]);
	h.phones = calloc(h.count, sizeof *h.phones);
	h.md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	h.rpc_fd = -1;
	for (uint32_t i = 0; i < SLOTS; i++)
		h.slots[i].next_free = i + 1;
	if (!h.phones || !h.md5)
		lab_die("no memory, or no MD5");
	herd_open(&h);
	printf("{\"k\":\"ready\"}\n");
	herd_run(&h);
	return 0;
}
