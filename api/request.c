/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One request, from its first line to its answer.
 */
#include "digest.h"
#include "health.h"
#include "server_private.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define JSON_TYPE "application/json"

/* ---- answers ---- */

static void header(struct MHD_Response *r, const char *name, const char *value)
{
	(void)MHD_add_response_header(r, name, value); /* without memory: an answer with fewer headers */
}

static enum MHD_Result answer(const struct request *q, unsigned status, const char *type, const char *text,
			      size_t len)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(len, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	header(r, "Content-Type", type);
	header(r, "Cache-Control", "no-store");
	header(r, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_UNAUTHORIZED)
		header(r, "WWW-Authenticate", "Bearer realm=\"ringkeep\"");
	result = MHD_queue_response(q->connection, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result answer_json(const struct request *q, unsigned status, json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
	enum MHD_Result r = text ? answer(q, status, JSON_TYPE, text, strlen(text)) : MHD_NO;

	free(text);
	json_decref(o);
	return r;
}

__attribute__((format(printf, 3, 4))) static enum MHD_Result refuse(const struct request *q, unsigned status,
								    const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap); /* a cut sentence is still one */
	va_end(ap);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
	return answer_json(q, status, json_pack("{s:b, s:s}", "ok", 0, "error", text));
}

/* ---- who ---- */

static const struct access_entry *by_token(const struct request *q)
{
	const char *text = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "Authorization");

	return text && !strncasecmp(text, "Bearer ", 7) ? access_token(&q->server->access, text + 7) : NULL;
}

/* Verified against client-ca-file; the file says what it may do. */
static const struct access_entry *by_certificate(const struct request *q)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(q->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	gnutls_session_t session = info ? info->tls_session : NULL;
	const gnutls_datum_t *peer;
	unsigned count = 0, wrong = 1;

	if (!session || !q->server->client_ca)
		return NULL;
	peer = gnutls_certificate_get_peers(session, &count);
	if (!peer || count == 0 || gnutls_certificate_verify_peers2(session, &wrong) < 0 || wrong)
		return NULL;
	return access_certificate(&q->server->access, peer[0].data, peer[0].size);
}

/* ---- limits ---- */

