/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_check.h"

#include "fence_request.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

struct check {
	const struct config *c;
	const struct config_fence_device *d;
	const struct fence_metadata *m;
	struct findings *f;
	uint32_t file;
};

static struct place at_device(const struct check *k)
{
	return (struct place){ k->file, k->d->line };
}

static size_t name_length(const char *parameter)
{
	return strcspn(parameter, "=");
}

/* The value that is given to a parameter, or NULL; "" for what comes from the password file. */
static const char *given(const struct check *k, const char *name)
{
	const struct config_fence_device *d = k->d;

	for (uint32_t i = 0; i < d->parameters_count && *name; i++)
		if (fence_parameter_same(d->parameters[i], name_length(d->parameters[i]), name))
			return d->parameters[i] + name_length(d->parameters[i]) + 1;
	if (d->password_file[0] &&
	    fence_parameter_same(d->password_parameter, strlen(d->password_parameter), name))
		return "";
	return NULL;
}

/* ---- parameters ---- */

/* The name that has replaced a deprecated one, or NULL. */
static const char *newer_name(const struct fence_metadata *m, const char *old)
{
	for (size_t i = 0; i < m->count; i++)
		if (!strcmp(m->parameter[i].obsoletes, old))
			return m->parameter[i].name;
	return NULL;
}

static void check_known(const struct check *k, const char *key, int line, const char *name, size_t len)
{
	const struct fence_metadata_parameter *p = fence_metadata_find(k->m, name, len);
	struct place at = { k->file, line };
	char text[RK_NAME_MAX];
	const char *better;

	(void)snprintf(text, sizeof text, "%.*s", (int)len, name);
	if (!p) {
		better = fence_metadata_suggest(k->m, text);
		findings_add(k->f, FINDING_ERROR, at, "%s: %s knows no parameter %s; %s%s%s", key,
			     k->d->agent, text, better ? "did you mean " : "see its man page",
			     better ? better : "", better ? "?" : "");
	} else if (p->deprecated && newer_name(k->m, p->name)) {
		findings_add(k->f, FINDING_NOTE, at, "%s: %s is an old name of %s; write that", key, text,
			     newer_name(k->m, p->name));
	}
}

static bool is_plug(const struct fence_metadata_parameter *p)
{
	return !strcmp(p->name, "plug") || !strcmp(p->name, "port");
}

static void check_required(const struct check *k)
{
	for (size_t i = 0; i < k->m->count; i++) {
		const struct fence_metadata_parameter *p = &k->m->parameter[i];

		if (!p->required || p->deprecated || is_plug(p) || !strcmp(p->name, "action") ||
		    given(k, p->name) || given(k, p->obsoletes))
			continue;
		findings_add(k->f, FINDING_ERROR, at_device(k),
			     "parameters: %s needs %s, and it is missing; add it%s", k->d->agent, p->name,
			     strstr(p->name, "passw") ? " by password-file" : "");
	}
}

static void check_plugs(const struct check *k)
{
	const struct fence_metadata_parameter *plug = fence_metadata_plug(k->m);

	for (uint32_t i = 0; i < k->d->targets_count; i++) {
		const struct config_fence_target *t = &k->d->targets[i];

		if (!plug && t->plug[0])
			findings_add(k->f, FINDING_ERROR, at_device(k),
				     "target %s: %s takes no plug; remove it", t->name, k->d->agent);
		else if (plug && plug->required && !t->plug[0])
			findings_add(k->f, FINDING_ERROR, at_device(k),
				     "target %s: %s needs a plug to know which node is meant; add it",
				     t->name, k->d->agent);
	}
}

/* ---- actions ---- */

static bool reboots(const struct check *k)
{
	for (uint32_t i = 0; i < k->d->targets_count; i++)
		if (config_node_named(k->c, k->d->targets[i].name)->fence_action == FENCE_ACTION_REBOOT)
			return true;
	return false;
}

static void check_actions(const struct check *k)
{
	const struct {
		enum fence_metadata_action action;
		const char *name, *what;
		bool needed;
	} rows[] = {
		{ FENCE_HAS_OFF, "off", "it cannot fence; choose another agent", true },
		{ FENCE_HAS_STATUS, "status", "nothing could prove that a node is off; choose another agent",
		  true },
		{ FENCE_HAS_ON, "on", "its targets cannot be rebooted; set their fence-action = off",
		  reboots(k) },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].needed && !(k->m->actions & rows[i].action))
			findings_add(k->f, FINDING_ERROR, at_device(k), "agent: %s has no action %s: %s",
				     k->d->agent, rows[i].name, rows[i].what);
}

