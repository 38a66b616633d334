/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts as whole millionths of a currency, so that the parts of a sum are the sum. What does not
 * fit stops at the largest amount there is, and so is seen.
 */
#ifndef GODWIT_PLANNER_ENGINE_MONEY_H
#define GODWIT_PLANNER_ENGINE_MONEY_H

#include <stdint.h>

enum { MONEY_TEXT_MAX = 40 };
#define MONEY_MAX (INT64_MAX / 2)
#define MONEY_UNIT ((int64_t)1000000)

static inline int64_t money_of(__int128 micros)
{
    return micros > MONEY_MAX ? MONEY_MAX : micros < -MONEY_MAX ? -MONEY_MAX : (int64_t)micros;
}

static inline int64_t money_add(int64_t a, int64_t b)
{
    return money_of((__int128)a + b);
}

/* micros * by / per, rounded to the nearest; per > 0. */
int64_t money_part(int64_t micros, uint64_t by, uint64_t per);

/* "1,234.56", rounded for people. Returns out. */
char *money_text(int64_t micros, char out[static MONEY_TEXT_MAX]);
/* "0.1008": all there is, at least two digits; no marks of thousands. Returns out. */
char *money_exact(int64_t micros, char out[static MONEY_TEXT_MAX]);

#endif
