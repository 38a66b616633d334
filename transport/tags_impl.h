/* SPDX-License-Identifier: Apache-2.0 */
/* The fast way to a tag. For tags*.c and their test only. */
#ifndef GODWIT_TRANSPORT_TAGS_IMPL_H
#define GODWIT_TRANSPORT_TAGS_IMPL_H

#include "transport/tags.h"

/* GMAC without its constant part is linear: a sum over the sector's 16-byte pieces, each times a
 * constant of its place. This many bytes are the constants, 16 for each piece, the last byte of
 * each first. */
enum { TAGS_PIECE = 16, TAGS_FACTORS_LEN = VOLUME_SECTOR };

/* tags_wide.c: four pieces at a time in AVX-512 registers. Asking is a cpuid instruction. */
bool tags_wide_has(void);
/* The first 8 bytes of the sum, in the host's order. The CPU must have it. */
uint64_t tags_wide(const uint8_t *factors, const uint8_t *sector);

/* As tags_new, which takes the fast way where there is one; the CPU must have it. */
int tags_new_by(const uint8_t *key, bool wide, struct tags **ret, struct err *err);

#endif
