/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Vectors computed apart from this code, from the formulas of G.107 and the constants of G.113 Appendix I.
 */
#include "emodel.h"
#include "unit.h"

#define D100_US 100000

static int mos_percent(enum emodel_codec codec, uint32_t delay_us, uint32_t loss_ppm)
{
	return (int)(emodel_mos_milli(emodel_r_milli(codec, delay_us, loss_ppm, 0)) + 5) / 10;
}

START_TEST(mos_by_loss)
{
	static const uint32_t loss_ppm[] = { 0, 5000, 10000, 20000, 30000, 50000, 100000, 200000 };
	static const struct {
		enum emodel_codec codec;
		int mos_percent[8];
	} row[] = {
		{ EMODEL_G711, { 436, 406, 373, 313, 267, 205, 139, 108 } },
		{ EMODEL_G711_PLC, { 436, 431, 426, 416, 405, 382, 329, 251 } },
		{ EMODEL_G729A, { 402, 393, 385, 368, 352, 322, 262, 191 } },
	};

	for (size_t r = 0; r < sizeof row / sizeof row[0]; r++)
		for (int i = 0; i < 8; i++)
			ck_assert_int_eq(mos_percent(row[r].codec, D100_US, loss_ppm[i]),
					 row[r].mos_percent[i]);
}
END_TEST

START_TEST(mos_by_r)
{
	ck_assert_uint_eq(emodel_mos_milli(EMODEL_R_MILLI_MAX), 4409);
	ck_assert_uint_eq(emodel_mos_milli(90000), 4339);
	ck_assert_uint_eq(emodel_mos_milli(80000), 4024);
	ck_assert_uint_eq(emodel_mos_milli(70000), 3597);
	ck_assert_uint_eq(emodel_mos_milli(60000), 3100);
	ck_assert_uint_eq(emodel_mos_milli(50000), 2575);
}
END_TEST

START_TEST(mos_is_clamped)
{
	ck_assert_uint_eq(emodel_mos_milli(-1), 1000);
	ck_assert_uint_eq(emodel_mos_milli(INT32_MIN), 1000);
	ck_assert_uint_eq(emodel_mos_milli(3200), 1000); /* the polynomial says 0.989 */
	ck_assert_uint_eq(emodel_mos_milli(100001), 4500);
	ck_assert_uint_eq(emodel_mos_milli(INT32_MAX), 4500);
}
END_TEST

/* Where MOS 3.6 is crossed, in hundredths of a percent of loss. */
static int loss_for_36(enum emodel_codec codec, uint32_t delay_us)
{
	int loss = 0;

	while (emodel_mos_milli(emodel_r_milli(codec, delay_us, (uint32_t)(loss + 1) * 100, 0)) >= 3600)
		loss++;
	return loss;
}

START_TEST(loss_that_a_codec_bears)
{
	ck_assert_int_eq(loss_for_36(EMODEL_G711, 50000), 129);
	ck_assert_int_eq(loss_for_36(EMODEL_G711, 150000), 111);
	ck_assert_int_eq(loss_for_36(EMODEL_G711, 250000), 45);
	ck_assert_int_eq((loss_for_36(EMODEL_G711_PLC, 50000) + 5) / 10, 75);
	ck_assert_int_eq((loss_for_36(EMODEL_G711_PLC, 150000) + 5) / 10, 65);
	ck_assert_int_eq((loss_for_36(EMODEL_G711_PLC, 250000) + 5) / 10, 27);
	ck_assert_int_eq(loss_for_36(EMODEL_G729A, 50000) / 10, 28);
	ck_assert_int_eq(loss_for_36(EMODEL_G729A, 150000) / 10, 21);
	ck_assert_uint_lt(emodel_mos_milli(emodel_r_milli(EMODEL_G729A, 250000, 0, 0)), 3600);
}
END_TEST

START_TEST(delay_from_mouth_to_ear)
{
	const struct emodel_path p = { .rtt_us = 60000, .jitter_us = 5000 };

	ck_assert_uint_eq(emodel_delay_us(EMODEL_G711, &p), 60000);   /* 30 + 20 + 2 * 5 ms */
	ck_assert_uint_eq(emodel_delay_us(EMODEL_G729A, &p), 65000);  /* and look-ahead */
	ck_assert_uint_eq(emodel_delay_us(EMODEL_G723_1, &p), 77500); /* and longer packets */
	ck_assert_uint_eq(emodel_score_mos_milli(EMODEL_G711, &p),
			  emodel_mos_milli(emodel_r_milli(EMODEL_G711, 60000, 0, 0)));
}
END_TEST

START_TEST(delay_hurts_twice_from_the_knee_on)
{
	int32_t at_knee = emodel_r_milli(EMODEL_G711, 177300, 0, 0);

	ck_assert_int_eq(at_knee, EMODEL_R_MILLI_MAX - 4255);
	ck_assert_int_eq(at_knee - emodel_r_milli(EMODEL_G711, 187300, 0, 0), 240 + 1100);
}
END_TEST

START_TEST(bursts_are_worse_than_chance)
{
	int32_t random = emodel_r_milli(EMODEL_G729A, D100_US, 50000, EMODEL_BURST_RANDOM);

	ck_assert_int_eq(emodel_r_milli(EMODEL_G729A, D100_US, 50000, 0), random);
	ck_assert_int_eq(emodel_r_milli(EMODEL_G729A, D100_US, 50000, 500), random);
	ck_assert_int_lt(emodel_r_milli(EMODEL_G729A, D100_US, 50000, 2000), random);
}
END_TEST

/* Whatever comes in, worse is never better, and nothing overflows. */
START_TEST(monotonic_to_the_ends)
{
	static const uint32_t ends[] = {
		0, 1, 1000, 177299, 177301, 1000000, 1000001, INT32_MAX, UINT32_MAX
	};

	for (int c = 0; c < EMODEL_CODECS_COUNT; c++)
		for (int d = 0; d < 9; d++)
			for (int l = 0; l < 9; l++) {
				int32_t r = emodel_r_milli((enum emodel_codec)c, ends[d], ends[l], 0);
				const struct emodel_path p = { ends[d], ends[d], ends[l], ends[l] };

				ck_assert_int_le(r, EMODEL_R_MILLI_MAX);
				ck_assert(d == 0 ||
					  r <= emodel_r_milli((enum emodel_codec)c, ends[d - 1], ends[l], 0));
				ck_assert(l == 0 ||
					  r <= emodel_r_milli((enum emodel_codec)c, ends[d], ends[l - 1], 0));
				ck_assert_uint_ge(emodel_score_mos_milli((enum emodel_codec)c, &p), 1000);
			}
}
END_TEST

START_TEST(codecs_have_names)
{
	for (int c = 0; c < EMODEL_CODECS_COUNT; c++)
		ck_assert_ptr_nonnull(emodel_codec_name((enum emodel_codec)c));
	ck_assert_ptr_null(emodel_codec_name(EMODEL_CODECS_COUNT));
}
END_TEST

UNIT_MAIN("emodel", mos_by_loss, mos_by_r, mos_is_clamped, loss_that_a_codec_bears, delay_from_mouth_to_ear,
	  delay_hurts_twice_from_the_knee_on, bursts_are_worse_than_chance, monotonic_to_the_ends,
	  codecs_have_names)
