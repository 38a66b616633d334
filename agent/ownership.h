/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may write: the durable record of one workload on this host, and the only function that
 * moves it (docs/control-plane.md, section 3; tests/model/cutover.pml is its model).
 *
 * ownership_next is pure: no clock, disk or network. Callers read what it needs from the vault,
 * save its result, and only then do what the new record permits.
 */
#ifndef GODWIT_AGENT_OWNERSHIP_H
#define GODWIT_AGENT_OWNERSHIP_H

#include "transport/control.h"

enum ownership_role { OWNERSHIP_IDLE, OWNERSHIP_PUSH, OWNERSHIP_FOLLOW };

struct ownership {
    bool known;              /* a record exists */
    bool owns;               /* with fenced_epoch 0: the workload may be writable here */
    uint64_t max_epoch;      /* the highest ever seen; nothing older acts */
    uint64_t fenced_epoch;   /* 0 = not fenced */
    uint64_t fenced_wall_ms; /* when the fence went up, for the wait of selfabort.c */
    bool start_owed;         /* it got the right to write, and its services are not started yet */
    enum ownership_role role;
};

enum ownership_kind {
    OWNERSHIP_ADOPT,      /* the first owner of a workload that has no record */
    OWNERSHIP_FENCE,      /* holder: nothing is written here any more */
    OWNERSHIP_FINAL,      /* holder: only asks whether the last point may be taken */
    OWNERSHIP_APPLY,      /* other: the volumes are about to be torn by the final point */
    OWNERSHIP_PROMOTE,    /* other: becomes the owner */
    OWNERSHIP_ABORT,      /* holder: gets it back */
    OWNERSHIP_STAND_DOWN, /* other: takes note of an aborted epoch */
    OWNERSHIP_CEDE,       /* old holder: begins to follow */
    OWNERSHIP_NOTE,       /* an order that moves nothing */
    OWNERSHIP_STARTED,    /* owner: what was owed is done */
    OWNERSHIP_RELEASE,    /* the move is over */
    OWNERSHIP_KINDS
};

struct ownership_event {
    enum ownership_kind kind;
    uint64_t epoch;
    enum control_decision decision; /* of epoch: needed by PROMOTE and ABORT */
    /*
     * What the vault says of the epoch that this record still waits on: the fenced one, or, when
     * it does not own, max_epoch if the final point of just that epoch was applied here. NONE when
     * undecided, not asked, or when there is no such epoch.
     */
    enum control_decision past;
    bool applied; /* PROMOTE: what was applied here is what was decided */
    uint64_t wall_ms;
};

/*
 * The record after ev. Saying the same thing again gives the same record.
 * -ESTALE  ev is older than the highest epoch seen,
 * -EPERM   this record does not allow it (GW_FENCE_FAILED for a fence),
 * -EINVAL  an epoch of 0 where one is needed.
 */
int ownership_next(const struct ownership *now, const struct ownership_event *ev,
                   struct ownership *ret, struct err *err);

/* The one state in which the workload may be writable here. */
bool ownership_writable(const struct ownership *o);
/* Which epoch's decision ownership_event.past speaks of; 0 = none. applied_epoch: of the last final
 * point that was applied here, 0 = none. */
uint64_t ownership_waits_on(const struct ownership *o, uint64_t applied_epoch);

/* The record of the workload kept in dir; no file is a record that is not known.
 * GW_RECORD_DAMAGED: it is there and cannot be read; *ret is untouched. */
int ownership_load(const char *dir, struct ownership *ret, struct err *err);
/* Durable on return. */
int ownership_save(const char *dir, const struct ownership *o, struct err *err);

const char *ownership_role_name(enum ownership_role role); /* "push", … */
int ownership_role_parse(const char *text, enum ownership_role *ret, struct err *err);

#endif
