/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "alertd.h"

#include "agent_link.h"
#include "certificate.h"
#include "cleanup.h"
#include "clock_read.h"
#include "config_options.h"
#include "event_table.h"
#include "log.h"
#include "receiver.h"
#include "record_window.h"
#include "stand_in.h"
#include "whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define STATE_FILE	"state"
#define STATE_VERSION	1
#define STATE_BYTES_MAX (4 * 1024 * 1024)
#define QUEUE_DIR	"queue"
#define LOCK_FILE	"lock"
#define AWAY_NS		(10 * NS_PER_S) /* the agent's own restart is shorter */
#define CERTIFICATES_NS (600 * NS_PER_S)
#define DAY_S		86400
#define WAIT_MS_MAX	1000
#define FDS_MAX		(3 + 2 * CONFIG_ALERTS_MAX)

struct alertd {
	struct alertd_paths paths;
	struct config *config;
	int state_fd, queue_fd, lock_fd, signal_fd;
	CURLM *multi;
	struct agent_link link;
	struct cluster_view view;
	struct conditions known;
	struct conditions look; /* too large for the stack */
	struct record_window window;
	struct stand_in stand_in;
	bool fresh; /* without a past: what has happened so far is not told */
	bool changed, ends;
	bool rereads; /* the agent has read its configuration again, which is ours, too */
	boot_t now, certificates_at;
	int64_t wall_ns;
	struct conditions certificates; /* as they were looked at last */
	size_t receivers_count;
	struct receiver receivers[CONFIG_ALERTS_MAX];
};

static const struct config_alerting *alerting(const struct alertd *d)
{
	return &d->config->alerting[0];
}

/* ---- state ---- */

static json_t *receivers_json(const struct alertd *d)
{
	json_t *all = json_object();

	for (size_t i = 0; i < d->receivers_count; i++) {
		json_t *one = limiter_json(&d->receivers[i].limiter);

		if (one)
			(void)json_object_set_new(all, d->receivers[i].config->name, one);
	}
	return all;
}

static void state_save(struct alertd *d)
{
	json_t *j =
		json_pack("{s:i, s:s, s:o, s:o, s:o, s:o}", "version", STATE_VERSION, "self", d->view.self,
			  "seen", record_window_json(&d->window), "states", conditions_json(&d->known),
			  "stand_in", stand_in_json(&d->stand_in, d->now), "held_back", receivers_json(d));
	_cleanup_(free_ptr) char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	int r = text ? whole_file_write(d->state_fd, STATE_FILE, text, strlen(text)) : -ENOMEM;

	json_decref(j);
	if (r < 0)
		log_error("%s/%s cannot be written: %s -> after a restart some alerts come twice",
			  d->paths.state_dir, STATE_FILE, strerror(-r));
	d->changed = false;
}

static json_t *state_read(struct alertd *d)
{
	_cleanup_(free_ptr) char *text = NULL;
	size_t len = 0;
	int r = whole_file_read(d->state_fd, STATE_FILE, STATE_BYTES_MAX, &text, &len);
	json_t *j = r == 0 ? json_loadb(text, len, 0, NULL) : NULL;

	if (json_integer_value(json_object_get(j, "version")) == STATE_VERSION)
		return j;
	json_decref(j);
	if (r != -ENOENT)
		log_error("%s/%s cannot be read%s%s -> what happened until now is not told",
			  d->paths.state_dir, STATE_FILE, r < 0 ? ": " : "", r < 0 ? strerror(-r) : "");
	return NULL;
}

/* Until the agent has said who we are. */
static void state_load_self(struct alertd *d, const char *self)
{
	char host[ALERT_NAME_MAX] = "this-node";

	if (d->view.known)
		return;
	(void)gethostname(host, sizeof host - 1); /* or that word */
	alert_set(d->view.self, sizeof d->view.self, self && *self ? self : host);
	alert_set(d->view.cluster, sizeof d->view.cluster, d->config->cluster);
}

static void state_load(struct alertd *d)
{
	json_t *j = state_read(d);

	d->fresh = !j;
	state_load_self(d, json_string_value(json_object_get(j, "self")));
	record_window_load(&d->window, json_object_get(j, "seen"));
	conditions_load(&d->known, json_object_get(j, "states"), d->now);
	stand_in_load(&d->stand_in, json_object_get(j, "stand_in"), d->now,
		      alerting(d)->stand_in_ms * NS_PER_MS);
	for (size_t i = 0; i < d->receivers_count; i++)
		limiter_load(&d->receivers[i].limiter,
			     json_object_get(json_object_get(j, "held_back"), d->receivers[i].config->name),
			     d->now);
	json_decref(j);
}

