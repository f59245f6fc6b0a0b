/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Receivers of alerts, and certificates whose end they are told of.
 */
#include "config_parse.h"

#include "alert_events.h"

#include <string.h>

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* ---- what each type needs, and what means nothing to it ---- */

#define EXEC	     (1u << CONFIG_ALERT_EXEC)
#define WEBHOOK	     (1u << CONFIG_ALERT_WEBHOOK)
#define ALERTMANAGER (1u << CONFIG_ALERT_ALERTMANAGER)
#define MAIL	     (1u << CONFIG_ALERT_MAIL)
#define SYSLOG	     (1u << CONFIG_ALERT_SYSLOG)

static bool written(const struct config_alert *a, const char *key)
{
	return !strcmp(key, "url")	       ? a->url[0]
	       : !strcmp(key, "program")       ? a->program[0]
	       : !strcmp(key, "from")	       ? a->from[0]
	       : !strcmp(key, "to")	       ? a->to_count > 0
	       : !strcmp(key, "user")	       ? a->user[0]
	       : !strcmp(key, "password-file") ? a->password_file[0]
	       : !strcmp(key, "token-file")    ? a->token_file[0]
	       : !strcmp(key, "secret-file")   ? a->secret_file[0]
	       : !strcmp(key, "ca-file")       ? a->ca_file[0]
					       : a->address.family != 0;
}

static const struct {
	const char *key;
	unsigned needed, allowed; /* by types */
	const char *what;
} keys[] = {
	{ "url", WEBHOOK | ALERTMANAGER, WEBHOOK | ALERTMANAGER | MAIL, "where it is" },
	{ "program", EXEC, EXEC | MAIL, "the program to run" },
	{ "from", MAIL, MAIL, "the sender's address" },
	{ "to", MAIL, MAIL, "the recipients" },
	{ "user", 0, WEBHOOK | ALERTMANAGER | MAIL, "" },
	{ "password-file", 0, WEBHOOK | ALERTMANAGER | MAIL, "" },
	{ "token-file", 0, WEBHOOK | ALERTMANAGER, "" },
	{ "secret-file", 0, WEBHOOK, "" },
	{ "ca-file", 0, WEBHOOK | ALERTMANAGER | MAIL, "" },
	{ "address", 0, SYSLOG, "" },
};

static void check_keys(struct config_parse *p, const struct config_alert *a)
{
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		bool given = written(a, keys[i].key);

		if ((keys[i].needed & 1u << a->type) && !given)
			config_fail(p, a, keys[i].key, 0, "missing; add it (%s)", keys[i].what);
		if (!(keys[i].allowed & 1u << a->type) && given)
			config_fail(p, a, keys[i].key, 0,
				    "means nothing to a receiver of this type; remove it");
	}
	if (!a->user[0] != !a->password_file[0])
		config_fail(p, a, a->user[0] ? "user" : "password-file", 0,
			    "user and password-file go together; write both or neither");
	if (a->token_file[0] && a->password_file[0])
		config_fail(p, a, "token-file", 0, "and password-file are two ways to log in; remove one");
	if (a->type == CONFIG_ALERT_MAIL && a->program[0] && a->url[0])
		config_fail(p, a, "program", 0, "and url are two ways for the mail to leave; remove one");
}

/* ---- values ---- */

static bool loopback(const char *host)
{
	size_t len = strcspn(host, ":/?#");

	if (starts(host, "[::1]"))
		return true;
	return (len == 9 && starts(host, "localhost")) || (len == 9 && starts(host, "127.0.0.1"));
}

