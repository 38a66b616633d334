/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces, addresses, the way out, and the name servers. */
#include "inventory/collect.h"

#include "inventory/inet.h"
#include "inventory/line.h"
#include "inventory/probe.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/banned.h"

enum { ROUTES_MAX = 1024, NAME_SERVERS_MAX = 4, RTF_GATEWAY_BIT = 2 };

struct route {
    struct slice interface; /* lent by the text of /proc/net/route */
    uint32_t dest, gateway, mask, flags;
};

/* -- addresses from files --------------------------------------------------- */

/* /proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask ... */
static bool route_parse(struct slice line, struct route *r)
{
    struct inet_addr dest, gateway, mask;
    struct slice w[8];
    uint64_t flags = 0;

    for (size_t i = 0; i < ARRAY_LEN(w); i++) {
        if (!line_word(&line, &w[i]))
            return false;
    }
    if (!inet_parse(w[1], &dest) || !inet_parse(w[2], &gateway) || !inet_parse(w[7], &mask) ||
        !line_u64(w[3], 16, &flags))
        return false;
    *r = (struct route){.interface = w[0],
                        .dest = inet_v4(&dest),
                        .gateway = inet_v4(&gateway),
                        .mask = inet_v4(&mask),
                        .flags = (uint32_t)flags};
    return true;
}

static size_t routes_parse(struct slice text, struct route *out, size_t max)
{
    struct slice line;
    size_t n = 0;

    while (n < max && line_next(&text, &line)) {
        if (route_parse(line, &out[n]))
            n++;
    }
    return n;
}

/* The connected network with the longest mask tells interface and prefix of a local address. */
static void addr_place(struct probe_addr *a, uint32_t v4, const struct route *routes, size_t n)
{
    const struct route *best = NULL;

    for (size_t i = 0; i < n; i++) {
        const struct route *r = &routes[i];

        if (r->gateway != 0 || r->mask == 0 || (v4 & r->mask) != r->dest)
            continue;
        if (!best || r->mask > best->mask)
            best = r;
    }
    a->prefix = best ? (unsigned)__builtin_popcount(best->mask) : 32;
    if (best)
        line_copy(a->interface, sizeof(a->interface), best->interface);
}

static bool addr_is_known(const struct probe_addr *all, size_t n, const char *address)
{
    for (size_t i = 0; i < n; i++) {
        if (text_equal(all[i].address, address))
            return true;
    }
    return false;
}

/*
 * /proc/net/fib_trie: "|-- ADDRESS" and below it "/32 host LOCAL" for each address of ours. The
 * same address stands in the tables Main and Local.
 */
static size_t fib_parse(struct slice text, const struct route *routes, size_t n_routes,
                        struct probe_addr *out, size_t max)
{
    char address[PROBE_ADDR_TEXT_MAX] = "";
    struct in_addr v4;
    struct slice line;
    size_t n = 0;

    while (n < max && line_next(&text, &line)) {
        line = line_trim(line);
        if (line_starts(line, "|-- ")) {
            line_copy(address, sizeof(address), slice_of(line.data + 4, line.len - 4));
            continue;
        }
        if (!line_is(line, "/32 host LOCAL") || inet_pton(AF_INET, address, &v4) != 1 ||
            addr_is_known(out, n, address))
            continue;
        out[n] = (struct probe_addr){0};
        (void)text_copy(out[n].address, sizeof(out[n].address), address);
        addr_place(&out[n], ntohl(v4.s_addr), routes, n_routes);
        n++;
    }
    return n;
}

/* /proc/net/if_inet6: address index prefix scope flags name, numbers in hex. */
static bool inet6_parse(struct slice line, struct probe_addr *ret)
{
    struct inet_addr addr;
    struct slice w[6];
    uint64_t prefix = 0;

    for (size_t i = 0; i < ARRAY_LEN(w); i++) {
        if (!line_word(&line, &w[i]))
            return false;
    }
    if (!inet_parse_plain(w[0], &addr) || !line_u64(w[2], 16, &prefix) || prefix > 128)
        return false;
    *ret = (struct probe_addr){.prefix = (unsigned)prefix};
    inet_text(&addr, ret->address);
    line_copy(ret->interface, sizeof(ret->interface), w[5]);
    return true;
}