/* ---- telling ---- */

static void tell(void *ctx, const struct alert *a)
{
	struct alertd *d = ctx;

	log_notice("%s %s: %.300s", alert_severity_name(a->severity), alert_state_name(a->state), a->text);
	for (size_t i = 0; i < d->receivers_count; i++)
		d->changed |= receiver_take(&d->receivers[i], a, d->now, d->wall_ns);
}

/* ---- records ---- */

static bool record_known(void *ctx, const json_t *r)
{
	const struct alertd *d = ctx;

	return d->fresh || record_window_seen(&d->window, json_integer_value(json_object_get(r, "node_id")),
					      json_integer_value(json_object_get(r, "number")));
}

static void record_tell(struct alertd *d, const json_t *r, node_id_t node)
{
	struct alert a;

	if (!event_of_record(r, &a))
		return;
	alert_set(a.cluster, sizeof a.cluster, d->config->cluster);
	alert_set(a.teller, sizeof a.teller, d->view.self);
	/* Before the first status nobody knows who we are: kept until then. */
	if (d->view.known && node == d->view.self_id)
		tell(d, &a);
	else
		stand_in_keep(&d->stand_in, &a, node, boot_add(d->now, alerting(d)->stand_in_ms * NS_PER_MS));
}

static void on_record(void *ctx, const json_t *r)
{
	struct alertd *d = ctx;
	json_int_t node = json_integer_value(json_object_get(r, "node_id"));
	const json_t *type = json_object_get(r, "type");

	if (!record_window_take(&d->window, node, json_integer_value(json_object_get(r, "number"))))
		return;
	d->changed = true;
	if (d->fresh)
		return;
	record_tell(d, r, (node_id_t)node);
	if (d->view.known && node == d->view.self_id && json_is_string(type) &&
	    !strcmp(json_string_value(type), "reloaded"))
		d->rereads = true;
}

static void on_missed(void *ctx, const json_t *records, bool complete)
{
	struct alertd *d = ctx;
	json_t *r;
	size_t i;

	json_array_foreach(records, i, r)
	{
		on_record(d, r);
	}
	if (!complete && !d->fresh)
		log_warning("more has happened since than can be read at once -> the oldest is not told");
	d->fresh = false;
	d->changed = true;
}

/* ---- states ---- */

static void on_status(void *ctx, const json_t *status)
{
	struct alertd *d = ctx;
	const struct conditions_limits limits = { alerting(d)->settle_ms * NS_PER_MS,
						  alerting(d)->lag_ms * NS_PER_MS };

	if (!cluster_view_read(status, &d->view))
		return;
	d->look.count = 0;
	conditions_of_status(status, &limits, &d->look);
	d->changed |= conditions_update(&d->known, CONDITION_AGENT, &d->look, &d->view, d->now, d->wall_ns,
					tell, d);
}

__attribute__((format(printf, 6, 7))) static void see_self(struct conditions *look, enum alert_event event,
							   enum alert_severity severity, const char *name,
							   int64_t settle_ns, const char *fmt, ...)
{
	struct condition c = {
		.source = CONDITION_SELF, .event = event, .severity = severity, .settle_ns = settle_ns
	};
	char text[2 * ALERT_SAID_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args); /* a cut sentence is still one */
	va_end(args);
	alert_set(c.text, sizeof c.text, text);
	(void)snprintf(c.name, sizeof c.name, "%.30s/%.60s", alert_event_name(event), name);
	conditions_see(look, &c);
}

static void look_certificate(struct alertd *d, const struct config_certificate *x)
{
	int64_t ends_s = 0, now_s = d->wall_ns / NS_PER_S, days;
	char subject[120] = "", when[ALERT_TIME_MAX];
	int r = certificate_ends(x->file, &ends_s, subject, sizeof subject);

	if (r < 0) {
		see_self(&d->certificates, ALERT_CERTIFICATE, ALERT_WARNING, x->name, 0,
			 "Certificate %s: %s cannot be read: %s", x->name, x->file,
			 r == -ENODATA ? "there is none in it" : strerror(-r));
		return;
	}
	days = (ends_s - now_s) / DAY_S;
	if (ends_s - now_s > (int64_t)x->warning_days * DAY_S)
		return;
	alert_time(ends_s * NS_PER_S, when);
	see_self(&d->certificates, ALERT_CERTIFICATE,
		 ends_s - now_s > (int64_t)x->critical_days * DAY_S ? ALERT_WARNING : ALERT_CRITICAL, x->name,
		 0,
		 ends_s < now_s ? "Certificate %s (%s, %.80s) has ended on %.10s, %lld days ago"
				: "Certificate %s (%s, %.80s) ends on %.10s, in %lld days",
		 x->name, x->file, subject, when, (long long)(ends_s < now_s ? -days : days));
}

