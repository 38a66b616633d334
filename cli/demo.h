/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demonstration: a planner, two agents, a store and a small service on this machine, moved to
 * the other side and back under proof. No root, no mount, nothing outside two directories.
 *
 * DATA  ($XDG_DATA_HOME/godwit/demo)   store, both volumes, acknowledgements of the ledger
 * STATE ($XDG_STATE_HOME/godwit/demo)  planner, agents, logs, process ids
 */
#ifndef GODWIT_CLI_DEMO_H
#define GODWIT_CLI_DEMO_H

#include "cli/api.h"
#include "cli/cmd.h"
#include "cli/demo_ledger.h"

#include <limits.h>

#define DEMO_WORKLOAD "demo"
#define DEMO_CONTEXT "demo"
#define DEMO_SOURCE_HOST "demo-idc"
#define DEMO_TARGET_HOST "demo-cloud"

enum {
    DEMO_DIR_MAX = 1024,
    DEMO_VOLUME_BYTES = 64 << 20,
    DEMO_LEDGER_BYTES = 8 << 20,
    DEMO_FILES_BYTES = 30 << 20,
    DEMO_STEP_MS = 60000, /* no wait of the demo is longer */
};

struct demo_switch {
    double downtime_s;
    struct demo_ledger_verdict proof;
};

struct demo {
    struct cmd_call *call;
    char data[DEMO_DIR_MAX], state[DEMO_DIR_MAX];
    char godwitd[PATH_MAX], agent[PATH_MAX], ledger[PATH_MAX];
    char mke2fs[PATH_MAX], debugfs[PATH_MAX], e2fsck[PATH_MAX];
    struct api *api; /* once the planner answers */
    struct js *client;
    int lock;
    unsigned files; /* in the volume */
    double lag_s;   /* the highest that was seen in dual-run */
    struct demo_switch cutover, rollback;
    uint64_t began_ms;
};

/* -- demo_place.c: where things are -- */

/* The two directories; nothing is made. */
int demo_place_find(struct demo *d, struct err *err);
/* The programs, beside this one or where they are installed, and those of e2fsprogs. -ENOENT. */
int demo_place_programs(struct demo *d, struct err *err);
int demo_place_data(const struct demo *d, const char *name, char out[static PATH_MAX],
                    struct err *err);
int demo_place_state(const struct demo *d, const char *name, char out[static PATH_MAX],
                     struct err *err);
/* Make both directories and take the lock unless it is ours. -EWOULDBLOCK (GW_IN_USE). */
int demo_place_make(struct demo *d, struct err *err);
/* Empty both, but for the lock, which must be ours. */
int demo_place_clear(struct demo *d, struct err *err);
bool demo_place_exists(const struct demo *d);
/* Is there a demo that was made to its end? */
bool demo_place_is_ready(const struct demo *d);
int demo_place_remove(struct demo *d, struct err *err);

/* -- demo_proc.c: our processes; name is that of its directory below STATE -- */

/* Leave it running behind us: argv ends with NULL and names STATE/name, by which it is known. */
int demo_proc_start(const struct demo *d, const char *name, const char *const *argv,
                    struct err *err);
bool demo_proc_runs(const struct demo *d, const char *name);
/* 0 also when it does not run. Only ever signals what is ours. */
int demo_proc_end(const struct demo *d, const char *name, struct err *err);
/* -EIO with the last line of its log when it ended. */
int demo_proc_check(const struct demo *d, const char *name, struct err *err);
/* Run a tool to its end; a status other than 0 is -EIO with its last line. out may be NULL. */
int demo_proc_tool(const char *const *argv, const char *cwd, struct buf *out, struct err *err);

/* -- demo_volume.c -- */

/* An ext4 image with real files and the ledger, its block map, and an empty landing image. */
int demo_volume_make(struct demo *d, struct err *err);

/* -- demo_fleet.c: planner, agents, workload -- */

int demo_fleet_init(struct demo *d, const char *listen, struct err *err);
/* Start what does not run and connect. fresh: the agents enrol first. */
int demo_fleet_start(struct demo *d, const char *listen, bool fresh, struct err *err);
int demo_fleet_put_workload(struct demo *d, struct err *err);
/* The ledger of a side, "source" or "target"; guarded: only where the agent's record allows it,
 * and it is no failure when it does not. */
int demo_fleet_start_ledger(struct demo *d, const char *side, bool guarded, struct err *err);
/* End what runs: agents, planner, ledgers. */
int demo_fleet_end(struct demo *d, struct err *err);

/* -- demo_story.c -- */

/* From plan to rollback. Returns an exit code; anything but 0 has err. */
int demo_story_tell(struct demo *d, struct err *err);
/* Wait in short steps; -ECANCELED on Ctrl-C, -ETIMEDOUT past until. */
int demo_story_pause(struct demo *d, uint64_t until_mono_ms, const char *what, struct err *err);
/* A line "Label   text" for people. */
void demo_story_say(struct demo *d, const char *label, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* -- demo_proof.c -- */

/* Hold every record acknowledged so far against the volume of a side, and check its file system.
 * -EBADMSG (GW_DATA_DIFFERS). */
int demo_proof_take(struct demo *d, const char *side, struct demo_ledger_verdict *ret,
                    struct err *err);

#endif
