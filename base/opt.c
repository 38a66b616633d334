/* SPDX-License-Identifier: Apache-2.0 */
/* The command line against a table of flags. Texts are lent from argv, nothing is copied. */
#include "base/opt.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/banned.h"

struct value {
    bool given;
    bool on;          /* of a switch */
    const char *text; /* as given, or the default; NULL = none */
    uint64_t number;  /* bytes, bytes per second, milliseconds */
};

/* One time that a flag with a value was given. */
struct given {
    size_t row;
    const char *text;
};

struct opt_set {
    const struct opt *rows;
    size_t n;
    struct value *values; /* one a row */
    struct given *given;
    size_t given_n;
    const char **args;
    size_t args_n;
};

/* Where the parser stands. */
struct cursor {
    char *const *argv;
    int argc;
    int i;
};

/* With the unit in which it is given. */
static void format_number(const struct opt *row, uint64_t v, char out[static NUM_TEXT_MAX])
{
    bool is_time = row->type == OPT_DURATION || row->type == OPT_OPTIONAL;

    if (is_time && v > 0 && v < 1000)
        (void)text_print(out, NUM_TEXT_MAX, "%" PRIu64 "ms", v);
    else if (is_time)
        num_format_duration(v, out);
    else if (row->type == OPT_BYTES || row->type == OPT_RATE)
        num_format_bytes(v, false, out);
    else
        (void)text_print(out, NUM_TEXT_MAX, "%" PRIu64, v);
}

static int number_in_range(const struct opt *row, uint64_t v, struct err *err)
{
    char is[NUM_TEXT_MAX], min[NUM_TEXT_MAX], max[NUM_TEXT_MAX];

    if (v >= row->min && (row->max == 0 || v <= row->max))
        return 0;
    format_number(row, v, is);
    format_number(row, row->min, min);
    format_number(row, row->max, max);
    if (row->max)
        return err_set(err, -ERANGE, "%s is not between %s and %s", is, min, max);
    return err_set(err, -ERANGE, "%s is less than %s", is, min);
}

/* One of "a|b|c". */
static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);
    size_t part;

    for (const char *p = choices; *p; p += part + (p[part] == '|')) {
        part = strcspn(p, "|");
        if (part == len && memcmp(p, text, len) == 0)
            return true;
    }
    return false;
}

static int parse_number(const struct opt *row, const char *text, uint64_t *ret, struct err *err)
{
    uint64_t v = 0;
    int rc = 0;

    switch (row->type) {
    case OPT_U64:
        rc = num_parse_u64(text, 0, UINT64_MAX, &v, err);
        break;
    case OPT_BYTES:
        rc = num_parse_bytes(text, &v, err);
        break;
    case OPT_RATE:
        rc = num_parse_rate(text, &v, err);
        break;
    case OPT_DURATION:
    case OPT_OPTIONAL:
        rc = num_parse_duration(text, &v, err);
        break;
    case OPT_SWITCH:
    case OPT_TEXT:
    case OPT_CHOICE:
        return 0;
    }
    if (rc == 0)
        rc = number_in_range(row, v, err);
    if (rc < 0)
        return rc;
    *ret = v;
    return 0;
}

static int set_value(const struct opt *row, const char *text, struct value *v, struct err *err)
{
    int rc;

    if (row->type == OPT_CHOICE && !is_choice(row->choices, text))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "--%s: '%.80s' is none of %s", row->name,
                          text, row->choices);
    rc = parse_number(row, text, &v->number, err);
    if (rc < 0) {
        if (err)
            err->gw = GW_BAD_VALUE;
        return err_add(err, rc, "--%s", row->name);
    }
    v->text = text;
    return 0;
}

static void set_defaults(struct opt_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        const struct opt *row = &set->rows[i];

        if (!row->dflt)
            continue;
        /* A default that does not parse is a slip in the table, seen by every run. */
        int rc = set_value(row, row->dflt, &set->values[i], NULL);

        assert(rc == 0);
        (void)rc;
        set->values[i].on = row->type == OPT_SWITCH;
    }
}

static int set_new(const struct opt *rows, size_t n, int argc, struct opt_set **ret,
                   struct err *err)
{
    struct opt_set *set = calloc(1, sizeof(*set));

    if (set) {
        set->rows = rows;
        set->n = n;
        set->values = calloc(n + 1, sizeof(*set->values));
        set->args = calloc((size_t)argc + 1, sizeof(*set->args));
        set->given = calloc((size_t)argc + 1, sizeof(*set->given));
    }
    if (!set || !set->values || !set->args || !set->given) {
        opt_free(set);
        return err_set(err, -ENOMEM, "command line: %m");
    }
    set_defaults(set);
    *ret = set;
    return 0;
}

void opt_free(struct opt_set *set)
{
    if (!set)
        return;
    free(set->values);
    free(set->given);
    free(set->args);
    free(set);
}

/* The row of a name of len bytes, or n. */
static size_t find_name(const struct opt_set *set, const char *name, size_t len)
{
    size_t i = 0;

    while (i < set->n &&
           (strlen(set->rows[i].name) != len || memcmp(set->rows[i].name, name, len) != 0))
        i++;
    return i;
}

static size_t find_letter(const struct opt_set *set, char letter)
{
    size_t i = 0;

    while (i < set->n && (!set->rows[i].letter || set->rows[i].letter != letter))
        i++;
    return i;
}

