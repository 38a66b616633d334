/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of GODWIT_FAILPOINT, read once before main, then only counted. */
#include "base/fail.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/banned.h"

enum { RULES_MAX = 32, NAME_MAX_LEN = 63, EVERY_PASS = 0, DELAY_MAX_MS = 600000 };
enum fail_action { FAIL_KILL, FAIL_ERR, FAIL_DELAY, FAIL_COUNT };

struct fail_rule {
    char name[NAME_MAX_LEN + 1];
    uint64_t offset; /* only passes about these bytes; all of them when len is 0 */
    uint64_t len;
    uint64_t nth; /* or EVERY_PASS */
    enum fail_action action;
    int errnum;
    uint64_t delay_ms;
    atomic_uint_fast64_t passes;
};

/* Written by fail_load before main, when there is one thread; then only passes change. */
static struct {
    struct fail_rule rules[RULES_MAX];
    size_t n;
    bool counts_some;
    int count_fd; /* -1 = nobody counts */
} table = {.count_fd = -1};

static const struct {
    const char *name;
    int number;
} errnos[] = {
    {"E2BIG", E2BIG},
    {"EACCES", EACCES},
    {"EAGAIN", EAGAIN},
    {"EBADMSG", EBADMSG},
    {"EBUSY", EBUSY},
    {"ECANCELED", ECANCELED},
    {"ECONNREFUSED", ECONNREFUSED},
    {"ECONNRESET", ECONNRESET},
    {"EDQUOT", EDQUOT},
    {"EEXIST", EEXIST},
    {"EFBIG", EFBIG},
    {"EHOSTUNREACH", EHOSTUNREACH},
    {"EINTR", EINTR},
    {"EINVAL", EINVAL},
    {"EIO", EIO},
    {"EISDIR", EISDIR},
    {"EMFILE", EMFILE},
    {"ENETUNREACH", ENETUNREACH},
    {"ENODATA", ENODATA},
    {"ENOENT", ENOENT},
    {"ENOMEM", ENOMEM},
    {"ENOSPC", ENOSPC},
    {"ENOTDIR", ENOTDIR},
    {"ENXIO", ENXIO},
    {"EOPNOTSUPP", EOPNOTSUPP},
    {"EPERM", EPERM},
    {"EPIPE", EPIPE},
    {"EPROTO", EPROTO},
    {"EROFS", EROFS},
    {"ESTALE", ESTALE},
    {"ETIMEDOUT", ETIMEDOUT},
    {"EUCLEAN", EUCLEAN},
};

static bool parse_errno(const char *text, int *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(errnos); i++) {
        if (text_equal(errnos[i].name, text)) {
            *ret = errnos[i].number;
            return true;
        }
    }
    return false;
}

static bool parse_action(const char *text, struct fail_rule *r)
{
    if (text_equal(text, "kill"))
        r->action = FAIL_KILL;
    else if (text_equal(text, "count"))
        r->action = FAIL_COUNT;
    else if (text_starts(text, "err:") && parse_errno(text + 4, &r->errnum))
        r->action = FAIL_ERR;
    else if (text_starts(text, "delay:") &&
             num_parse_u64(text + 6, 1, DELAY_MAX_MS, &r->delay_ms, NULL) == 0)
        r->action = FAIL_DELAY;
    else
        return false;
    return true;
}

static bool parse_nth(const char *text, uint64_t *ret)
{
    if (text_equal(text, "*")) {
        *ret = EVERY_PASS;
        return true;
    }
    return num_parse_u64(text, 1, UINT64_MAX, ret, NULL) == 0;
}

/* "OFFSET+LEN"; text is cut up. */
static bool parse_range(char *text, struct fail_rule *r)
{
    char *len = strchr(text, '+');

    if (!len)
        return false;
    *len++ = '\0';
    return num_parse_u64(text, 0, INT64_MAX, &r->offset, NULL) == 0 &&
           num_parse_u64(len, 1, INT64_MAX, &r->len, NULL) == 0;
}

