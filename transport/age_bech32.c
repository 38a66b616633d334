/* SPDX-License-Identifier: Apache-2.0 */
/* Bech32: five bits a character, and a checksum that finds up to four wrong ones. */
#include "transport/age_bech32.h"

#include "base/auto.h"
#include "base/text.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/banned.h"

enum { PREFIX_MAX = 15, DIGITS = 52, SUM_DIGITS = 6 }; /* 52 * 5 = 256 + 4 bits */

static const char digits[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

static uint32_t polymod(uint32_t sum, uint8_t value)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint32_t top = sum >> 25;

    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < ARRAY_LEN(generator); i++)
        if (top >> i & 1)
            sum ^= generator[i];
    return sum;
}

/* The prefix goes in as its high bits, a zero, and its low bits; always in lower case. */
static uint32_t sum_of(const char *prefix, const uint8_t *values)
{
    uint32_t sum = 1;

    for (const char *p = prefix; *p; p++)
        sum = polymod(sum, (uint8_t)(tolower((unsigned char)*p) >> 5));
    sum = polymod(sum, 0);
    for (const char *p = prefix; *p; p++)
        sum = polymod(sum, (uint8_t)(tolower((unsigned char)*p) & 31));
    for (size_t i = 0; i < DIGITS; i++)
        sum = polymod(sum, values[i]);
    for (size_t i = 0; i < SUM_DIGITS; i++)
        sum = polymod(sum, 0);
    return sum ^ 1;
}

/* 256 bits as 52 values of five; the last has four bits of zeroes at its end. */
static void spread(const uint8_t *data, uint8_t *values)
{
    for (size_t i = 0; i < DIGITS; i++) {
        size_t bit = 5 * i, byte = bit / 8;
        unsigned two = (unsigned)data[byte] << 8;

        if (byte + 1 < AGE_BECH32_BYTES)
            two |= data[byte + 1];
        values[i] = (uint8_t)(two >> (11 - bit % 8) & 31);
    }
}

static void gather(const uint8_t *values, uint8_t *data)
{
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < DIGITS; i++) {
        bits = bits << 5 | values[i];
        held += 5;
        if (held >= 8) {
            held -= 8;
            *data++ = (uint8_t)(bits >> held);
        }
    }
}

char *age_bech32_format(const char *prefix, const uint8_t *data, char *out)
{
    uint8_t values[DIGITS];
    size_t len = strlen(prefix);
    bool upper = isupper((unsigned char)prefix[0]);
    uint32_t sum;

    assert(len > 0 && len <= PREFIX_MAX);
    spread(data, values);
    sum = sum_of(prefix, values);
    memcpy(out, prefix, len);
    out[len++] = '1';
    for (size_t i = 0; i < DIGITS; i++)
        out[len++] = digits[values[i]];
    for (size_t i = 0; i < SUM_DIGITS; i++)
        out[len++] = digits[sum >> 5 * (SUM_DIGITS - 1 - i) & 31];
    out[len] = '\0';
    for (size_t i = 0; upper && i < len; i++)
        out[i] = (char)toupper((unsigned char)out[i]);
    return out;
}

/* Decoded loosely, written anew, and then it must be the same text: checksum, case, loose bits. */
int age_bech32_parse(const char *prefix, const char *text, uint8_t *ret_data)
{
    char again[AGE_BECH32_TEXT_MAX];
    uint8_t values[DIGITS], data[AGE_BECH32_BYTES];
    size_t skip = strlen(prefix) + 1;

    if (strnlen(text, AGE_BECH32_TEXT_MAX) != skip + DIGITS + SUM_DIGITS)
        return -EINVAL;
    for (size_t i = 0; i < DIGITS; i++) {
        const char *digit = strchr(digits, tolower((unsigned char)text[skip + i]));

        if (!digit)
            return -EINVAL;
        values[i] = (uint8_t)(digit - digits);
    }
    gather(values, data);
    if (!text_equal(age_bech32_format(prefix, data, again), text))
        return -EINVAL;
    memcpy(ret_data, data, sizeof(data));
    return 0;
}
