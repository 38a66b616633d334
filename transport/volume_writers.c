/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who could write to a volume: processes that hold it open for writing or have it mapped shared,
 * files open for writing on a file system on it, and mounts of it that are not read-only. What
 * lies above it counts too (volume_above.h).
 *
 * Processes whose /proc entries this user may not read are not seen.
 */
#include "transport/volume.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/volume_above.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/banned.h"

enum { WRITERS_FILE_MAX = 8 << 20 }; /* of maps */

/* What must not be written, and what was found. */
struct writers {
    struct volume_above above; /* the volume and what leads to it */
    bool raw;                  /* not those of files on a file system */
    char *name;                /* the first one's */
    size_t name_size;
    unsigned n;
    dev_t *mounted; /* file systems that were found, wherever they are mounted */
    size_t mounted_n;
    struct buf text; /* of one process after another */
    int failed;      /* why not all could be looked at; what they do not let us see is not this */
};

/* What we have too little of: to go on would be to overlook somebody. */
static void note_failure(struct writers *w, int code)
{
    if (code == -ENOMEM || code == -EMFILE || code == -ENFILE)
        w->failed = code;
}

static void found(struct writers *w, const char *name)
{
    if (w->n++ == 0 && text_copy(w->name, w->name_size, name) < 0)
        text_print(w->name, w->name_size, "%.*s", (int)w->name_size - 1, name);
}

static bool is_target(const struct writers *w, const struct stat *st)
{
    if (S_ISBLK(st->st_mode))
        return volume_above_has(&w->above, st->st_rdev);
    if (S_ISREG(w->above.file.st_mode) && st->st_dev == w->above.file.st_dev &&
        st->st_ino == w->above.file.st_ino)
        return true;
    return !w->raw && S_ISREG(st->st_mode) && volume_above_has(&w->above, st->st_dev);
}

/* "flags:\t0100002" of fdinfo, in octal. */
static bool is_writable(int proc_fd, const char *fd_name)
{
    char path[64];
    char text[256];
    auto_close int fd = -1;
    ssize_t len;
    const char *at;

    if (text_print(path, sizeof(path), "fdinfo/%s", fd_name) < 0)
        return false;
    fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1); /* pos and flags come first */
    if (len <= 0)
        return false;
    text[len] = '\0';
    at = strstr(text, "flags:");
    if (!at)
        return false;
    at += strlen("flags:");
    at += strspn(at, " \t0123456789") - 1; /* the last octal digit: O_ACCMODE and one more bit */
    return *at >= '0' && *at <= '7' && ((*at - '0') & O_ACCMODE) != O_RDONLY;
}

static bool holds_open(struct writers *w, int proc_fd)
{
    int fd = openat(proc_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *e;
    bool yes = false;

    if (!d)
        note_failure(w, -errno);
    if (!d && fd >= 0)
        close(fd);
    while (d && !yes && (e = readdir(d))) {
        struct stat st;

        if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &st, 0) < 0)
            continue;
        yes = is_target(w, &st) && is_writable(proc_fd, e->d_name);
    }
    if (d)
        closedir(d);
    return yes;
}

/* "7f…-7f… rw-s 00000000 08:01 1234 /path": shared, writable, of our file. A line of maps has the
 * device that stat gives for most file systems; where it differs (btrfs), open files still tell. */