static size_t addrs_from_files(struct probe *p, const struct route *routes, size_t n_routes,
                               struct probe_addr *out, size_t max)
{
    auto_buf struct buf v4 = {0};
    auto_buf struct buf v6 = {0};
    struct slice rest;
    struct slice line;
    size_t n = 0;

    if (probe_read(p, "/proc/net/fib_trie", COLLECT_BIG_FILE_MAX_BYTES, &v4, NULL, NULL) == 0)
        n = fib_parse(buf_slice(&v4), routes, n_routes, out, max);
    if (probe_read(p, "/proc/net/if_inet6", COLLECT_FILE_MAX_BYTES, &v6, NULL, NULL) < 0)
        return n;
    rest = buf_slice(&v6);
    while (n < max && line_next(&rest, &line)) {
        if (inet6_parse(line, &out[n]))
            n++;
    }
    return n;
}

/* -- writing ---------------------------------------------------------------- */

/* Loopback and link-local addresses are the same on every host: they tell nothing. */
static bool addr_is_telling(const struct probe_addr *a)
{
    return !text_starts(a->address, "127.") && !text_equal(a->address, "::1") &&
           !text_starts(a->address, "fe80:");
}

static void put_addresses(struct jsw *w, const struct probe_addr *all, size_t n)
{
    uint64_t written = 0;
    uint64_t left_out = 0;

    jsw_arr(w, "addresses");
    for (size_t i = 0; i < n; i++) {
        char name[PROBE_IF_NAME_MAX];

        if (!addr_is_telling(&all[i]))
            continue;
        if (written++ >= COLLECT_ADDRESSES_MAX) {
            left_out++;
            continue;
        }
        jsw_obj(w, NULL);
        jsw_str(w, "address", all[i].address);
        jsw_u64(w, "prefix", all[i].prefix);
        collect_put_str(w, "interface", line_copy(name, sizeof(name), slice_str(all[i].interface)));
        jsw_end(w);
    }
    jsw_end(w);
    jsw_u64(w, "addresses_left_out", left_out);
}

static bool has_entry(struct probe *p, const char *name, const char *entry)
{
    char path[PROBE_PATH_MAX];

    return text_print(path, sizeof(path), "/sys/class/net/%s/%s", name, entry) == 0 &&
           probe_exists(p, path);
}

static const char *interface_kind(struct probe *p, const char *name)
{
    static const char *const entries[][2] = {
        {"bonding", "bond"}, {"bridge", "bridge"}, {"tun_flags", "tun"}, {"device", "physical"}};
    char path[PROBE_PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        if (has_entry(p, name, entries[i][0]))
            return entries[i][1];
    }
    if (text_print(path, sizeof(path), "/proc/net/vlan/%s", name) == 0 && probe_exists(p, path))
        return "vlan";
    return "virtual";
}

static void put_link_name(struct probe *p, struct jsw *w, const char *key, const char *path)
{
    char target[PROBE_PATH_MAX];
    const char *slash = NULL;

    if (probe_link(p, path, target, sizeof(target), NULL) < 0)
        return;
    slash = strrchr(target, '/');
    collect_put_slice(w, key, slice_str(slash ? slash + 1 : target));
}

static void put_interface(struct probe *p, struct jsw *w, const char *name)
{
    char text[PROBE_TEXT_MAX];
    char path[PROBE_PATH_MAX];
    uint64_t v = 0;

    jsw_obj(w, NULL);
    jsw_str(w, "name", line_copy(text, sizeof(text), slice_str(name)));
    jsw_str(w, "kind", interface_kind(p, name));
    if (probe_text(p, text, sizeof(text), "/sys/class/net/%s/address", name) == 0)
        collect_put_str(w, "mac", text);
    if (probe_u64(p, &v, "/sys/class/net/%s/mtu", name) == 0 && v <= UINT32_MAX)
        jsw_u64(w, "mtu_bytes", v);
    if (probe_text(p, text, sizeof(text), "/sys/class/net/%s/operstate", name) == 0)
        collect_put_str(w, "state", text);
    /* A link that is down refuses to tell, or says -1: both read as no number. */
    if (probe_u64(p, &v, "/sys/class/net/%s/speed", name) == 0 && v > 0 && v < UINT32_MAX)
        jsw_u64(w, "speed_mbit_per_s", v);
    if (text_print(path, sizeof(path), "/sys/class/net/%s/master", name) == 0)
        put_link_name(p, w, "master", path);
    if (text_print(path, sizeof(path), "/sys/class/net/%s/device/driver", name) == 0)
        put_link_name(p, w, "driver", path);
    jsw_end(w);
}

