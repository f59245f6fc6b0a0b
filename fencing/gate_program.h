/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The gate's program and maps: loaded, or with the maps of a gate that is in the kernel already (adopted).
 * The program is always our own build, loaded anew: with adopted maps it decides exactly as the old one, and
 * takes its place on each interface with no gap. A map that an older gate does not have is made anew, and is
 * filled before the program is put anywhere.
 *
 * Adoption needs no file system: program id in the tc filter -> program -> its maps. That takes CAP_SYS_ADMIN
 * (the kernel lets nobody else turn an id into a descriptor).
 */
#ifndef RK_GATE_PROGRAM_H
#define RK_GATE_PROGRAM_H

#include "gate_filter.h"
#include "gate_layout.h"
#include "ip_address.h"
#include "sentence.h"

struct gate_bpf;

struct gate_program {
	struct gate_bpf *skeleton;
	struct gate_slot *slots; /* GATE_SLOTS of them, shared with the kernel */
	bool adopted;
};

/* candidate: the id of a program that may be a gate's; 0 = load with new maps.
 * @retval -ENOENT candidate is no gate of ours, or one whose maps we cannot use: try another or 0. */
int gate_program_open(struct gate_program *p, uint32_t candidate, struct sentence *reterr);
/* Filters keep the program and the maps alive in the kernel. */
void gate_program_close(struct gate_program *p);
/* ethernet: for devices with Ethernet frames, else for those with bare packets. */
int gate_program_fd(const struct gate_program *p, bool ethernet, enum gate_direction d);
uint32_t gate_program_id(const struct gate_program *p, bool ethernet, enum gate_direction d);

/* Is a tcx program (Linux 6.6) on the interface? Those run before every tc filter. */
bool gate_program_preceded(int ifindex, enum gate_direction d);

/* Which slot an address belongs to. */
int gate_program_cover(struct gate_program *p, const struct ip_address *ip, uint32_t slot);
/* Calls f for each address in the maps; f returns true to have it removed. */
int gate_program_prune(struct gate_program *p, bool (*f)(void *ctx, const struct ip_address *ip), void *ctx);
/* The same for virtual MACs. @retval -EINVAL it is none: the program does not look at others. */
int gate_program_cover_mac(struct gate_program *p, const struct mac_address *mac, uint32_t slot);
int gate_program_prune_macs(struct gate_program *p, bool (*f)(void *ctx, const struct mac_address *mac),
			    void *ctx);
/* The same for trunk peers; slots: a bit for each. The count of drops stays. */
int gate_program_cover_peer(struct gate_program *p, const struct ip_prefix *prefix, uint32_t slots);
int gate_program_prune_peers(struct gate_program *p, bool (*f)(void *ctx, const struct ip_prefix *prefix),
			     void *ctx);
/* Frames dropped on their way to it. */
uint64_t gate_program_peer_drops(const struct gate_program *p, const struct ip_prefix *prefix);

#endif
