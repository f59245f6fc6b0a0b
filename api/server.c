/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server_private.h"

#include "cleanup.h"
#include "clock_read.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define CONNECTION_BYTES (16 * 1024) /* of headers and the like; more is answered 431 */
#define RETRY_NS	 (2 * NS_PER_S)
#define PEM_BYTES_MAX	 (256 * 1024)
#define TLS_PRIORITIES	 "SECURE128:-VERS-ALL:+VERS-TLS1.3"

/* ---- files ---- */

/* The text, or NULL with a sentence. secret: nobody but owner and group may read it. */
static char *pem_read(const char *path, bool secret, struct sentence *reterr)
{
	_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *text = malloc(PEM_BYTES_MAX + 1);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0 || !text || fstat(fd, &st) < 0)
		(void)sentence_fail(reterr, 0, "%.200s: %s", path, strerror(errno));
	else if (secret && (st.st_mode & (S_IRWXO | S_IWGRP)))
		(void)sentence_fail(
			reterr, 0,
			"%.150s: only its owner and group may read it, and only its owner write to it: "
			"chmod 640",
			path);
	else if ((n = read(fd, text, PEM_BYTES_MAX + 1)) < 0 || n > PEM_BYTES_MAX)
		(void)sentence_fail(reterr, 0, "%.200s: %s", path,
				    n < 0 ? strerror(errno) : "is no certificate or key");
	if (n < 0 || n > PEM_BYTES_MAX) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

static bool files_read(struct server *s, const struct config_api *a, struct sentence *reterr)
{
	s->access.count = 0;
	if (a->access_file[0] && access_read(a->access_file, &s->access, reterr) < 0)
		return false;
	if (a->plain)
		return true;
	s->certificate = pem_read(a->certificate_file, false, reterr);
	s->key = s->certificate ? pem_read(a->key_file, true, reterr) : NULL;
	if (s->key && a->client_ca_file[0] && !(s->client_ca = pem_read(a->client_ca_file, false, reterr)))
		return false;
	return s->key != NULL;
}

static void files_forget(struct server *s)
{
	if (s->key)
		explicit_bzero(s->key, strlen(s->key));
	free(s->certificate);
	free(s->key);
	free(s->client_ca);
	s->certificate = s->key = s->client_ca = NULL;
}

/* ---- listening ---- */