static bool has_address(const char *name, const struct probe_addr *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text_equal(all[i].interface, name) && addr_is_telling(&all[i]))
            return true;
    }
    return false;
}

/* Those with an address or a plug first: a host of containers has hundreds of others. */
static void put_interfaces(struct probe *p, struct jsw *w, char *const *names,
                           const struct probe_addr *addrs, size_t n_addrs)
{
    uint64_t written = 0;
    uint64_t left_out = 0;

    jsw_arr(w, "interfaces");
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; names[i]; i++) {
            bool matters =
                has_address(names[i], addrs, n_addrs) || has_entry(p, names[i], "device");

            if (text_equal(names[i], "lo") || text_equal(names[i], "bonding_masters") ||
                matters != (round == 0))
                continue;
            if (written < COLLECT_INTERFACES_MAX)
                put_interface(p, w, names[i]);
            else
                left_out++;
            written++;
        }
    }
    jsw_end(w);
    jsw_u64(w, "interfaces_left_out", left_out);
}

static void put_gateway(struct jsw *w, const struct route *routes, size_t n)
{
    char text[PROBE_ADDR_TEXT_MAX];
    struct inet_addr a;

    for (size_t i = 0; i < n; i++) {
        if (routes[i].dest != 0 || routes[i].mask != 0 || !(routes[i].flags & RTF_GATEWAY_BIT))
            continue;
        a = inet_from_v4(routes[i].gateway);
        jsw_str(w, "gateway", inet_text(&a, text));
        return;
    }
}

static void put_name_servers(struct probe *p, struct jsw *w)
{
    auto_buf struct buf b = {0};
    struct slice rest;
    struct slice line;
    struct slice word;
    unsigned n = 0;

    if (probe_read(p, "/etc/resolv.conf", COLLECT_FILE_MAX_BYTES, &b, NULL, NULL) < 0)
        return;
    rest = buf_slice(&b);
    jsw_arr(w, "name_servers");
    while (n < NAME_SERVERS_MAX && line_next(&rest, &line)) {
        char text[PROBE_ADDR_TEXT_MAX];

        if (!line_word(&line, &word) || !line_is(word, "nameserver") || !line_word(&line, &word))
            continue;
        jsw_str(w, NULL, line_copy(text, sizeof(text), word));
        n++;
    }
    jsw_end(w);
}

int collect_net(struct probe *p, struct jsw *w, struct err *err)
{
    auto_vec char **names = NULL;
    auto_buf struct buf b = {0};
    auto_free struct route *routes = calloc(ROUTES_MAX, sizeof(*routes));
    auto_free struct probe_addr *addrs = calloc(PROBE_ADDRS_MAX, sizeof(*addrs));
    size_t n_routes = 0;
    size_t n_addrs = 0;
    int rc;

    if (!routes || !addrs)
        return err_set(err, -ENOMEM, "no memory for the network");
    rc = probe_list(p, "/sys/class/net", &names, NULL, err);
    if (rc < 0)
        return rc;
    if (probe_read(p, "/proc/net/route", COLLECT_FILE_MAX_BYTES, &b, NULL, NULL) == 0)
        n_routes = routes_parse(buf_slice(&b), routes, ROUTES_MAX);
    rc = probe_addrs(p, addrs, PROBE_ADDRS_MAX, &n_addrs, NULL);
    if (rc < 0)
        n_addrs = addrs_from_files(p, routes, n_routes, addrs, PROBE_ADDRS_MAX);
    put_interfaces(p, w, names, addrs, n_addrs);
    put_addresses(w, addrs, n_addrs);
    put_gateway(w, routes, n_routes);
    put_name_servers(p, w);
    return 0;
}
