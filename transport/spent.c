/* SPDX-License-Identifier: Apache-2.0 */
/* The sums of the stages, and how the wall clock is divided by them. */
#include "transport/spent.h"

#include "transport/store.h"

#include "base/banned.h"

static const char *const names[] = {
    [SPENT_DISK] = "disk",   [SPENT_CPU] = "cpu",   [SPENT_LIMIT] = "limit",
    [SPENT_STORE] = "store", [SPENT_LINK] = "link",
};

const char *spent_name(enum spent_on on)
{
    return names[on];
}

static void clear_calls(struct spent_calls *c)
{
    c->limit_ms = c->store_ms = c->link_ms = 0;
}

void spent_clear(struct spent *s)
{
    s->read_ms = s->held_ms = s->tail_ms = s->work_ms = s->work_held_ms = 0;
    clear_calls(&s->work);
    clear_calls(&s->put);
}

void spent_note(struct spent_calls *to, const struct store *s, struct store_spent *seen)
{
    struct store_spent now;

    store_spent(s, &now);
    to->limit_ms += now.limit_ms - seen->limit_ms;
    to->store_ms += now.pause_ms - seen->pause_ms;
    to->link_ms += now.call_ms - seen->call_ms;
    *seen = now;
}

/* ms of the wall clock went to calls. Those that ended tell how; before the first did, it is the
 * link as far as anybody knows. */
static void divide_calls(double ms, const struct spent_calls *c, double ret[SPENT_KINDS])
{
    const double limit = (double)atomic_load(&c->limit_ms);
    const double store = (double)atomic_load(&c->store_ms);
    const double link = (double)atomic_load(&c->link_ms);
    const double sum = limit + store + link;

    ret[SPENT_LIMIT] += sum > 0 ? ms * limit / sum : 0;
    ret[SPENT_STORE] += sum > 0 ? ms * store / sum : 0;
    ret[SPENT_LINK] += sum > 0 ? ms * link / sum : ms;
}

/* ms of the wall clock were up to the workers. Returns what of it they waited for packs. */
static double divide_work(double ms, const struct spent *s, double ret[SPENT_KINDS])
{
    const double work = (double)atomic_load(&s->work_ms);
    const double held = (double)atomic_load(&s->work_held_ms);
    const double calls = (double)(atomic_load(&s->work.limit_ms) + atomic_load(&s->work.store_ms) +
                                  atomic_load(&s->work.link_ms));
    const double asked = calls < work ? calls : work;

    if (work + held <= 0) {
        ret[SPENT_CPU] += ms;
        return 0;
    }
    ret[SPENT_CPU] += ms * (work - asked) / (work + held);
    if (asked > 0)
        divide_calls(ms * asked / (work + held), &s->work, ret);
    return ms * held / (work + held);
}

uint64_t spent_wall_ms(const struct spent *s)
{
    return atomic_load(&s->read_ms) + atomic_load(&s->held_ms) + atomic_load(&s->tail_ms);
}

void spent_shares(const struct spent *s, double ret[SPENT_KINDS])
{
    double sum = 0, sending = (double)atomic_load(&s->tail_ms);

    for (int i = 0; i < SPENT_KINDS; i++)
        ret[i] = 0;
    ret[SPENT_DISK] = (double)atomic_load(&s->read_ms);
    sending += divide_work((double)atomic_load(&s->held_ms), s, ret);
    divide_calls(sending, &s->put, ret);
    for (int i = 0; i < SPENT_KINDS; i++)
        sum += ret[i];
    for (int i = 0; sum > 0 && i < SPENT_KINDS; i++)
        ret[i] /= sum;
}

bool spent_bound(const struct spent *s, enum spent_on *ret)
{
    double shares[SPENT_KINDS];
    enum spent_on most = SPENT_DISK;

    spent_shares(s, shares);
    for (int i = 0; i < SPENT_KINDS; i++)
        if (shares[i] > shares[most])
            most = (enum spent_on)i;
    if (shares[most] <= 0)
        return false;
    *ret = most;
    return true;
}
