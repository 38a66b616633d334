/* SPDX-License-Identifier: Apache-2.0 */
/* STORE/NAME[@POINT] and the flags of a vault, read into what transport/ wants. */
#ifndef GODWIT_CLI_REPLICA_ARG_H
#define GODWIT_CLI_REPLICA_ARG_H

#include "cli/cmd.h"
#include "transport/escrow.h"
#include "transport/replica.h"

struct replica_limit;

enum { REPLICA_ARG_URL_MAX = 1024, REPLICA_ARG_PATH_MAX = 1100 };

/* The flags below, for the tables of verbs: how to get at a vault, and how hard to work. */
#define REPLICA_ARG_KEY_OPTIONS                                                                    \
    {"key-file",                                                                                   \
     0,                                                                                            \
     OPT_TEXT,                                                                                     \
     "REF",                                                                                        \
     NULL,                                                                                         \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     "the vault's key: a file, env:VAR, cmd:PROGRAM (default: vault.key of your configuration)"},  \
    {                                                                                              \
        "no-encrypt", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "a vault without encryption"          \
    }
#define REPLICA_ARG_PLACE_OPTIONS                                                                  \
    {"endpoint", 0, OPT_TEXT, "URL", NULL, 0, 0, NULL, "S3: where, when it is not AWS"},           \
        {"region", 0, OPT_TEXT, "NAME", NULL, 0, 0, NULL, "S3: region"},                           \
        {"profile", 0, OPT_TEXT, "NAME", NULL, 0, 0, NULL, "S3: profile of the AWS files"},        \
        {"ca-file", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "S3: CA certificates to trust"},        \
        {"path-style", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL, "S3: bucket in the path"},           \
        {"streams", 0,      OPT_TEXT,                                                              \
         "N",       NULL,   0,                                                                     \
         0,         "auto", "transfers at one time: 1 to 16, or as many as help"},                 \
    {                                                                                              \
        "limit", 0, OPT_TEXT, "RATE", NULL, 0, 0, NULL,                                            \
            "at most so much a second: 20MiB, 100Mbit, a timetable, file:PATH"                     \
    }
#define REPLICA_ARG_STORE_OPTIONS REPLICA_ARG_KEY_OPTIONS, REPLICA_ARG_PLACE_OPTIONS
#define REPLICA_ARG_OPTIONS                                                                        \
    REPLICA_ARG_STORE_OPTIONS,                                                                     \
    {                                                                                              \
        "workers", 0, OPT_U64, "N", NULL, 1, 256, NULL, "threads (one a core)"                     \
    }

/* Of those that write a volume. */
#define REPLICA_ARG_ALLOW_INCOMPLETE                                                               \
    {                                                                                              \
        "allow-incomplete", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,                                 \
            "also a point of which parts could not be read"                                        \
    }

/* Of those that make consistent points. */
#define REPLICA_ARG_SNAPSHOT                                                                       \
    {                                                                                              \
        "snapshot", 0, OPT_CHOICE, "WHEN", "auto|never|always", 0, 0, "auto",                      \
            "read a snapshot (LVM; images on btrfs, XFS) where a freeze is too short"              \
    }

struct replica_arg {
    char url[REPLICA_ARG_URL_MAX];         /* of the vault */
    char name[VAULT_REPLICA_NAME_MAX + 1]; /* "" when only a store was named */
    uint64_t seq;                          /* @POINT, 0 = newest */
    const struct age_keys *recipients;     /* lent: keep the vault's key for them; or NULL */
    struct replica_limit *limit;           /* of replica_arg_open; or NULL */
    char escrow[ESCROW_NAME_MAX];          /* of replica_arg_open: the object that holds the key */
    bool escrow_new;
    struct buf escrow_object;
};

/*
 * "file:///backup/web@12" is replica web, point 12, of the vault in file:///backup. A name of
 * several parts is set off by two slashes: "file:///backup//shop/data". -EINVAL (GW_BAD_VALUE).
 */
int replica_arg_parse(const char *text, bool need_name, struct replica_arg *ret, struct err *err);

/*
 * Open the vault by the call's flags. create makes vault and key when there is none: the key's
 * path is then said on stderr. The limit that *ret keeps to is arg's: replica_arg_done after
 * vault_close.
 */
int replica_arg_open(struct cmd_call *call, struct replica_arg *arg, bool create,
                     const atomic_bool *stop, struct vault **ret, struct err *err);
void replica_arg_done(struct replica_arg *arg);
#define auto_replica_arg AUTO(replica_arg_done)

/* How the call's flags of place say to reach the store; the limit becomes arg's. */
int replica_arg_store(struct cmd_call *call, struct replica_arg *arg, const atomic_bool *stop,
                      struct store_conf *ret, struct err *err);

/* vault.key of the user's configuration, whose directory is made. */
int replica_arg_key_path(char *out, size_t size, struct err *err);

/* How the vault's key is named, given or not, for another program that opens the vault. */
int replica_arg_key_ref(const struct cmd_call *call, char *out, size_t size, struct err *err);

/* Where the state of (volume, replica) is kept for stand-alone use; out has REPLICA_ARG_PATH_MAX.
 */
int replica_arg_state_dir(const struct cmd_call *call, const struct replica_arg *arg,
                          const char *volume, char *out, struct err *err);

enum replica_snapshot replica_arg_snapshot(const struct opt_set *opts);

#endif
