/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "delivery.h"

#include "cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SENDMAIL   "/usr/sbin/sendmail"
#define DEV_LOG	   "/dev/log"
#define CONNECT_MS 5000L

/* ---- begin and end ---- */

void delivery_init(struct delivery *d, CURLM *multi)
{
	memset(d, 0, sizeof *d);
	d->multi = multi;
	d->kill_at = BOOT_NEVER;
	guard_child_init(&d->child);
}

static void delivery_drop(struct delivery *d)
{
	if (d->easy) {
		(void)curl_multi_remove_handle(d->multi, d->easy); /* it may not be there yet */
		curl_easy_cleanup(d->easy);
	}
	curl_slist_free_all(d->headers);
	curl_slist_free_all(d->recipients);
	free(d->body);
	d->easy = NULL;
	d->headers = d->recipients = NULL;
	d->body = NULL;
	d->under_way = false;
	d->kill_at = BOOT_NEVER;
}

void delivery_close(struct delivery *d)
{
	if (d->child.pid) {
		guard_child_kill(&d->child);
		(void)guard_child_end(&d->child);
	}
	delivery_drop(d);
}

/* What the receiver says is bytes from outside: one line of printable characters. */
static void answer_add(struct delivery *d, const char *data, size_t len)
{
	for (size_t i = 0; i < len && d->answer_used + 1 < sizeof d->answer; i++)
		d->answer[d->answer_used++] = data[i] > ' ' && data[i] <= '~' ? data[i] : ' ';
	while (d->answer_used > 0 && d->answer[d->answer_used - 1] == ' ')
		d->answer_used--;
	d->answer[d->answer_used] = '\0';
}

__attribute__((format(printf, 2, 3))) static void answer_set(struct delivery *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(d->answer, sizeof d->answer, fmt, args); /* cut is good enough */
	va_end(args);
	d->answer_used = strlen(d->answer);
}

__attribute__((format(printf, 3, 4))) static void at_once(struct delivery *d, enum delivery_result result,
							  const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(d->answer, sizeof d->answer, fmt, args); /* as above */
	va_end(args);
	d->result = result;
	d->over = true;
	curl_easy_cleanup(d->easy);
	d->easy = NULL;
}

/* ---- libcurl ---- */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	answer_add(ctx, data, size * n);
	return size * n;
}

/* SMTP: each line of the server is a "header"; the last one is the answer. */
static size_t on_smtp_line(char *data, size_t size, size_t n, void *ctx)
{
	struct delivery *d = ctx;

	d->answer_used = 0;
	answer_add(d, data, size * n);
	return size * n;
}

static size_t on_upload(char *ret, size_t size, size_t n, void *ctx)
{
	struct delivery *d = ctx;
	size_t left = d->body_len - d->sent, room = size * n, len = left < room ? left : room;

	memcpy(ret, d->body + d->sent, len);
	d->sent += len;
	return len;
}

/* false after at_once(). */
static bool secret(struct delivery *d, const char *key, const char *path, char ret[SECRET_FILE_MAX])
{
	int r = secret_file_read(path, ret);

	if (r < 0)
		at_once(d, DELIVERY_FAILED, "%s %s: %s", key, path, secret_file_error(r));
	return r == 0;
}

static bool header(struct delivery *d, const char *fmt, const char *value)
{
	char line[SECRET_FILE_MAX + 64];
	struct curl_slist *more;

	(void)snprintf(line, sizeof line, "%s%s", fmt, value);
	more = curl_slist_append(d->headers, line);
	explicit_bzero(line, sizeof line);
	if (more)
		d->headers = more;
	return more;
}

static bool on_loopback(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return !strncmp(host, "localhost", 9) || !strncmp(host, "127.", 4) || !strncmp(host, "[::1]", 5);
}

/* Options fail for lack of memory only: then the transfer does, too. */
static void curl_common(struct delivery *d, const struct config_alert *c)
{
	CURL *e = d->easy;

	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, d);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, d->curl_error);
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
			       (long)c->timeout_ms < CONNECT_MS ? (long)c->timeout_ms : CONNECT_MS);
	(void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, d);
	if (c->ca_file[0])
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
}

