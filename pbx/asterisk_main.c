/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ringkeep-adapter-asterisk. Settings beside those of pbx_monitor.h: ami (tcp:127.0.0.1:5038), ami-user,
 * ami-secret-file, ari (http://127.0.0.1:8088/ari), ari-user, ari-secret-file, ami-failures (10),
 * overload-time (30), hangup-on-standby (yes), wait-for-answer (yes), uplink-include, uplink-transports,
 * uplink-transports6, uplink-each, uplink-endpoints.
 */
#include "ari_text.h"
#include "asterisk_private.h"

#include "secret_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPIRE_EVERY_NS NS_PER_S
#define EXPIRE_GRACE_NS (2 * NS_PER_S) /* Asterisk's own word on it comes first */

/* ---- settings ---- */

static int setting_error(char *why, const char *name, const char *form)
{
	(void)snprintf(why, ADAPTER_WHY_MAX, "setting \"%s\" must be %s", name, form); /* fits */
	return -EINVAL;
}

/* "tcp:127.0.0.1:5038": loopback, since the secret goes there in clear text. */
static bool setting_ami(const char *text, struct sockaddr_in *ret)
{
	const char *colon = strncmp(text, "tcp:", 4) ? NULL : strrchr(text + 4, ':');
	char host[INET_ADDRSTRLEN];
	long port = colon ? strtol(colon + 1, NULL, 10) : 0;

	if (!colon || port < 1 || port > 65535 || (size_t)(colon - text - 4) >= sizeof host)
		return false;
	memcpy(host, text + 4, (size_t)(colon - text - 4));
	host[colon - text - 4] = 0;
	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	return inet_pton(AF_INET, host, &ret->sin_addr) == 1 && ntohl(ret->sin_addr.s_addr) >> 24 == 127;
}

static int setting_secret(const struct adapter_main_config *c, const char *name, char ret[SECRET_FILE_MAX],
			  char *why)
{
	const char *path = adapter_main_setting(c, name);
	int r;

	if (!path)
		return setting_error(why, name, "the path of a file that holds the secret");
	r = secret_file_read(path, ret);
	if (r == 0)
		return 0;
	(void)snprintf(why, ADAPTER_WHY_MAX, "%s %.100s: %s", name, path, secret_file_error(r)); /* fits */
	return -EINVAL;
}

static int configure_ami(struct asterisk *k, const struct adapter_main_config *c, boot_t now, char *why)
{
	const char *ami = adapter_main_setting(c, "ami"), *user = adapter_main_setting(c, "ami-user");
	char secret[SECRET_FILE_MAX];
	struct sockaddr_in to;

	if (!setting_ami(ami ? ami : "tcp:127.0.0.1:5038", &to))
		return setting_error(why, "ami",
				     "tcp:127.0.0.1:PORT, where Asterisk's manager listens on loopback");
	if (!user || !*user)
		return setting_error(why, "ami-user", "the name of a user in manager.conf");
	if (setting_secret(c, "ami-secret-file", secret, why) < 0)
		return -EINVAL;
	if (ami_client_init(&k->ami, &to, user, secret, &asterisk_ami_ops, k, now) < 0)
		return setting_error(why, "ami-user", "shorter than 128 characters, and so is its secret");
	(void)snprintf(k->ami_text, sizeof k->ami_text, "AMI at %s", k->ami.target); /* fits */
	return 0;
}

static void on_ari(void *ctx, const struct ari_slot *slot, int status, const char *body, boot_t now);

static int configure_ari(struct asterisk *k, const struct adapter_main_config *c, char *why)
{
	const char *ari = adapter_main_setting(c, "ari"), *user = adapter_main_setting(c, "ari-user");
	char secret[SECRET_FILE_MAX];
	int r;

	if (!user || !*user)
		return setting_error(why, "ari-user", "the name of a user in ari.conf");
	if (setting_secret(c, "ari-secret-file", secret, why) < 0)
		return -EINVAL;
	r = ari_client_init(&k->ari, ari ? ari : "http://127.0.0.1:8088/ari", user, secret, on_ari, k);
	if (r == -EINVAL)
		return setting_error(why, "ari",
				     "http://127.0.0.1:PORT/ari, Asterisk's REST interface on loopback");
	return r;
}

static int configure_rest(struct asterisk *k, const struct adapter_main_config *c, boot_t now, char *why)
{
	const char *hangup = adapter_main_setting(c, "hangup-on-standby");
	const char *wait = adapter_main_setting(c, "wait-for-answer");

	if (hangup && strcmp(hangup, "yes") && strcmp(hangup, "no"))
		return setting_error(why, "hangup-on-standby", "yes or no");
	if (wait && strcmp(wait, "yes") && strcmp(wait, "no"))
		return setting_error(why, "wait-for-answer", "yes or no");
	k->hangup_on_standby = !hangup || !strcmp(hangup, "yes");
	k->wait_for_answer = !wait || !strcmp(wait, "yes");
	if (uplinks_configure(k, c, why) < 0)
		return -EINVAL;
	trunks_configure(k, c, now);
	if (asterisk_names_init(&k->names) == 0 && binding_store_new(BINDING_STORE_MAX, &k->known) == 0)
		return 0;
	(void)snprintf(why, ADAPTER_WHY_MAX, "no memory"); /* fits */
	return -ENOMEM;
}

static void asterisk_close(struct asterisk *k)
{
	ami_client_close(&k->ami);
	if (k->ari.multi)
		ari_client_close(&k->ari);
	if (k->names.buckets)
		asterisk_names_close(&k->names);
	binding_store_free(k->known);
	binding_keys_clear(&k->removals);
	binding_keys_clear(&k->lookups);
	asterisk_channels_close(&k->channels);
}

static int ast_configure(void *ctx, struct adapter_main *m, const struct adapter_main_config *c, boot_t now,
			 char *why)
{
	struct asterisk *k = ctx;
	int r;

	asterisk_close(k); /* a configuration that was refused may be followed by another */
	*k = (struct asterisk){ .m = m,
				.active = c->holder,
				.restoring = true,
				.active_at = now,
				.calls = ADAPTER_CALLS_UNKNOWN };
	k->ami.fd = k->ari.epoll_fd = -EBADF;
	asterisk_channels_init(&k->channels);
	k->sweep_at = k->expire_at = k->status_at = k->count_at = k->queues_at = k->channels_at =
		k->priority_at = now;
	r = health_configure(k, c, now, why);
	if (r == 0)
		r = configure_ami(k, c, now, why);
	if (r == 0)
		r = configure_ari(k, c, why);
	return r == 0 ? configure_rest(k, c, now, why) : r;
}

/* ---- from Asterisk's ARI ---- */

static void on_ari(void *ctx, const struct ari_slot *slot, int status, const char *body, boot_t now)
{
	struct asterisk *k = ctx;
	char aor[sizeof slot->aor], contact[sizeof slot->contact];
	int call = slot->call;

	memcpy(aor, slot->aor, sizeof aor); /* what follows may use the slot again */
	memcpy(contact, slot->contact, sizeof contact);
	switch ((enum ari_call)call) {
	case ARI_INFO:
		if (status == 200)
			ari_text_systemname(body, k->systemname, sizeof k->systemname);
		(void)push_judge(k, status, body, now); /* for its sentence */
		break;
	case ARI_UPLINK:
		uplinks_looked(k, status, body, now);
		break;
	case ARI_LOOKUP:
		lookup_answered(k, aor, contact, status, body, now);
		break;
	case ARI_AOR:
	case ARI_ENDPOINT:
	case ARI_PUT:
	case ARI_DELETE:
		push_answered(k, call, aor, contact, status, body, now);
		break;
	}
}

/* ---- the loop ---- */

static void ast_ready(void *ctx, int slot, short revents, boot_t now)
{
	struct asterisk *k = ctx;

	switch ((enum asterisk_slot_fd)slot) {
	case SLOT_PROBE:
		pbx_monitor_ready(&k->mon, now);
		break;
	case SLOT_AMI:
		ami_client_ready(&k->ami, now);
		break;
	case SLOT_ARI:
		ari_client_ready(&k->ari, now);
		break;
	case SLOT_OVERLOAD:
		health_ready(k, now);
		break;
	}
}

static void expired(void *ctx, const struct binding *b)
{
	struct asterisk *k = ctx;

	if (k->active)
		adapter_main_remove(k->m, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
	else if (binding_store_mark(k->known, b) & MARK_PRESENT)
		push_removal(k, b->text[BINDING_AOR], b->text[BINDING_CONTACT]);
}

static void ast_tick(void *ctx, boot_t now)
{
	struct asterisk *k = ctx;

	k->ticked_at = now;
	ami_client_tick(&k->ami, now);
	ari_client_tick(&k->ari, now);
	if (!boot_before(now, k->expire_at)) {
		k->expire_at = boot_add(now, EXPIRE_EVERY_NS);
		(void)binding_store_expire(k->known, boot_add(now, -EXPIRE_GRACE_NS),
					   binding_store_count(k->known) / 4 + 16, expired,
					   k); /* told one by one */
		/* Otherwise it would be said for as long as nothing has to be given to it. */
		if (k->trouble[0] && k->ami.state == AMI_UP &&
		    ari_client_free_slots(&k->ari) == ARI_SLOTS_MAX)
			(void)ari_client_call(&k->ari, ARI_INFO, "GET", "asterisk/info?only=config", NULL, "",
					      "", now); /* again in a second */
	}
	lookup_pump(k, now);
	push_pump(k, now);
	sweep_pump(k, now);
	qualify_pump(k, now);
	calls_tick(k, now);
	priority_tick(k, now);
	trunks_tick(k, now);
	uplinks_tick(k, now);
	reinvite_tick(k, now);
	health_tick(k, now);
	ami_client_tick(&k->ami, now); /* what was asked for just now goes out */
	adapter_main_watch(k->m, SLOT_AMI, k->ami.fd, ami_client_events(&k->ami));
	adapter_main_watch(k->m, SLOT_ARI, k->ari.epoll_fd, POLLIN);
}

static boot_t ast_next(void *ctx)
{
	const struct asterisk *k = ctx;
	boot_t next = boot_min(boot_min(k->expire_at, health_next(k)), ami_client_next(&k->ami));

	next = boot_min(boot_min(next, ari_client_next(&k->ari)), sweep_next(k));
	next = boot_min(boot_min(next, lookup_next(k)), qualify_next(k));
	next = boot_min(boot_min(next, priority_next(k)), trunks_next(k));
	next = boot_min(boot_min(next, calls_next(k)), boot_min(uplinks_next(k), reinvite_next(k)));
	return boot_min(next, push_next(k));
}

int main(void)
{
	static const char *const settings[] = { "ami",
						"ami-user",
						"ami-secret-file",
						"ari",
						"ari-user",
						"ari-secret-file",
						"ami-failures",
						"overload-time",
						"hangup-on-standby",
						"wait-for-answer",
						"uplink-include",
						"uplink-transports",
						"uplink-transports6",
						"uplink-each",
						"uplink-endpoints",
						PBX_MONITOR_SETTINGS,
						NULL };
	const struct adapter_main_ops ops = {
		.name = "asterisk",
		.settings = settings,
		.configure = ast_configure,
		.activate = agent_activate,
		.standby = agent_standby,
		.dump = agent_dump,
		.apply_full_begin = agent_apply_full_begin,
		.apply_remove = agent_apply_remove,
		.apply_put = agent_apply_put,
		.apply_full_end = agent_apply_full_end,
		.apply_end = push_apply_end,
		.trunk = trunks_order,
		.uplink = uplinks_order,
		.reinvite = reinvite_order,
		.ready = ast_ready,
		.next = ast_next,
		.tick = ast_tick,
	};
	struct asterisk *k = calloc(1, sizeof *k);
	int code = 1;

	if (k) {
		k->ami.fd = k->ari.epoll_fd = -EBADF;
		code = adapter_main_run(&ops, k);
		asterisk_close(k);
	}
	free(k);
	return code;
}
