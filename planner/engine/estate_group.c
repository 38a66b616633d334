/* SPDX-License-Identifier: Apache-2.0 */
/* From an estate to what group.h asks, and names for what it answers. */
#include "planner/engine/estate_group.h"

#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_index.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Where bytes were not counted, a connection stands for some. */
enum { BYTES_OF_CONNECTION = 4096, DAYS_SEEN_WHOLE = 14 };

static const char *const usual_keys[] = {"app", "application", "service", "workload"};

/* -- what owners say ------------------------------------------------------------------------- */

/* "workload shop", "app shop": of different keys the same value is another thing. */
static bool said(const struct estate_group_policy *p, const struct estate_host *h,
                 char out[static ESTATE_TEXT_MAX * 2])
{
    size_t n = p->keys_n ? p->keys_n : ARRAY_LEN(usual_keys);

    if (*h->workload)
        return text_print(out, ESTATE_TEXT_MAX * 2, "%s", h->workload) == 0;
    for (size_t i = 0; i < n; i++) {
        const char *key = p->keys_n ? p->keys[i] : usual_keys[i];
        const char *value = estate_tag(h, key);

        if (value && *value)
            return text_print(out, ESTATE_TEXT_MAX * 2, "%s", value) == 0;
    }
    return false;
}

static int read_tags(const struct estate *e, const struct estate_group_policy *p, uint32_t *tag,
                     struct err *err)
{
    struct estate_texts texts = {0};
    struct estate_index index = {0};
    uint32_t n = 0;
    int r = 0;

    for (size_t h = 0; r == 0 && h < estate_hosts(e); h++) {
        char text[ESTATE_TEXT_MAX * 2];
        struct estate_entry *entry;
        const char *kept;

        if (!said(p, estate_host(e, h), text))
            continue;
        kept = estate_texts_keep(&texts, text);
        entry = kept ? estate_index_put(&index, kept) : NULL;
        if (!entry)
            r = err_set(err, -ENOMEM, "tags of hosts: %m");
        else if (entry->number == 0)
            entry->number = ++n;
        tag[h] = entry ? entry->number : 0;
    }
    estate_index_done(&index);
    estate_texts_done(&texts);
    return r;
}

/* -- what was seen ----------------------------------------------------------------------------- */

static bool is_between_hosts(const struct estate_talk *t)
{
    return t->from.host && t->to.host && t->from.host != t->to.host &&
           t->from.host->kind != ESTATE_HYPERVISOR && t->to.host->kind != ESTATE_HYPERVISOR;
}

static uint64_t bytes_of(const struct estate_talk *t)
{
    uint64_t bytes = t->bytes;

    if (bytes == 0 && !num_mul(num_max(t->count, 1), BYTES_OF_CONNECTION, &bytes))
        bytes = INT64_MAX;
    return num_min(bytes, INT64_MAX);
}

static size_t read_talks(const struct estate *e, struct group_talk *talks)
{
    size_t n = 0;

    for (size_t i = 0; i < estate_talks(e); i++) {
        const struct estate_talk *t = estate_talk(e, i);

        if (is_between_hosts(t))
            talks[n++] = (struct group_talk){(uint32_t)t->from.host->index,
                                             (uint32_t)t->to.host->index, bytes_of(t)};
    }
    return n;
}

/* A host says it itself; else how long its talks were watched; half where no talk has a time. */
static void read_observed(const struct estate *e, const struct estate_group_policy *p,
                          uint16_t *observed)
{
    const uint64_t whole =
        p->observed_ms ? p->observed_ms : (uint64_t)DAYS_SEEN_WHOLE * 24 * 3600 * 1000;

    for (size_t i = 0; i < estate_talks(e); i++) {
        const struct estate_talk *t = estate_talk(e, i);
        const struct estate_host *ends[] = {t->from.host, t->to.host};
        const uint64_t span = t->until_ms > t->from_ms ? t->until_ms - t->from_ms : 0;
        uint64_t permille =
            t->from_ms ? num_min(span, whole) * GROUP_PERMILLE / whole : GROUP_PERMILLE / 2;

        for (size_t k = 0; k < ARRAY_LEN(ends); k++) {
            if (ends[k])
                observed[ends[k]->index] =
                    (uint16_t)num_max(observed[ends[k]->index], num_max(permille, 1));
        }
    }
    for (size_t h = 0; h < estate_hosts(e); h++) {
        if (estate_host(e, h)->observed_permille)
            observed[h] = (uint16_t)num_min(estate_host(e, h)->observed_permille, GROUP_PERMILLE);
    }
}

/* -- names ------------------------------------------------------------------------------------- */

/* Up to the first sign or digit: "shop-web-01" -> "shop", "db7" -> "db". */
static size_t stem(const char *name)
{
    size_t n = 0;

    while (isalpha((unsigned char)name[n]))
        n++;
    return n;
}

static bool same_stem(const char *name, const char *other, size_t len)
{
    return stem(name) == len && strncmp(name, other, len) == 0;
}

/* What a name of a workload may hold, the rest is a '-'. */
static void clean_name(const char *text, size_t len, char out[static ESTATE_GROUP_NAME_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < len && n < ESTATE_GROUP_NAME_MAX - 8; i++) {
        const char c = text[i];
        bool plain = isalnum((unsigned char)c) || c == '.' || c == '_' || c == '-';

        if (n > 0 || isalnum((unsigned char)c))
            out[n++] = plain ? c : '-';
    }
    while (n > 0 && !isalnum((unsigned char)out[n - 1]))
        n--;
    out[n] = '\0';
}

