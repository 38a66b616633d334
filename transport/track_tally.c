/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the disk counted beyond what a copy of the program saw never grows, unless an event was not
 * seen. The kernel tells the program first and counts then (blk_update_request,
 * blk_complete_request: Linux 5.10 to 6.18), so the disk is read first when the least of it is
 * wanted, and last when the most is. A copy that the kernel skipped once, for whatever disk, has
 * nothing to say; when all were, track_bpf_check has said so.
 */
#include "transport/track_tally.h"

#include "base/err.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/track_aim.h"

#include <limits.h>

#include "base/banned.h"

/* Documentation/block/stat.rst: sectors read, written, and (since Linux 4.18) discarded. */
static const size_t fields[] = {2, 6, 13};
enum { STAT_BYTES_MAX = 1024 };

int track_tally_disk(const struct track_aim *aim, uint64_t *ret, struct err *err)
{
    auto_buf struct buf text = {0};
    auto_vec char **words = NULL;
    char path[PATH_MAX];
    uint64_t sum = 0;
    int rc = text_print(path, sizeof(path), "/sys/dev/block/%u:%u/stat", aim->major, aim->minor);

    if (rc == 0)
        rc = fd_load_proc(path, STAT_BYTES_MAX, &text, err);
    if (rc == 0 && !buf_cstr(&text))
        rc = err_set(err, -ENOMEM, "change tracker: %m");
    if (rc == 0)
        rc = text_split(buf_cstr(&text), " \n", &words, err);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(fields); i++) {
        uint64_t n = 0;

        if (!words || fields[i] >= text_vec_len(words))
            return err_set(err, -EBADMSG, "'%s' has too few numbers", path);
        rc = num_parse_u64(words[fields[i]], 0, UINT64_MAX, &n, err);
        sum += n;
    }
    if (rc == 0)
        *ret = sum;
    return rc;
}

/* Sums may wrap and differences be below zero: it is their distance that counts. */
static bool is_more(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) > 0;
}

/* At least as much as copy i can have missed until now. */
static int most_beyond(struct track_bpf *b, const struct track_aim *aim, unsigned i, uint64_t *ret,
                       struct err *err)
{
    uint64_t seen = 0;
    uint64_t counted = 0;
    int rc = track_bpf_count(b, TRACK_COUNT_SECTORS + i, &seen, err);

    if (rc == 0)
        rc = track_tally_disk(aim, &counted, err);
    if (rc == 0)
        *ret = counted - seen;
    return rc;
}

static int least_beyond(struct track_bpf *b, const struct track_aim *aim, unsigned i, uint64_t *ret,
                        struct err *err)
{
    uint64_t seen = 0;
    uint64_t counted = 0;
    int rc = track_tally_disk(aim, &counted, err);

    if (rc == 0)
        rc = track_bpf_count(b, TRACK_COUNT_SECTORS + i, &seen, err);
    if (rc == 0)
        *ret = counted - seen;
    return rc;
}

int track_tally_begin(struct track_bpf *b, const struct track_aim *aim, struct err *err)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < TRACK_ABI_COPIES; i++) {
        uint64_t beyond = 0;

        rc = most_beyond(b, aim, i, &beyond, err);
        if (rc == 0)
            rc = track_bpf_set_count(b, TRACK_COUNT_BEYOND + i, beyond, err);
    }
    return rc;
}

/* The bound was taken while the disk worked; it gets tighter with each look. */
static int check_copy(struct track_bpf *b, const struct track_aim *aim, unsigned i, struct err *err)
{
    uint64_t bound = 0;
    uint64_t least = 0;
    uint64_t most = 0;
    int rc = track_bpf_count(b, TRACK_COUNT_BEYOND + i, &bound, err);

    if (rc == 0)
        rc = least_beyond(b, aim, i, &least, err);
    /* As if a program had not been run for 4 KiB. */
    if (failpoint("track_tally") < 0)
        least += 8;
    if (rc == 0 && is_more(least, bound))
        return err_set(err, -EOVERFLOW, "the disk completed %llu sectors more than were seen",
                       (unsigned long long)(least - bound));
    if (rc == 0)
        rc = most_beyond(b, aim, i, &most, err);
    if (rc == 0 && is_more(bound, most))
        rc = track_bpf_set_count(b, TRACK_COUNT_BEYOND + i, most, err);
    return rc;
}

int track_tally_check(struct track_bpf *b, const struct track_aim *aim, struct err *err)
{
    for (unsigned i = 0; i < TRACK_ABI_COPIES; i++) {
        uint64_t skipped = 0;
        int rc = track_bpf_skipped(b, i, &skipped, err);

        if (rc == 0 && skipped == 0)
            return check_copy(b, aim, i, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
