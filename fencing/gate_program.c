/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gate_program.h"

#include "cleanup.h"
#include "gate.h"
#include "gate.skel.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

_Static_assert(GATE_AHEAD_MAX == GATE_AHEAD_MAX_NS, "the program and gate.h must agree");

#define PROGRAM_MAPS_MAX 16
#define MAPS_REQUIRED	 3 /* slots, v4, v6 */

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0; /* below agent/ nothing is logged; what matters comes back as errors */
}

static size_t slots_size(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = GATE_SLOTS * sizeof(struct gate_slot);

	return (size + page - 1) / page * page;
}

/* ---- adoption ---- */

/* Is the map of that descriptor, left by another build perhaps, what this build would have made? */
static bool map_fits(const struct bpf_map *want, const struct bpf_map_info *have)
{
	return have->type == bpf_map__type(want) && have->key_size == bpf_map__key_size(want) &&
	       have->value_size == bpf_map__value_size(want) &&
	       have->max_entries == bpf_map__max_entries(want) &&
	       (have->map_flags & BPF_F_MMAPABLE) == (bpf_map__map_flags(want) & BPF_F_MMAPABLE);
}

/* Takes one map of the old program if it is one of ours. Returns 1 if it is one of those that each gate has
 * had, else 0. */
static int adopt_map(struct gate_bpf *skeleton, uint32_t id)
{
	struct bpf_map *const wanted[] = { skeleton->maps.rk_slots, skeleton->maps.rk_v4,
					   skeleton->maps.rk_v6,    skeleton->maps.rk_mac,
					   skeleton->maps.rk_peer4, skeleton->maps.rk_peer6 };
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof info;
	_cleanup_(close_fd) int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		if (strncmp(info.name, bpf_map__name(wanted[i]), sizeof info.name))
			continue;
		if (!map_fits(wanted[i], &info))
			return -ENOENT;
		if (bpf_map__reuse_fd(wanted[i], fd) < 0) /* duplicates fd */
			return -errno;
		return i < MAPS_REQUIRED;
	}
	return 0;
}

static int adopt_maps(struct gate_bpf *skeleton, uint32_t program_id)
{
	uint32_t ids[PROGRAM_MAPS_MAX] = { 0 };
	struct bpf_prog_info info = { .nr_map_ids = PROGRAM_MAPS_MAX, .map_ids = (uintptr_t)ids };
	uint32_t len = sizeof info;
	int found = 0;
	_cleanup_(close_fd) int fd = bpf_prog_get_fd_by_id(program_id);

	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	for (uint32_t i = 0; i < info.nr_map_ids && i < PROGRAM_MAPS_MAX; i++) {
		int r = adopt_map(skeleton, ids[i]);

		if (r < 0)
			return r;
		found += r;
	}
	return found == MAPS_REQUIRED ? 0 : -ENOENT;
}

/* Slots of another layout would be misread. */
static bool layout_known(const struct gate_slot *slots)
{
	for (int i = 0; i < GATE_SLOTS; i++)
		if (slots[i].owner && slots[i].owner >> 32 != GATE_LAYOUT)
			return false;
	return true;
}

/* ---- loading ---- */

/* Loading failed: which of the things that we need is missing? */
static int explain_load(int error, struct sentence *reterr)
{
	if (error == -EPERM)
		return sentence_fail(reterr, error,
				     "no permission to load the gate: CAP_BPF (or CAP_SYS_ADMIN) and "
				     "CAP_NET_ADMIN are needed at start");
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SCHED_CLS, NULL) != 1)
		return sentence_fail(reterr, -EOPNOTSUPP,
				     "this kernel has no BPF for traffic control (CONFIG_BPF_SYSCALL, "
				     "CONFIG_NET_CLS_BPF), which the gate needs");
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_ktime_get_boot_ns, NULL) != 1)
		return sentence_fail(reterr, -EOPNOTSUPP,
				     "this kernel's BPF cannot read CLOCK_BOOTTIME (bpf_ktime_get_boot_ns, "
				     "Linux 5.8), which the gate needs");
	if (error == -EINVAL)
		return sentence_fail(reterr, -EOPNOTSUPP,
				     "this kernel does not take the gate's program or its mmap-able array "
				     "(Linux 5.5 for the array)");
	return sentence_fail(reterr, error, "the gate's program cannot be loaded: %s", strerror(-error));
}

static int map_slots(struct gate_program *p, struct sentence *reterr)
{
	void *m = mmap(NULL, slots_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(p->skeleton->maps.rk_slots), 0);

	if (m == MAP_FAILED)
		return sentence_fail(reterr, -EOPNOTSUPP,
				     "this kernel cannot map a BPF array into a process (Linux 5.5): %s",
				     strerror(errno));
	p->slots = m;
	return 0;
}

