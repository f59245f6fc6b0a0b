/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asterisk's public address: a file that pjsip.conf includes, with external_signaling_address and
 * external_media_address of each transport; then a reload of res_pjsip, which leaves calls, contacts and
 * registrations alone; then a look at what the transports have. Asked for what they have already, nothing is
 * written and nothing reloaded. What Asterisk does not have is never named in the file: pjsip.conf as a whole
 * would be refused, at the latest when Asterisk starts.
 *
 * With a transport for each uplink the file also says which of them the trunks' endpoints and registrations
 * use: dialogs that are up keep theirs.
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
#define LOOK_AGAIN_NS (100 * NS_PER_MS)
#define GIVE_UP_NS    (8 * NS_PER_S) /* before the agent does */

static const char head[] =
	"; Written by ringkeep: the uplink in use. It is written anew at each change of it.\n";

static const char *const type_names[] = { "transport", "endpoint", "registration" };

/* ---- settings ---- */

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.';
}

static int name_copy(char *ret, size_t size, const char *name, size_t n)
{
	if (n == 0 || n >= size)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!name_char(name[i]))
			return -EINVAL;
	memcpy(ret, name, n);
	ret[n] = 0;
	return 0;
}

static int object_add(struct asterisk_uplinks *u, struct asterisk_object o, const char *name, size_t n)
{
	if (u->objects_count == ASTERISK_OBJECTS_MAX || name_copy(o.name, sizeof o.name, name, n) < 0)
		return -EINVAL;
	u->objects[u->objects_count++] = o;
	return 0;
}

/* "a,b", or with an uplink before each: "isp1:a,isp2:b". NULL: none. */
static int objects_add(struct asterisk_uplinks *u, const char *names, struct asterisk_object o, bool each)
{
	while (names && *names) {
		size_t n = strcspn(names, ","), colon = each ? strcspn(names, ":") : 0;

		if (each && (colon >= n || name_copy(o.uplink, sizeof o.uplink, names, colon) < 0))
			return -EINVAL;
		colon += each;
		if (object_add(u, o, names + colon, n - colon) < 0)
			return -EINVAL;
		names += n + (names[n] == ',');
	}
	return 0;
}

static int uplinks_refuse(char *why, const char *sentence)
{
	(void)snprintf(why, ADAPTER_WHY_MAX, "%s", sentence); /* fits */
	return -EINVAL;
}

static int configure_one(struct asterisk_uplinks *u, const struct adapter_main_config *c, char *why)
{
	const char *v4 = adapter_main_setting(c, "uplink-transports");
	const char *v6 = adapter_main_setting(c, "uplink-transports6");

	if ((!v4 && !v6) || objects_add(u, v4, (struct asterisk_object){ .family = AF_INET }, false) < 0 ||
	    objects_add(u, v6, (struct asterisk_object){ .family = AF_INET6 }, false) < 0)
		return uplinks_refuse(why,
				      "settings \"uplink-transports\" and \"uplink-transports6\" must be "
				      "names of transports in pjsip.conf, like udp,tcp");
	return 0;
}

static int configure_each(struct asterisk_uplinks *u, const struct adapter_main_config *c, char *why)
{
	const char *endpoints = adapter_main_setting(c, "uplink-endpoints");

	if (adapter_main_setting(c, "uplink-transports") || adapter_main_setting(c, "uplink-transports6"))
		return uplinks_refuse(why, "setting \"uplink-each\" is instead of \"uplink-transports\"");
	u->each = true;
	if (objects_add(u, adapter_main_setting(c, "uplink-each"), (struct asterisk_object){ 0 }, true) < 0)
		return uplinks_refuse(why,
				      "setting \"uplink-each\" must be a transport of pjsip.conf for each "
				      "uplink, like isp1:udp-isp1,isp2:udp-isp2");
	if (!endpoints ||
	    objects_add(u, endpoints, (struct asterisk_object){ .type = OBJECT_ENDPOINT }, false) < 0)
		return uplinks_refuse(why, "setting \"uplink-endpoints\" must be the names of the trunks' "
					   "endpoints in pjsip.conf");
	for (size_t i = 0; i < c->trunks_count; i++)
		if (object_add(u, (struct asterisk_object){ .type = OBJECT_REGISTRATION },
			       c->trunks[i].registration, strlen(c->trunks[i].registration)) < 0)
			return uplinks_refuse(why,
					      "a trunk's registration cannot be named in \"uplink-include\"");
	return 0;
}

static void uplinks_recall(struct asterisk_uplinks *u);