/* "name[@OFFSET+LEN][:N]=action"; text is cut up. */
static bool parse_rule(char *text, struct fail_rule *r)
{
    char *action = strchr(text, '=');
    char *nth;
    char *range;

    r->nth = 1;
    if (!action)
        return false;
    *action++ = '\0';
    nth = strchr(text, ':');
    if (nth) {
        *nth++ = '\0';
        if (!parse_nth(nth, &r->nth))
            return false;
    }
    range = strchr(text, '@');
    if (range) {
        *range++ = '\0';
        if (!parse_range(range, r))
            return false;
    }
    return text_is_name(text) && text_copy(r->name, sizeof(r->name), text) == 0 &&
           parse_action(action, r);
}

/* Before main there is nobody to return an error to. */
__attribute__((noreturn)) static void refuse(const char *what, const char *text)
{
    fprintf(stderr, "%s: '%s'\n", what, text);
    _exit(2);
}

static void load_rules(const char *spec)
{
    auto_vec char **rules = NULL;
    size_t n;

    if (text_split(spec, ";", &rules, NULL) < 0)
        refuse("GODWIT_FAILPOINT: no memory for", spec);
    n = text_vec_len(rules);
    if (n == 0 || n > RULES_MAX)
        refuse("GODWIT_FAILPOINT: no rule, or too many", spec);
    for (; table.n < n; table.n++) {
        struct fail_rule *r = &table.rules[table.n];

        if (!parse_rule(rules[table.n], r))
            refuse("GODWIT_FAILPOINT: want name[@OFFSET+LEN][:N]=kill|err:ERRNO|delay:MS|count",
                   spec);
        table.counts_some |= r->action == FAIL_COUNT;
    }
}

__attribute__((constructor)) static void fail_load(void)
{
    const char *spec = getenv("GODWIT_FAILPOINT");
    const char *count_path = getenv("GODWIT_FAILPOINT_COUNT");

    if (spec && spec[0])
        load_rules(spec);
    if (count_path && count_path[0]) {
        table.count_fd = open(count_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (table.count_fd < 0)
            refuse("GODWIT_FAILPOINT_COUNT: cannot open", count_path);
    }
    if (table.counts_some && table.count_fd < 0)
        refuse("GODWIT_FAILPOINT_COUNT must name a file for", spec);
}

/* One write a line: O_APPEND keeps the lines of several processes whole. */
static void count_pass(const char *name)
{
    char line[NAME_MAX_LEN + 3];
    int len = snprintf(line, sizeof(line), "%.*s\n", NAME_MAX_LEN, name);

    if (write(table.count_fd, line, (size_t)len) != len)
        refuse("GODWIT_FAILPOINT_COUNT: cannot write the pass of", name);
}

static int act(const struct fail_rule *r)
{
    switch (r->action) {
    case FAIL_KILL:
        kill(getpid(), SIGKILL);
        for (;;)
            pause(); /* not one instruction of the program more */
    case FAIL_ERR:
        return -r->errnum;
    case FAIL_DELAY:
        clock_sleep_ms(&clock_system, r->delay_ms);
        return 0;
    case FAIL_COUNT:
        count_pass(r->name);
        return 0;
    }
    return 0;
}

static bool is_about(const struct fail_rule *r, uint64_t offset, uint64_t len)
{
    return r->len == 0 ||
           (r->offset <= offset ? offset - r->offset < r->len : r->offset - offset < len);
}

int fail_point(const char *name, uint64_t offset, uint64_t len)
{
    int first = 0;

    if (table.count_fd >= 0 && !table.counts_some)
        count_pass(name);
    for (size_t i = 0; i < table.n; i++) {
        struct fail_rule *r = &table.rules[i];
        bool counting = r->action == FAIL_COUNT;
        uint64_t pass;
        int rc;

        if (!text_equal(r->name, name) || !is_about(r, offset, len))
            continue;
        pass = atomic_fetch_add(&r->passes, 1) + 1;
        if (!counting && r->nth != EVERY_PASS && r->nth != pass)
            continue;
        rc = act(r);
        first = first ? first : rc;
    }
    return first;
}
