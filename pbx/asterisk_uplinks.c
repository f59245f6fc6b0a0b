/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asterisk's public address: a file that pjsip.conf includes, with external_signaling_address and
 * external_media_address of each transport; then a reload of res_pjsip, which leaves calls, contacts and
 * registrations alone; then a look at what the transports have. Asked for what they have already, nothing is
 * written and nothing reloaded.
 */
#include "asterisk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_AGAIN_NS (100 * NS_PER_MS)
#define SEEN_NS	      (2 * NS_PER_S)
#define GIVE_UP_NS    (8 * NS_PER_S) /* before the agent does */

static const char head[] = "; Written by ringkeep: the public address of the uplink in use. It is written "
			   "anew at each change of it.\n";

/* ---- settings ---- */

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.';
}

/* "a,b": adds them. */
static int transports_add(struct asterisk_uplinks *u, const char *names, uint8_t family)
{
	while (*names) {
		size_t n = strcspn(names, ",");
		struct asterisk_transport *t = &u->transports[u->transports_count];

		if (n == 0 || n >= sizeof t->name || u->transports_count == ASTERISK_TRANSPORTS_MAX)
			return -EINVAL;
		for (size_t i = 0; i < n; i++)
			if (!name_char(names[i]))
				return -EINVAL;
		memcpy(t->name, names, n);
		t->name[n] = 0;
		t->family = family;
		u->transports_count++;
		names += n + (names[n] == ',');
	}
	return 0;
}

int uplinks_configure(struct asterisk *k, const struct adapter_main_config *c, char *why)
{
	const char *path = adapter_main_setting(c, "uplink-include");
	const char *v4 = adapter_main_setting(c, "uplink-transports"),
		   *v6 = adapter_main_setting(c, "uplink-transports6");
	struct asterisk_uplinks *u = &k->uplinks;

	k->config = c;
	adapter_main_uplinks(k->m, path ? ADAPTER_UPLINK_ONE : ADAPTER_UPLINK_NONE, true);
	if (!path && !v4 && !v6)
		return 0;
	if (!path || *path != '/' || strlen(path) + sizeof ".new" > sizeof u->path) {
		(void)snprintf(why, ADAPTER_WHY_MAX,
			       "setting \"uplink-include\" must be the path of a file that pjsip.conf "
			       "includes"); /* fits */
		return -EINVAL;
	}
	if ((!v4 && !v6) || (v4 && transports_add(u, v4, AF_INET) < 0) ||
	    (v6 && transports_add(u, v6, AF_INET6) < 0)) {
		(void)snprintf(why, ADAPTER_WHY_MAX,
			       "settings \"uplink-transports\" and \"uplink-transports6\" must be names of "
			       "transports "
			       "in pjsip.conf, like udp,tcp: %d at most",
			       ASTERISK_TRANSPORTS_MAX); /* fits */
		return -EINVAL;
	}
	(void)snprintf(u->path, sizeof u->path, "%s", path); /* measured above */
	return 0;
}

/* ---- the file ---- */

static const char *wanted(const struct asterisk_uplinks *u, const struct asterisk_transport *t)
{
	return t->family == AF_INET ? u->public4 : u->public6;
}

static size_t file_text(const struct asterisk_uplinks *u, char ret[ASTERISK_INCLUDE_MAX])
{
	size_t n = (size_t)snprintf(ret, ASTERISK_INCLUDE_MAX, "%s", head);

	for (size_t i = 0; i < u->transports_count; i++) {
		const struct asterisk_transport *t = &u->transports[i];

		/* Fits: both are bounded, and so is the number of transports. */
		n += (size_t)snprintf(
			ret + n, ASTERISK_INCLUDE_MAX - n,
			"\n[%s](+)\nexternal_signaling_address = %s\nexternal_media_address = %s\n", t->name,
			wanted(u, t), wanted(u, t));
	}
	return n;
}

static bool file_has(const char *path, const char *text, size_t len)
{
	char old[ASTERISK_INCLUDE_MAX + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, old, sizeof old);
	(void)close(fd); /* only read */
	return n == (ssize_t)len && !memcmp(old, text, len);
}

/* 0 or -errno. */
static int file_write(const char *path, const char *text, size_t len)
{
	char temporary[ASTERISK_PATH_MAX + 8];
	int fd, r = 0;

	(void)snprintf(temporary, sizeof temporary, "%s.new", path); /* fits */
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || fsync(fd) < 0)
		r = errno ? -errno : -EIO;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temporary); /* the error is told */
	return r;
}

/* ---- one order ---- */

static void uplink_end(struct asterisk *k, const char *why)
{
	uint64_t id = k->uplinks.id;

	k->uplinks.id = 0;
	k->uplinks.stage = UPLINK_IDLE;
	if (id)
		adapter_main_answer(k->m, id, why);
}

static void __attribute__((format(printf, 2, 3))) uplink_failed(struct asterisk *k, const char *format, ...)
{
	char why[ADAPTER_WHY_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, sizeof why, format, args); /* cutting a sentence is fine */
	va_end(args);
	uplink_end(k, why);
}

