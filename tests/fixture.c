/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking hosts and looking at their documents, for the tests of inventory/. */
#include "tests/unit.h"

#include "tests/fixture.h"

#include "inventory/inventory.h"
#include "inventory/line.h"
#include "inventory/probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/js.h"
#include "base/text.h"

#include <fcntl.h>

#include "base/banned.h"

enum { TREE_MAX_BYTES = 4 << 20 };

static int make_parent(const char *path)
{
    char dir[PATH_MAX];
    char *slash = NULL;
    int rc = text_copy(dir, sizeof(dir), path);

    if (rc < 0)
        return rc;
    slash = strrchr(dir, '/');
    *slash = '\0';
    return fd_mkdirs(dir, 0755, NULL);
}

static int write_file(const char *path, struct slice body)
{
    auto_close int fd = -1;
    int rc = make_parent(path);

    if (rc < 0)
        return rc;
    unlink(path);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : fd_write_full(fd, body.data, body.len, NULL);
}

/* The lines up to the next '@', each ended by end. */
static int take_body(struct slice *rest, char end, struct buf *out)
{
    struct slice line;

    buf_clear(out);
    while (rest->len > 0 && rest->data[0] != '@' && line_next(rest, &line)) {
        buf_append(out, line.data, line.len);
        buf_u8(out, (uint8_t)end);
    }
    return buf_failed(out, NULL);
}

static int take_entry(struct slice line, struct slice *rest, const char *dir)
{
    auto_buf struct buf body = {0};
    char path[PATH_MAX];
    char target[PATH_MAX];
    struct slice kind, name, to;
    int rc = 0;

    if (!line_word(&line, &kind) || !line_word(&line, &name))
        return -EINVAL;
    rc = text_print(path, sizeof(path), "%s/%.*s", dir, (int)name.len, (const char *)name.data);
    if (rc < 0)
        return rc;
    if (line_is(kind, "@dir"))
        return fd_mkdirs(path, 0755, NULL);
    if (line_is(kind, "@link")) {
        if (!line_word(&line, &to) || make_parent(path) < 0)
            return -EINVAL;
        line_copy(target, sizeof(target), to);
        return symlink(target, path) < 0 ? -errno : 0;
    }
    rc = take_body(rest, line_is(kind, "@nul") ? '\0' : '\n', &body);
    return rc < 0 ? rc : write_file(path, buf_slice(&body));
}

int fixture_unpack_into(const char *path, const char *dir)
{
    auto_buf struct buf text = {0};
    struct slice rest;
    struct slice line;
    int rc = fd_load(path, TREE_MAX_BYTES, &text, NULL);

    rest = buf_slice(&text);
    while (rc == 0 && line_next(&rest, &line)) {
        if (line_starts(line, "@"))
            rc = take_entry(line, &rest, dir);
    }
    return rc;
}

char *fixture_unpack(const char *name)
{
    const char *top = getenv("abs_top_srcdir");
    char path[PATH_MAX];
    char *dir = unit_mkdir_memory();

    assert_ok(
        text_print(path, sizeof(path), "%s/tests/data/inventory/%s.tree", top ? top : ".", name));
    assert_ok(fixture_unpack_into(path, dir));
    return dir;
}

void fixture_put(const char *dir, const char *path, struct slice body)
{
    char whole[PATH_MAX];

    assert_ok(write_file(unit_path(dir, path, whole), body));
}

void fixture_text(const char *dir, const char *path, const char *text)
{
    fixture_put(dir, path, slice_str(text));
}

void fixture_remove(const char *dir, const char *path)
{
    char whole[PATH_MAX];

    nftw(unit_path(dir, path, whole), unit_rm_entry, 16, FTW_DEPTH | FTW_PHYS);
}

struct js *fixture_inventory(const char *dir)
{
    struct fixture_time t = {.wall_ms = 1763800000000, .mono_ms = 1000};
    struct clock clock = fixture_clock(&t);
    auto_probe struct probe *p = NULL;
    auto_buf struct buf out = {0};
    struct js *doc = NULL;

    assert_ok(probe_fixture_new(dir, &p, NULL));
    assert_ok(inventory_collect(p, &clock, &out, NULL));
    assert_ok(js_parse(buf_slice(&out), INVENTORY_MAX_BYTES, &doc, NULL));
    return doc;
}

const struct js *fixture_part(const struct js *doc, const char *collector)
{
    const struct js *part = js_member(doc, collector);
    const struct js *problem = fixture_find(js_member(doc, "problems"), "collector", collector);

    if (!part)
        fail_msg("collector %s: %s", collector, js_str(problem, "error", "is absent"));
    return part;
}

const struct js *fixture_find(const struct js *list, const char *key, const char *value)
{
    for (size_t i = 0; i < js_len(list); i++) {
        if (text_equal(js_str(js_at(list, i), key, NULL), value))
            return js_at(list, i);
    }
    return NULL;
}

static uint64_t wall_ms(void *arg)
{
    const struct fixture_time *t = arg;

    return t->wall_ms;
}

static uint64_t mono_ms(void *arg)
{
    const struct fixture_time *t = arg;

    return t->mono_ms;
}

static void sleep_ms(void *arg, uint64_t ms)
{
    struct fixture_time *t = arg;

    t->mono_ms += ms;
    t->wall_ms += ms;
}

struct clock fixture_clock(struct fixture_time *t)
{
    return (struct clock){.wall_ms = wall_ms, .mono_ms = mono_ms, .sleep_ms = sleep_ms, .arg = t};
}
