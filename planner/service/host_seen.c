/* SPDX-License-Identifier: Apache-2.0 */
/* Judging who is seen from where; quarantine is written at once, whatever becomes of the call. */
#include "planner/service/host_seen.h"

#include "base/text.h"
#include "planner/service/db_host.h"
#include "planner/service/event.h"
#include "planner/service/hub.h"

#include "base/banned.h"

enum { SEEN_EVERY_MS = 60 * 1000 };

enum host_seen_verdict host_seen_judge(const struct host_seen_facts *facts, uint64_t now_ms,
                                       const char **ret_why)
{
    if (facts->revoked)
        return HOST_SEEN_REVOKED;
    if (!facts->known && facts->unseen > 0)
        return HOST_SEEN_FIRST_USE;
    if (!facts->known) {
        *ret_why = "a certificate was used that it was not given";
        return HOST_SEEN_TWICE;
    }
    if (facts->newer_first_use_ms && now_ms > facts->newer_first_use_ms + HOST_SEEN_GRACE_MS) {
        *ret_why = "an old certificate was used again after a newer one";
        return HOST_SEEN_TWICE;
    }
    return facts->unused ? HOST_SEEN_FIRST_USE : HOST_SEEN_OK;
}

static bool one_place(const struct host_seen_place *a, const struct host_seen_place *b)
{
    return a->instance[0] && b->instance[0] ? text_equal(a->instance, b->instance)
                                            : text_equal(a->address, b->address);
}

bool host_seen_poll_add(struct host_seen_polls *polls, const struct host_seen_place *place,
                        uint64_t now_ms, bool *ret_changed)
{
    const bool back = one_place(&polls->before, place);

    *ret_changed = !text_equal(polls->last.instance, place->instance) ||
                   !text_equal(polls->last.address, place->address);
    if (one_place(&polls->last, place)) {
        polls->last = *place;
        return false;
    }
    /* Addresses may come and go by themselves; a process that ended never comes back. */
    if ((!back && !place->instance[0]) || now_ms > polls->flip_ms + HOST_SEEN_FLIP_MS)
        polls->flips = 0;
    if (back && polls->flips++ == 0)
        polls->flip_ms = now_ms;
    polls->before = polls->last;
    polls->last = *place;
    return polls->flips >= HOST_SEEN_FLIPS;
}

static int refuse(struct err *err, const char *name, const char *why)
{
    return err_set_gw(err, GW_IDENTITY_TWICE, -EPERM, "'%s' is in quarantine: %s", name, why);
}

static int quarantine(struct service *svc, const struct host *host, const char *why,
                      struct err *err)
{
    int r;

    r = db_host_set_quarantine(svc->db, host->identity, why, err);
    if (r == 0)
        r = event_note(svc, "host.quarantined", host->identity, host->name, err, "%s", why);
    if (r < 0)
        return r;
    hub_notify_agent(svc->hub, host->identity); /* who waits is refused, too */
    return refuse(err, host->name, why);
}

static int note_seen(struct service *svc, const struct host *host, const char *address,
                     uint64_t now_ms, struct err *err)
{
    /* Not at every poll: each write is a sync of the disk. */
    if (now_ms < host->seen_ms + SEEN_EVERY_MS && text_equal(host->address, address))
        return 0;
    return db_host_set_seen(svc->db, host->identity, address, now_ms, err);
}

static int find_enrolled(struct service *svc, const char *identity, struct host *ret,
                         struct err *err)
{
    int r = db_host_find(svc->db, "identity", identity, ret, err);

    return r == -ENOENT
               ? err_set_gw(err, GW_API_AUTH, -EACCES, "agent '%s' is not enrolled here", identity)
               : r;
}

int host_seen_trusted(struct service *svc, const char *identity, struct err *err)
{
    struct host host;
    int r = find_enrolled(svc, identity, &host, err);

    return r == 0 && host.quarantine[0] ? refuse(err, host.name, host.quarantine) : r;
}

int host_seen(struct service *svc, const char *identity, const char *fingerprint,
              const char *address, struct err *err)
{
    const uint64_t now = clock_wall_ms(svc->clock);
    struct host_seen_facts facts = {0};
    const char *why = "";
    struct host host;
    int r;

    r = find_enrolled(svc, identity, &host, err);
    if (r == 0)
        r = db_host_cert_facts(svc->db, identity, fingerprint, &facts, err);
    if (r < 0)
        return r;
    switch (host_seen_judge(&facts, now, &why)) {
    case HOST_SEEN_REVOKED:
        return err_set_gw(err, GW_API_AUTH, -EACCES,
                          "the certificate of '%s' was revoked: enrol again", host.name);
    case HOST_SEEN_TWICE:
        if (!host.quarantine[0])
            return quarantine(svc, &host, why, err);
        break;
    case HOST_SEEN_FIRST_USE:
        r = db_host_cert_first(svc->db, identity, fingerprint, now, err);
        break;
    case HOST_SEEN_OK:
        break;
    }
    if (r == 0 && host.quarantine[0])
        return refuse(err, host.name, host.quarantine);
    return r < 0 ? r : note_seen(svc, &host, address, now, err);
}

static int parse_place(const char *instance, const char *address, struct host_seen_place *ret,
                       struct err *err)
{
    (void)text_copy(ret->address, sizeof(ret->address), address);
    if (!instance)
        return 0;
    if (!instance[0] || text_copy(ret->instance, sizeof(ret->instance), instance) < 0)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "?instance= has 1 to %d characters",
                          HOST_SEEN_INSTANCE_MAX - 1);
    text_sanitize(ret->instance);
    return 0;
}

static int quarantine_two(struct service *svc, const char *identity,
                          const struct host_seen_polls *polls, struct err *err)
{
    char why[HOST_TEXT_MAX];
    struct host host;
    int r;

    r = db_host_find(svc->db, "identity", identity, &host, err);
    if (r < 0)
        return r;
    (void)text_print(
        why, sizeof(why), "two agents poll for work with it in turn: %s%s%s and %s%s%s",
        polls->before.instance, polls->before.instance[0] ? " at " : "", polls->before.address,
        polls->last.instance, polls->last.instance[0] ? " at " : "", polls->last.address);
    return quarantine(svc, &host, why, err);
}

int host_seen_poll(struct service *svc, const char *identity, const char *instance,
                   const char *address, struct err *err)
{
    struct host_seen_polls polls = {0};
    struct host_seen_place place = {0};
    bool changed = false, twice;
    int r;

    r = parse_place(instance, address, &place, err);
    if (r == 0)
        r = db_host_polls_load(svc->db, identity, &polls, err);
    if (r < 0)
        return r;
    twice = host_seen_poll_add(&polls, &place, clock_wall_ms(svc->clock), &changed);
    if (changed)
        r = db_host_polls_save(svc->db, identity, &polls, err);
    return r == 0 && twice ? quarantine_two(svc, identity, &polls, err) : r;
}