static int listen_socket(const char *where, struct sentence *reterr)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} sa = { .in = { 0 } };
	struct ip_address ip;
	uint16_t port;
	socklen_t len;
	int fd, one = 1;

	(void)config_api_listen(where, &ip, &port); /* was checked */
	if (ip.family == AF_INET) {
		sa.in.sin_family = AF_INET;
		sa.in.sin_port = htons(port);
		memcpy(&sa.in.sin_addr, ip.bytes, 4);
		len = sizeof sa.in;
	} else {
		sa.in6.sin6_family = AF_INET6;
		sa.in6.sin6_port = htons(port);
		memcpy(&sa.in6.sin6_addr, ip.bytes, 16);
		len = sizeof sa.in6;
	}
	fd = socket(ip.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return sentence_fail(reterr, -errno, "No socket: %s.", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (ip.family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (bind(fd, &sa.sa, len) < 0 || listen(fd, 512) < 0) {
		int error = errno;

		(void)close(fd);
		return sentence_fail(reterr, -error, "Nothing can be served at %.80s: %s.", where,
				     strerror(error));
	}
	return fd;
}

__attribute__((format(printf, 2, 0))) static void library_says(void *ctx, const char *fmt, va_list ap)
{
	char text[300];

	(void)ctx;
	(void)vsnprintf(text, sizeof text, fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("libmicrohttpd: %s", text);
}

static struct MHD_Daemon *daemon_start(struct server *s, int fd)
{
	const struct config_api *a = &s->config->api[0];
	unsigned flags =
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (a->plain ? 0 : MHD_USE_TLS);
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES },
		{ s->client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, s->client_ca },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };

	return MHD_start_daemon(
		flags, 0, NULL, NULL, request_handle, s, MHD_OPTION_EXTERNAL_LOGGER, library_says, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, a->connections_max,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, a->connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
		(a->idle_ms + 999) / 1000, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
		MHD_OPTION_UNESCAPE_CALLBACK, request_unescape, s, MHD_OPTION_NOTIFY_COMPLETED,
		request_completed, s, MHD_OPTION_ARRAY, a->plain ? none : tls, MHD_OPTION_END);
}

static void daemons_stop(struct server *s)
{
	while (s->daemons_count > 0)
		if (s->daemon[--s->daemons_count])
			MHD_stop_daemon(s->daemon[s->daemons_count]);
}

/* Who connects just now finds the next ones: the sockets stay. */
static void sockets_keep(struct server *s)
{
	s->kept_count = 0;
	for (int i = 0; i < s->daemons_count; i++) {
		struct server_socket *k = &s->kept[s->kept_count];

		if (!s->daemon[i])
			continue;
		k->fd = MHD_quiesce_daemon(s->daemon[i]);
		(void)snprintf(k->where, sizeof k->where, "%s", s->config->api[0].listen[i]);
		s->kept_count += k->fd >= 0;
	}
}

/* -1: none is kept for it. */
static int socket_kept(struct server *s, const char *where)
{
	for (int i = 0; i < s->kept_count; i++)
		if (s->kept[i].fd >= 0 && !strcmp(s->kept[i].where, where)) {
			int fd = s->kept[i].fd;

			s->kept[i].fd = -EBADF;
			return fd;
		}
	return -1;
}

static void sockets_drop(struct server *s)
{
	for (int i = 0; i < s->kept_count; i++)
		if (s->kept[i].fd >= 0)
			(void)close(s->kept[i].fd);
	s->kept_count = 0;
}

/* An address that is not there yet, or any more, is tried again. */
static void daemons_start(struct server *s)
{
	const struct config_api *a = &s->config->api[0];
	bool was_missing = s->missing;

	s->missing = false;
	s->daemons_count = (int)a->listen_count;
	for (uint32_t i = 0; i < a->listen_count; i++) {
		struct sentence why = { "" };
		int fd;

		if (s->daemon[i])
			continue;
		fd = socket_kept(s, a->listen[i]);
		if (fd < 0)
			fd = listen_socket(a->listen[i], &why);
		s->daemon[i] = fd < 0 ? NULL : daemon_start(s, fd);
		if (!s->daemon[i]) {
			if (fd >= 0)
				(void)close(fd);
			s->missing = true;
			if (!was_missing)
				log_warning("%s -> tried again",
					    fd < 0 ? why.text : "The certificate or key cannot be used.");
		} else {
			log_notice("serving at %s, %s", a->listen[i], a->plain ? "without TLS" : "TLS 1.3");
		}
	}
	s->retry_at = boot_add(s->now, RETRY_NS);
}

/* ---- life ---- */

static int signals_open(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int server_open(struct server **ret, const struct server_paths *paths, struct config *config,
		struct sentence *reterr)
{
	struct server *s = calloc(1, sizeof *s);

	if (!s || !config->api_count) {
		free(s);
		config_free(config);
		return sentence_fail(reterr, -EINVAL,
				     "There is no section api in %.200s; see ringkeep.conf(5).",
				     paths->config);
	}
	s->paths = *paths;
	s->config = config;
	s->now = clock_now().boot;
	s->own.start_time_s = (double)time(NULL);
	s->signal_fd = signals_open();
	agent_ask_init(&s->agent, paths->socket, s->now);
	if (!files_read(s, &config->api[0], reterr)) {
		server_close(s);
		return -EINVAL;
	}
	daemons_start(s);
	*ret = s;
	return 0;
}

void server_close(struct server *s)
{
	agent_ask_close(&s->agent);
	daemons_stop(s);
	files_forget(s);
	free(s->status_text.text);
	free(s->metrics_text[0].text);
	free(s->metrics_text[1].text);
	if (s->signal_fd >= 0)
		(void)close(s->signal_fd);
	config_free(s->config);
	free(s);
}

static void server_reload(struct server *s)
{
	struct config_errors *errors = calloc(1, sizeof *errors);
	struct config *c = config_new();
	struct server next = { .access.count = 0 };
	struct sentence why = { "" };

	if (!errors || !c || config_parse_file(s->paths.config, c, errors) < 0) {
		log_error("reload: %s -> all stays as it was",
			  errors && errors->count ? errors->error[0].text : "out of memory");
	} else if (!c->api_count || !files_read(&next, &c->api[0], &why)) {
		log_error("reload: %s -> all stays as it was",
			  why.text[0] ? why.text : "there is no section api any more");
		files_forget(&next);
	} else {
		/* Who waits for the agent is told so: libmicrohttpd does not end while somebody waits. */
		agent_ask_close(&s->agent);
		sockets_keep(s);
		daemons_stop(s);
		agent_ask_init(&s->agent, s->paths.socket, s->now);
		files_forget(s);
		s->access = next.access;
		s->certificate = next.certificate;
		s->key = next.key;
		s->client_ca = next.client_ca;
		config_free(s->config);
		s->config = c;
		c = NULL;
		memset(s->client, 0, sizeof s->client);
		memset(s->daemon, 0, sizeof s->daemon);
		daemons_start(s);
		sockets_drop(s);
		log_notice("configuration read again");
	}
	config_free(c);
	free(errors);
}

static void server_signals(struct server *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGHUP)
			server_reload(s);
		else
			s->stopping = true;
	}
}