void uplinks_order(void *ctx, uint64_t id, const struct adapter_uplink *order, boot_t now)
{
	struct asterisk *k = ctx;
	struct asterisk_uplinks *u = &k->uplinks;
	char text[ASTERISK_INCLUDE_MAX];
	size_t len;
	int r;

	uplink_end(k, "a newer uplink was told meanwhile");
	(void)snprintf(u->public4, sizeof u->public4, "%s",
		       order->public4 ? order->public4 : ""); /* addresses: fit */
	(void)snprintf(u->public6, sizeof u->public6, "%s", order->public6 ? order->public6 : "");
	u->id = id;
	len = file_text(u, text);
	r = file_has(u->path, text, len) ? 0 : file_write(u->path, text, len);
	if (r < 0) {
		uplink_failed(k, "cannot write %.100s (uplink-include): %s", u->path, strerror(-r));
		return;
	}
	u->stage = UPLINK_LOOK;
	u->reloaded = false;
	u->next = 0;
	u->look_at = now;
	u->give_up_at = boot_add(now, GIVE_UP_NS);
	(void)snprintf(u->last, sizeof u->last, "%s", "Asterisk does not answer"); /* fits */
}

static void uplink_look(struct asterisk *k, boot_t now)
{
	struct asterisk_uplinks *u = &k->uplinks;
	char path[256] = "";

	if (push_path(path, sizeof path, "transport", u->transports[u->next].name) == 0 &&
	    ari_client_call(&k->ari, ARI_TRANSPORT, "GET", path, NULL, "", "", now) == 0)
		u->stage = UPLINK_LOOKS;
	else
		u->look_at = boot_add(now, LOOK_AGAIN_NS);
}

static void uplink_reload(struct asterisk *k, boot_t now)
{
	static const struct ami_field fields[] = { { "Module", "res_pjsip.so" } };
	struct asterisk_uplinks *u = &k->uplinks;

	if (ami_client_call(&k->ami, AMI_RELOAD, 0, ASTERISK_LIST_NS, "Reload", fields, 1, now) == 0)
		u->stage = UPLINK_RELOADS;
	else
		u->look_at = boot_add(now, LOOK_AGAIN_NS); /* AMI is down: until we give up */
	u->reloaded = u->stage == UPLINK_RELOADS;
}

void uplinks_tick(struct asterisk *k, boot_t now)
{
	struct asterisk_uplinks *u = &k->uplinks;

	if (u->stage == UPLINK_IDLE)
		return;
	if (!boot_before(now, u->give_up_at))
		uplink_failed(k, "%s",
			      k->ami.error[0]	? k->ami.error
			      : k->ari.error[0] ? k->ari.error
						: u->last);
	else if (boot_before(now, u->look_at))
		return;
	else if (u->stage == UPLINK_LOOK)
		uplink_look(k, now);
	else if (u->stage == UPLINK_RELOAD)
		uplink_reload(k, now);
}

boot_t uplinks_next(const struct asterisk *k)
{
	const struct asterisk_uplinks *u = &k->uplinks;

	if (u->stage == UPLINK_IDLE)
		return BOOT_NEVER;
	return u->stage == UPLINK_LOOK || u->stage == UPLINK_RELOAD ? boot_min(u->look_at, u->give_up_at)
								    : u->give_up_at;
}

static bool transport_has(const char *body, const char *address)
{
	json_t *list = json_loads(body, 0, NULL), *fields = list ? asterisk_fields(list) : NULL;
	const char *signaling = json_string_value(json_object_get(fields, "external_signaling_address"));
	const char *media = json_string_value(json_object_get(fields, "external_media_address"));
	bool has = signaling && media && !strcmp(signaling, address) && !strcmp(media, address);

	json_decref(fields);
	json_decref(list);
	return has;
}

void uplinks_transport(struct asterisk *k, int status, const char *body, boot_t now)
{
	struct asterisk_uplinks *u = &k->uplinks;
	const struct asterisk_transport *t = &u->transports[u->next];

	if (u->stage != UPLINK_LOOKS)
		return;
	u->stage = UPLINK_LOOK;
	u->look_at = boot_add(now, LOOK_AGAIN_NS);
	if (status == 200 && transport_has(body, wanted(u, t))) {
		u->look_at = now;
		if (++u->next == u->transports_count)
			uplink_end(k, NULL);
	} else if (status == 404) {
		uplink_failed(k, "Asterisk has no transport \"%.40s\" (uplink-transports)", t->name);
	} else if (status == 200) {
		(void)snprintf(u->last, sizeof u->last,
			       "transport \"%.40s\" did not take the address: does pjsip.conf #include "
			       "\"%.80s\", behind it?",
			       t->name, u->path);
		u->next = 0;
		if (!u->reloaded) {
			u->stage = UPLINK_RELOAD;
			u->look_at = now;
		}
	}
}

void uplinks_reloaded(struct asterisk *k, enum ami_answer what, const struct ami_message *m, boot_t now)
{
	const char *text = m ? ami_message_get(m, "Message") : NULL;

	if (k->uplinks.stage != UPLINK_RELOADS)
		return;
	if (what == AMI_FAILED) {
		uplink_failed(k, "Asterisk refuses to reload res_pjsip: %.100s",
			      text ? text : "no reason given");
		return;
	}
	k->uplinks.stage = UPLINK_LOOK;
	k->uplinks.look_at = now;
	k->uplinks.reloaded = what == AMI_DONE;
	if (what == AMI_DONE) /* it is in force when this is said */
		k->uplinks.give_up_at = boot_min(k->uplinks.give_up_at, boot_add(now, SEEN_NS));
}