static int unknown_name(const struct opt_set *set, const char *name, size_t len, struct err *err)
{
    const char *best = NULL;
    size_t best_distance = 3; /* farther than two slips is another word */
    char cut[65];

    snprintf(cut, sizeof(cut), "%.*s", (int)num_min(len, 64), name);
    for (size_t i = 0; i < set->n; i++) {
        size_t distance = text_distance(cut, set->rows[i].name);

        if (distance < best_distance && distance < strlen(cut)) {
            best = set->rows[i].name;
            best_distance = distance;
        }
    }
    if (best)
        return err_set_gw(err, GW_USAGE, -EINVAL, "unknown flag --%s, did you mean --%s?", cut,
                          best);
    return err_set_gw(err, GW_USAGE, -EINVAL, "unknown flag --%s", cut);
}

/* The value of row: inline_value when there is one, else the next word of argv. */
static int take_value(struct opt_set *set, struct cursor *c, size_t i, const char *inline_value,
                      struct err *err)
{
    const struct opt *row = &set->rows[i];
    struct value *v = &set->values[i];
    int rc = 0;

    if (!inline_value && row->type == OPT_OPTIONAL) {
        v->given = true;
        return 0;
    }
    if (!inline_value && c->i + 1 >= c->argc)
        return err_set_gw(err, GW_USAGE, -EINVAL, "--%s needs a value: --%s %s", row->name,
                          row->name, row->arg ? row->arg : "VALUE");
    if (!inline_value)
        inline_value = c->argv[++c->i];
    rc = set_value(row, inline_value, v, err);
    if (rc < 0)
        return rc;
    v->given = true;
    set->given[set->given_n++] = (struct given){.row = i, .text = v->text};
    return 0;
}

static void turn(struct opt_set *set, size_t i, bool on)
{
    set->values[i].given = true;
    set->values[i].on = on;
}

/* "--name", "--name=value", "--no-name". */
static int parse_long(struct opt_set *set, struct cursor *c, struct err *err)
{
    const char *name = c->argv[c->i] + 2;
    size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    size_t i = find_name(set, name, len);
    bool on = true;

    if (i == set->n && text_starts(name, "no-") && len > 3) {
        i = find_name(set, name + 3, len - 3);
        if (i < set->n && set->rows[i].type != OPT_SWITCH)
            i = set->n;
        on = false;
    }
    if (i == set->n)
        return unknown_name(set, name, len, err);
    if (set->rows[i].type != OPT_SWITCH)
        return take_value(set, c, i, value, err);
    if (value)
        return err_set_gw(err, GW_USAGE, -EINVAL, "--%s takes no value", set->rows[i].name);
    turn(set, i, on);
    return 0;
}

/* "-n", "-nw" (switches joined), "-ojson", "-o=json", "-o json", "-w=5s". */
static int parse_letters(struct opt_set *set, struct cursor *c, struct err *err)
{
    for (const char *p = c->argv[c->i] + 1; *p; p++) {
        size_t i = find_letter(set, *p);

        if (i == set->n)
            return err_set_gw(err, GW_USAGE, -EINVAL, "unknown flag -%c", *p);
        if (set->rows[i].type == OPT_SWITCH) {
            turn(set, i, true);
        } else if (set->rows[i].type == OPT_OPTIONAL) {
            if (p[1] == '=')
                return take_value(set, c, i, p + 2, err);
            set->values[i].given = true;
        } else {
            return take_value(set, c, i, p[1] ? p + 1 + (p[1] == '=') : NULL, err);
        }
    }
    return 0;
}

static int parse_words(struct opt_set *set, struct cursor *c, struct err *err)
{
    bool flags_ended = false;
    int rc = 0;

    for (c->i = 1; c->i < c->argc && rc == 0; c->i++) {
        const char *word = c->argv[c->i];

        if (flags_ended || word[0] != '-' || word[1] == '\0')
            set->args[set->args_n++] = word;
        else if (text_equal(word, "--"))
            flags_ended = true;
        else if (word[1] == '-')
            rc = parse_long(set, c, err);
        else
            rc = parse_letters(set, c, err);
    }
    return rc;
}

int opt_parse(const struct opt *rows, size_t n, int argc, char *const *argv, struct opt_set **ret,
              struct err *err)
{
    struct cursor c = {.argv = argv, .argc = argc};
    struct opt_set *set;
    int rc = set_new(rows, n, argc, &set, err);

    if (rc < 0)
        return rc;
    rc = parse_words(set, &c, err);
    if (rc < 0) {
        opt_free(set);
        return rc;
    }
    *ret = set;
    return 0;
}

static const struct value *value_of(const struct opt_set *set, const char *name)
{
    size_t i = find_name(set, name, strlen(name));

    assert(i < set->n); /* asking for a flag that the table does not have */
    return &set->values[i];
}

bool opt_given(const struct opt_set *set, const char *name)
{
    return value_of(set, name)->given;
}

bool opt_switch(const struct opt_set *set, const char *name)
{
    return value_of(set, name)->on;
}

const char *opt_text(const struct opt_set *set, const char *name)
{
    return value_of(set, name)->text;
}

const char *opt_text_at(const struct opt_set *set, const char *name, size_t i)
{
    size_t row = find_name(set, name, strlen(name));

    assert(row < set->n);
    for (size_t k = 0; k < set->given_n; k++)
        if (set->given[k].row == row && i-- == 0)
            return set->given[k].text;
    return NULL;
}

uint64_t opt_u64(const struct opt_set *set, const char *name)
{
    return value_of(set, name)->number;
}

size_t opt_args(const struct opt_set *set)
{
    return set->args_n;
}

const char *opt_arg(const struct opt_set *set, size_t i)
{
    return i < set->args_n ? set->args[i] : NULL;
}
