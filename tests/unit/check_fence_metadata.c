/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fence_metadata.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct fence_metadata m;
static char why[120];

static int parse(const char *text)
{
	return fence_metadata_parse(text, strlen(text), &m, why, sizeof why);
}

START_TEST(knows_parameters_and_actions)
{
	const struct fence_metadata_parameter *p;

	ck_assert_int_eq(
		parse("<resource-agent name='x'><parameters>"
		      "<parameter name='ip' required='1' obsoletes='ipaddr'><content "
		      "type='string'/></parameter>"
		      "<parameter name='ipaddr' required='1' deprecated='1'/>"
		      "<parameter name='port' required='1'/>"
		      "<parameter name='power_wait'><content type='second' default='2'/></parameter>"
		      "</parameters><actions><action name='off'/><action name='status'/><action name='list'/>"
		      "</actions></resource-agent>"),
		0);
	ck_assert_uint_eq(m.count, 4);
	ck_assert_uint_eq(m.actions, FENCE_HAS_OFF | FENCE_HAS_STATUS);
	p = fence_metadata_find(&m, "ip=10.0.0.1", 2);
	ck_assert_ptr_nonnull(p);
	ck_assert(p->required && !p->deprecated);
	ck_assert_str_eq(p->obsoletes, "ipaddr");
	p = fence_metadata_find(&m, "power-wait", 10);
	ck_assert_ptr_nonnull(p);
	ck_assert_str_eq(p->default_text, "2");
	ck_assert(!p->required);
	ck_assert_ptr_null(fence_metadata_find(&m, "power", 5));
	ck_assert_ptr_null(fence_metadata_find(&m, "power_wait_", 11));
	ck_assert_str_eq(fence_metadata_plug(&m)->name, "port");
	ck_assert_str_eq(fence_metadata_suggest(&m, "power_wiat"), "power_wait");
	ck_assert_pstr_eq(fence_metadata_suggest(&m, "colour"), NULL);
}
END_TEST

START_TEST(an_old_spelling_is_not_another_parameter)
{
	ck_assert_int_eq(parse("<resource-agent><parameters><parameter name='systems-uri' deprecated='1'/>"
			       "<parameter name='systems_uri' "
			       "obsoletes='systems-uri'/></parameters></resource-agent>"),
			 0);
	ck_assert(!fence_metadata_find(&m, "systems_uri", 11)->deprecated);
	ck_assert(!fence_metadata_find(&m, "systems-uri", 11)->deprecated);
}
END_TEST

START_TEST(says_what_is_wrong)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "line 1: no element found" },
		{ "<html/>", "line 1: not a <resource-agent>" },
		{ "<resource-agent>\n<parameter/></resource-agent>",
		  "line 2: a parameter without a name, or with one that is too long" },
		{ "<resource-agent>", "line 1: no element found" },
		{ "Traceback (most recent call last):", "line 1: syntax error" },
		{ "<!DOCTYPE a [<!ENTITY x 'y'>]><resource-agent/>",
		  "line 1: declarations of its own in it" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ck_assert_int_eq(parse(cases[i].text), -EINVAL);
		ck_assert_str_eq(why, cases[i].why);
	}
}
END_TEST

START_TEST(has_limits)
{
	static char text[FENCE_METADATA_PARAMETERS_MAX * 32 + 1000];
	size_t n = (size_t)sprintf(text, "<resource-agent>");

	for (int i = 0; i < FENCE_METADATA_PARAMETERS_MAX; i++)
		n += (size_t)sprintf(text + n, "<parameter name='p%d'/>", i);
	(void)sprintf(text + n, "</resource-agent>");
	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(m.count, FENCE_METADATA_PARAMETERS_MAX);
	(void)sprintf(text + n, "<parameter name='more'/></resource-agent>");
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_str_eq(why, "line 1: too many parameters");
	n = 0;
	for (int i = 0; i < 40; i++)
		n += (size_t)sprintf(text + n, "<resource-agent>");
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_str_eq(why, "line 1: too deep");
}
END_TEST

UNIT_MAIN("fence_metadata", knows_parameters_and_actions, an_old_spelling_is_not_another_parameter,
	  says_what_is_wrong, has_limits)