static int explain_adopt(int error, struct sentence *reterr)
{
	if (error == -EPERM)
		return sentence_fail(
			reterr, error,
			"a gate is in the kernel already, but adopting it needs CAP_SYS_ADMIN at "
			"start");
	return sentence_fail(reterr, -ENOENT, "no gate of ours, or of another layout");
}

static int program_load(struct gate_program *p, uint32_t candidate, struct sentence *reterr)
{
	int r;

	p->skeleton = gate_bpf__open();
	if (!p->skeleton)
		return sentence_fail(reterr, -errno, "the gate's program cannot be read: %s",
				     strerror(errno));
	if (candidate) {
		r = adopt_maps(p->skeleton, candidate);
		if (r < 0)
			return explain_adopt(r, reterr);
	}
	r = gate_bpf__load(p->skeleton);
	if (r < 0)
		return explain_load(r, reterr);
	r = map_slots(p, reterr);
	if (r < 0)
		return r;
	if (candidate && !layout_known(p->slots))
		return explain_adopt(-ENOENT, reterr);
	p->adopted = candidate != 0;
	return 0;
}

int gate_program_open(struct gate_program *p, uint32_t candidate, struct sentence *reterr)
{
	int r;

	libbpf_set_print(quiet);
	*p = (struct gate_program){ 0 };
	r = program_load(p, candidate, reterr);
	if (r < 0)
		gate_program_close(p);
	return r;
}

void gate_program_close(struct gate_program *p)
{
	if (p->slots)
		(void)munmap(p->slots, slots_size());
	if (p->skeleton)
		gate_bpf__destroy(p->skeleton);
	*p = (struct gate_program){ 0 };
}

int gate_program_fd(const struct gate_program *p, bool ethernet, enum gate_direction d)
{
	const struct bpf_program *program;

	if (ethernet)
		program = d == GATE_IN ? p->skeleton->progs.rk_frame_in : p->skeleton->progs.rk_frame_out;
	else
		program = d == GATE_IN ? p->skeleton->progs.rk_packet_in : p->skeleton->progs.rk_packet_out;
	return bpf_program__fd(program);
}

uint32_t gate_program_id(const struct gate_program *p, bool ethernet, enum gate_direction d)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof info;

	return bpf_obj_get_info_by_fd(gate_program_fd(p, ethernet, d), &info, &len) < 0 ? 0 : info.id;
}

/* Newer than the headers that we build with. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_TCX_EGRESS  47

bool gate_program_preceded(int ifindex, enum gate_direction d)
{
	LIBBPF_OPTS(bpf_prog_query_opts, opts);
	int type = d == GATE_IN ? ATTACH_TCX_INGRESS : ATTACH_TCX_EGRESS;

	/* An older kernel does not know the type and has no tcx. */
	return bpf_prog_query_opts(ifindex, (enum bpf_attach_type)type, &opts) == 0 && opts.prog_cnt > 0;
}

/* ---- addresses ---- */

static int address_map(const struct gate_program *p, const struct ip_address *ip)
{
	assert(ip->family == AF_INET || ip->family == AF_INET6);
	return bpf_map__fd(ip->family == AF_INET ? p->skeleton->maps.rk_v4 : p->skeleton->maps.rk_v6);
}

int gate_program_cover(struct gate_program *p, const struct ip_address *ip, uint32_t slot)
{
	return bpf_map_update_elem(address_map(p, ip), ip->bytes, &slot, BPF_ANY) < 0 ? -errno : 0;
}

#define KEY_MAX sizeof(struct gate_peer6)

/* f gets the key; true: it is removed. */
static int prune_map(int fd, bool (*f)(void *ctx, const uint8_t *key), void *ctx)
{
	uint8_t key[KEY_MAX] = { 0 }, next[KEY_MAX] = { 0 };
	/* The next key is asked for before this one is removed: of a key that is gone the kernel starts
	 * again. */
	int more = bpf_map_get_next_key(fd, NULL, key);

	for (unsigned i = 0; more == 0 && i < GATE_ADDRESSES_MAX; i++) {
		more = bpf_map_get_next_key(fd, key, next);
		if (f(ctx, key) && bpf_map_delete_elem(fd, key) < 0 && errno != ENOENT)
			return -errno;
		memcpy(key, next, sizeof key);
	}
	return 0;
}

struct prune {
	uint8_t family;
	bool (*ip)(void *ctx, const struct ip_address *ip);
	bool (*mac)(void *ctx, const struct mac_address *mac);
	bool (*peer)(void *ctx, const struct ip_prefix *prefix);
	void *ctx;
};

