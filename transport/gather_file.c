/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be brought together, from one push to the next: a file of the state directory. */
#include "transport/gather.h"

#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/text.h"
#include "transport/page.h"
#include "transport/volume.h"

#include <limits.h>

#include "base/banned.h"

static const char magic[9] = "gwgathr1";

enum {
    HEAD_LEN = 8 + 8 + 8 + 4 + 4,
    GROUP_LEN = 4 + 4 + 4,
    RUN_LEN = 2 + 2,
    CHECK_LEN = 32,
    FILE_MAX = HEAD_LEN + GATHER_GROUPS_MAX * GROUP_LEN + GATHER_RUNS_MAX * RUN_LEN + CHECK_LEN
};

static int path_of(const char *dir, char *ret, struct err *err)
{
    if (text_print(ret, PATH_MAX, "%s/gather", dir) < 0)
        return err_set(err, -ENAMETOOLONG, "state directory '%s': %m", dir);
    return 0;
}

static bool take_runs(struct gather *g, struct gather_group *group, struct buf_reader *r)
{
    for (uint32_t i = 0; i < group->runs_n; i++) {
        struct gather_run run = {.region = group->region};

        run.first = buf_get_u16le(r);
        run.count = buf_get_u16le(r);
        if (run.count == 0 || run.first + run.count > PAGE_SECTORS_MAX)
            return false;
        g->runs[g->runs_n++] = run;
    }
    return !r->short_;
}

static bool take_groups(struct gather *g, uint32_t groups, uint32_t runs, uint64_t regions,
                        struct buf_reader *r)
{
    while (g->groups_n < groups) {
        struct gather_group group = {.run = (uint32_t)g->runs_n};

        group.region = buf_get_u32le(r);
        group.bytes = buf_get_u32le(r);
        group.runs_n = buf_get_u32le(r);
        if (group.region >= regions || group.runs_n > runs - g->runs_n || !take_runs(g, &group, r))
            return false;
        g->groups[g->groups_n++] = group;
    }
    return g->runs_n == runs && r->left == 0;
}

/* 0, -EBADMSG, -ENOMEM. */
static int parse(struct slice body, uint64_t size_bytes, struct gather *ret, int64_t *ret_credit)
{
    uint64_t regions = (size_bytes + VOLUME_REGION - 1) / VOLUME_REGION;
    struct buf_reader r;
    uint8_t check[CHECK_LEN];
    uint32_t groups;
    uint32_t runs;

    if (body.len < HEAD_LEN + CHECK_LEN || memcmp(body.data, magic, 8) != 0)
        return -EBADMSG;
    body.len -= CHECK_LEN;
    crypto_sha256(body, check);
    if (memcmp(check, body.data + body.len, CHECK_LEN) != 0)
        return -EBADMSG;
    r = buf_reader(slice_of(body.data + 8, body.len - 8));
    if (buf_get_u64le(&r) != size_bytes)
        return -EBADMSG;
    *ret_credit = (int64_t)buf_get_u64le(&r);
    groups = buf_get_u32le(&r);
    runs = buf_get_u32le(&r);
    if (groups > GATHER_GROUPS_MAX || runs > GATHER_RUNS_MAX)
        return -EBADMSG;
    ret->groups = calloc((size_t)groups + 1, sizeof(*ret->groups));
    ret->runs = calloc((size_t)runs + 1, sizeof(*ret->runs));
    if (!ret->groups || !ret->runs)
        return -ENOMEM;
    ret->groups_cap = groups;
    ret->runs_cap = runs;
    return take_groups(ret, groups, runs, regions, &r) ? 0 : -EBADMSG;
}

int gather_load(const char *dir, uint64_t size_bytes, struct gather *ret, int64_t *ret_credit,
                struct err *err)
{
    auto_buf struct buf body = {0};
    struct gather g = {0};
    int64_t credit = 0;
    char path[PATH_MAX];
    int rc = path_of(dir, path, err);

    if (rc < 0)
        return rc;
    rc = fd_load(path, FILE_MAX, &body, err);
    if (rc == 0)
        rc = parse(buf_slice(&body), size_bytes, &g, &credit);
    if (rc == -ENOENT || rc == -EFBIG || rc == -EBADMSG) {
        err_clear(err);
        gather_done(&g);
        credit = 0;
        rc = 0;
    }
    if (rc < 0) {
        gather_done(&g);
        return err_set(err, rc, "read '%s': %m", path);
    }
    *ret = g;
    *ret_credit = credit;
    return 0;
}

int gather_save(const char *dir, uint64_t size_bytes, const struct gather *g, int64_t credit,
                struct err *err)
{
    auto_buf struct buf body = {0};
    uint8_t check[CHECK_LEN];
    char path[PATH_MAX];
    int rc = path_of(dir, path, err);

    if (rc < 0)
        return rc;
    buf_append(&body, magic, 8);
    buf_u64le(&body, size_bytes);
    buf_u64le(&body, (uint64_t)credit);
    buf_u32le(&body, (uint32_t)g->groups_n);
    buf_u32le(&body, (uint32_t)g->runs_n);
    for (size_t i = 0; i < g->groups_n; i++) {
        const struct gather_group *group = &g->groups[i];

        buf_u32le(&body, group->region);
        buf_u32le(&body, group->bytes);
        buf_u32le(&body, group->runs_n);
        for (uint32_t k = 0; k < group->runs_n; k++) {
            buf_u16le(&body, g->runs[group->run + k].first);
            buf_u16le(&body, g->runs[group->run + k].count);
        }
    }
    if (body.failed)
        return buf_failed(&body, err);
    crypto_sha256(buf_slice(&body), check);
    buf_append(&body, check, sizeof(check));
    return body.failed ? buf_failed(&body, err) : fd_save(path, buf_slice(&body), 0600, err);
}
