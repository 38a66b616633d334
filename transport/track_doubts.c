/* SPDX-License-Identifier: Apache-2.0 */
/* A line for each kind of tracker: the boot's id, how often. */
#include "transport/track_doubts.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/track_pin.h"

#include <limits.h>

#include "base/banned.h"

enum { LINE_MAX_BYTES = 128 };

static int file_of(const char *state_dir, const char *kind, char *out, size_t size, struct err *err)
{
    int rc = text_print(out, size, "%s/tracker-doubts-%s", state_dir, kind);

    return rc < 0 ? err_set(err, rc, "'%s': %m", state_dir) : 0;
}

/* What says nothing of this boot is none. */
static int parse(const char *line, uint64_t *ret, struct err *err)
{
    auto_vec char **words = NULL;
    char boot[TRACK_PIN_BOOT + 1];
    uint64_t n = 0;
    int rc = text_split(line, " \n", &words, err);

    if (rc == 0)
        rc = track_pin_boot(boot, err);
    if (rc < 0)
        return rc;
    if (text_vec_len(words) == 2 && text_equal(words[0], boot))
        (void)num_parse_u64(words[1], 0, UINT32_MAX, &n, NULL);
    *ret = n;
    return 0;
}

int track_doubts_get(const char *state_dir, const char *kind, uint64_t *ret, struct err *err)
{
    auto_buf struct buf text = {0};
    char file[PATH_MAX];
    int rc = file_of(state_dir, kind, file, sizeof(file), err);

    if (rc < 0)
        return rc;
    rc = fd_load(file, LINE_MAX_BYTES, &text, err);
    if (rc == 0 && !buf_cstr(&text))
        rc = err_set(err, -ENOMEM, "change tracker: %m");
    if (rc == 0)
        return parse(buf_cstr(&text), ret, err);
    if (rc == -ENOMEM)
        return rc;
    /* It is not there, or damaged: only a hint. */
    err_clear(err);
    *ret = 0;
    return 0;
}

int track_doubts_add(const char *state_dir, const char *kind, struct err *err)
{
    char boot[TRACK_PIN_BOOT + 1];
    char file[PATH_MAX];
    char line[LINE_MAX_BYTES];
    uint64_t n = 0;
    int rc = track_doubts_get(state_dir, kind, &n, err);

    if (rc == 0)
        rc = track_pin_boot(boot, err);
    if (rc == 0)
        rc = file_of(state_dir, kind, file, sizeof(file), err);
    if (rc == 0)
        rc = text_print(line, sizeof(line), "%s %llu\n", boot, (unsigned long long)n + 1);
    return rc < 0 ? rc : fd_save(file, slice_str(line), 0600, err);
}