int uplinks_configure(struct asterisk *k, const struct adapter_main_config *c, char *why)
{
	const char *path = adapter_main_setting(c, "uplink-include"),
		   *each = adapter_main_setting(c, "uplink-each");
	struct asterisk_uplinks *u = &k->uplinks;
	int r;

	k->config = c;
	adapter_main_uplinks(k->m,
			     !path  ? ADAPTER_UPLINK_NONE
			     : each ? ADAPTER_UPLINK_EACH
				    : ADAPTER_UPLINK_ONE,
			     true);
	if (!path && !each && !adapter_main_setting(c, "uplink-transports") &&
	    !adapter_main_setting(c, "uplink-transports6"))
		return 0;
	if (!path || *path != '/' || strlen(path) + sizeof ".new" > sizeof u->path)
		return uplinks_refuse(
			why,
			"setting \"uplink-include\" must be the path of a file that pjsip.conf includes");
	(void)snprintf(u->path, sizeof u->path, "%s", path); /* measured above */
	r = each ? configure_each(u, c, why) : configure_one(u, c, why);
	if (r == 0 && each)
		uplinks_recall(u);
	return r;
}

/* ---- the file ---- */

static size_t file_text(const struct asterisk_uplinks *u, char ret[ASTERISK_INCLUDE_MAX])
{
	size_t n = (size_t)snprintf(ret, ASTERISK_INCLUDE_MAX, "%s", head);

	for (size_t i = 0; i < u->objects_count; i++) {
		const struct asterisk_object *o = &u->objects[i];
		char *at = ret + n;
		size_t room = ASTERISK_INCLUDE_MAX - n;

		/* Fits: names and addresses are bounded, and so is their number. */
		if (o->type == OBJECT_TRANSPORT)
			n += (size_t)snprintf(
				at, room,
				"\n[%s](+)\nexternal_signaling_address = %s\nexternal_media_address = %s\n",
				o->name, o->address, o->address);
		else
			n += (size_t)snprintf(at, room, "\n[%s](+type=%s)\ntransport = %s\n", o->name,
					      type_names[o->type], u->transport);
	}
	return n;
}

