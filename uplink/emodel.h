/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a path is worth for speech: delay, jitter and loss -> R -> MOS, by the E-model (ITU-T G.107) with the
 * delay term of Cole and Rosenbluth, for narrowband codecs (constants of G.113 Appendix I). It is no
 * measurement of speech: it ranks paths. The delay term is 3 to 10 R too strict from 150 to 400 ms.
 *
 * Integers only: R and MOS in thousandths. Two machines, and a replay on a third, agree to the last digit,
 * which floating point does not promise where the compiler may fuse operations.
 */
#ifndef RK_EMODEL_H
#define RK_EMODEL_H

#include <stdint.h>

enum emodel_codec {
	EMODEL_G711,	 /* without packet loss concealment */
	EMODEL_G711_PLC, /* with it: nearly every telephone and carrier of today */
	EMODEL_G729A,
	EMODEL_G723_1, /* 6.3 kbit/s */
	EMODEL_GSM_EFR,
	EMODEL_CODECS_COUNT
};

#define EMODEL_BURST_RANDOM 1000  /* BurstR of losses that know nothing of each other, in thousandths */
#define EMODEL_R_MILLI_MAX  93200 /* R0 - Is by default, no delay, no loss */

struct emodel_path {
	uint32_t rtt_us;
	uint32_t jitter_us;
	uint32_t loss_ppm;    /* what comes too late is lost, too */
	uint32_t burst_milli; /* BurstR; 0: random */
};

/* Mouth to ear, one way: half the round trip, one packet, the codec's look-ahead, a jitter buffer of twice
 * the jitter. */
uint32_t emodel_delay_us(enum emodel_codec codec, const struct emodel_path *p);
/* Negative when nothing can be understood. loss_ppm above 1,000,000 counts as that. */
int32_t emodel_r_milli(enum emodel_codec codec, uint32_t delay_us, uint32_t loss_ppm, uint32_t burst_milli);
/* 1000 to 4500. */
uint32_t emodel_mos_milli(int32_t r_milli);
/* All of it. */
uint32_t emodel_score_mos_milli(enum emodel_codec codec, const struct emodel_path *p);

const char *emodel_codec_name(enum emodel_codec codec);

#endif