/* ---- what agents do not say ---- */

static void check_tools(const struct check *k)
{
	static const struct {
		const char *parameter, *package;
	} tools[] = { { "ipmitool_path", "ipmitool" }, { "snmpget_path", "snmp" } };

	for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++) {
		const struct fence_metadata_parameter *p =
			fence_metadata_find(k->m, tools[i].parameter, strlen(tools[i].parameter));
		const char *path = given(k, tools[i].parameter);

		if (p && !path)
			path = p->default_text;
		if (p && *path == '/' && access(path, X_OK) < 0)
			findings_add(k->f, FINDING_ERROR, at_device(k),
				     "agent: %s runs %s, which is not there; install the package %s",
				     k->d->agent, path, tools[i].package);
	}
}

static bool value_is(const struct check *k, const char *name, const char *value)
{
	const char *text = given(k, name);

	return text && !strcmp(text, value);
}

/* These look an outlet up once and then use that one for all: the first goes off, and all are said to be off.
 */
static bool one_plug_only(const char *agent)
{
	static const char *const agents[] = { "fence_apc_snmp", "fence_tripplite_snmp", "fence_eaton_snmp",
					      "fence_ipdu", "fence_lindypdu" };

	for (size_t i = 0; i < sizeof agents / sizeof agents[0]; i++)
		if (!strcmp(agent, agents[i]))
			return true;
	return false;
}

static void check_commas(const struct check *k, const char *agent)
{
	for (uint32_t i = 0; i < k->d->targets_count && one_plug_only(agent); i++)
		if (strchr(k->d->targets[i].plug, ','))
			findings_add(
				k->f, FINDING_ERROR, at_device(k),
				"target %s: of several plugs %s turns off the first one and says that all "
				"are off; make one fence-device of each, and put them into one level",
				k->d->targets[i].name, agent);
}

static void check_booleans(const struct check *k)
{
	static const char *const no[] = { "0", "no", "off", "false" };

	for (uint32_t i = 0; i < k->d->parameters_count; i++) {
		const char *text = k->d->parameters[i], *value = text + name_length(text) + 1;
		const struct fence_metadata_parameter *p = fence_metadata_find(k->m, text, name_length(text));

		for (size_t n = 0; n < sizeof no / sizeof no[0] && p && p->boolean; n++)
			if (!strcasecmp(value, no[n]))
				findings_add(k->f, FINDING_NOTE,
					     (struct place){ k->file, k->d->parameters_line[i] },
					     "parameters: %s: many agents only look whether %s is there, and "
					     "take this for yes; leave it out",
					     text, p->name);
	}
}

/* Found in agents, and not to be seen in what they say (docs/FENCING.md, Traps). */
static void check_traps(const struct check *k)
{
	const char *slash = strrchr(k->d->agent, '/'), *agent = slash ? slash + 1 : k->d->agent;

	check_commas(k, agent);
	check_booleans(k);
	if (!strcmp(agent, "fence_redfish") && !given(k, "systems_uri") && !k->d->targets[0].plug[0])
		findings_add(k->f, FINDING_NOTE, at_device(k),
			     "parameters: without systems_uri fence_redfish takes the last system that the "
			     "device lists; name it where there may be more than one");
	if (value_is(k, "snmp_version", "2c"))
		findings_add(k->f, FINDING_NOTE, at_device(k),
			     "parameters: with snmp_version=2c an outlet that does not exist reads as off; "
			     "snmp_version=1 says so");
	if (fence_metadata_find(k->m, "ipmitool_path", strlen("ipmitool_path")) && !given(k, "cipher"))
		findings_add(
			k->f, FINDING_NOTE, at_device(k),
			"parameters: without cipher ipmitool asks the BMC for its ciphers, and some BMCs "
			"make it wait 10 s; cipher=17 or cipher=3 does not ask");
}

void fence_check(const struct config *c, const struct config_fence_device *d, const struct fence_metadata *m,
		 uint32_t file, struct findings *f)
{
	const struct check k = { c, d, m, f, file };

	for (uint32_t i = 0; i < d->parameters_count; i++)
		check_known(&k, "parameters", d->parameters_line[i], d->parameters[i],
			    name_length(d->parameters[i]));
	if (d->password_file[0])
		check_known(&k, "password-parameter", d->line, d->password_parameter,
			    strlen(d->password_parameter));
	check_required(&k);
	check_plugs(&k);
	check_actions(&k);
	check_tools(&k);
	check_traps(&k);
}
