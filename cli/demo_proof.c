/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proof: what was acknowledged is in the volume, taken out by debugfs and not by godwit.
 *
 * The acknowledgements are copied before the volume is read, so that the writer may go on: each of
 * them must be found, later ones may be.
 */
#include "cli/demo.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"

#include "base/banned.h"

enum { ACKS_MAX = 64 << 20 };

static int copy_acks(struct demo *d, char out[static PATH_MAX], struct err *err)
{
    auto_buf struct buf text = {.max = ACKS_MAX};
    char from[PATH_MAX];
    int r = demo_place_data(d, "acks", from, err);

    if (r == 0)
        r = demo_place_state(d, "proof/acks", out, err);
    if (r == 0)
        r = fd_load(from, ACKS_MAX, &text, err);
    return r < 0 ? r : fd_save(out, buf_slice(&text), 0600, err);
}

static int extract(struct demo *d, const char *image, char out[static PATH_MAX], struct err *err)
{
    /* Its own directory, so that no path needs quoting in debugfs's language. */
    const char *argv[] = {d->debugfs, "-R", "dump /ledger.dat ledger.dat", image, NULL};
    char dir[PATH_MAX];
    int r = demo_place_state(d, "proof", dir, err);

    if (r == 0)
        r = demo_place_state(d, "proof/ledger.dat", out, err);
    if (r == 0)
        r = fd_unlink(out, err);
    return r < 0 ? r : demo_proc_tool(argv, dir, NULL, err);
}

static int judge(const struct demo_ledger_verdict *v, struct err *err)
{
    if (v->acknowledged == 0)
        return err_set(err, -ENODATA, "no record was acknowledged: the ledger does not write");
    if (v->violations > 0)
        return err_set_gw(err, GW_DATA_DIFFERS, -EBADMSG, "both sides wrote at one time");
    if (v->lost > 0)
        return err_set_gw(err, GW_DATA_DIFFERS, -EBADMSG,
                          "%llu acknowledged records are lost, the first is %llu",
                          (unsigned long long)v->lost, (unsigned long long)v->first_lost);
    return 0;
}

int demo_proof_take(struct demo *d, const char *side, struct demo_ledger_verdict *ret,
                    struct err *err)
{
    char file[32], image[PATH_MAX], acks[PATH_MAX], copy[PATH_MAX];
    const char *fsck[] = {d->e2fsck, "-f", "-n", image, NULL};
    int r = text_print(file, sizeof(file), "%s.img", side);

    if (r == 0)
        r = demo_place_data(d, file, image, err);
    if (r == 0)
        r = copy_acks(d, acks, err);
    if (r == 0)
        r = extract(d, image, copy, err);
    if (r == 0)
        r = demo_ledger_check(copy, acks, ret, err);
    if (r == 0)
        r = judge(ret, err);
    if (r == 0)
        r = demo_proc_tool(fsck, NULL, NULL, err);
    return r < 0 ? err_add(err, r, "proof at the %s", side) : 0;
}
