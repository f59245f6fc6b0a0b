/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two nodes with real sockets on 127.0.0.0/8, two links each. Nothing here waits: a datagram sent over the
 * loopback is there when send returns.
 */
#include "clock_read.h"
#include "pulse_io.h"
#include "pulse_sample.h"
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct side {
	struct pulse_io *io;
	struct heartbeat_proof proof;
	int heard, hellos, views, messages, parcels, alarms;
	char parcel[PULSE_PARCEL_MAX + 1];
	bool hears_me;
	struct lease_msg message;
	struct lease_view view;
	group_index_t group;
	struct pulse_alarm alarm;
};

static struct side one, two;
static uint16_t port;

static void on_heard(void *ctx, const struct pulse_source *s)
{
	struct side *side = ctx;

	side->heard++;
	side->hears_me = s->hears_me;
	ck_assert_int_gt(s->at.raw.ns, 0);
}

static void on_hello(void *ctx, const struct pulse_source *s)
{
	struct side *side = ctx;

	side->hellos++;
	ck_assert_int_gt(s->at.raw.ns, 0);
}

static void on_view(void *ctx, const struct pulse_source *s, group_index_t g, const struct lease_view *v)
{
	struct side *side = ctx;

	side->views++;
	side->group = g;
	side->view = *v;
}

static void on_message(void *ctx, const struct pulse_source *s, const struct lease_msg *m)
{
	struct side *side = ctx;

	side->messages++;
	side->message = *m;
}

static void on_parcel(void *ctx, const struct pulse_source *s, const uint8_t *data, uint8_t len)
{
	struct side *side = ctx;

	ck_assert_uint_ne(s->node, 0);
	side->parcels++;
	(void)snprintf(side->parcel, sizeof side->parcel, "%.*s", len, (const char *)data);
}

static void on_alarm(void *ctx, const struct pulse_alarm *a)
{
	struct side *side = ctx;

	side->alarms++;
	side->alarm = *a;
}

static const struct pulse_io_ops ops = {
	.heard = on_heard,
	.hello = on_hello,
	.view = on_view,
	.message = on_message,
	.parcel = on_parcel,
	.alarm = on_alarm,
};

static void configure(struct pulse_io_config *c, node_id_t self, const char *cluster)
{
	memset(c, 0, sizeof *c);
	c->peers.self = self;
	(void)snprintf(c->peers.cluster, sizeof c->peers.cluster, "%s", cluster);
	ck_assert_int_eq(crypto_random(&c->peers.incarnation, sizeof c->peers.incarnation), 0);
	c->peers.groups_count = 2;
	c->peers.groups[0] = SAMPLE_GROUP;
	c->peers.groups[1] = SAMPLE_GROUP + 1;
	c->port = port;
	c->peers.nodes_count = 2;
	for (node_id_t n = 1; n <= 2; n++) {
		c->peers.nodes[n - 1].id = n;
		c->peers.nodes[n - 1].public_key = sample_key(n).public_key;
		for (uint8_t l = 0; l < 2; l++)
			c->links[n][l] = ip_make(AF_INET, (const uint8_t[]){ 127, 77, l, n });
	}
}

static void start(struct side *s, node_id_t self, const char *cluster)
{
	static struct pulse_io_config c;
	struct node_key key = sample_key(self);

	memset(s, 0, sizeof *s);
	configure(&c, self, cluster);
	ck_assert_int_eq(pulse_io_new(&c, &key, &s->proof, &ops, s, clock_now(), &s->io), 0);
	ck_assert_int_ge(pulse_io_fd(s->io, 0), 0);
	ck_assert_int_ge(pulse_io_fd(s->io, 1), 0);
	ck_assert_int_eq(pulse_io_fd(s->io, 2), -1);
}

/* A port of one's own, so that two test runs do not meet. */
static void open_both(void)
{
	port = (uint16_t)(20000 + getpid() % 20000);
	start(&one, 1, SAMPLE_CLUSTER);
	start(&two, 2, SAMPLE_CLUSTER);
}

static void close_both(void)
{
	pulse_io_free(one.io);
	pulse_io_free(two.io);
}

/* Until nobody has anything to say. */
static void deliver(void)
{
	for (int i = 0; i < 8; i++)
		for (uint8_t l = 0; l < 2; l++) {
			pulse_io_readable(one.io, l);
			pulse_io_readable(two.io, l);
		}
}

static int pulse(struct side *from, node_id_t to, uint8_t views, const struct lease_msg *m, uint8_t count)
{
	struct lease_view v[2] = { sample_view(), { .votes = true } };

	return pulse_io_send(from->io, to, v, views, m, count, node_bit(to), clock_now());
}

static void meet(void)
{
	ck_assert_int_eq(pulse(&one, 2, 2, NULL, 0), 0);
	deliver();
	one.heard = two.heard = one.views = two.views = 0;
}

