/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as /proc/net writes them: hexadecimal words in the byte order of the host. */
#ifndef GODWIT_INVENTORY_INET_H
#define GODWIT_INVENTORY_INET_H

#include "inventory/probe.h"

#include "base/slice.h"

/* Sixteen bytes in network order; IPv4 is ::ffff:a.b.c.d, so equal addresses are equal bytes. */
struct inet_addr {
    uint8_t bytes[16];
};

/*
 * "0100007F" or 32 digits, from a little-endian host (all that we move; a big-endian one would show
 * its bytes reversed). False when it is neither.
 */
bool inet_parse(struct slice hex, struct inet_addr *ret);
/* "fe80000000000000020c29fffe123456": network order, as if_inet6 writes it. */
bool inet_parse_plain(struct slice hex, struct inet_addr *ret);
struct inet_addr inet_from_v4(uint32_t host_order);

bool inet_is_v4(const struct inet_addr *a);
uint32_t inet_v4(const struct inet_addr *a); /* in host order; 0 for IPv6 */
bool inet_is_loopback(const struct inet_addr *a);
bool inet_is_any(const struct inet_addr *a);
bool inet_is_link_local(const struct inet_addr *a);

/* out has PROBE_ADDR_TEXT_MAX bytes. Returns out. */
char *inet_text(const struct inet_addr *a, char *out);

#endif