static bool is_mapping(const struct writers *w, const char *line)
{
    char mode[8];
    char dev_text[24];
    char ino_text[24];
    const char *field[5];
    size_t n = 0;
    uint64_t ino;

    for (const char *p = line; *p != '\0' && n < ARRAY_LEN(field);) {
        field[n++] = p;
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
    if (n < ARRAY_LEN(field) || text_print(mode, sizeof(mode), "%.4s", field[1]) < 0 ||
        mode[1] != 'w' || mode[3] != 's')
        return false;
    snprintf(dev_text, sizeof(dev_text), "%02x:%02x", major(w->above.file.st_dev),
             minor(w->above.file.st_dev));
    text_print(ino_text, sizeof(ino_text), "%.*s", (int)strcspn(field[4], " "), field[4]);
    return strncmp(field[3], dev_text, strlen(dev_text)) == 0 &&
           num_parse_u64(ino_text, 0, UINT64_MAX, &ino, NULL) == 0 && ino == w->above.file.st_ino;
}

static bool holds_mapped(struct writers *w, int proc_fd)
{
    char path[64];
    char *line;
    bool yes = false;
    int rc;

    if (!S_ISREG(w->above.file.st_mode) ||
        text_print(path, sizeof(path), "/proc/self/fd/%d/maps", proc_fd) < 0)
        return false;
    buf_clear(&w->text);
    rc = fd_load_proc(path, WRITERS_FILE_MAX, &w->text, NULL);
    if (rc == 0 && !buf_cstr(&w->text))
        rc = -ENOMEM;
    if (rc < 0) {
        note_failure(w, rc);
        return false;
    }
    line = (char *)w->text.data;
    while (line && *line != '\0' && !yes) {
        char *end = strchr(line, '\n');

        if (end)
            *end = '\0';
        yes = is_mapping(w, line);
        line = end ? end + 1 : NULL;
    }
    return yes;
}

static void look_at_process(struct writers *w, int proc_root_fd, const char *pid)
{
    auto_close int fd = openat(proc_root_fd, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char path[64];
    char comm[32];
    char name[64];

    if (fd < 0 || (!holds_open(w, fd) && !holds_mapped(w, fd)))
        return;
    text_print(path, sizeof(path), "/proc/%.20s/comm", pid);
    volume_above_line(path, comm, sizeof(comm));
    text_sanitize(comm);
    text_print(name, sizeof(name), "%s (pid %.20s)", comm[0] != '\0' ? comm : "?", pid);
    found(w, name);
}

static int look_at_processes(struct writers *w, struct err *err)
{
    DIR *d = opendir("/proc");
    struct dirent *e;

    if (!d)
        return err_set(err, -errno, "list processes: %m");
    while ((e = readdir(d))) {
        uint64_t pid;

        if (num_parse_u64(e->d_name, 1, INT32_MAX, &pid, NULL) == 0 && pid != (uint64_t)getpid())
            look_at_process(w, dirfd(d), e->d_name);
    }
    closedir(d);
    return w->failed < 0 ? err_set(err, w->failed, "look at processes: %m") : 0;
}

static bool was_found(const struct writers *w, dev_t super)
{
    for (size_t i = 0; i < w->mounted_n; i++)
        if (w->mounted[i] == super)
            return true;
    return false;
}

static int remember(struct writers *w, dev_t super)
{
    dev_t *more = reallocarray(w->mounted, w->mounted_n + 1, sizeof(*more));

    if (!more)
        return -ENOMEM;
    w->mounted = more;
    w->mounted[w->mounted_n++] = super;
    return 0;
}

static int look_at_mount(void *arg, const struct volume_mount *m, struct err *err)
{
    struct writers *w = arg;
    char at[PATH_MAX];
    char name[PATH_MAX + 16];
    int rc = m->writable ? volume_above_holds(&w->above, m, err) : 0;

    if (rc <= 0)
        return rc;
    if (was_found(w, m->super) || text_copy(at, sizeof(at), m->at) < 0)
        return 0;
    rc = remember(w, m->super);
    if (rc < 0)
        return err_set(err, rc, "look at mounts: %m");
    text_sanitize(at);
    if (text_print(name, sizeof(name), "mounted at %s", at) == 0)
        found(w, name);
    return 0;
}

static int look(struct writers *w, const char *path, unsigned *ret_n, struct err *err)
{
    int rc = volume_above_find(path, &w->above, err);

    if (rc < 0)
        return rc;
    w->name[0] = '\0';
    rc = look_at_processes(w, err);
    if (rc == 0 && !w->raw)
        rc = volume_above_all_mounts(look_at_mount, w, err);
    if (rc == 0)
        *ret_n = w->n;
    volume_above_done(&w->above);
    free(w->mounted);
    buf_done(&w->text);
    return rc;
}

int volume_writers(const char *path, char *out_name, size_t size, unsigned *ret_n, struct err *err)
{
    struct writers w = {.name = out_name, .name_size = size};

    return look(&w, path, ret_n, err);
}

int volume_raw_writers(const char *path, char *out_name, size_t size, unsigned *ret_n,
                       struct err *err)
{
    struct writers w = {.raw = true, .name = out_name, .name_size = size};

    return look(&w, path, ret_n, err);
}