START_TEST(one_pulse_is_heard_once_over_two_links)
{
	struct lease_msg m = sample_message(LEASE_REQUEST);
	struct pulse_link_status status;

	open_both();
	meet();
	m.group = 1;
	one.proof.sequence = 55;
	ck_assert_int_eq(pulse(&one, 2, 2, &m, 1), 0);
	deliver();
	ck_assert_int_eq(two.heard, 1);
	ck_assert_int_eq(two.views, 2);
	ck_assert_int_eq(two.messages, 1);
	ck_assert(two.hears_me);
	ck_assert_uint_eq(two.message.group, 1);
	ck_assert_uint_eq(two.message.from, 1);
	ck_assert_uint_eq(two.message.to, 2);
	ck_assert_int_eq(pulse_io_count(two.io, 1, PULSE_DUPLICATE) >= 1, 1);
	ck_assert_uint_eq(two.proof.node[1].sequence, 55);
	ck_assert_uint_ne(two.proof.node[1].incarnation, 0);
	for (uint8_t l = 0; l < 2; l++) {
		pulse_io_link_status(two.io, 1, l, &status);
		ck_assert(status.configured);
		ck_assert_int_gt(status.heard_at.ns, 0); /* each link by itself */
		ck_assert_int_eq(status.last_error, 0);
	}
	ck_assert_int_eq(one.alarms + two.alarms, 0);
	close_both();
}
END_TEST

START_TEST(parcels_come_once_each)
{
	static const uint8_t full[PULSE_PARCEL_MAX] = "the longest";
	const struct pulse_parcel parcels[PULSE_PARCELS_MAX + 1] = {
		{ full, PULSE_PARCEL_MAX },
		{ full, PULSE_PARCEL_MAX },
		{ full, PULSE_PARCEL_MAX },
		{ (const uint8_t *)"last", 4 },
	};

	open_both();
	ck_assert_int_eq(pulse_io_send_parcels(one.io, 2, parcels, 4, clock_now()), 0);
	deliver();
	ck_assert_int_eq(two.parcels, 0); /* nobody has proved yet that he is of now */
	meet();
	ck_assert_int_eq(pulse_io_send_parcels(one.io, 2, parcels, 4, clock_now()), 0);
	deliver();
	ck_assert_int_eq(two.parcels, 4);
	ck_assert_str_eq(two.parcel, "last");
	ck_assert_int_eq(two.messages + two.views, 0);
	ck_assert_int_eq(pulse(&one, 2, 2, NULL, 0), 0); /* they are not in what is sent next */
	deliver();
	ck_assert_int_eq(two.parcels, 4);
	ck_assert_int_eq(pulse_io_send_parcels(one.io, 2, parcels, 5, clock_now()), -EINVAL);
	ck_assert_int_eq(pulse_io_send_parcels(one.io, 2, parcels + 4, 1, clock_now()), -EINVAL); /* empty */
	ck_assert_int_eq(pulse_io_send_parcels(one.io, 9, parcels, 1, clock_now()), -ENOENT);
	close_both();
}
END_TEST

START_TEST(first_pulse_after_a_start_is_answered_at_once)
{
	open_both();
	ck_assert_int_eq(pulse(&one, 2, 2, NULL, 0), 0);
	deliver();
	ck_assert_int_gt(one.heard, 0); /* answers count: both have met by this one pulse */
	ck_assert_int_gt(two.heard, 0);
	pulse_io_free(two.io);
	start(&two, 2, SAMPLE_CLUSTER);
	ck_assert_int_eq(pulse(&two, 1, 0, NULL, 0), 0);
	deliver();
	ck_assert_int_gt(two.heard, 0);
	two.heard = 0;
	ck_assert_int_eq(pulse(&one, 2, 1, NULL, 0), 0);
	deliver();
	ck_assert_int_eq(two.heard, 1);
	close_both();
}
END_TEST

START_TEST(round_trips_are_measured)
{
	struct pulse_link_status status;

	open_both();
	meet();
	for (int i = 0; i < 4; i++) {
		(void)pulse(&one, 2, 0, NULL, 0);
		deliver();
		(void)pulse(&two, 1, 0, NULL, 0);
		deliver();
	}
	pulse_io_link_status(one.io, 2, 0, &status);
	ck_assert_uint_gt(status.rtt_us, 0);
	ck_assert_uint_lt(status.rtt_us, 5000000);
	close_both();
}
END_TEST

