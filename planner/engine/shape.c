/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the catalogue: lists are short, and hosts are sized once. */
#include "planner/engine/shape.h"

#include "base/err.h"
#include "base/num.h"
#include "base/text.h"

#include <inttypes.h>

#include "base/banned.h"

static bool carries(uint64_t has, uint64_t need)
{
    return has == 0 || has >= need;
}

/*
 * What it can be counted on for. Providers lend the rest for a while, or ask more for it: AWS says
 * 5 to 40% of a vCPU for its T families, 20% of the usual sizes.
 */
static double always(const struct catalogue_shape *s)
{
    return s->burstable ? s->vcpus * 0.2 : s->vcpus;
}

static bool fits(const struct catalogue_shape *s, const struct size_need *need)
{
    return s->vcpus > 0 && always(s) >= need->vcpus && s->memory_bytes >= need->memory_bytes &&
           s->gpus >= need->gpus && (s->gpus > 0) == (need->gpus > 0) &&
           carries(s->disk_bytes_per_s, need->disk_bytes_per_s) &&
           carries(s->net_bytes_per_s, need->net_bytes_per_s);
}

/* Of two at one price. Names are in order already. */
static bool roomier(const struct catalogue_shape *a, const struct catalogue_shape *b)
{
    if (a->memory_bytes != b->memory_bytes)
        return a->memory_bytes > b->memory_bytes;
    return a->vcpus > b->vcpus;
}

static const struct catalogue_shape *cheapest(const struct catalogue *c,
                                              const struct size_need *need, bool arm)
{
    const struct catalogue_shape *best = NULL;

    for (size_t i = 0; i < c->n; i++) {
        const struct catalogue_shape *s = &c->shapes[i];

        if (best && s->price_micros > best->price_micros)
            break;
        if (s->arm == arm && fits(s, need) && (!best || roomier(s, best)))
            best = s;
    }
    return best;
}

static unsigned unknown(const struct catalogue_shape *s, const struct size_need *need)
{
    unsigned flags = 0;

    if (s->disk_bytes_per_s == 0 && need->disk_bytes_per_s > 0)
        flags |= SHAPE_DISK_UNKNOWN;
    if (s->net_bytes_per_s == 0 && need->net_bytes_per_s > 0)
        flags |= SHAPE_NET_UNKNOWN;
    return flags;
}

/* What it needs of disks and network, as far as that is known. */
static void say_flows(const struct size_need *need, char out[static 2 * NUM_TEXT_MAX + 64])
{
    char disk[NUM_TEXT_MAX], net[NUM_TEXT_MAX];
    bool any_disk = need->disk_bytes_per_s > 0, any_net = need->net_bytes_per_s > 0;

    num_format_bytes(need->disk_bytes_per_s, false, disk);
    num_format_bytes(need->net_bytes_per_s, false, net);
    (void)text_print(out, 2 * NUM_TEXT_MAX + 64, "%s%s%s%s%s%s", any_disk ? ", " : "",
                     any_disk ? disk : "", any_disk ? "/s to disks" : "", any_net ? ", " : "",
                     any_net ? net : "", any_net ? "/s to the network" : "");
}

/* Which single need no shape meets; when each is met by some, it is all of them together. */
static int none_fits(const struct catalogue *c, const struct size_need *need, struct err *err)
{
    uint64_t memory = 0;
    uint32_t vcpus = 0, gpus = 0;
    char needed[NUM_TEXT_MAX], has[NUM_TEXT_MAX], flows[2 * NUM_TEXT_MAX + 64];

    for (size_t i = 0; i < c->n; i++) {
        memory = c->shapes[i].memory_bytes > memory ? c->shapes[i].memory_bytes : memory;
        vcpus = c->shapes[i].vcpus > vcpus ? c->shapes[i].vcpus : vcpus;
        gpus = c->shapes[i].gpus > gpus ? c->shapes[i].gpus : gpus;
    }
    num_format_bytes(need->memory_bytes, false, needed);
    num_format_bytes(memory, false, has);
    if (need->vcpus > vcpus)
        return err_set(err, -ENOENT, "%.1f vCPUs are needed, %s %s has %" PRIu32 " at most",
                       need->vcpus, c->provider, c->region, vcpus);
    if (need->memory_bytes > memory)
        return err_set(err, -ENOENT, "%s of memory are needed, %s %s has %s at most", needed,
                       c->provider, c->region, has);
    if (need->gpus > gpus)
        return err_set(err, -ENOENT, "%u GPUs are needed, %s %s has %" PRIu32 " at most",
                       need->gpus, c->provider, c->region, gpus);
    say_flows(need, flows);
    return err_set(err, -ENOENT, "no shape of %s %s has %.1f vCPUs, %s of memory and %s%s together",
                   c->provider, c->region, need->vcpus, needed, need->gpus ? "its GPUs" : "no GPUs",
                   flows);
}

int shape_choose(const struct catalogue *c, const struct size_need *need, bool arm_runs,
                 struct shape_choice *ret, struct err *err)
{
    struct shape_choice choice = {.x86 = cheapest(c, need, false),
                                  .arm = arm_runs ? cheapest(c, need, true) : NULL};

    if (!choice.x86 && !choice.arm)
        return none_fits(c, need, err);
    if (choice.x86 && choice.arm && choice.arm->price_micros >= choice.x86->price_micros)
        choice.arm = NULL;
    choice.unknown = unknown(choice.x86 ? choice.x86 : choice.arm, need);
    *ret = choice;
    return 0;
}
