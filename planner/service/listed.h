/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts that only lists know (RVTools and the like), kept until an agent of theirs enrols. Of a
 * machine that both know, the agent's word counts: it is the same machine when
 *
 *   1. the UUID of its SMBIOS is the list's id (either byte order), or its machine id is, else
 *   2. it has the same name, whatever the case, with its domain or without, provided that not both
 *      UUIDs are known, which then differ: such a namesake is shown as a conflict, and both count.
 *
 * Nothing is written for it: when the agent's host is forgotten, the list's word counts again.
 */
#ifndef GODWIT_PLANNER_SERVICE_LISTED_H
#define GODWIT_PLANNER_SERVICE_LISTED_H

#include "base/js.h"
#include "planner/service/service.h"

enum {
    LISTED_NAME_MAX = 128, /* of a list, and of an import */
    LISTED_KEY_MAX = 512,
};

/* Which import of which list. */
struct listed_key {
    const char *list, *import;
};

struct listed_host {
    const char *key; /* "NAME@LIST", in small letters */
    const char *list, *name;
    const char *name_key, *short_name, *id, *uuid_hash, *uuid_swapped; /* when it is put */
    const char *doc; /* godwit.estate/1 of this host alone */
    uint64_t imported_ms;
    const char *agent;    /* the host with an agent that is this machine, or NULL */
    const char *namesake; /* one of the same name that is another machine, or NULL */
};
typedef int (*listed_host_fn)(void *arg, const struct listed_host *h);

/*
 * One part of an import: fleet is a godwit.estate/1, its hosts a row each; the last one makes the
 * whole count. *ret_hosts: hosts of the import so far. -EINVAL: not such a document, a host that
 * the import has already; -EFBIG: more hosts than a fleet may have.
 */
struct listed_part {
    struct listed_key key;
    uint64_t part;
    bool is_last;
    const struct js *fleet;
    const char *by; /* api_call.who */
};
int listed_import(struct service *svc, const struct listed_part *part, uint64_t *ret_hosts,
                  struct err *err);

/* "WEB-01.acme.com" -> "web-01": out has size bytes. */
void listed_short_name(const char *name, char *out, size_t size);

#endif
