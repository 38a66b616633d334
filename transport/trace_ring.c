/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the kernel's ring buffer. They are of this machine: its order of bytes, its alignment.
 */
#include "transport/trace_ring.h"

#include "base/err.h"
#include "base/num.h"
#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/banned.h"

/* include/linux/ring_buffer.h: the first word of a record. */
struct head {
    uint32_t type : 5;
    uint32_t time : 27;
};

enum {
    WORD = 4,
    TYPE_DATA_MAX = 28, /* and below: the length in words; 0: the length is the next word */
    TYPE_PADDING = 29,
    TYPE_TIME_WORDS = 2, /* of both kinds of time */
    COMMITTED_MASK = (1 << 20) - 1,
    OFFSET_MAX = 64 << 10
};
/* In the number of committed bytes: events before this page were overwritten. */
#define MISSED (UINT64_C(1) << 31)

/* Of "char rwbs[10]" it is rwbs. */
static bool is_named(const char *declared, const char *name)
{
    const char *last = strrchr(declared, ' ');
    size_t len = strlen(name);

    return text_starts(declared, "field:") && last && strncmp(last + 1, name, len) == 0 &&
           (last[1 + len] == '\0' || last[1 + len] == '[');
}

static int number_of(const char *word, const char *label, size_t *ret)
{
    uint64_t n = 0;

    if (!word || !text_starts(word, label) ||
        num_parse_u64(word + strlen(label), 0, OFFSET_MAX, &n, NULL) < 0)
        return -EOPNOTSUPP;
    *ret = (size_t)n;
    return 0;
}

/* words are of lines "field:TYPE NAME; offset:N; size:N; signed:N;". */
static int find(char *const *words, const char *name, struct trace_field *ret, struct err *err)
{
    for (size_t i = 0; words && words[i]; i++)
        if (is_named(words[i], name) && number_of(words[i + 1], "offset:", &ret->at) == 0 &&
            number_of(words[i + 2], "size:", &ret->size) == 0)
            return 0;
    return err_set(err, -EOPNOTSUPP, "the kernel tells of no '%s'", name);
}

static int find_id(char *const *words, uint32_t *ret, struct err *err)
{
    for (size_t i = 0; words && words[i]; i++) {
        size_t n = 0;

        if (number_of(words[i], "ID: ", &n) < 0)
            continue;
        *ret = (uint32_t)n;
        return 0;
    }
    return err_set(err, -EOPNOTSUPP, "the kernel's event has no number");
}

int trace_layout_parse(const char *header_page, const char *format, struct trace_layout *ret,
                       struct err *err)
{
    auto_vec char **page = NULL;
    auto_vec char **event = NULL;
    struct trace_layout l = {0};
    int rc = text_split(header_page, "\t\n;", &page, err);

    if (rc == 0)
        rc = text_split(format, "\t\n;", &event, err);
    if (rc == 0)
        rc = find(page, "commit", &l.committed, err);
    if (rc == 0)
        rc = find(page, "data", &l.data, err);
    if (rc == 0)
        rc = find_id(event, &l.id, err);
    if (rc == 0)
        rc = find(event, "sector", &l.sector, err);
    if (rc == 0)
        rc = find(event, "nr_sector", &l.sectors, err);
    if (rc == 0)
        rc = find(event, "rwbs", &l.what, err);
    if (rc == 0 && (l.committed.size > sizeof(uint64_t) || l.sector.size != sizeof(uint64_t) ||
                    l.sectors.size != sizeof(uint32_t)))
        rc = err_set(err, -EOPNOTSUPP, "the kernel's numbers are of other sizes");
    if (rc == 0)
        *ret = l;
    return rc;
}

static uint64_t number_at(const uint8_t *data, struct trace_field f)
{
    uint32_t n = 0;
    uint64_t wide = 0;

    if (f.size == sizeof(n)) {
        memcpy(&n, data + f.at, sizeof(n));
        return n;
    }
    memcpy(&wide, data + f.at, sizeof(wide));
    return wide;
}

static bool is_in(struct trace_field f, struct slice s)
{
    return f.size <= s.len && f.at <= s.len - f.size;
}

