/* SPDX-License-Identifier: Apache-2.0 */
/* Marks as files STATE/workloads/NAME/mine/VOLUME, which hold the path of the device. */
#include "agent/mine.h"

#include "agent/workload.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "base/tree.h"
#include "transport/volume.h"

#include <dirent.h>

#include "base/banned.h"

/* Partition tables, superblocks and labels of all kinds lie at the ends. */
enum { LOOK_BYTES = 4 << 20, STEP_BYTES = 64 << 10 };

static int mark_path(const struct workload *w, size_t i, char out[static PATH_MAX], struct err *err)
{
    char what[ASSIGNMENT_NAME_MAX + 8];

    text_print(what, sizeof(what), "mine/%s", w->assignment->volumes[i].name);
    return workload_path(w, what, out, err);
}

int mine_mark(struct workload *w, size_t i, struct err *err)
{
    char path[PATH_MAX];
    int r = workload_path(w, "mine", path, err);

    if (r == 0)
        r = fd_mkdirs(path, 0700, err);
    if (r == 0)
        r = mark_path(w, i, path, err);
    if (r == 0)
        r = fd_save(path, slice_str(w->assignment->volumes[i].device), 0600, err);
    return r < 0 ? err_add(err, r, "mark volume '%s'", w->assignment->volumes[i].name) : 0;
}

int mine_forget(struct workload *w, struct err *err)
{
    char path[PATH_MAX];
    int r = workload_path(w, "mine", path, err);

    return r == 0 ? tree_remove(path, err) : r;
}

/* What an agent before these marks replicated has state, but no mark. */
static bool has_state(const struct workload *w, size_t i)
{
    char what[ASSIGNMENT_NAME_MAX + 16];
    char path[PATH_MAX];
    bool found = false;
    DIR *d;

    text_print(what, sizeof(what), "volumes/%s", w->assignment->volumes[i].name);
    d = workload_path(w, what, path, NULL) == 0 ? opendir(path) : NULL;
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d))
        found |= e->d_name[0] != '.';
    if (d)
        closedir(d);
    return found;
}

/* The mark's device in out, "" when there is none. */
static int load_mark(const struct workload *w, size_t i, struct buf *out, struct err *err)
{
    char path[PATH_MAX];
    int r = mark_path(w, i, path, err);

    if (r == 0)
        r = fd_load(path, PATH_MAX, out, err);
    if (r != -ENOENT)
        return r;
    err_clear(err);
    return 0;
}

static int look_for_data(struct volume *v, uint64_t from, uint64_t to, bool *ret_data,
                         struct err *err)
{
    auto_free uint8_t *data = aligned_alloc(VOLUME_SECTOR, STEP_BYTES);
    int r = 0;

    if (!data)
        return err_set(err, -ENOMEM, "look at a volume: %m");
    while (r == 0 && from < to && !*ret_data) {
        const size_t len = (size_t)num_min(to - from, STEP_BYTES);

        r = volume_read(v, from, data, len, err);
        for (size_t i = 0; r == 0 && i < len && !*ret_data; i++)
            *ret_data = data[i] != 0;
        from += len;
    }
    return r;
}

static int check_empty(const struct assignment_volume *at, struct err *err)
{
    auto_volume struct volume *v = NULL;
    bool data = false;
    uint64_t size, tail;
    int r = volume_open(at->device, VOLUME_READ, &v, err);

    if (r == -ENOENT) {
        err_clear(err);
        return 0;
    }
    if (r < 0)
        return r;
    size = volume_size(v);
    tail = size > LOOK_BYTES ? (size - LOOK_BYTES) / VOLUME_SECTOR * VOLUME_SECTOR : 0;
    r = look_for_data(v, 0, num_min(size, LOOK_BYTES), &data, err);
    if (r == 0)
        r = look_for_data(v, tail, size, &data, err);
    if (r == 0 && data)
        return err_set_gw(err, GW_VOLUME_NOT_EMPTY, -ENOTEMPTY,
                          "'%s' holds data that this replica did not write; set \"overwrite\": "
                          "true for this target in the workload's document, or choose another "
                          "device",
                          at->device);
    return r;
}

int mine_check(struct workload *w, size_t i, struct err *err)
{
    const struct assignment_volume *v = &w->assignment->volumes[i];
    auto_buf struct buf marked = {0};
    int r = load_mark(w, i, &marked, err);

    if (r < 0 || (marked.len > 0 && text_equal(buf_cstr(&marked), v->device)))
        return r;
    if (!v->overwrite && (marked.len > 0 || !has_state(w, i)))
        r = check_empty(v, err);
    /* What is believed is of the device that was marked before. */
    if (r == 0 && marked.len > 0)
        r = repl_forget(w, i, err);
    return r == 0 ? mine_mark(w, i, err) : r;
}
