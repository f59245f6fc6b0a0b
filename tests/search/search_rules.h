/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Forced into the mutant build before everything else (-include): LEASE_RULE(NAME) becomes false for the one
 * rule that is taken away at run time.
 */
#ifndef RK_SEARCH_RULES_H
#define RK_SEARCH_RULES_H

enum search_rule {
	SEARCH_RULE_NONE,
	SEARCH_RULE_ID,		   /* grants are matched by request id */
	SEARCH_RULE_PROCESS,	   /* request ids are unique per process */
	SEARCH_RULE_ABSOLUTE,	   /* the kernel gets a deadline, not a time that is left (executor) */
	SEARCH_RULE_NOTE,	   /* the send time is noted before sending (executor) */
	SEARCH_RULE_GUARD,	   /* P = L + G */
	SEARCH_RULE_SELF,	   /* the own vote is a real promise */
	SEARCH_RULE_OTHER,	   /* no promise to another */
	SEARCH_RULE_PERSIST,	   /* written before the GRANT leaves */
	SEARCH_RULE_MUTE,	   /* mute after loss of memory */
	SEARCH_RULE_RELEASE_EPOCH, /* RELEASE is matched by epoch */
	SEARCH_RULE_NEW_EPOCH,	   /* an epoch is dead after its end */
	SEARCH_RULE_DEAD,	   /* dead[] at the voter */
	SEARCH_RULE_SHUT_FIRST,	   /* gate shut before RELEASE */
	SEARCH_RULE_RESERVE,	   /* a reservation is no vote */
	SEARCH_RULE_EPOCH_CHECK,   /* e < hi is refused */
	SEARCH_RULE_EPOCH_UNIQUE,  /* epoch = (counter, node) */
	SEARCH_RULE_HI_DURABLE,	   /* hi is the ceiling after a reboot */
	SEARCH_RULE_CEILING,	   /* no epoch above the durable ceiling */
	SEARCH_RULE_OWN,	   /* the own vote is necessary */
	SEARCH_RULE_NUMBERS,	   /* a candidate outside the voters keeps its epoch */
	SEARCH_RULE_JOINT,	   /* OLD -> JOINT -> NEW */
	SEARCH_RULE_VERSION,	   /* voters refuse a lower version */
	SEARCH_RULE_WAIT,	   /* P passes before NEW */
	SEARCH_RULE_QUORUM_OLD,	   /* a majority of OLD acknowledges JOINT */
	SEARCH_RULE_SET_DURABLE,   /* the voter set is durable (executor) */
	SEARCH_RULE_FLOOR,	   /* NEW carries hi */
	SEARCH_RULE_RANK,	   /* retries wait by rank */
	SEARCH_RULE_LOSER_RELEASE, /* losers release */
	SEARCH_RULE_PRECHECK,	   /* nobody asks who is not heard */
	SEARCH_RULE_RAISE,	   /* a holder raises its epoch */
	/* two voters and a power switch */
	SEARCH_RULE_VOID_OLD,	    /* a proof voids only promises made before its query */
	SEARCH_RULE_PROOF_VOLATILE, /* a proof dies with the memory of its node (executor) */
	SEARCH_RULE_PROOF_STATUS, /* a status sent after the shot says off, not the shot itself (executor) */
	SEARCH_RULE_OFF_IS_OFF,	  /* a machine that is only stopped is not off (executor) */
	SEARCH_RULE_HELLO,	  /* who has booted shoots nobody before its hello was answered */
	SEARCH_RULE_HELLO_HI,	  /* ... and takes the hi of the answer */
	SEARCH_RULE_ONE_EPOCH,	  /* a proof is good for one epoch once the other is heard */
	SEARCH_RULE_WIN_HI,	  /* nothing is won below the own hi */
	/* two voters, nothing else */
	SEARCH_RULE_SILENCE,	/* an idle node waits longer than a holder without peer and gateway is open */
	SEARCH_RULE_GATEWAY,	/* both need a gateway */
	SEARCH_RULE_LAN_QUIET,	/* nobody answers for the address */
	SEARCH_RULE_LAN_TURNS,	/* of two that ask for the address the first candidate goes first */
	SEARCH_RULE_ALIVE_ENDS, /* a peer that is heard is not taken for absent */
	SEARCH_RULE_YIELD,    /* who is not the first candidate gives way to a voice on the service network */
	SEARCH_RULE_GIVE_WAY, /* the lower epoch gives way to the higher one */
	SEARCH_RULES_COUNT,
};

extern enum search_rule search_rule_removed;

#define LEASE_RULE(name) (search_rule_removed != SEARCH_RULE_##name)

#endif