static bool curl_log_in(struct delivery *d, const struct config_alert *c)
{
	char text[SECRET_FILE_MAX];
	bool ok = true;

	if (c->password_file[0]) {
		ok = secret(d, "password-file", c->password_file, text);
		if (ok) {
			(void)curl_easy_setopt(d->easy, CURLOPT_USERNAME, c->user);
			(void)curl_easy_setopt(d->easy, CURLOPT_PASSWORD, text);
		}
	} else if (c->token_file[0]) {
		ok = secret(d, "token-file", c->token_file, text) &&
		     header(d, "Authorization: Bearer ", text);
	}
	explicit_bzero(text, sizeof text);
	return ok;
}

static bool curl_sign(struct delivery *d, const struct config_alert *c)
{
	char text[SECRET_FILE_MAX], signature[MESSAGE_SIGNATURE_MAX];
	bool ok;

	if (!c->secret_file[0])
		return true;
	ok = secret(d, "secret-file", c->secret_file, text) &&
	     message_signature(text, d->body, signature) == 0 &&
	     header(d, "X-Ringkeep-Signature: ", signature);
	explicit_bzero(text, sizeof text);
	return ok;
}

static void curl_go(struct delivery *d)
{
	if (curl_multi_add_handle(d->multi, d->easy) != CURLM_OK)
		at_once(d, DELIVERY_FAILED, "out of memory");
}

