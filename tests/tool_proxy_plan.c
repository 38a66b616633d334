/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules of faults. Most requests go through, or no schedule would see the end of a push; and
 * each schedule has its own few kinds of fault, or none would be met often. */
#include "tests/tool_proxy_plan.h"

#include "base/auto.h"

#include <string.h>

#include "base/banned.h"

/* How often each is drawn, of those that a schedule has. Stalls cost seconds. */
static const struct {
    const char *name;
    unsigned weight;
} faults[PROXY_FAULTS] = {
    [PROXY_NONE] = {"none", 0},
    [PROXY_500] = {"500", 6},
    [PROXY_503] = {"503", 6},
    [PROXY_EXPIRED] = {"expired", 1},
    [PROXY_SKEWED] = {"skewed", 1},
    [PROXY_HANG_UP] = {"hang-up", 6},
    [PROXY_DELAY] = {"delay", 6},
    [PROXY_CUT_UP] = {"cut-up", 8},
    [PROXY_FLIP_UP] = {"flip-up", 8},
    [PROXY_STALL_UP] = {"stall-up", 1},
    [PROXY_LOSE_REPLY] = {"lose-reply", 10},
    [PROXY_FAIL_AFTER] = {"fail-after", 8},
    [PROXY_CUT_DOWN] = {"cut-down", 8},
    [PROXY_FLIP_DOWN] = {"flip-down", 8},
    [PROXY_FLIP_HEAD] = {"flip-head", 4},
    [PROXY_STALL_DOWN] = {"stall-down", 1},
};

/* Kinds: a method and the folder of its object. */
static const char *const methods[] = {"PUT", "GET", "HEAD", ""};
static const char *const folders[] = {"packs/", "points/", "vault", ""};

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

void tool_proxy_plan_init(struct tool_proxy_plan *p, uint64_t seed)
{
    static const unsigned rates[] = {5, 20, 50, 100, 200, 350};
    uint64_t r = mix(seed);

    *p = (struct tool_proxy_plan){.seed = seed};
    if (seed == 0)
        return;
    p->permille = rates[r % ARRAY_LEN(rates)];
    r = mix(r);
    p->faults = r % 3 == 0 ? UINT32_MAX : (uint32_t)(r >> 8 & r >> 32);
    r = mix(r);
    if (r % 4 == 0) {
        p->outage_first = r >> 8 & 63;
        p->outage_n = 1 + (r >> 16 & 31);
    }
}

static unsigned kind_of(const char *method, const char *path)
{
    unsigned m = 0;
    unsigned f = 0;

    while (strcmp(methods[m], method) != 0 && methods[m][0])
        m++;
    while (!strstr(path, folders[f]))
        f++;
    return m * (unsigned)ARRAY_LEN(folders) + f;
}

const char *tool_proxy_plan_name(enum tool_proxy_fault f)
{
    return faults[f].name;
}

const char *tool_proxy_plan_kind(unsigned kind)
{
    static const char *const names[TOOL_PROXY_KINDS] = {
        "put-pack",  "put-point", "put-vault", "put-other",  "get-pack",   "get-point",
        "get-vault", "get-other", "head-pack", "head-point", "head-vault", "head-other",
        "pack",      "point",     "vault",     "other",
    };

    return names[kind];
}

static enum tool_proxy_fault draw(const struct tool_proxy_plan *p, uint64_t r)
{
    unsigned sum = 0;
    unsigned at;

    for (unsigned i = 0; i < PROXY_FAULTS; i++)
        sum += p->faults >> i & 1 ? faults[i].weight : 0;
    if (sum == 0)
        return PROXY_NONE;
    at = (unsigned)(r % sum);
    for (unsigned i = 0; i < PROXY_FAULTS; i++) {
        unsigned weight = p->faults >> i & 1 ? faults[i].weight : 0;

        if (at < weight)
            return (enum tool_proxy_fault)i;
        at -= weight;
    }
    return PROXY_NONE;
}

void tool_proxy_plan_next(struct tool_proxy_plan *p, const char *method, const char *path,
                          struct tool_proxy_entry *ret)
{
    unsigned kind = kind_of(method, path);
    uint64_t r = mix(p->seed ^ mix(((uint64_t)kind << 32) + p->counts[kind]));
    bool outage = p->seed && p->all >= p->outage_first && p->all - p->outage_first < p->outage_n;

    *ret = (struct tool_proxy_entry){.kind = kind, .nth = p->counts[kind], .param = mix(r)};
    p->counts[kind]++;
    p->all++;
    if (outage)
        ret->fault = r & 1 ? PROXY_HANG_UP : PROXY_503;
    else if (p->seed && r % 1000 < p->permille)
        ret->fault = draw(p, r >> 16);
}