static int server_timeout_ms(const struct server *s)
{
	boot_t next = agent_ask_next(&s->agent, s->now);
	int64_t ms;

	if (s->missing)
		next = boot_min(next, s->retry_at);
	ms = (boot_diff_ns(s->now, next) + NS_PER_MS - 1) / NS_PER_MS;
	for (int i = 0; i < s->daemons_count; i++) {
		MHD_UNSIGNED_LONG_LONG wait;

		if (s->daemon[i] && MHD_get_timeout(s->daemon[i], &wait) == MHD_YES && (int64_t)wait < ms)
			ms = (int64_t)wait;
	}
	return ms < 0 ? 0 : ms > 5000 ? 5000 : (int)ms;
}

static void server_wait(struct server *s)
{
	struct pollfd p[CONFIG_API_LISTEN_MAX + AGENT_ASKS_MAX + 2];
	int fds[AGENT_ASKS_MAX + 1], n = 0, asks = agent_ask_fds(&s->agent, fds);

	p[n++] = (struct pollfd){ .fd = s->signal_fd, .events = POLLIN };
	for (int i = 0; i < asks; i++)
		p[n++] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	for (int i = 0; i < s->daemons_count; i++) {
		const union MHD_DaemonInfo *info =
			s->daemon[i] ? MHD_get_daemon_info(s->daemon[i], MHD_DAEMON_INFO_EPOLL_FD) : NULL;

		if (info)
			p[n++] = (struct pollfd){ .fd = info->epoll_fd, .events = POLLIN };
	}
	(void)poll(p, (nfds_t)n, server_timeout_ms(s));
	s->now = clock_now().boot;
}

static void server_work(struct server *s)
{
	s->own.connections = 0;
	agent_ask_work(&s->agent, s->now); /* first: what it resumes is answered now */
	for (int i = 0; i < s->daemons_count; i++) {
		const union MHD_DaemonInfo *info;

		if (!s->daemon[i])
			continue;
		(void)MHD_run(s->daemon[i]);
		info = MHD_get_daemon_info(s->daemon[i], MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
		s->own.connections += info ? info->num_connections : 0;
	}
	if (s->missing && !boot_before(s->now, s->retry_at))
		daemons_start(s);
}

int server_run(struct server *s)
{
	boot_t told = s->now;

	(void)sd_notify(0, "READY=1");
	while (!s->stopping) {
		server_wait(s);
		server_signals(s);
		server_work(s);
		if (boot_diff_ns(told, s->now) > 5 * NS_PER_S) {
			(void)sd_notify(0, "WATCHDOG=1");
			told = s->now;
		}
	}
	(void)sd_notify(0, "STOPPING=1");
	return 0;
}