/* The owner's word, else what most of the names begin with, else the first name. */
static void propose(const struct estate *e, const struct estate_group_policy *p,
                    const uint32_t *hosts, size_t n, char out[static ESTATE_GROUP_NAME_MAX])
{
    char word[ESTATE_TEXT_MAX * 2];
    size_t best = 0, best_n = 0;

    for (size_t i = 0; i < n; i++) {
        if (said(p, estate_host(e, hosts[i]), word)) {
            clean_name(word, strlen(word), out);
            if (*out)
                return;
        }
    }
    /* Sorted by name: hosts of the same stem stand side by side. */
    for (size_t i = 0; i < n;) {
        const char *name = estate_host(e, hosts[i])->name;
        size_t len = stem(name), same = i;

        while (same < n && same_stem(estate_host(e, hosts[same])->name, name, len))
            same++;
        if (same - i > best_n && len > 1) {
            best = i;
            best_n = same - i;
        }
        i = same > i ? same : i + 1;
    }
    if (best_n * 2 > n && n > 1)
        clean_name(estate_host(e, hosts[best])->name, stem(estate_host(e, hosts[best])->name), out);
    else
        clean_name(estate_host(e, hosts[0])->name, strlen(estate_host(e, hosts[0])->name), out);
    if (!*out)
        (void)text_copy(out, ESTATE_GROUP_NAME_MAX, "group");
}

/* The first of a name keeps it, others are name-2, name-3, ...; groups come before hubs. */
static int make_unique(struct estate_groups *g, struct err *err)
{
    struct estate_texts texts = {0};
    struct estate_index index = {0};
    int r = 0;

    for (size_t k = 0; r == 0 && k < g->found.n + g->found.hubs; k++) {
        char *name = k < g->found.n ? g->names[k] : g->hub_names[k - g->found.n];
        char base[ESTATE_GROUP_NAME_MAX];
        const char *kept;

        (void)text_copy(base, sizeof(base), name);
        for (size_t n = 2; *name && estate_index_find(&index, name); n++)
            (void)text_print(name, ESTATE_GROUP_NAME_MAX, "%.54s-%zu", base, n);
        kept = *name ? estate_texts_keep(&texts, name) : "";
        if (!kept || (*kept && !estate_index_put(&index, kept)))
            r = err_set(err, -ENOMEM, "names of groups: %m");
    }
    estate_index_done(&index);
    estate_texts_done(&texts);
    return r;
}

/* Counted, then put in their places from behind. */
static int gather(size_t hosts, struct estate_groups *g, struct err *err)
{
    const size_t n = g->found.n;

    g->members = calloc(hosts + 1, sizeof(*g->members));
    g->first = calloc(n + 1, sizeof(*g->first));
    if (!g->members || !g->first)
        return err_set(err, -ENOMEM, "members of %zu groups: %m", n);
    for (size_t h = 0; h < hosts; h++) {
        if (g->found.of[h] != GROUP_HUB)
            g->first[g->found.of[h]]++;
    }
    for (size_t k = 1; k <= n; k++)
        g->first[k] += g->first[k - 1];
    for (size_t h = hosts; h-- > 0;) {
        if (g->found.of[h] != GROUP_HUB)
            g->members[--g->first[g->found.of[h]]] = (uint32_t)h;
    }
    return 0;
}

static int name_groups(const struct estate *e, const struct estate_group_policy *p,
                       struct estate_groups *g, struct err *err)
{
    size_t hub = 0;

    g->names = calloc(g->found.n + 1, sizeof(*g->names));
    g->hub_names = calloc(g->found.hubs + 1, sizeof(*g->hub_names));
    if (!g->names || !g->hub_names)
        return err_set(err, -ENOMEM, "names of %zu groups: %m", g->found.n);
    for (size_t k = 0; k < g->found.n; k++) {
        const uint32_t *members = g->members + g->first[k];

        if (estate_host(e, members[0])->kind != ESTATE_HYPERVISOR)
            propose(e, p, members, g->first[k + 1] - g->first[k], g->names[k]);
    }
    for (uint32_t h = 0; h < estate_hosts(e); h++) {
        if (g->found.of[h] == GROUP_HUB)
            propose(e, p, &h, 1, g->hub_names[hub++]);
    }
    return make_unique(g, err);
}

/* -- together ---------------------------------------------------------------------------------- */

int estate_group(const struct estate *e, const struct estate_group_policy *policy,
                 struct estate_groups *ret, struct err *err)
{
    const size_t hosts = estate_hosts(e);
    auto_free uint32_t *tag = calloc(hosts + 1, sizeof(*tag));
    auto_free struct group_talk *talks = calloc(estate_talks(e) + 1, sizeof(*talks));
    auto_estate_groups struct estate_groups g = {0};
    struct group_input in = {.hosts = hosts, .talks = talks, .tag = tag};
    int r;

    g.observed = calloc(hosts + 1, sizeof(*g.observed));
    if (!tag || !talks || !g.observed)
        return err_set(err, -ENOMEM, "groups of %zu hosts: %m", hosts);
    r = read_tags(e, policy, tag, err);
    if (r < 0)
        return r;
    in.talks_n = read_talks(e, talks);
    in.resolution = policy->resolution;
    in.observed = g.observed;
    read_observed(e, policy, g.observed);
    r = group_find(&in, &g.found, err);
    if (r == 0)
        r = gather(hosts, &g, err);
    if (r == 0)
        r = name_groups(e, policy, &g, err);
    if (r < 0)
        return r;
    *ret = g;
    g = (struct estate_groups){0};
    return 0;
}

void estate_group_done(struct estate_groups *g)
{
    group_done(&g->found);
    free(g->names);
    free(g->hub_names);
    free(g->members);
    free(g->first);
    free(g->observed);
    *g = (struct estate_groups){0};
}
