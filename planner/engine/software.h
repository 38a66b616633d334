/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs are, by the names of processes and packages: what a cloud runs in their place, and
 * where they run. To add one: a row in rows[] of software.c.
 */
#ifndef GODWIT_PLANNER_ENGINE_SOFTWARE_H
#define GODWIT_PLANNER_ENGINE_SOFTWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct estate_host;

enum software_class {
    SOFTWARE_DATABASE,
    SOFTWARE_CACHE,
    SOFTWARE_QUEUE,
    SOFTWARE_SEARCH,
    SOFTWARE_WEB,     /* serves and keeps nothing */
    SOFTWARE_RUNTIME, /* runs code of one's own */
    SOFTWARE_OFFICE,  /* mail, wiki, tickets: sold as a service */
    SOFTWARE_CORE,    /* names, directories, time: everybody asks it */
    SOFTWARE_FILES,
    SOFTWARE_BACKUP,
    SOFTWARE_MONITOR,
    SOFTWARE_BATCH,
    SOFTWARE_DESKTOP,
    SOFTWARE_AGENT, /* beside others, of no weight */
};

struct software {
    const char *words; /* beginnings of names, lower case, parted by '|' */
    const char *name;  /* "PostgreSQL" */
    enum software_class class;
    const char *managed; /* what a cloud runs in its place, or NULL */
    bool arm;            /* is built for Arm as well */
    bool container;      /* is run in containers as it is */
    bool keeps_state;
    const char *licence; /* whose terms come along, or NULL */
};

/* NULL: not known here. */
const struct software *software_find(const char *name);
size_t software_count(void);
const struct software *software_at(size_t i);

/*
 * Does all that is known to run there run on Arm? Linux, at least one program, and none that is
 * unknown or not built for it; *ret_why (a literal, or a program's name) says which.
 */
bool software_runs_on_arm(const struct estate_host *h, const char **ret_why);

#endif
