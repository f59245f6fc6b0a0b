/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_metadata.h"

#include "fence_request.h"
#include "words.h"

#include <errno.h>
#include <expat.h>
#include <stdio.h>
#include <string.h>

struct reader {
	struct fence_metadata *m;
	XML_Parser xml;
	unsigned depth;
	struct fence_metadata_parameter *open; /* inside of its element */
	bool agent;			       /* the root is <resource-agent> */
	const char *why;		       /* what made us stop */
};

static void stop(struct reader *r, const char *why)
{
	r->why = why;
	(void)XML_StopParser(r->xml, XML_FALSE); /* nothing can be wrong but that it has stopped */
}

static const char *attribute(const XML_Char **attributes, const char *name)
{
	for (size_t i = 0; attributes[i]; i += 2)
		if (!strcmp(attributes[i], name))
			return attributes[i + 1];
	return "";
}

static bool is_true(const char *value)
{
	return !strcmp(value, "1") || !strcmp(value, "true");
}

/* False if it does not fit, and then to is empty. */
static bool keep(char *to, size_t size, const char *text)
{
	size_t len = strlen(text);

	to[0] = 0;
	if (len >= size)
		return false;
	memcpy(to, text, len + 1);
	return true;
}

static void on_parameter(struct reader *r, const XML_Char **attributes)
{
	struct fence_metadata_parameter *p = &r->m->parameter[r->m->count];

	if (r->m->count == FENCE_METADATA_PARAMETERS_MAX) {
		stop(r, "too many parameters");
		return;
	}
	if (!keep(p->name, sizeof p->name, attribute(attributes, "name")) || !p->name[0] ||
	    !keep(p->obsoletes, sizeof p->obsoletes, attribute(attributes, "obsoletes"))) {
		stop(r, "a parameter without a name, or with one that is too long");
		return;
	}
	p->required = is_true(attribute(attributes, "required"));
	p->deprecated = is_true(attribute(attributes, "deprecated"));
	r->open = p;
	r->m->count++;
}

static void on_content(struct fence_metadata_parameter *p, const XML_Char **attributes)
{
	/* A longer default is of no interest. */
	(void)keep(p->default_text, sizeof p->default_text, attribute(attributes, "default"));
	p->boolean = !strcmp(attribute(attributes, "type"), "boolean");
}

static void on_action(struct reader *r, const char *name)
{
	static const struct {
		const char *name;
		enum fence_metadata_action action;
	} actions[] = {
		{ "on", FENCE_HAS_ON },
		{ "off", FENCE_HAS_OFF },
		{ "reboot", FENCE_HAS_REBOOT },
		{ "status", FENCE_HAS_STATUS },
		{ "validate-all", FENCE_HAS_VALIDATE },
	};

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (!strcmp(name, actions[i].name))
			r->m->actions |= actions[i].action;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = ctx;

	if (r->why)
		return;
	if (++r->depth == 1)
		r->agent = !strcmp(name, "resource-agent");
	if (!r->agent || r->depth > 32)
		stop(r, r->agent ? "too deep" : "not a <resource-agent>");
	else if (!strcmp(name, "parameter"))
		on_parameter(r, attributes);
	else if (!strcmp(name, "content") && r->open)
		on_content(r->open, attributes);
	else if (!strcmp(name, "action"))
		on_action(r, attribute(attributes, "name"));
}

static void on_end(void *ctx, const XML_Char *name)
{
	struct reader *r = ctx;

	r->depth--;
	if (!strcmp(name, "parameter"))
		r->open = NULL;
}

/* No agent needs entities of its own, and expanding them is how XML bites. */
static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *system, const XML_Char *public,
		       int internal)
{
	if (internal)
		stop(ctx, "declarations of its own in it");
}

int fence_metadata_parse(const char *text, size_t len, struct fence_metadata *ret, char *reterr, size_t size)
{
	struct reader r = { .m = ret, .xml = XML_ParserCreate(NULL) };
	enum XML_Status status;

	memset(ret, 0, sizeof *ret);
	if (!r.xml) {
		(void)snprintf(reterr, size, "no memory");
		return -EINVAL;
	}
	XML_SetUserData(r.xml, &r);
	XML_SetElementHandler(r.xml, on_start, on_end);
	XML_SetStartDoctypeDeclHandler(r.xml, on_doctype);
	status = XML_Parse(r.xml, text, (int)len, 1);
	if (status != XML_STATUS_OK)
		(void)snprintf(reterr, size, "line %lu: %s", XML_GetCurrentLineNumber(r.xml),
			       r.why ? r.why : XML_ErrorString(XML_GetErrorCode(r.xml)));
	XML_ParserFree(r.xml);
	return status == XML_STATUS_OK ? 0 : -EINVAL;
}

const struct fence_metadata_parameter *fence_metadata_find(const struct fence_metadata *m, const char *name,
							   size_t name_len)
{
	const struct fence_metadata_parameter *old = NULL;

	/* fence_redfish has systems-uri and systems_uri, which obsoletes the former. */
	for (size_t i = 0; i < m->count; i++) {
		const struct fence_metadata_parameter *p = &m->parameter[i];

		if (!fence_parameter_same(name, name_len, p->name))
			continue;
		if (!p->deprecated)
			return p;
		old = p;
	}
	return old;
}

const char *fence_metadata_suggest(const struct fence_metadata *m, const char *name)
{
	struct words_nearest near = words_nearest(name);

	for (size_t i = 0; i < m->count; i++)
		if (!m->parameter[i].deprecated)
			words_nearest_offer(&near, m->parameter[i].name);
	return near.word;
}

const struct fence_metadata_parameter *fence_metadata_plug(const struct fence_metadata *m)
{
	const struct fence_metadata_parameter *plug = fence_metadata_find(m, "plug", 4);

	return plug ? plug : fence_metadata_find(m, "port", 4);
}