static void look_certificates(struct alertd *d)
{
	if (boot_before(d->now, d->certificates_at))
		return;
	d->certificates_at = boot_add(d->now, CERTIFICATES_NS);
	d->certificates.count = 0;
	for (uint32_t i = 0; i < d->config->certificates_count; i++)
		look_certificate(d, &d->config->certificates[i]);
}

static void look_self(struct alertd *d)
{
	bool away = d->link.down_since.ns && boot_diff_ns(d->link.down_since, d->now) >= AWAY_NS;

	if (!d->view.known && !away)
		return; /* under which name would it be told? */
	look_certificates(d);
	d->look = d->certificates;
	if (away)
		see_self(&d->look, ALERT_AGENT, ALERT_CRITICAL, "", 0, "The agent of this node %s",
			 d->link.why);
	for (size_t i = 0; i < d->receivers_count; i++) {
		const struct receiver *r = &d->receivers[i];

		if (r->failing_since.ns && boot_diff_ns(r->failing_since, d->now) >= RECEIVER_TROUBLE_NS)
			see_self(&d->look, ALERT_RECEIVER, ALERT_WARNING, r->config->name, 0,
				 "Alerts for %s cannot be delivered, %zu wait: %.200s", r->config->name,
				 r->spool.count, r->said);
	}
	d->changed |=
		conditions_update(&d->known, CONDITION_SELF, &d->look, &d->view, d->now, d->wall_ns, tell, d);
	/* What the agent said last gets older, too. */
	d->changed |=
		conditions_update(&d->known, CONDITION_AGENT, NULL, &d->view, d->now, d->wall_ns, tell, d);
}

/* Who is up is known. */
static bool sees(const struct alertd *d)
{
	return d->view.known && !d->link.down_since.ns;
}

static void tell_for_others(struct alertd *d)
{
	struct alert a;

	if (!sees(d))
		return;
	while (stand_in_take(&d->stand_in, &d->view, d->now, &a)) {
		alert_set(a.teller, sizeof a.teller, d->view.self);
		tell(d, &a);
		d->changed = true;
	}
}

/* ---- configuration ---- */

static struct config *config_read(const char *path)
{
	struct config_errors *errors = calloc(1, sizeof *errors);
	struct config *c = config_new();
	int r = errors && c ? config_parse_file(path, c, errors) : -ENOMEM;

	for (uint32_t i = 0; errors && i < errors->count && i < CONFIG_ERRORS_MAX; i++)
		log_error("%s", errors->error[i].text);
	free(errors);
	if (r == 0)
		return c;
	config_free(c);
	return NULL;
}

static void receivers_close(struct alertd *d)
{
	for (size_t i = 0; i < d->receivers_count; i++)
		receiver_close(&d->receivers[i]);
	d->receivers_count = 0;
}

static int receivers_open(struct alertd *d, struct sentence *reterr)
{
	for (uint32_t i = 0; i < d->config->alerts_count; i++) {
		const struct config_alert *c = &d->config->alerts[i];
		int r = receiver_open(&d->receivers[i], c, d->multi, d->queue_fd, d->now);

		if (r < 0)
			return sentence_fail(reterr, r, "The queue of alert %s in %s/%s cannot be read: %s.",
					     c->name, d->paths.state_dir, QUEUE_DIR, strerror(-r));
		d->receivers_count++;
	}
	if (!d->config->alerts_count)
		log_warning("there is no section alert in %s -> nobody is told of anything", d->paths.config);
	return 0;
}

/* Queues and all that is known stay: they come back from the disk. */
static void reload(struct alertd *d)
{
	struct config *c = config_read(d->paths.config);
	struct sentence why = { "" };

	d->rereads = false;
	if (!c) {
		log_error("the configuration was not applied -> going on with the one before");
		return;
	}
	state_save(d);
	receivers_close(d);
	config_free(d->config);
	d->config = c;
	if (!c->alerting_count)
		config_section_defaults("alerting", &c->alerting[0]);
	if (receivers_open(d, &why) < 0)
		log_error("%s", why.text);
	state_load(d);
	d->link.interval_ns = alerting(d)->interval_ms * NS_PER_MS;
	d->certificates_at = d->now;
	log_level((int)c->log_level);
	log_notice("configuration read again, %zu receivers", d->receivers_count);
}