/* Takes body. */
static void post(struct delivery *d, const struct config_alert *c, const char *path, char *body)
{
	char url[CONFIG_PATH_MAX + 24];
	size_t len = strlen(c->url);

	d->body = body;
	d->easy = body ? curl_easy_init() : NULL;
	if (!d->easy) {
		at_once(d, DELIVERY_FAILED, "out of memory");
		return;
	}
	while (*path && len > 0 && c->url[len - 1] == '/')
		len--;
	(void)snprintf(url, sizeof url, "%.*s%s", (int)len, c->url, path);
	curl_common(d, c);
	(void)curl_easy_setopt(d->easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(d->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(d->easy, CURLOPT_USERAGENT, "ringkeep-alertd/" RINGKEEP_VERSION);
	(void)curl_easy_setopt(d->easy, CURLOPT_POSTFIELDS, d->body);
	(void)curl_easy_setopt(d->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(d->body));
	if (!header(d, "Content-Type: ", "application/json") || !header(d, "Expect:", "") ||
	    !curl_sign(d, c) || !curl_log_in(d, c)) {
		if (!d->over)
			at_once(d, DELIVERY_FAILED, "out of memory");
		return;
	}
	(void)curl_easy_setopt(d->easy, CURLOPT_HTTPHEADER, d->headers);
	curl_go(d);
}

/* ---- mail ---- */

static char *mail_text(const struct config_alert *c, const struct alert *a, int64_t wall_ns)
{
	const char *to[CONFIG_ALERT_TO_MAX];

	for (uint32_t i = 0; i < c->to_count; i++)
		to[i] = c->to[i];
	return message_mail(a, c->from, to, c->to_count, wall_ns);
}

static bool mail_recipients(struct delivery *d, const struct config_alert *c)
{
	for (uint32_t i = 0; i < c->to_count; i++) {
		struct curl_slist *more = curl_slist_append(d->recipients, c->to[i]);

		if (!more)
			return false;
		d->recipients = more;
	}
	return true;
}

static void mail_smtp(struct delivery *d, const struct config_alert *c)
{
	/* A mail server of this machine need not know TLS; any other one must. */
	long tls = on_loopback(c->url) ? CURLUSESSL_NONE : CURLUSESSL_ALL;

	d->easy = curl_easy_init();
	if (!d->easy || !mail_recipients(d, c)) {
		at_once(d, DELIVERY_FAILED, "out of memory");
		return;
	}
	curl_common(d, c);
	(void)curl_easy_setopt(d->easy, CURLOPT_URL, c->url);
	(void)curl_easy_setopt(d->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	(void)curl_easy_setopt(d->easy, CURLOPT_USE_SSL, tls);
	(void)curl_easy_setopt(d->easy, CURLOPT_MAIL_FROM, c->from);
	(void)curl_easy_setopt(d->easy, CURLOPT_MAIL_RCPT, d->recipients);
	(void)curl_easy_setopt(d->easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS,
			       1L); /* one dead mailbox, and four that live */
	(void)curl_easy_setopt(d->easy, CURLOPT_UPLOAD, 1L);
	(void)curl_easy_setopt(d->easy, CURLOPT_READFUNCTION, on_upload);
	(void)curl_easy_setopt(d->easy, CURLOPT_READDATA, d);
	(void)curl_easy_setopt(d->easy, CURLOPT_HEADERFUNCTION, on_smtp_line);
	(void)curl_easy_setopt(d->easy, CURLOPT_HEADERDATA, d);
	if (curl_log_in(d, c))
		curl_go(d);
}

/* ---- programs ---- */

static void run(struct delivery *d, const struct config_alert *c, char *const argv[], char *const env[],
		boot_t now)
{
	int r = guard_child_start_env(&d->child, argv, env, d->body);

	if (r < 0)
		at_once(d, DELIVERY_FAILED, "%s does not start: %s", argv[0], strerror(-r));
	else
		d->kill_at = boot_add(now, c->timeout_ms * NS_PER_MS);
}

static void run_exec(struct delivery *d, const struct config_alert *c, const struct alert *a, boot_t now)
{
	char vars[MESSAGE_VARS][MESSAGE_VAR_MAX], path[CONFIG_PATH_MAX];
	char *argv[] = { path, NULL }, *env[MESSAGE_VARS + 1] = { NULL };

	(void)snprintf(path, sizeof path, "%s", c->program);
	message_environment(a, vars);
	for (int i = 0; i < MESSAGE_VARS; i++)
		env[i] = vars[i];
	run(d, c, argv, env, now);
}

/* sendmail(8) wants the lines of this system. */
static void without_returns(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (*from != '\r')
			*to++ = *from;
	*to = '\0';
}

static void run_sendmail(struct delivery *d, const struct config_alert *c, boot_t now)
{
	char path[CONFIG_PATH_MAX], from[CONFIG_PATH_MAX], to[CONFIG_ALERT_TO_MAX][CONFIG_PATH_MAX];
	char *argv[6 + CONFIG_ALERT_TO_MAX] = { path, (char[]){ "-i" }, (char[]){ "-f" }, from,
						(char[]){ "--" } };

	(void)snprintf(path, sizeof path, "%s", c->program[0] ? c->program : SENDMAIL);
	(void)snprintf(from, sizeof from, "%s", c->from);
	for (uint32_t i = 0; i < c->to_count; i++) {
		memcpy(to[i], c->to[i], sizeof to[i]);
		argv[5 + i] = to[i];
	}
	without_returns(d->body);
	run(d, c, argv, NULL, now);
}

/* ---- syslog ---- */

static int syslog_send(const struct sockaddr *sa, socklen_t len, const char *line)
{
	_cleanup_(close_fd) int fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || connect(fd, sa, len) < 0 || send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

static int syslog_remote(const struct config_alert *c, const char *line)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)c->port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)c->port) };

	memcpy(&six.sin6_addr, c->address.bytes, sizeof six.sin6_addr);
	memcpy(&four.sin_addr, c->address.bytes, sizeof four.sin_addr);
	if (c->address.family == AF_INET6)
		return syslog_send((const struct sockaddr *)&six, sizeof six, line);
	return syslog_send((const struct sockaddr *)&four, sizeof four, line);
}

static void syslog_deliver(struct delivery *d, const struct config_alert *c, const struct alert *a)
{
	const struct sockaddr_un local = { .sun_family = AF_UNIX, .sun_path = DEV_LOG };
	char line[MESSAGE_LINE_MAX];
	int r;

	if (c->address.family) {
		message_syslog(a, (long)getpid(), line);
		r = syslog_remote(c, line);
	} else {
		message_syslog_local(a, (long)getpid(), line);
		r = syslog_send((const struct sockaddr *)&local, sizeof local, line);
	}
	at_once(d, r < 0 ? DELIVERY_FAILED : DELIVERY_DONE, "%s", r < 0 ? strerror(-r) : "sent");
}

/* ---- all of them ---- */

static void delivery_begin(struct delivery *d)
{
	d->under_way = true;
	d->over = false;
	d->answer[0] = d->curl_error[0] = '\0';
	d->answer_used = d->sent = 0;
}