static bool prune_ip(void *ctx, const uint8_t *key)
{
	const struct prune *prune = ctx;
	const struct ip_address ip = ip_make(prune->family, key);

	return prune->ip(prune->ctx, &ip);
}

static bool prune_mac(void *ctx, const uint8_t *key)
{
	const struct prune *prune = ctx;
	struct mac_address mac;

	memcpy(mac.bytes, key, sizeof mac.bytes);
	return prune->mac(prune->ctx, &mac);
}

int gate_program_prune(struct gate_program *p, bool (*f)(void *ctx, const struct ip_address *ip), void *ctx)
{
	struct prune v4 = { .family = AF_INET, .ip = f, .ctx = ctx };
	struct prune v6 = { .family = AF_INET6, .ip = f, .ctx = ctx };
	int r = prune_map(bpf_map__fd(p->skeleton->maps.rk_v4), prune_ip, &v4);

	return r < 0 ? r : prune_map(bpf_map__fd(p->skeleton->maps.rk_v6), prune_ip, &v6);
}

int gate_program_cover_mac(struct gate_program *p, const struct mac_address *mac, uint32_t slot)
{
	static const uint8_t prefix[] = GATE_MAC_PREFIX;

	if (memcmp(mac->bytes, prefix, sizeof prefix))
		return -EINVAL;
	return bpf_map_update_elem(bpf_map__fd(p->skeleton->maps.rk_mac), mac->bytes, &slot, BPF_ANY) < 0
		       ? -errno
		       : 0;
}

int gate_program_prune_macs(struct gate_program *p, bool (*f)(void *ctx, const struct mac_address *mac),
			    void *ctx)
{
	struct prune prune = { .mac = f, .ctx = ctx };

	return prune_map(bpf_map__fd(p->skeleton->maps.rk_mac), prune_mac, &prune);
}

/* ---- trunk peers ---- */

/* Both kinds of key: the length, then the address. */
static void peer_key(const struct ip_prefix *prefix, uint8_t ret[KEY_MAX])
{
	uint32_t length = prefix->length;

	memset(ret, 0, KEY_MAX);
	memcpy(ret, &length, sizeof length);
	memcpy(ret + sizeof length, prefix->ip.bytes, ip_length(&prefix->ip));
}

static int peer_map(const struct gate_program *p, const struct ip_prefix *prefix)
{
	assert(prefix->ip.family == AF_INET || prefix->ip.family == AF_INET6);
	return bpf_map__fd(prefix->ip.family == AF_INET ? p->skeleton->maps.rk_peer4
							: p->skeleton->maps.rk_peer6);
}

static bool peer_find(const struct gate_program *p, const struct ip_prefix *prefix,
		      struct gate_peer_value *ret)
{
	struct gate_peer_value value;
	uint8_t key[KEY_MAX];

	peer_key(prefix, key);
	if (bpf_map_lookup_elem(peer_map(p, prefix), key, &value) < 0 || value.length != prefix->length)
		return false;
	*ret = value;
	return true;
}

int gate_program_cover_peer(struct gate_program *p, const struct ip_prefix *prefix, uint32_t slots)
{
	struct gate_peer_value value = { 0 };
	uint8_t key[KEY_MAX];

	peer_key(prefix, key);
	/* Replaced in one step: no frame finds it missing. */
	if (peer_find(p, prefix, &value) && value.slots == slots)
		return 0;
	value.slots = slots;
	value.length = prefix->length;
	return bpf_map_update_elem(peer_map(p, prefix), key, &value, BPF_ANY) < 0 ? -errno : 0;
}

uint64_t gate_program_peer_drops(const struct gate_program *p, const struct ip_prefix *prefix)
{
	struct gate_peer_value value = { 0 };

	return peer_find(p, prefix, &value) ? value.drops : 0;
}

static bool prune_peer(void *ctx, const uint8_t *key)
{
	const struct prune *prune = ctx;
	struct ip_prefix prefix = { .ip = ip_make(prune->family, key + 4) };
	uint32_t length;

	memcpy(&length, key, sizeof length);
	prefix.length = (uint8_t)length;
	return prune->peer(prune->ctx, &prefix);
}

int gate_program_prune_peers(struct gate_program *p, bool (*f)(void *ctx, const struct ip_prefix *prefix),
			     void *ctx)
{
	struct prune v4 = { .family = AF_INET, .peer = f, .ctx = ctx };
	struct prune v6 = { .family = AF_INET6, .peer = f, .ctx = ctx };
	int r = prune_map(bpf_map__fd(p->skeleton->maps.rk_peer4), prune_peer, &v4);

	return r < 0 ? r : prune_map(bpf_map__fd(p->skeleton->maps.rk_peer6), prune_peer, &v6);
}