START_TEST(many_messages_are_split)
{
	struct lease_msg m[100];

	open_both();
	meet();
	for (int i = 0; i < 100; i++) {
		m[i] = sample_message(LEASE_REFUSE);
		m[i].group = 0;
		m[i].promise_left_ns = i % 2 ? -5 : INT64_MAX; /* just run out; absurd: both are put right */
	}
	ck_assert_int_eq(pulse(&one, 2, 2, m, 100), 0);
	deliver();
	ck_assert_int_eq(two.messages, 100);
	ck_assert_int_gt(two.heard, 3);
	ck_assert_int_eq(two.views, 2);
	close_both();
}
END_TEST

START_TEST(unknown_groups_are_skipped)
{
	struct lease_msg m = sample_message(LEASE_RELEASE_ACK);
	const uint32_t other[] = { 7, SAMPLE_GROUP };

	open_both();
	meet();
	pulse_io_set_groups(two.io, other, 2);
	m.group = 1;
	ck_assert_int_eq(pulse(&one, 2, 2, &m, 1), 0);
	deliver();
	ck_assert_int_eq(two.heard, 1);
	ck_assert_int_eq(two.views, 1);
	ck_assert_uint_eq(two.group, 1); /* by its own index */
	ck_assert_int_eq(two.messages, 0);
	ck_assert_uint_eq(pulse_io_skipped(two.io), 2);
	m.group = 9; /* gone by a reload: not sent at all */
	ck_assert_int_eq(pulse(&one, 2, 2, &m, 1), 0);
	close_both();
}
END_TEST

static void inject(const void *data, size_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(0x7f4d0002) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(sendto(fd, data, len, 0, (struct sockaddr *)&to, sizeof to), (ssize_t)len);
	(void)close(fd);
	pulse_io_readable(two.io, 0);
}

static size_t record(uint8_t *buf, size_t size)
{
	ssize_t n = recv(pulse_io_fd(two.io, 0), buf, size, 0);

	ck_assert_int_gt(n, 0);
	while (recv(pulse_io_fd(two.io, 1), buf, size, 0) > 0)
		;
	return (size_t)n;
}

/* One direction only, and the other has no session: it hears hellos. One that is played again says nothing.
 */
START_TEST(a_hello_is_told_once)
{
	static uint8_t old[3][PULSE_SIZE_MAX];
	size_t len[3];

	open_both();
	for (int i = 0; i < 3; i++) {
		(void)pulse(&one, 2, 2, NULL, 0);
		len[i] = record(old[i], sizeof old[i]);
		if (i == 1) {
			pulse_io_free(one.io);
			start(&one, 1, SAMPLE_CLUSTER);
		}
	}
	for (int i = 1; i <= 3; i++) {
		(void)pulse(&one, 2, 2, NULL, 0);
		pulse_io_readable(two.io, 0);
		pulse_io_readable(two.io, 1);
		ck_assert_int_eq(two.hellos, i);
	}
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < 3; i++)
			inject(old[i], len[i]);
	ck_assert_int_eq(two.hellos, 5); /* two of a process that was not heard before */
	ck_assert_int_eq(two.heard + two.views, 0);
	close_both();
}
END_TEST

static size_t forge(uint8_t *buf, void (*change)(struct pulse *))
{
	static struct pulse p;
	int len;

	sample_pulse(&p);
	if (change)
		change(&p);
	len = pulse_encode(&p, buf, PULSE_SIZE_MAX);
	ck_assert_int_gt(len, 0);
	memset(buf + len, 0x55, PULSE_TAG_SIZE);
	return (size_t)len + PULSE_TAG_SIZE;
}

static void of_stranger(struct pulse *p)
{
	p->from = 3;
}

static void of_other_cluster(struct pulse *p)
{
	p->cluster++;
}

/* A peer that is heard but cannot prove who it is, is not a silent peer. */
START_TEST(forgeries_raise_alarms_and_change_nothing)
{
	uint8_t buf[PULSE_SIZE_MAX + 100];
	size_t len;

	open_both();
	meet();
	inject("x", 1);
	memset(buf, 0, sizeof buf);
	inject(buf, sizeof buf);	 /* longer than any pulse */
	ck_assert_int_eq(two.alarms, 0); /* anything may come to a UDP port */
	len = forge(buf, NULL);
	for (int i = 0; i < 50; i++)
		inject(buf, len);
	ck_assert_int_eq(two.alarms, 1); /* not 50 */
	ck_assert_int_eq(two.alarm.kind, PULSE_ALARM_BAD_TAG);
	ck_assert_uint_eq(two.alarm.node, 1);
	ck_assert_int_eq(two.alarm.from.bytes[0], 127);
	ck_assert_uint_eq(pulse_io_count(two.io, 1, PULSE_BAD_TAG), 50);
	inject(buf, forge(buf, of_stranger));
	ck_assert_int_eq(two.alarm.kind, PULSE_ALARM_UNKNOWN_SENDER);
	ck_assert_uint_eq(two.alarm.node, 3);
	inject(buf, forge(buf, of_other_cluster));
	ck_assert_int_eq(two.alarm.kind, PULSE_ALARM_WRONG_CLUSTER);
	buf[4]++;
	inject(buf, len);
	ck_assert_int_eq(two.alarm.kind, PULSE_ALARM_VERSION);
	ck_assert_int_eq(two.heard, 0);
	ck_assert_int_eq(pulse(&one, 2, 0, NULL, 0), 0);
	deliver();
	ck_assert_int_eq(two.heard, 1);
	close_both();
}
END_TEST

