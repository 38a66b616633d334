/* SPDX-License-Identifier: Apache-2.0 */
/* Small files of one or two numbers. */
#include "agent/stamp.h"

#include "agent/workload.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"

#include <inttypes.h>

#include "base/banned.h"

enum { STAMP_MAX = 64 };

static int stamp_path(const struct workload *w, size_t i, const char *what,
                      char out[static PATH_MAX], struct err *err)
{
    char in[ASSIGNMENT_NAME_MAX + 32];

    text_print(in, sizeof(in), "volumes/%s/%s", w->assignment->volumes[i].name, what);
    return workload_path(w, in, out, err);
}

struct stamp stamp_load(const struct workload *w, size_t i, const char *what)
{
    auto_buf struct buf text = {0};
    auto_vec char **fields = NULL;
    struct stamp s = {0};
    char path[PATH_MAX];

    if (stamp_path(w, i, what, path, NULL) < 0 || fd_load(path, STAMP_MAX, &text, NULL) < 0 ||
        text_split(buf_cstr(&text), " \n", &fields, NULL) < 0 || text_vec_len(fields) == 0 ||
        num_parse_u64(fields[0], 0, UINT64_MAX, &s.wall_ms, NULL) < 0)
        return (struct stamp){0};
    if (text_vec_len(fields) > 1)
        (void)num_parse_u64(fields[1], 0, UINT64_MAX, &s.seq, NULL);
    return s;
}

void stamp_save(const struct workload *w, size_t i, const char *what, struct stamp s)
{
    char path[PATH_MAX];
    char text[STAMP_MAX];
    struct err err = {0};

    text_print(text, sizeof(text), "%" PRIu64 " %" PRIu64 "\n", s.wall_ms, s.seq);
    if (stamp_path(w, i, what, path, &err) < 0 || fd_save(path, slice_str(text), 0600, &err) < 0)
        log_err(LOG_LEVEL_WARNING, &err, w->name);
}