static uint64_t client_hash(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info ? info->client_addr : NULL;

	if (sa && sa->sa_family == AF_INET)
		return digest_fnv64(DIGEST_FNV64_INIT,
				    &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	if (sa && sa->sa_family == AF_INET6) /* a client has a whole /64 */
		return digest_fnv64(DIGEST_FNV64_INIT,
				    &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 8);
	return 0;
}

static bool within_rate(struct server *s, struct MHD_Connection *c)
{
	uint64_t hash = client_hash(c);
	struct server_client *client = &s->client[hash % SERVER_CLIENTS];
	uint32_t rate = s->config->api[0].rate_per_s;

	if (client->address != hash) {
		client->address = hash;
		token_bucket_init(&client->rate, rate, 2 * rate, s->now);
	}
	return token_bucket_take(&client->rate, s->now);
}

/* ---- what is answered from memory ---- */

static const char *query_value(void *ctx, const char *name)
{
	return MHD_lookup_connection_value(ctx, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result answer_health(struct request *q)
{
	struct server *s = q->server;
	const json_t *status = agent_ask_status(&s->agent, s->now);
	const char *group = query_value(q->connection, "group");
	struct health h;

	switch (q->route->kind) {
	case ROUTE_READY:
		health_ready(status, s->agent.why, &h);
		break;
	case ROUTE_ACTIVE:
		health_active(status, s->agent.why, group ? group : "", &h);
		break;
	case ROUTE_STANDBY:
		health_standby(status, s->agent.why, group ? group : "", &h);
		break;
	case ROUTE_HEALTH:
	case ROUTE_LIVE:
	case ROUTE_METRICS:
	case ROUTE_OPENAPI:
	case ROUTE_AGENT:
	default:
		health_node(status, s->agent.why, &h);
		break;
	}
	if (!h.ok)
		return refuse(q, h.unknown ? MHD_HTTP_NOT_FOUND : MHD_HTTP_SERVICE_UNAVAILABLE, "%s", h.why);
	return answer_json(q, MHD_HTTP_OK, json_pack("{s:b}", "ok", 1));
}

static enum MHD_Result answer_metrics(struct request *q)
{
	struct server *s = q->server;
	const char *accept = MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "Accept");
	enum metrics_format f = metrics_negotiate(accept);
	const json_t *status = agent_ask_status(&s->agent, s->now);
	struct server_text *t = &s->metrics_text[f];

	if (!t->text || t->number != s->agent.status_number) {
		FILE *out;

		free(t->text);
		t->text = NULL;
		out = open_memstream(&t->text, &t->len);
		if (!out)
			return refuse(q, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
		s->own.status_age_s =
			status ? (double)boot_diff_ns(s->agent.status_at, s->now) / NS_PER_S : -1;
		metrics_write(out, f, status, &s->own);
		(void)fclose(out);
		t->number = s->agent.status_number;
	}
	return answer(q, MHD_HTTP_OK, metrics_content_type(f), t->text, t->len);
}

static enum MHD_Result answer_status(struct request *q)
{
	struct server *s = q->server;
	const json_t *status = agent_ask_status(&s->agent, s->now);
	struct server_text *t = &s->status_text;

	if (!status)
		return refuse(q, MHD_HTTP_SERVICE_UNAVAILABLE, "the agent does not answer: %s", s->agent.why);
	if (!t->text || t->number != s->agent.status_number) {
		free(t->text);
		t->text = json_dumps(status, JSON_COMPACT | JSON_REAL_PRECISION(9));
		t->len = t->text ? strlen(t->text) : 0;
		t->number = s->agent.status_number;
	}
	return answer(q, MHD_HTTP_OK, JSON_TYPE, t->text ? t->text : "{}", t->text ? t->len : 2);
}

/* ---- what the agent is asked for ---- */

static unsigned status_of(const json_t *reply)
{
	const char *code = json_string_value(json_object_get(reply, "code"));

	if (json_is_true(json_object_get(reply, "ok")))
		return MHD_HTTP_OK;
	if (!code || !strcmp(code, "internal"))
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	return !strcmp(code, "forbidden") ? MHD_HTTP_FORBIDDEN
	       : !strcmp(code, "usage")	  ? MHD_HTTP_BAD_REQUEST
					  : MHD_HTTP_CONFLICT;
}

static void agent_answered(void *ctx, const json_t *reply, const char *why)
{
	struct request *q = ctx;
	const json_t *data = json_object_get(reply, "data");

	q->reply_status = reply ? status_of(reply) : MHD_HTTP_SERVICE_UNAVAILABLE;
	if (!reply) {
		json_t *o = json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "the agent does not answer", "why",
				      why);

		q->reply = json_dumps(o, JSON_COMPACT);
		json_decref(o);
	} else {
		/* What a program wants is the data; a refusal is shown whole. */
		q->reply = json_dumps(q->reply_status == MHD_HTTP_OK && data ? data : reply,
				      JSON_COMPACT | JSON_REAL_PRECISION(9));
	}
	q->waits = false;
	MHD_resume_connection(q->connection);
}

static enum MHD_Result ask_agent(struct request *q)
{
	struct server *s = q->server;
	struct sentence why = { "" };
	json_t *args = !strcmp(q->route->method, "POST")
			       ? command_of_body(q->route, q->body, q->body_len, &why)
			       : command_of_query(q->route, query_value, q->connection, &why);
	char *line;
	int r;

	if (!args)
		return refuse(q, MHD_HTTP_BAD_REQUEST, "%s", why.text);
	line = command_line(q->route, args, q->who);
	json_decref(args);
	r = line ? agent_ask_send(&s->agent, line, agent_answered, q, s->now) : -ENOMEM;
	free(line);
	if (r == -EBUSY)
		return refuse(q, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "so many questions wait for the agent already; try again");
	if (r < 0)
		return refuse(q, MHD_HTTP_SERVICE_UNAVAILABLE, "the agent cannot be reached: %s",
			      strerror(-r));
	q->waits = true;
	MHD_suspend_connection(q->connection);
	return MHD_YES;
}

static enum MHD_Result answer_whole(struct request *q)
{
	switch (q->route->kind) {
	case ROUTE_LIVE:
		return answer_json(q, MHD_HTTP_OK, json_pack("{s:b}", "ok", 1));
	case ROUTE_HEALTH:
	case ROUTE_READY:
	case ROUTE_ACTIVE:
	case ROUTE_STANDBY:
		return answer_health(q);
	case ROUTE_METRICS:
		return answer_metrics(q);
	case ROUTE_OPENAPI:
		return answer_json(q, MHD_HTTP_OK, route_openapi());
	case ROUTE_AGENT:
		break;
	}
	return !strcmp(q->route->command, "status") ? answer_status(q) : ask_agent(q);
}

/* ---- the callbacks ---- */

size_t request_unescape(void *ctx, struct MHD_Connection *c, char *text)
{
	(void)ctx, (void)c;
	return strlen(text);
}

/* Refusals that need no body come before it is read; MHD then closes the connection. */
static enum MHD_Result request_begin(struct request *q, const char *url, const char *method)
{
	struct server *s = q->server;
	bool other;

	s->own.requests++;
	if (!within_rate(s, q->connection)) {
		s->own.limited++;
		return refuse(q, MHD_HTTP_TOO_MANY_REQUESTS, "more than %u requests per second",
			      s->config->api[0].rate_per_s);
	}
	q->route = route_find(method, url, &other);
	if (!q->route && other)
		return refuse(q, MHD_HTTP_METHOD_NOT_ALLOWED,
			      "%s is asked with another method; see /openapi.json", url);
	if (!q->route)
		return refuse(q, MHD_HTTP_NOT_FOUND, "there is no %.100s; see /openapi.json", url);
	if (q->route->role == ROLE_NONE)
		return MHD_YES;
	q->who = by_token(q);
	if (!q->who)
		q->who = by_certificate(q);
	if (q->who && q->who->role >= q->route->role)
		return MHD_YES;
	s->own.refused++;
	if (!q->who)
		return refuse(q, MHD_HTTP_UNAUTHORIZED,
			      "%s needs the role %s: send a token, or a client certificate", url,
			      config_role_name(q->route->role));
	return refuse(q, MHD_HTTP_FORBIDDEN, "%s needs the role %s, and %s is %s", url,
		      config_role_name(q->route->role), q->who->name, config_role_name(q->who->role));
}

enum MHD_Result request_handle(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
			       const char *version, const char *data, size_t *size, void **state)
{
	struct request *q = *state;

	(void)version;
	if (!q) {
		q = calloc(1, sizeof *q);
		if (!q)
			return MHD_NO;
		q->server = ctx;
		q->connection = c;
		*state = q;
		return request_begin(q, url, method);
	}
	if (*size > 0) {
		q->too_long |= *size > sizeof q->body - q->body_len;
		if (!q->too_long) {
			memcpy(q->body + q->body_len, data, *size);
			q->body_len += *size;
		}
		*size = 0;
		return MHD_YES;
	}
	if (q->waits)
		return MHD_YES;
	if (q->reply_status)
		return answer(q, q->reply_status, JSON_TYPE, q->reply ? q->reply : "{}",
			      q->reply ? strlen(q->reply) : 2);
	if (q->too_long)
		return refuse(q, MHD_HTTP_CONTENT_TOO_LARGE, "a body has up to %d bytes", COMMAND_BODY_MAX);
	return answer_whole(q);
}

void request_completed(void *ctx, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	struct server *s = ctx;
	struct request *q = *state;

	(void)c, (void)why;
	if (!q)
		return;
	agent_ask_forget(&s->agent, q);
	free(q->reply);
	free(q);
	*state = NULL;
}