START_TEST(a_flood_does_not_hold_the_loop)
{
	uint8_t buf[PULSE_SIZE_MAX];
	size_t len;

	open_both();
	meet();
	len = forge(buf, NULL);
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 100; k++) {
			struct sockaddr_in to = { .sin_family = AF_INET,
						  .sin_port = htons(port),
						  .sin_addr.s_addr = htonl(0x7f4d0002) };

			(void)sendto(pulse_io_fd(one.io, 0), buf, len, 0, (struct sockaddr *)&to, sizeof to);
		}
	pulse_io_readable(two.io, 0);
	ck_assert_uint_eq(pulse_io_count(two.io, 1, PULSE_BAD_TAG), 64);
	close_both();
}
END_TEST

START_TEST(a_missing_address_is_no_end)
{
	static struct pulse_io_config c;
	struct node_key key = sample_key(1);
	struct pulse_link_status status;

	open_both();
	pulse_io_free(one.io);
	memset(&one, 0, sizeof one);
	configure(&c, 1, SAMPLE_CLUSTER);
	c.links[1][1] =
		ip_make(AF_INET, (const uint8_t[]){ 192, 0, 2, 1 }); /* not here, but a socket all the same */
	ck_assert_int_eq(pulse_io_new(&c, &key, &one.proof, &ops, &one, clock_now(), &one.io), 0);
	ck_assert_int_eq(pulse(&one, 2, 1, NULL, 0), 0); /* the other link works */
	pulse_io_link_status(one.io, 2, 1, &status);
	ck_assert_uint_eq(status.send_errors, 1);
	ck_assert_int_ne(status.last_error, 0);
	close_both();
}
END_TEST

START_TEST(a_port_in_use_is_tried_again)
{
	struct side second = { 0 };
	static struct pulse_io_config c;
	struct node_key key = sample_key(1);
	struct instant later = clock_now();

	open_both();
	configure(&c, 1, SAMPLE_CLUSTER);
	ck_assert_int_eq(pulse_io_new(&c, &key, &second.proof, &ops, &second, later, &second.io), 0);
	ck_assert_int_eq(pulse_io_fd(second.io, 0), -1);
	ck_assert_int_eq(pulse(&second, 2, 1, NULL, 0), -ENODEV);
	pulse_io_free(one.io);
	one = second;
	later.boot.ns += 2 * NS_PER_S;
	pulse_io_tick(one.io, later);
	ck_assert_int_ge(pulse_io_fd(one.io, 0), 0);
	close_both();
}
END_TEST

START_TEST(refuses_a_broken_configuration)
{
	static struct pulse_io_config c;
	struct node_key key = sample_key(1);
	struct pulse_io *io;

	open_both();
	ck_assert_int_eq(pulse(&one, 1, 1, NULL, 0), -ENOENT);
	ck_assert_int_eq(pulse(&one, 3, 1, NULL, 0), -ENOENT);
	configure(&c, 1, SAMPLE_CLUSTER);
	c.peers.nodes[1].id = 1;
	ck_assert_int_eq(pulse_io_new(&c, &key, &one.proof, &ops, &one, clock_now(), &io), -EINVAL);
	configure(&c, 1, SAMPLE_CLUSTER);
	c.peers.self = 5;
	ck_assert_int_eq(pulse_io_new(&c, &key, &one.proof, &ops, &one, clock_now(), &io), -EINVAL);
	configure(&c, 1, SAMPLE_CLUSTER);
	memset(&c.peers.nodes[1].public_key, 0, sizeof c.peers.nodes[1].public_key);
	ck_assert_int_eq(pulse_io_new(&c, &key, &one.proof, &ops, &one, clock_now(), &io), -EKEYREJECTED);
	close_both();
}
END_TEST

UNIT_MAIN("pulse_io", one_pulse_is_heard_once_over_two_links, parcels_come_once_each,
	  first_pulse_after_a_start_is_answered_at_once, round_trips_are_measured, many_messages_are_split,
	  unknown_groups_are_skipped, a_hello_is_told_once, forgeries_raise_alarms_and_change_nothing,
	  a_flood_does_not_hold_the_loop, a_missing_address_is_no_end, a_port_in_use_is_tried_again,
	  refuses_a_broken_configuration)
