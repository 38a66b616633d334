/* SPDX-License-Identifier: Apache-2.0 */
/* What each host would be in the cloud: shape, disks, traffic. */
#include "planner/engine/cost_model.h"

#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"
#include "planner/engine/host_fit.h"

#include <stdlib.h>

#include "base/banned.h"

static const uint64_t gib = (uint64_t)1 << 30;
static const uint64_t day_ms = 86400000;

/* -- currency -------------------------------------------------------------------------------- */

/* -EINVAL: no way from the list's currency to ours. */
static int check_currency(const struct cost_model *m, struct err *err)
{
    const struct catalogue *c = m->spec->catalogue;

    if (text_equal(c->currency, m->rates->currency) ||
        (m->rates->exchange && text_equal(c->currency, m->rates->exchange_from)))
        return 0;
    return err_set(
        err, -EINVAL,
        "prices are in %s and rates in %s: say what one %s is worth (\"exchange\" of the "
        "rates)",
        c->currency, m->rates->currency, c->currency);
}

static int64_t ours(const struct cost_model *m, uint64_t micros)
{
    int64_t amount = money_of((__int128)micros);

    return text_equal(m->spec->catalogue->currency, m->rates->currency)
               ? amount
               : money_part(amount, (uint64_t)m->rates->exchange, 1000000);
}

/* -- shapes ---------------------------------------------------------------------------------- */

static void shape(const struct cost_model *m, struct cost_host *h)
{
    struct shape_choice choice;
    struct err err = {0};

    h->need_hours = h->week_hours = COST_WEEK;
    if (h->carries || h->host->power == ESTATE_OFF) {
        (void)text_copy(h->why, sizeof(h->why),
                        h->carries ? "others run on it: it becomes empty" : "it is switched off");
        return;
    }
    if (host_fit_shape(&size_policy_default, m->spec->catalogue, h->host, &choice, &err) < 0) {
        (void)text_print(h->why, sizeof(h->why), "%.120s", err.text);
        return;
    }
    h->shape = choice.arm ? choice.arm : choice.x86;
    for (size_t t = 0; t < CATALOGUE_TERMS; t++)
        h->hour[t] = (uint64_t)ours(m, h->shape->term_micros[t]);
}

/* -- disks and traffic ----------------------------------------------------------------------- */

static int64_t rate_or(const struct cost_model *m, enum catalogue_item item, enum cost_rate dflt)
{
    const struct catalogue_rate *r = catalogue_rate_of(m->spec->catalogue, item);

    return r ? ours(m, r->price_micros) : m->rates->value[dflt].micros;
}

static void disks(const struct cost_model *m, struct cost_host *h)
{
    uint64_t data = num_min(host_fit_data(h->host), (uint64_t)1 << 60);
    uint64_t room = (uint64_t)m->rates->value[RATE_DISK_HEADROOM].micros;

    h->data_gib = num_div_up(data, gib);
    h->disk_gib = h->data_gib * room / 1000000;
    if (h->carries) /* what lies on it belongs to those that it carries */
        h->disk_gib = h->data_gib = 0;
    h->disk_month =
        money_of((__int128)rate_or(m, CATALOGUE_BLOCK, RATE_BLOCK) * (__int128)h->disk_gib);
    h->vault_month =
        money_of((__int128)rate_or(m, CATALOGUE_OBJECT, RATE_OBJECT) * (__int128)h->data_gib);
}

static bool is_private(const char *address)
{
    static const char *const inside[] = {"10.",  "192.168.", "127.", "169.254.",
                                         "fe80", "fd",       "fc",   "::1"};
    uint64_t second = 0;
    char digits[4] = "";

    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        if (text_starts(address, inside[i]))
            return true;
    }
    if (!text_starts(address, "172."))
        return *address == '\0';
    memcpy(digits, address + 4, strnlen(address + 4, 3));
    digits[strcspn(digits, ".")] = '\0';
    return num_parse_u64(digits, 16, 31, &second, NULL) == 0;
}

/* Bytes of a month from bytes of the time that was observed; a day when nobody said. */
static uint64_t of_month(uint64_t bytes, uint64_t from_ms, uint64_t until_ms)
{
    uint64_t span = until_ms > from_ms ? num_max(until_ms - from_ms, day_ms) : day_ms;
    __int128 month = (__int128)bytes * COST_HOURS * 3600000 / (__int128)span;

    return month > (__int128)UINT32_MAX * (__int128)gib ? UINT32_MAX * gib : (uint64_t)month;
}

static void traffic_of_talks(struct cost_model *m, bool *seen)
{
    const struct estate *e = m->spec->estate;

    for (size_t i = 0; i < estate_talks(e); i++) {
        const struct estate_talk *t = estate_talk(e, i);
        const struct estate_end *in = t->from.host ? &t->from : &t->to;
        const struct estate_end *out = t->from.host ? &t->to : &t->from;

        if (!in->host)
            continue;
        seen[in->host->index] = true;
        if (!out->host && !is_private(out->address))
            m->hosts[in->host->index].egress_gib +=
                of_month(t->bytes, t->from_ms, t->until_ms) >> 20;
    }
}

/* Until here in MiB, so that small talks add up. */
static void traffic(struct cost_model *m, const bool *seen)
{
    for (size_t i = 0; i < m->hosts_n; i++) {
        struct cost_host *h = &m->hosts[i];
        const struct estate_usage *net = h->host->usage[ESTATE_NET_RATE];
        double share = (double)m->rates->value[RATE_EGRESS_SHARE].micros / 1e6;

        h->egress_gib = num_div_up(h->egress_gib, 1024);
        if (!seen[i] && net && net->mean > 0 && net->mean < 1e12)
            h->egress_gib = num_div_up((uint64_t)(net->mean * share * COST_HOURS * 3600), gib);
        if (h->carries)
            h->egress_gib = 0;
    }
}

static int64_t traffic_cost(const struct cost_model *m, uint64_t gib_out)
{
    const struct catalogue_rate *r = catalogue_rate_of(m->spec->catalogue, CATALOGUE_EGRESS);

    return r ? ours(m, catalogue_rate_cost(m->spec->catalogue, r, gib_out))
             : money_of((__int128)m->rates->value[RATE_EGRESS].micros * (__int128)gib_out);
}

/* All of the traffic has tiers together; a host pays its part. */
static void price_traffic(struct cost_model *m)
{
    uint64_t all = 0, before = 0, data = 0;
    int64_t cost, given = 0;

    for (size_t i = 0; i < m->hosts_n; i++) {
        all += m->hosts[i].egress_gib;
        data += m->hosts[i].data_gib;
    }
    cost = traffic_cost(m, all);
    m->way_back = traffic_cost(m, data);
    for (size_t i = 0; i < m->hosts_n && all > 0; i++) {
        int64_t until;

        before += m->hosts[i].egress_gib;
        until = money_part(cost, before, all);
        m->hosts[i].egress_month = until - given;
        given = until;
    }
}

int cost_shapes(struct cost_model *m, struct err *err)
{
    auto_free bool *seen = calloc(m->hosts_n + 1, sizeof(*seen));
    int r = check_currency(m, err);

    if (r < 0)
        return r;
    if (!seen)
        return err_set(err, -ENOMEM, "traffic of %zu hosts: %m", m->hosts_n);
    for (size_t i = 0; i < m->hosts_n; i++) {
        shape(m, &m->hosts[i]);
        disks(m, &m->hosts[i]);
    }
    traffic_of_talks(m, seen);
    traffic(m, seen);
    price_traffic(m);
    return 0;
}
