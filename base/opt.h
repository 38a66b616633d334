/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line flags from a table. To add a flag: a row in the program's table and its man page.
 *
 * Flags may stand before or after arguments; "--" ends them; --no-x clears a switch; --flag=value
 * and --flag value are the same, as are -fVALUE, -f=VALUE and -f VALUE; short switches may be
 * joined
 * (-nw).
 */
#ifndef GODWIT_BASE_OPT_H
#define GODWIT_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum opt_type {
    OPT_SWITCH, /* present or not */
    OPT_TEXT,
    OPT_U64,
    OPT_BYTES,    /* num_parse_bytes */
    OPT_RATE,     /* num_parse_rate */
    OPT_DURATION, /* num_parse_duration, milliseconds */
    OPT_CHOICE,   /* one of choices */
    OPT_OPTIONAL, /* a duration that may be left out: -w or --watch=5s */
};

struct opt {
    const char *name; /* "dry-run" */
    char letter;      /* 'n' or 0 */
    enum opt_type type;
    const char *arg;     /* how help calls the value: "RATE"; NULL for switches */
    const char *choices; /* "table|json|…" for OPT_CHOICE */
    uint64_t min, max;   /* for numbers; max 0 = no limit */
    const char *dflt;    /* as text; NULL = absent */
    const char *help;
};

struct opt_set; /* what was given, by table row */

/*
 * Parse argv (argv[0] is not looked at) against n rows. Arguments that are no flags are kept in
 * order (opt_arg). rows and argv are lent until opt_free. -EINVAL: an unknown flag (GW_USAGE, with
 * "did you mean"), a value missing or unwanted (GW_USAGE), malformed or no choice (GW_BAD_VALUE);
 * -ERANGE: out of the row's range (GW_BAD_VALUE).
 */
int opt_parse(const struct opt *rows, size_t n, int argc, char *const *argv, struct opt_set **ret,
              struct err *err);
void opt_free(struct opt_set *set);

/* name must be in the table. opt_given tells a given value from the default. */
bool opt_given(const struct opt_set *set, const char *name);
bool opt_switch(const struct opt_set *set, const char *name);
const char *opt_text(const struct opt_set *set, const char *name); /* value or default or NULL */
/* Value i of a flag that was given several times, in the order of the command line; NULL past the
 * end. Everything else here takes the last. */
const char *opt_text_at(const struct opt_set *set, const char *name, size_t i);
uint64_t opt_u64(const struct opt_set *set, const char *name); /* bytes, rates, ms too */
size_t opt_args(const struct opt_set *set);
const char *opt_arg(const struct opt_set *set, size_t i); /* NULL past the end */

#endif