static void check_url(struct config_parse *p, const struct config_alert *a)
{
	bool mail = a->type == CONFIG_ALERT_MAIL;
	const char *host = strstr(a->url, "://");

	if (!a->url[0] || p->errors->count)
		return;
	host = host ? host + 3 : "";
	if (strchr(host, '@') && strchr(host, '@') < host + strcspn(host, "/"))
		config_fail(p, a, "url", 0,
			    "has a user in it, and this file is read by many; write user and password-file");
	else if (mail ? !starts(a->url, "smtp://") && !starts(a->url, "smtps://")
		      : !starts(a->url, "https://") && !starts(a->url, "http://"))
		config_fail(p, a, "url", 0, "\"%.60s\" is no address of this type; write %s", a->url,
			    mail ? "smtp://HOST:PORT or smtps://HOST" : "https://HOST/PATH");
	else if (!*host || *host == '/' || *host == ':')
		config_fail(p, a, "url", 0, "\"%.60s\" names no host; add it", a->url);
	else if (starts(a->url, "http://") && !loopback(host) && (a->token_file[0] || a->password_file[0]))
		config_fail(p, a, "url", 0,
			    "would carry a password or token in the clear; write https://, or a loopback "
			    "address");
}

static void check_path(struct config_parse *p, const struct config_alert *a, const char *key,
		       const char *path)
{
	if (path[0] && path[0] != '/')
		config_fail(p, a, key, 0, "\"%.60s\" is not an absolute path; start it with /", path);
}

static void check_mail_address(struct config_parse *p, const struct config_alert *a, const char *key,
			       uint32_t index, const char *text)
{
	const char *at = strchr(text, '@');
	bool good = at && at > text && at[1] && !strchr(at + 1, '@');

	for (const char *c = text; *c && good; c++)
		good = (unsigned char)*c > ' ' && *c != 0x7f && !strchr("<>,;:\"\\()[]", *c);
	if (text[0] && !good)
		config_fail(p, a, key, index,
			    "\"%.60s\" is no mail address; write one such as noc@example.com", text);
}

static void check_events(struct config_parse *p, const struct config_alert *a)
{
	for (uint32_t i = 0; i < a->events_count; i++) {
		const char *name = a->events[i], *near = alert_event_suggest(name);

		if (alert_event_parse(name) >= ALERT_CHOOSABLE)
			config_fail(p, a, "events", i, "\"%s\" is no event%s%s%s; docs/ALERTS.md lists them",
				    name, near ? " (did you mean \"" : "", near ? near : "",
				    near ? "\"?)" : "");
	}
}

static void check_alert(struct config_parse *p, const struct config *c, const struct config_alert *a)
{
	for (uint32_t i = 0; &c->alerts[i] != a; i++)
		if (!strcmp(c->alerts[i].name, a->name))
			config_fail(p, a, NULL, 0, "alert %s is there twice; remove one", a->name);
	if (p->errors->count == 0) /* else the type may be none that was written */
		check_keys(p, a);
	check_url(p, a);
	check_path(p, a, "program", a->program);
	check_path(p, a, "password-file", a->password_file);
	check_path(p, a, "token-file", a->token_file);
	check_path(p, a, "secret-file", a->secret_file);
	check_path(p, a, "ca-file", a->ca_file);
	check_mail_address(p, a, "from", 0, a->from);
	for (uint32_t i = 0; i < a->to_count; i++)
		check_mail_address(p, a, "to", i, a->to[i]);
	check_events(p, a);
}

void config_check_alerts(struct config_parse *p, struct config *c)
{
	if (c->alerts_count && !c->alerting_count) {
		config_section_defaults("alerting", &c->alerting[0]);
		c->alerting_count = 1;
	}
	for (uint32_t i = 0; i < c->alerts_count; i++)
		check_alert(p, c, &c->alerts[i]);
	for (uint32_t i = 0; i < c->certificates_count; i++) {
		const struct config_certificate *x = &c->certificates[i];

		if (x->file[0] && x->file[0] != '/')
			config_fail(p, x, "file", 0, "\"%.60s\" is not an absolute path; start it with /",
				    x->file);
		if (x->critical_days > x->warning_days)
			config_fail(p, x, "critical", 0,
				    "%u days are more than the %u of warning; choose fewer", x->critical_days,
				    x->warning_days);
	}
}
