/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of errors that users see (GW-1234), and the exit codes of the programs.
 *
 * To add an error: a name here, a row in gw.c. Numbers are a contract and never reused:
 * 1xxx usage and configuration, 2xxx hosts and agents, 3xxx data (vault, stores, volumes),
 * 4xxx plans and cutovers, 5xxx the planner's API.
 */
#ifndef GODWIT_BASE_GW_H
#define GODWIT_BASE_GW_H

#include <stddef.h>

struct err;

/* Exit codes of every program; an unknown non-zero code means failure. */
enum gw_exit {
    GW_EXIT_OK = 0,
    GW_EXIT_FAILED = 1,
    GW_EXIT_USAGE = 2,
    GW_EXIT_PARTIAL = 3,
    GW_EXIT_NOT_FOUND = 4,
    GW_EXIT_REFUSED = 5,
    GW_EXIT_LOCKED = 6,
    GW_EXIT_AUTH = 7,
    GW_EXIT_UNREACHABLE = 8,
    GW_EXIT_MISMATCH = 9,
    GW_EXIT_CHANGES = 10,
    GW_EXIT_ROLLED_BACK = 11,
    GW_EXIT_HALFWAY = 12,
    GW_EXIT_DETACHED = 130,
};

enum gw {
    GW_NONE = 0,
    /* 1xxx usage and configuration */
    GW_USAGE = 1001,         /* unknown verb or flag, missing argument */
    GW_BAD_VALUE = 1002,     /* a value does not parse or is out of range */
    GW_BAD_CONFIG = 1003,    /* a configuration file is wrong */
    GW_BAD_DOCUMENT = 1004,  /* a document is malformed or of the wrong schema */
    GW_NEEDS_CONFIRM = 1005, /* a severe action without its --confirm */
    GW_NO_CONTEXT = 1006,    /* no planner configured */
    GW_BAD_NAME = 1007,      /* text that cannot be the name of anything */
    GW_SECRET = 1008,        /* a secret's reference gives no usable secret */
    GW_BAD_FILE = 1009,      /* something else stands where a file is expected */
    GW_NO_MEMORY = 1090,
    GW_NO_SPACE = 1091,
    GW_IO = 1092,
    GW_DENIED = 1093,      /* the operating system refused */
    GW_UNREACHABLE = 1094, /* something on the network did not answer */
    GW_NOT_FOUND = 1095,   /* a file or object that was named does not exist */
    GW_IN_USE = 1096,      /* somebody else holds it at this moment */
    GW_STOPPED = 1097,     /* asked to stop before the end */
    GW_INTERNAL = 1099,
    /* 2xxx hosts and agents */
    GW_TOKEN_BAD = 2001,      /* join token malformed, unknown, expired, used or revoked */
    GW_PIN_MISMATCH = 2002,   /* the planner's key is not the one in the token */
    GW_IDENTITY_TWICE = 2003, /* one agent identity seen from two places */
    GW_HOST_NOT_FOUND = 2004,
    GW_AGENT_NOT_SEEN = 2005,
    GW_PROBE_FAILED = 2006, /* a collector could not read its source */
    GW_IDENTITY_DAMAGED = 2007,
    /* 3xxx data */
    GW_STORE_UNREACHABLE = 3001,
    GW_STORE_DENIED = 3002,
    GW_STORE_CONFLICT = 3003, /* a create-only object exists with other bytes */
    GW_STORE_BAD_URL = 3004,
    GW_STORE_UNTRUSTED = 3005,  /* its certificate, or it speaks no TLS */
    GW_STORE_FULL = 3006,       /* or a quota of it is used up */
    GW_VAULT_NEWER = 3010,      /* format newer than this program */
    GW_VAULT_KEY = 3011,        /* wrong or missing key */
    GW_VAULT_DAMAGED = 3012,    /* an object is truncated or altered */
    GW_VAULT_MISSING = 3013,    /* an object that must exist does not */
    GW_VAULT_OLDER_HEAD = 3014, /* head older than one seen before */
    GW_REPLICA_NOT_FOUND = 3015,
    GW_REPLICA_LOCKED = 3016, /* another pusher, or a newer epoch, holds the replica */
    GW_NO_VAULT = 3017,       /* nobody made a vault at this place */
    GW_STATE_FOREIGN = 3018,  /* a state directory of another replica or vault */
    GW_PACK_DIFFERS = 3019,   /* what was packed does not unpack to what was read */
    GW_VOLUME_UNREADABLE = 3020,
    GW_VOLUME_CHANGED = 3021, /* shrank, grew or vanished while in use */
    GW_VOLUME_BUSY = 3022,
    GW_VOLUME_TOO_SMALL = 3023,
    GW_NOT_CONSISTENT = 3024,    /* no moment could be had at which the volume holds still */
    GW_VOLUME_SHRANK = 3025,     /* between two passes */
    GW_VOLUME_ALTERED = 3026,    /* one that follows, by somebody else */
    GW_STATE_DAMAGED = 3027,     /* a file of a state directory does not parse */
    GW_DATA_DIFFERS = 3030,      /* verification mismatch */
    GW_VOLUME_SHARED = 3031,     /* another workload uses the same file or device */
    GW_VOLUME_NOT_EMPTY = 3032,  /* a target holds data of somebody else */
    GW_VAULT_PLAIN = 3033,       /* a key was given, and nothing is encrypted */
    GW_TRACKER_MISSED = 3034,    /* a change tracker did not tell a change */
    GW_PARTLY_UNREADABLE = 3035, /* a point was made, without what could not be read */
    GW_INCOMPLETE = 3036,        /* a point of which a part could not be read */
    GW_VAULT_OBJECT = 3037,      /* the object that opens the vault is gone or damaged */
    GW_KEY_COPY = 3038,          /* a copy of the vault's key in the vault is damaged */
    GW_VAULT_OLD_DAMAGED = 3039, /* points of a vault are, and the newest of each replica is not */
    GW_VAULT_UNNAMED = 3040,     /* an agent has not been told where the vault is */
    /* 4xxx plans and cutovers */
    GW_GATE_CLOSED = 4101,
    GW_SWITCH_OPEN = 4102, /* another switch of this workload is open */
    GW_FENCE_FAILED = 4103,
    GW_DIGEST_DIFFERS = 4104,
    GW_HEALTH_FAILED = 4105,
    GW_HOOK_FAILED = 4106,
    GW_ROLLED_BACK = 4107,
    GW_HALFWAY = 4108,
    GW_RECORD_DAMAGED = 4109, /* who owns a workload cannot be read on its host */
    GW_PLACES_FIXED = 4110,   /* volumes, hosts and devices of a workload that is replicated */
    GW_NOT_NOW = 4111,        /* what is asked for does not fit where a workload stands */
    GW_PLAN_STALE = 4201,
    GW_PLAN_IMPOSSIBLE = 4202,
    GW_BAD_CALENDAR = 4203,
    GW_BAD_WORKLOAD = 4204,
    /* 5xxx the planner's API */
    GW_API_AUTH = 5001,      /* missing, wrong or expired credential */
    GW_API_FORBIDDEN = 5002, /* the credential does not reach that far */
    GW_API_NOT_FOUND = 5003,
    GW_API_TOO_LARGE = 5004,
    GW_API_UNREACHABLE = 5005,
    GW_API_CONFLICT = 5006,
    GW_API_NO_REQUEST = 5007, /* not HTTP as the API speaks it */
    GW_DB_DAMAGED = 5010,
    GW_DB_NEWER = 5011,
};

struct gw_row {
    enum gw number;
    enum gw_exit exit;
    const char *title; /* "the vault key is wrong" */
    const char *why;   /* one or two sentences */
    const char *next;  /* what the user can do, commands on lines of their own */
};

/* The row of number, or NULL. */
const struct gw_row *gw_find(unsigned number);

/* The row of err: by err->gw, else by err->code. Never NULL. */
const struct gw_row *gw_of(const struct err *err);

/* Every row, ascending, for `godwit explain` and the tests. */
const struct gw_row *gw_rows(size_t *ret_n);

#endif
