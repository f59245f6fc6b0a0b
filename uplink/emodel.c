/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emodel.h"

#include <assert.h>
#include <stddef.h>

#define PPM		1000000
#define DELAY_US_MAX	60000000u
#define DELAY_KNEE_US	177300 /* from here on a conversation suffers twice */
#define JITTER_BUFFER	2      /* times the jitter */
#define R_MILLI_MOS_MIN 6500   /* below, the polynomial dips under 1 */
#define R_MILLI_MOS_MAX 100000

static const struct {
	const char *name;
	int32_t ie;	   /* equipment impairment */
	int64_t bpl_ppm;   /* robustness against loss: Bpl is a percentage */
	uint32_t frame_us; /* of one packet */
	uint32_t look_ahead_us;
} codecs[EMODEL_CODECS_COUNT] = {
	[EMODEL_G711] = { "g711", 0, 43000, 20000, 0 },
	[EMODEL_G711_PLC] = { "g711-plc", 0, 251000, 20000, 0 },
	[EMODEL_G729A] = { "g729a", 11, 190000, 20000, 5000 },
	[EMODEL_G723_1] = { "g723.1", 15, 161000, 30000, 7500 },
	[EMODEL_GSM_EFR] = { "gsm-efr", 5, 100000, 20000, 0 },
};

static int64_t rounded(int64_t n, int64_t by)
{
	return (n >= 0 ? n + by / 2 : n - by / 2) / by;
}

uint32_t emodel_delay_us(enum emodel_codec codec, const struct emodel_path *p)
{
	uint64_t us = (uint64_t)p->rtt_us / 2 + (uint64_t)JITTER_BUFFER * p->jitter_us;

	assert((unsigned)codec < EMODEL_CODECS_COUNT);
	us += codecs[codec].frame_us + codecs[codec].look_ahead_us;
	return us < DELAY_US_MAX ? (uint32_t)us : DELAY_US_MAX;
}

/* Cole and Rosenbluth: Id = 0.024 d + 0.11 (d - 177.3) H(d - 177.3), d in ms. */
static int64_t delay_impairment_milli(int64_t delay_us)
{
	int64_t id = 24 * delay_us;

	if (delay_us > DELAY_KNEE_US)
		id += 110 * (delay_us - DELAY_KNEE_US);
	return rounded(id, 1000);
}

/* G.107 eq. 7-29: Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl). */
static int64_t equipment_impairment_milli(enum emodel_codec codec, int64_t loss_ppm, int64_t burst_milli)
{
	int64_t ie = codecs[codec].ie, ppl = loss_ppm < PPM ? loss_ppm : PPM;

	if (burst_milli < EMODEL_BURST_RANDOM)
		burst_milli = EMODEL_BURST_RANDOM;
	return 1000 * ie + rounded(1000 * (95 - ie) * ppl, ppl * 1000 / burst_milli + codecs[codec].bpl_ppm);
}

int32_t emodel_r_milli(enum emodel_codec codec, uint32_t delay_us, uint32_t loss_ppm, uint32_t burst_milli)
{
	assert((unsigned)codec < EMODEL_CODECS_COUNT);
	if (delay_us > DELAY_US_MAX)
		delay_us = DELAY_US_MAX;
	return (int32_t)(EMODEL_R_MILLI_MAX - delay_impairment_milli(delay_us) -
			 equipment_impairment_milli(codec, loss_ppm, burst_milli));
}

/* G.107 Annex B: MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6. */
uint32_t emodel_mos_milli(int32_t r_milli)
{
	int64_t r = r_milli;

	if (r < R_MILLI_MOS_MIN)
		return 1000;
	if (r > R_MILLI_MOS_MAX)
		return 4500;
	return (uint32_t)(1000 + rounded(35 * r, 1000) +
			  rounded(r * (r - 60000) * (100000 - r) * 7, 1000000000000));
}

uint32_t emodel_score_mos_milli(enum emodel_codec codec, const struct emodel_path *p)
{
	return emodel_mos_milli(
		emodel_r_milli(codec, emodel_delay_us(codec, p), p->loss_ppm, p->burst_milli));
}

const char *emodel_codec_name(enum emodel_codec codec)
{
	return (unsigned)codec < EMODEL_CODECS_COUNT ? codecs[codec].name : NULL;
}
