/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of /proc/net to bytes and to text. */
#include "inventory/inet.h"

#include "inventory/line.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/banned.h"

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct inet_addr inet_from_v4(uint32_t host_order)
{
    struct inet_addr a;
    uint32_t net = htonl(host_order);

    memcpy(a.bytes, v4_prefix, sizeof(v4_prefix));
    memcpy(a.bytes + sizeof(v4_prefix), &net, sizeof(net));
    return a;
}

static bool parse_word(const uint8_t *at, uint32_t *ret)
{
    uint64_t v = 0;

    if (!line_u64(slice_of(at, 8), 16, &v))
        return false;
    *ret = (uint32_t)v;
    return true;
}

bool inet_parse(struct slice hex, struct inet_addr *ret)
{
    uint32_t word = 0;

    if (hex.len == 8 && parse_word(hex.data, &word)) {
        *ret = inet_from_v4(__builtin_bswap32(word));
        return true;
    }
    if (hex.len != 32)
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (!parse_word(hex.data + 8 * i, &word))
            return false;
        word = htonl(__builtin_bswap32(word));
        memcpy(ret->bytes + 4 * i, &word, sizeof(word));
    }
    return true;
}

bool inet_parse_plain(struct slice hex, struct inet_addr *ret)
{
    uint32_t word = 0;

    if (hex.len != 32)
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (!parse_word(hex.data + 8 * i, &word))
            return false;
        word = htonl(word);
        memcpy(ret->bytes + 4 * i, &word, sizeof(word));
    }
    return true;
}

bool inet_is_v4(const struct inet_addr *a)
{
    return memcmp(a->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

uint32_t inet_v4(const struct inet_addr *a)
{
    uint32_t net = 0;

    if (!inet_is_v4(a))
        return 0;
    memcpy(&net, a->bytes + sizeof(v4_prefix), sizeof(net));
    return ntohl(net);
}

bool inet_is_loopback(const struct inet_addr *a)
{
    static const uint8_t one[16] = {[15] = 1};

    if (inet_is_v4(a))
        return inet_v4(a) >> 24 == 127;
    return memcmp(a->bytes, one, sizeof(one)) == 0;
}

bool inet_is_any(const struct inet_addr *a)
{
    static const uint8_t none[16];

    return memcmp(a->bytes, none, sizeof(none)) == 0 || (inet_is_v4(a) && inet_v4(a) == 0);
}

bool inet_is_link_local(const struct inet_addr *a)
{
    return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

char *inet_text(const struct inet_addr *a, char *out)
{
    int family = inet_is_v4(a) ? AF_INET : AF_INET6;
    const uint8_t *at = family == AF_INET ? a->bytes + sizeof(v4_prefix) : a->bytes;

    out[0] = '\0';
    (void)inet_ntop(family, at, out, PROBE_ADDR_TEXT_MAX);
    return out;
}