/* blk_fill_rwbs: a letter for what it does, F before it for a flush that comes first, and letters
 * for how. Zeroing has none of its own and is N, as are commands of the driver, which have no
 * sector. */
static enum trace_op op_of(const uint8_t *what, size_t size, uint64_t sector)
{
    bool has_nothing_else = true;

    for (size_t i = 0; i < size && what[i]; i++) {
        if (what[i] == 'Z') /* of zones; letters of others follow */
            return TRACE_UNKNOWN;
        if (what[i] == 'R')
            return TRACE_READ;
        if (what[i] == 'D')
            return TRACE_DISCARD;
        if (what[i] == 'W' || what[i] == 'N')
            return sector == UINT64_MAX ? TRACE_UNKNOWN : TRACE_CHANGE;
        has_nothing_else &= strchr("FSMA", what[i]) != NULL;
    }
    return has_nothing_else ? TRACE_NOTHING : TRACE_UNKNOWN;
}

/* common_type is the first member of every event. */
static int read_event(const struct trace_layout *l, struct slice s, trace_event_fn fn, void *arg)
{
    struct trace_event e;
    uint16_t id;

    if (s.len < sizeof(id))
        return -EBADMSG;
    memcpy(&id, s.data, sizeof(id));
    if (id != l->id)
        return 0;
    if (!is_in(l->sector, s) || !is_in(l->sectors, s) || !is_in(l->what, s))
        return -EBADMSG;
    e.sector = number_at(s.data, l->sector);
    e.sectors = number_at(s.data, l->sectors);
    e.op = op_of(s.data + l->what.at, l->what.size, e.sector);
    fn(arg, &e);
    return 0;
}

/* The record at the beginning of s: its whole length, and what of it is data. 0: there are no more.
 */
static int measure(struct slice s, size_t *ret_len, struct slice *ret_data)
{
    struct head h;
    uint32_t next = 0;

    if (s.len < WORD)
        return -EBADMSG;
    memcpy(&h, s.data, sizeof(h));
    if (s.len >= 2UL * WORD)
        memcpy(&next, s.data + WORD, sizeof(next));
    *ret_data = slice_of(NULL, 0);
    if (h.type == TYPE_PADDING)
        *ret_len = h.time == 0 ? 0 : WORD + (size_t)next;
    else if (h.type > TYPE_PADDING)
        *ret_len = (size_t)TYPE_TIME_WORDS * WORD;
    else if (h.type > 0)
        *ret_len = WORD + (size_t)h.type * WORD;
    else
        *ret_len = WORD + num_div_up(next, WORD) * WORD;
    if (*ret_len > s.len)
        return -EBADMSG;
    if (h.type > 0 && h.type <= TYPE_DATA_MAX)
        *ret_data = slice_of(s.data + WORD, *ret_len - WORD);
    else if (h.type == 0 && *ret_len >= 2UL * WORD)
        *ret_data = slice_of(s.data + 2UL * WORD, *ret_len - 2UL * WORD);
    return 0;
}

static int read_records(const struct trace_layout *l, struct slice s, trace_event_fn fn, void *arg)
{
    int rc = 0;

    while (rc == 0 && s.len > 0) {
        struct slice data;
        size_t len;

        rc = measure(s, &len, &data);
        if (rc < 0 || len == 0)
            return rc;
        if (data.len > 0)
            rc = read_event(l, data, fn, arg);
        s = slice_of(s.data + len, s.len - len);
    }
    return rc;
}

int trace_page_read(const struct trace_layout *l, struct slice page, trace_event_fn fn, void *arg)
{
    uint64_t committed;
    uint64_t len;
    int rc;

    if (!is_in(l->committed, page) || l->data.at > page.len)
        return -EBADMSG;
    committed = number_at(page.data, l->committed);
    len = committed & COMMITTED_MASK;
    if (len > page.len - l->data.at)
        return -EBADMSG;
    rc = read_records(l, slice_of(page.data + l->data.at, (size_t)len), fn, arg);
    return rc == 0 && (committed & MISSED) ? -ESTALE : rc;
}
