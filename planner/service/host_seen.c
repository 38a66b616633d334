/* SPDX-License-Identifier: Apache-2.0 */
/* Judging who is seen from where; quarantine is written at once, whatever becomes of the call. */
#include "planner/service/host_seen.h"

#include "base/text.h"
#include "planner/service/db_host.h"
#include "planner/service/event.h"

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

bool host_seen_poll_add(struct host_seen_polls *polls, const char *address, uint64_t now_ms,
                        bool *ret_changed)
{
    *ret_changed = !text_equal(polls->address, address);
    if (!*ret_changed)
        return false;
    if (!text_equal(polls->before, address) || now_ms > polls->flip_ms + HOST_SEEN_FLIP_MS)
        polls->flips = 0;
    if (text_equal(polls->before, address)) {
        if (polls->flips == 0)
            polls->flip_ms = now_ms;
        polls->flips++;
    }
    (void)text_copy(polls->before, sizeof(polls->before), polls->address);
    (void)text_copy(polls->address, sizeof(polls->address), address);
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
    return r < 0 ? r : refuse(err, host->name, why);
}

static int note_seen(struct service *svc, const struct host *host, const char *address,
                     uint64_t now_ms, struct err *err)
{
    /* Not at every poll: each write is a sync of the disk. */
    if (now_ms < host->seen_ms + SEEN_EVERY_MS && text_equal(host->address, address))
        return 0;
    return db_host_set_seen(svc->db, host->identity, address, now_ms, err);
}

int host_seen(struct service *svc, const char *identity, const char *fingerprint,
              const char *address, struct err *err)
{
    const uint64_t now = clock_wall_ms(svc->clock);
    struct host_seen_facts facts = {0};
    const char *why = "";
    struct host host;
    int r;

    r = db_host_find(svc->db, "identity", identity, &host, err);
    if (r == -ENOENT)
        return err_set_gw(err, GW_API_AUTH, -EACCES, "agent '%s' is not enrolled here", identity);
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

int host_seen_poll(struct service *svc, const char *identity, const char *address, struct err *err)
{
    struct host_seen_polls polls = {0};
    struct host host;
    bool changed = false, twice;
    int r;

    r = db_host_polls_load(svc->db, identity, &polls, err);
    if (r < 0)
        return r;
    twice = host_seen_poll_add(&polls, address, clock_wall_ms(svc->clock), &changed);
    if (changed)
        r = db_host_polls_save(svc->db, identity, &polls, err);
    if (r == 0 && twice)
        r = db_host_find(svc->db, "identity", identity, &host, err);
    if (r == 0 && twice)
        return quarantine(svc, &host, "it polls for work from two addresses in turn", err);
    return r;
}
