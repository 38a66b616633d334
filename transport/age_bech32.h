/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bech32 (BIP 173) of 32 bytes, as age writes its keys: without the limit of 90 characters.
 *
 * The human-readable part decides the case: "age" is written in lower case, "AGE-SECRET-KEY-" in
 * upper case; anything else is refused.
 */
#ifndef GODWIT_TRANSPORT_AGE_BECH32_H
#define GODWIT_TRANSPORT_AGE_BECH32_H

#include <stddef.h>
#include <stdint.h>

enum { AGE_BECH32_BYTES = 32, AGE_BECH32_TEXT_MAX = 80 };

/* prefix: up to 15 characters of one case. out has AGE_BECH32_TEXT_MAX bytes. Returns out. */
char *age_bech32_format(const char *prefix, const uint8_t *data, char *out);
/* Exactly what age_bech32_format writes of 32 bytes. -EINVAL. */
int age_bech32_parse(const char *prefix, const char *text, uint8_t *ret_data);

#endif
