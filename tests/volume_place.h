/* SPDX-License-Identifier: Apache-2.0 */
/* A volume of 1 MiB in a directory that goes away: an image, a loop device on one, or an export of
 * a server that does not keep it. */
#ifndef GODWIT_TESTS_VOLUME_PLACE_H
#define GODWIT_TESTS_VOLUME_PLACE_H

#include "tests/nbd_server.h"
#include "tests/unit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/proc.h"
#include "base/text.h"
#include "transport/volume.h"

enum { SIZE = 1 << 20 };

struct place {
    char *dir;
    char path[PATH_MAX]; /* of the volume: the image, or a loop device on it */
    char image[PATH_MAX];
    bool is_loop;
    pid_t server; /* of an NBD export, or 0 */
};

/* The first line that a program prints into out; false when it fails. */
static inline bool run(const char *const *argv, char *out, size_t size)
{
    struct proc_run r = {.argv = argv};
    auto_buf struct buf text = {0};
    int status = 1;

    if (proc_run(&r, &text, &status, NULL) < 0 || status != 0 || !buf_cstr(&text))
        return false;
    return text_print(out, size, "%.*s", (int)strcspn(buf_cstr(&text), "\n"), buf_cstr(&text)) == 0;
}

static inline bool attach_loop(struct place *p)
{
    const char *argv[] = {"losetup", "--find", "--show", p->image, NULL};

    p->is_loop = run(argv, p->path, sizeof(p->path)) && text_starts(p->path, "/dev/loop");
    return p->is_loop;
}

static inline bool resize_loop(const struct place *p, off_t size)
{
    const char *argv[] = {"losetup", "--set-capacity", p->path, NULL};
    char out[64];

    return truncate(p->image, size) == 0 && run(argv, out, sizeof(out));
}

static inline int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    p->dir = unit_mkdir();
    unit_path(p->dir, "volume", p->image);
    assert_ok(volume_prepare(p->image, SIZE, NULL));
    assert_ok(text_copy(p->path, sizeof(p->path), p->image));
    *state = p;
    return 0;
}

static inline int setup_loop(void **state)
{
    setup(state);
    return attach_loop(*state) ? 0 : -1;
}

/* Fails without nbdkit. */
static inline int setup_nbd(void **state)
{
    char socket_path[PATH_MAX];
    const char *argv[] = {"nbdkit", "-f", "-U", socket_path, "memory", "1M", NULL};
    struct place *p;

    setup(state);
    p = *state;
    unit_path(p->dir, "nbd", socket_path);
    p->server = nbd_server_start(argv, socket_path);
    return p->server > 0 &&
                   text_print(p->path, sizeof(p->path), "nbd+unix:///?socket=%s", socket_path) == 0
               ? 0
               : -1;
}

static inline int teardown(void **state)
{
    struct place *p = *state;
    const char *argv[] = {"losetup", "--detach", p->path, NULL};
    char out[64];

    if (p->server > 0)
        nbd_server_end(p->server);
    if (p->is_loop) {
        volume_set_readonly(p->path, false, NULL);
        run(argv, out, sizeof(out));
    }
    unit_rmdir(p->dir);
    free(p);
    return 0;
}

static inline struct volume *open_for(const struct place *p, enum volume_mode mode)
{
    struct volume *v = NULL;
    struct err err = {0};

    if (volume_open(p->path, mode, &v, &err) < 0)
        fail_msg("%s", err.text);
    return v;
}

static inline uint8_t *make_bytes(size_t len)
{
    uint8_t *data =
        aligned_alloc(VOLUME_SECTOR, (len + VOLUME_SECTOR - 1) / VOLUME_SECTOR * VOLUME_SECTOR);

    assert_non_null(data);
    rng_fill(&rng_system, data, len);
    return data;
}

#endif