void delivery_start(struct delivery *d, const struct config_alert *c, const struct alert *a, boot_t now,
		    int64_t wall_ns)
{
	delivery_begin(d);
	if (c->type == CONFIG_ALERT_SYSLOG) {
		syslog_deliver(d, c, a);
		return;
	}
	if (c->type == CONFIG_ALERT_ALERTMANAGER) {
		delivery_start_list(d, c, json_pack("[o]", message_alertmanager(a, wall_ns, c->repeat_ms)));
		return;
	}
	if (c->type == CONFIG_ALERT_WEBHOOK) {
		post(d, c, "", message_json(a));
		return;
	}
	d->body = c->type == CONFIG_ALERT_MAIL ? mail_text(c, a, wall_ns) : message_json(a);
	if (!d->body) {
		at_once(d, DELIVERY_FAILED, "out of memory");
		return;
	}
	d->body_len = strlen(d->body);
	if (c->type == CONFIG_ALERT_EXEC)
		run_exec(d, c, a, now);
	else if (c->url[0])
		mail_smtp(d, c);
	else
		run_sendmail(d, c, now);
}

void delivery_start_list(struct delivery *d, const struct config_alert *c, json_t *list)
{
	char *body = list ? json_dumps(list, JSON_COMPACT) : NULL;

	json_decref(list);
	delivery_begin(d);
	post(d, c, "/api/v2/alerts", body);
}

/* ---- the end ---- */

void delivery_curl_done(struct delivery *d, CURLcode code)
{
	d->over = true;
	d->code = code;
}

/* Too big, not understood, or no such mailbox: the same next time, while "not found" and "forbidden" may be a
 * configuration that is mended. */
static bool status_refuses(long status)
{
	return status == 400 || status == 413 || status == 422 || (status >= 550 && status <= 554);
}

static enum delivery_result curl_result(struct delivery *d)
{
	long status = 0;
	char said[DELIVERY_ANSWER_MAX];

	(void)curl_easy_getinfo(d->easy, CURLINFO_RESPONSE_CODE, &status); /* 0 if there was none */
	(void)snprintf(said, sizeof said, "%s", d->answer);
	if (d->code == CURLE_OK && status >= 200 && status < 300) {
		answer_set(d, "%ld%s%.200s", status, *said ? " " : "", said);
		return DELIVERY_DONE;
	}
	if (d->code == CURLE_OK)
		answer_set(d, "status %ld%s%.200s", status, *said ? ": " : "", said);
	else
		answer_set(d, "%.120s%s%.100s",
			   d->curl_error[0] ? d->curl_error : curl_easy_strerror(d->code), *said ? ": " : "",
			   said);
	return status_refuses(status) ? DELIVERY_REFUSED : DELIVERY_FAILED;
}

static bool child_ended(const struct delivery *d)
{
	siginfo_t info = { 0 };

	return waitid(P_PIDFD, (id_t)d->child.pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid;
}

static bool child_work(struct delivery *d, boot_t now, enum delivery_result *ret)
{
	if (d->child.output >= 0)
		guard_child_listen(&d->child);
	if (!child_ended(d)) {
		if (!boot_before(now, d->kill_at)) {
			guard_child_kill(&d->child);
			d->kill_at = BOOT_NEVER; /* it ends as soon as the kernel lets it */
		}
		return false;
	}
	int r = guard_child_end(&d->child);

	answer_add(d, d->child.said, strlen(d->child.said));
	if (r < 0 && !d->answer[0])
		answer_set(d, "%s", r == -ETIMEDOUT ? "killed: it took too long" : "exit code is not 0");
	else if (r == 0 && !d->answer[0])
		answer_set(d, "exit code 0");
	*ret = r < 0 ? DELIVERY_FAILED : DELIVERY_DONE;
	return true;
}

bool delivery_work(struct delivery *d, boot_t now, enum delivery_result *ret)
{
	if (!d->under_way)
		return false;
	if (d->child.pid) {
		if (!child_work(d, now, ret))
			return false;
	} else if (!d->over) {
		return false;
	} else {
		*ret = d->easy ? curl_result(d) : d->result;
	}
	delivery_drop(d);
	return true;
}

boot_t delivery_next(const struct delivery *d)
{
	if (d->under_way && d->over)
		return (boot_t){ 1 };
	return d->kill_at;
}

int delivery_fds(const struct delivery *d, int ret[2])
{
	int n = 0;

	if (!d->child.pid)
		return 0;
	ret[n++] = d->child.pidfd;
	if (d->child.output >= 0)
		ret[n++] = d->child.output;
	return n;
}
