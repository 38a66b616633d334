/* SPDX-License-Identifier: Apache-2.0 */
/* Claims are asked for by opening with O_EXCL, and explained by mountinfo and /proc/swaps. */
#include "transport/volume_claims.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/text.h"
#include "transport/volume_above.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

enum { SWAPS_MAX = 64 << 10, TRIES = 5, AGAIN_MS = 10 };

struct search {
    struct volume_above above;
    bool *used; /* of each device above: a mounted file system lies on it */
};

static void search_done(struct search *s)
{
    volume_above_done(&s->above);
    free(s->used);
}
#define auto_search AUTO(search_done)

static int look_at_mount(void *arg, const struct volume_mount *m, struct err *err)
{
    struct search *s = arg;

    for (size_t i = 0; i < s->above.n; i++) {
        struct volume_above one = {.devices = &s->above.devices[i], .n = 1};
        int rc = volume_above_holds(&one, m, err);

        if (rc < 0)
            return rc;
        s->used[i] |= rc > 0;
    }
    return 0;
}

static int search_init(struct search *s, const char *path, struct err *err)
{
    int rc = volume_above_find(path, &s->above, err);

    if (rc < 0)
        return rc;
    s->used = calloc(s->above.n + 1, sizeof(*s->used));
    if (!s->used)
        return err_set(err, -ENOMEM, "who claims '%s': %m", path);
    return volume_above_all_mounts(look_at_mount, s, err);
}

/* "/dev/sda"; false when there is no such file here. */
static bool name_of(dev_t dev, char *out, size_t size)
{
    char link[64];
    char to[PATH_MAX];
    struct stat st;
    ssize_t len;

    if (text_print(link, sizeof(link), "/sys/dev/block/%u:%u", major(dev), minor(dev)) < 0)
        return false;
    len = readlink(link, to, sizeof(to) - 1);
    if (len <= 0)
        return false;
    to[len] = '\0';
    if (text_print(out, size, "/dev/%s", strrchr(to, '/') ? strrchr(to, '/') + 1 : to) < 0)
        return false;
    for (char *c = out; *c != '\0'; c++) /* as sysfs writes a '/' */
        if (*c == '!')
            *c = '/';
    return stat(out, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == dev;
}

/* Another one who only asks, as we do, has it for a moment. */
static bool is_claimed(const char *name)
{
    const struct timespec wait = {.tv_nsec = AGAIN_MS * 1000000L};

    for (int i = 0; i < TRIES; i++) {
        auto_close int fd = open(name, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        if (fd >= 0 || errno != EBUSY)
            return false;
        (void)nanosleep(&wait, NULL);
    }
    return true;
}

/* What is swapped out is of no use to anybody who starts from a copy. */
static bool is_swap(dev_t dev)
{
    auto_buf struct buf text = {0};
    char path[PATH_MAX];

    if (fd_load_proc("/proc/swaps", SWAPS_MAX, &text, NULL) < 0 || !buf_cstr(&text))
        return false;
    for (const char *line = buf_cstr(&text); *line != '\0';) {
        struct stat st;

        if (text_print(path, sizeof(path), "%.*s", (int)strcspn(line, " \t\n"), line) == 0 &&
            stat(path, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == dev)
            return true;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return false;
}

/* Who has a disk has its partitions, too, of an old table for example. */
static bool is_used(const struct search *s, size_t i)
{
    char path[64];
    char text[32];
    dev_t dev = s->above.devices[i];
    dev_t disk;

    if (s->used[i])
        return true;
    if (text_print(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(dev), minor(dev)) <
            0 ||
        access(path, F_OK) < 0 ||
        text_print(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", major(dev), minor(dev)) < 0)
        return false;
    volume_above_line(path, text, sizeof(text));
    if (!volume_above_parse(text, &disk))
        return false;
    for (size_t k = 0; k < s->above.n; k++)
        if (s->above.devices[k] == disk)
            return s->used[k];
    return false;
}

int volume_claims_unknown(const char *path, char *out_name, size_t size, struct err *err)
{
    auto_search struct search s = {0};
    int rc = search_init(&s, path, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < s.above.n; i++) {
        dev_t dev = s.above.devices[i];

        if (!is_used(&s, i) && volume_above_is_leaf(dev) && !is_swap(dev) &&
            name_of(dev, out_name, size) && is_claimed(out_name))
            return 1;
    }
    return 0;
}

int volume_claims_above(const char *path, char *out_name, size_t size, struct err *err)
{
    auto_search struct search s = {0};
    int rc = search_init(&s, path, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < s.above.n; i++) {
        dev_t dev = s.above.devices[i];
        bool own = S_ISBLK(s.above.file.st_mode) && dev == s.above.file.st_rdev;

        if (!own && name_of(dev, out_name, size) && (s.used[i] || is_claimed(out_name)))
            return 1;
    }
    return 0;
}
