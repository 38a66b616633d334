/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts in whole millionths. */
#include "planner/engine/money.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { EXACT_DIGITS = 6, GROUP = 3 };

int64_t money_part(int64_t micros, uint64_t by, uint64_t per)
{
    __int128 product = (__int128)micros * (__int128)by;
    __int128 half = (__int128)(per / 2);

    return money_of((product < 0 ? product - half : product + half) / (__int128)per);
}

char *money_text(int64_t micros, char out[static MONEY_TEXT_MAX])
{
    int64_t cents = money_part(micros, 100, MONEY_UNIT);
    uint64_t all = cents < 0 ? (uint64_t)-cents : (uint64_t)cents;
    char digits[MONEY_TEXT_MAX];
    size_t len = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)(all / 100));
    size_t at = 0;

    if (cents < 0)
        out[at++] = '-';
    for (size_t i = 0; i < len && at + 6 < MONEY_TEXT_MAX; i++) {
        if (i > 0 && (len - i) % GROUP == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    snprintf(out + at, MONEY_TEXT_MAX - at, ".%02u", (unsigned)(all % 100));
    return out;
}

char *money_exact(int64_t micros, char out[static MONEY_TEXT_MAX])
{
    uint64_t all = micros < 0 ? (uint64_t)-micros : (uint64_t)micros;
    size_t len;

    snprintf(out, MONEY_TEXT_MAX, "%s%llu.%06llu", micros < 0 ? "-" : "",
             (unsigned long long)(all / MONEY_UNIT), (unsigned long long)(all % MONEY_UNIT));
    len = strlen(out);
    for (int cut = 0; cut < EXACT_DIGITS - 2 && out[len - 1] == '0'; cut++)
        out[--len] = '\0';
    return out;
}