/* The addresses of the other uplinks, as we left them: calls may be on them. */
static void uplinks_recall(struct asterisk_uplinks *u)
{
	char text[ASTERISK_INCLUDE_MAX] = "", key[128];
	int fd = open(u->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct ip_address ip;

	if (fd < 0)
		return; /* the first time */
	if (read(fd, text, sizeof text - 1) < 0)
		text[0] = 0;
	(void)close(fd); /* only read */
	for (size_t i = 0; i < u->objects_count; i++) {
		struct asterisk_object *o = &u->objects[i];
		const char *at;

		(void)snprintf(key, sizeof key,
			       "\n[%s](+)\nexternal_signaling_address = ", o->name); /* fits */
		at = strstr(text, key);
		if (!at)
			continue;
		at += strlen(key);
		(void)snprintf(o->address, sizeof o->address, "%.*s", (int)strcspn(at, "\n"),
			       at); /* checked below */
		if (ip_parse(o->address, &ip) < 0)
			o->address[0] = 0;
	}
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
	if (id)
		adapter_main_answer(k->m, id, why);
	else if (why && k->uplinks.stage != UPLINK_IDLE)
		adapter_main_log(k->m, "the uplink after a start of Asterisk: %s", why);
	k->uplinks.stage = UPLINK_IDLE;
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

static void uplink_begin(struct asterisk *k, boot_t now)
{
	struct asterisk_uplinks *u = &k->uplinks;

	u->stage = UPLINK_LOOK;
	u->reloaded = u->differs = false;
	u->next = 0;
	u->look_at = now;
	u->give_up_at = boot_add(now, GIVE_UP_NS);
	(void)snprintf(u->last, sizeof u->last, "%s", "Asterisk does not answer"); /* fits */
}

static bool same_family(const char *a, const char *b)
{
	return !strchr(a, ':') == !strchr(b, ':');
}

/* A transport for each uplink: calls that stay on the old one keep its address only while they drain.
 * Otherwise they leave by the new uplink as well, with their old transport. */
static bool take_each(struct asterisk_uplinks *u, const struct adapter_uplink *order)
{
	const char *address = order->public4 ? order->public4 : order->public6 ? order->public6 : "";
	const char *transport = NULL;

	for (size_t i = 0; i < u->objects_count; i++)
		if (u->objects[i].type == OBJECT_TRANSPORT && !strcmp(u->objects[i].uplink, order->name))
			transport = u->objects[i].name;
	for (size_t i = 0; transport && i < u->objects_count; i++) {
		struct asterisk_object *o = &u->objects[i];
		bool mine = !strcmp(o->uplink, order->name);

		if (o->type == OBJECT_TRANSPORT &&
		    (mine || (!order->drain && (!*o->address || same_family(o->address, address)))))
			(void)snprintf(o->address, sizeof o->address, "%s", address); /* fits */
	}
	if (transport)
		u->transport = transport;
	return transport;
}

static void take_one(struct asterisk_uplinks *u, const struct adapter_uplink *order)
{
	for (size_t i = 0; i < u->objects_count; i++) {
		struct asterisk_object *o = &u->objects[i];
		const char *address = o->family == AF_INET ? order->public4 : order->public6;

		(void)snprintf(o->address, sizeof o->address, "%s", address ? address : ""); /* fits */
	}
}

void uplinks_order(void *ctx, uint64_t id, const struct adapter_uplink *order, boot_t now)
{
	struct asterisk *k = ctx;

	uplink_end(k, "a newer uplink was told meanwhile");
	k->uplinks.id = id;
	if (!k->uplinks.each) {
		take_one(&k->uplinks, order);
	} else if (!take_each(&k->uplinks, order)) {
		uplink_failed(k, "uplink-each names no transport of uplink %.60s", order->name);
		return;
	}
	k->uplinks.told = true;
	uplink_begin(k, now);
}

void uplinks_booted(struct asterisk *k, boot_t now)
{
	if (k->uplinks.told && k->uplinks.stage == UPLINK_IDLE)
		uplink_begin(k, now);
}

static void uplink_look(struct asterisk *k, boot_t now)
{
	struct asterisk_uplinks *u = &k->uplinks;
	const struct asterisk_object *o = &u->objects[u->next];
	char path[256] = "";

	if (push_path(path, sizeof path, type_names[o->type], o->name) == 0 &&
	    ari_client_call(&k->ari, ARI_UPLINK, "GET", path, NULL, "", "", now) == 0)
		u->stage = UPLINK_LOOKS;
	else
		u->look_at = boot_add(now, LOOK_AGAIN_NS);
}

/* False: it could not be written, and the order has failed. */
static bool uplink_write(struct asterisk *k)
{
	struct asterisk_uplinks *u = &k->uplinks;
	char text[ASTERISK_INCLUDE_MAX];
	size_t len = file_text(u, text);
	int r = file_has(u->path, text, len) ? 0 : file_write(u->path, text, len);

	if (r < 0)
		uplink_failed(k, "cannot write %.100s (uplink-include): %s", u->path, strerror(-r));
	return r == 0;
}

static void uplink_reload(struct asterisk *k, boot_t now)
{
	static const struct ami_field fields[] = { { "Module", "res_pjsip.so" } };
	struct asterisk_uplinks *u = &k->uplinks;

	if (!uplink_write(k))
		return;
	if (ami_client_call(&k->ami, AMI_RELOAD, 0, ASTERISK_LIST_NS, "Reload", fields, 1, now) == 0)
		u->stage = UPLINK_RELOADS;
	else
		u->look_at = boot_add(now, LOOK_AGAIN_NS); /* AMI is down: until we give up */
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
	else if (u->stage == UPLINK_WRITE)
		uplink_reload(k, now);
}

boot_t uplinks_next(const struct asterisk *k)
{
	const struct asterisk_uplinks *u = &k->uplinks;

	if (u->stage == UPLINK_IDLE)
		return BOOT_NEVER;
	return u->stage == UPLINK_LOOK || u->stage == UPLINK_WRITE ? boot_min(u->look_at, u->give_up_at)
								   : u->give_up_at;
}

static bool field_is(const json_t *fields, const char *name, const char *value)
{
	const char *has = json_string_value(json_object_get(fields, name));

	return has && !strcmp(has, value);
}

static bool object_is_right(const struct asterisk_uplinks *u, const struct asterisk_object *o,
			    const char *body)
{
	json_t *list = json_loads(body, 0, NULL), *fields = list ? asterisk_fields(list) : NULL;
	bool right = o->type == OBJECT_TRANSPORT
			     ? field_is(fields, "external_signaling_address", o->address) &&
				       field_is(fields, "external_media_address", o->address)
			     : field_is(fields, "transport", u->transport);

	json_decref(fields);
	json_decref(list);
	return right;
}

/* All were looked at. */
static void uplink_round_ended(struct asterisk *k, boot_t now)
{
	struct asterisk_uplinks *u = &k->uplinks;

	u->next = 0;
	if (!u->differs) {
		if (uplink_write(k)) /* for its next start */
			uplink_end(k, NULL);
		return;
	}
	u->differs = false;
	u->stage = u->reloaded ? UPLINK_LOOK : UPLINK_WRITE;
	u->look_at = u->reloaded ? boot_add(now, LOOK_AGAIN_NS) : now;
}

void uplinks_looked(struct asterisk *k, int status, const char *body, boot_t now)
{
	struct asterisk_uplinks *u = &k->uplinks;
	const struct asterisk_object *o = &u->objects[u->next];

	if (u->stage != UPLINK_LOOKS)
		return;
	u->stage = UPLINK_LOOK;
	u->look_at = now;
	if (status == 404) {
		uplink_failed(k, "Asterisk has no %s \"%.40s\", which the uplink settings name",
			      type_names[o->type], o->name);
		return;
	}
	if (status != 200) {
		u->look_at = boot_add(now, LOOK_AGAIN_NS);
		return;
	}
	if (!object_is_right(u, o, body)) {
		u->differs = true;
		(void)snprintf(u->last, sizeof u->last,
			       "%s \"%.40s\" is as before: does pjsip.conf #include \"%.80s\", behind it?",
			       type_names[o->type], o->name, u->path);
	}
	if (++u->next == u->objects_count)
		uplink_round_ended(k, now);
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