/* ---- the loop ---- */

static void signals(struct alertd *d)
{
	struct signalfd_siginfo info;

	while (read(d->signal_fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGHUP)
			reload(d);
		else
			d->ends = true;
	}
}

static void curl_collect(CURLM *multi)
{
	struct CURLMsg *m;
	int running, left;

	(void)curl_multi_perform(multi, &running); /* failures are those of the transfers */
	while ((m = curl_multi_info_read(multi, &left))) {
		char *p = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &p); /* cannot fail */
		delivery_curl_done((struct delivery *)(void *)p, m->data.result);
	}
}

static int wait_ms(const struct alertd *d)
{
	boot_t next = boot_min(agent_link_next(&d->link), sees(d) ? stand_in_next(&d->stand_in) : BOOT_NEVER);

	for (size_t i = 0; i < d->receivers_count; i++)
		next = boot_min(next, receiver_next(&d->receivers[i]));
	int64_t ns = boot_diff_ns(d->now, next);

	return ns <= 0			      ? 0
	       : ns > WAIT_MS_MAX * NS_PER_MS ? WAIT_MS_MAX
					      : (int)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

static void wait_for_something(struct alertd *d)
{
	struct curl_waitfd fds[FDS_MAX] = { { .fd = d->signal_fd, .events = CURL_WAIT_POLLIN } };
	int pair[2], n = 1;

	for (size_t i = 0; i <= d->receivers_count; i++) {
		int more = i < d->receivers_count ? delivery_fds(&d->receivers[i].delivery, pair)
						  : agent_link_fds(&d->link, pair);

		for (int k = 0; k < more; k++)
			fds[n++] = (struct curl_waitfd){ .fd = pair[k], .events = CURL_WAIT_POLLIN };
	}
	(void)curl_multi_poll(d->multi, fds, (unsigned)n, wait_ms(d), NULL); /* then it is a busy round */
}

/* All that has happened is in the queues and saved before anything is delivered. */
static void turn(struct alertd *d)
{
	d->now = clock_now().boot;
	d->wall_ns = clock_wall_ns();
	signals(d);
	agent_link_work(&d->link, d->now);
	if (d->rereads)
		reload(d);
	look_self(d);
	tell_for_others(d);
	if (d->changed)
		state_save(d);
	curl_collect(d->multi);
	for (size_t i = 0; i < d->receivers_count; i++)
		d->changed |= receiver_work(&d->receivers[i], &d->known, &d->view, d->now, d->wall_ns);
	if (d->changed)
		state_save(d);
}

int alertd_run(struct alertd *d)
{
	(void)sd_notify(0, "READY=1"); /* no systemd: nothing to tell */
	while (!d->ends) {
		turn(d);
		(void)sd_notify(0, "WATCHDOG=1");
		wait_for_something(d);
	}
	return 0;
}

/* ---- begin and end ---- */

static int open_directories(struct alertd *d, struct sentence *reterr)
{
	const char *dir = d->paths.state_dir;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return sentence_fail(reterr, -errno, "%s cannot be made: %s.", dir, strerror(errno));
	d->state_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->state_fd < 0)
		return sentence_fail(reterr, -errno, "%s cannot be opened: %s.", dir, strerror(errno));
	d->lock_fd = openat(d->state_fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->lock_fd < 0 || flock(d->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return sentence_fail(reterr, -errno, "%s/%s: %s.", dir, LOCK_FILE,
				     errno == EWOULDBLOCK ? "another ringkeep-alertd runs with this directory"
							  : strerror(errno));
	if (mkdirat(d->state_fd, QUEUE_DIR, 0700) < 0 && errno != EEXIST)
		return sentence_fail(reterr, -errno, "%s/%s cannot be made: %s.", dir, QUEUE_DIR,
				     strerror(errno));
	d->queue_fd = openat(d->state_fd, QUEUE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return d->queue_fd < 0 ? sentence_fail(reterr, -errno, "%s/%s cannot be opened: %s.", dir, QUEUE_DIR,
					       strerror(errno))
			       : 0;
}

static int open_signals(struct alertd *d)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	d->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return d->signal_fd < 0 ? -errno : 0;
}

static int open_all(struct alertd *d, struct sentence *reterr)
{
	static const struct agent_link_ops ops = { record_known, on_missed, on_record, on_status };
	int r = open_directories(d, reterr);

	if (r < 0)
		return r;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(d->multi = curl_multi_init()))
		return sentence_fail(reterr, -ENOMEM, "libcurl cannot be used.");
	r = open_signals(d);
	if (r < 0)
		return sentence_fail(reterr, r, "Signals cannot be received: %s.", strerror(-r));
	d->now = clock_now().boot;
	d->wall_ns = clock_wall_ns();
	r = receivers_open(d, reterr);
	if (r < 0)
		return r;
	state_load(d);
	d->certificates_at = d->now;
	agent_link_init(&d->link, d->paths.socket, alerting(d)->interval_ms * NS_PER_MS, &ops, d, d->now);
	return 0;
}

int alertd_open(struct alertd **ret, const struct alertd_paths *paths, struct config *config,
		struct sentence *reterr)
{
	struct alertd *d = calloc(1, sizeof *d);
	int r;

	if (!d) {
		config_free(config);
		return sentence_fail(reterr, -ENOMEM, "Out of memory.");
	}
	d->paths = *paths;
	d->config = config;
	d->state_fd = d->queue_fd = d->lock_fd = d->signal_fd = -EBADF;
	control_client_init(&d->link.watch);
	control_client_init(&d->link.ask);
	if (!config->alerting_count)
		config_section_defaults("alerting", &config->alerting[0]);
	r = open_all(d, reterr);
	if (r < 0) {
		alertd_close(d);
		return r;
	}
	*ret = d;
	return 0;
}

void alertd_close(struct alertd *d)
{
	if (d->changed)
		state_save(d);
	agent_link_close(&d->link);
	receivers_close(d);
	if (d->multi)
		(void)curl_multi_cleanup(d->multi); /* the process ends */
	close_fd(&d->signal_fd);
	close_fd(&d->queue_fd);
	close_fd(&d->lock_fd);
	close_fd(&d->state_fd);
	config_free(d->config);
	free(d);
}

/* ---- a test ---- */

static void test_alert(const struct config *config, struct alert *ret)
{
	char host[ALERT_NAME_MAX] = "";
	int64_t wall_ns = clock_wall_ns();

	(void)gethostname(host, sizeof host - 1); /* without a name it is a test all the same */
	memset(ret, 0, sizeof *ret);
	ret->event = ALERT_TEST;
	ret->severity = ALERT_INFO;
	alert_time(wall_ns, ret->time);
	alert_set(ret->cluster, sizeof ret->cluster, config->cluster);
	alert_set(ret->node, sizeof ret->node, host);
	alert_set(ret->teller, sizeof ret->teller, host);
	(void)snprintf(ret->key, sizeof ret->key, "test@%s", host);
	(void)snprintf(ret->id, sizeof ret->id, "test@%s/%lld", host, (long long)(wall_ns / NS_PER_MS));
	alert_set(ret->text, sizeof ret->text, "This is a test of ringkeep-alertd; nothing has happened");
}

static enum delivery_result test_wait(struct delivery *d)
{
	enum delivery_result result = DELIVERY_FAILED;

	while (!delivery_work(d, clock_now().boot, &result)) {
		struct curl_waitfd fds[2] = { { .events = CURL_WAIT_POLLIN },
					      { .events = CURL_WAIT_POLLIN } };
		int pair[2], n = delivery_fds(d, pair);

		for (int i = 0; i < n; i++)
			fds[i].fd = pair[i];
		(void)curl_multi_poll(d->multi, fds, (unsigned)n, 100, NULL); /* as above */
		curl_collect(d->multi);
	}
	return result;
}

int alertd_test(const struct config *config, const char *name, char *ret_answer, size_t size)
{
	const struct config_alert *c = NULL;
	enum delivery_result result;
	struct delivery d;
	struct alert a;
	CURLM *multi;

	for (uint32_t i = 0; i < config->alerts_count; i++)
		if (!strcmp(config->alerts[i].name, name))
			c = &config->alerts[i];
	if (!c)
		return -ENOENT;
	multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
	if (!multi)
		return -ENOMEM;
	test_alert(config, &a);
	delivery_init(&d, multi);
	delivery_start(&d, c, &a, clock_now().boot, clock_wall_ns());
	result = test_wait(&d);
	(void)snprintf(ret_answer, size, "%s", d.answer);
	delivery_close(&d);
	(void)curl_multi_cleanup(multi); /* as above */
	return result == DELIVERY_DONE ? 0 : -EIO;
}
