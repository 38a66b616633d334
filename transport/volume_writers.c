/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who could write to a volume: processes that hold it open for writing or have it mapped shared,
 * files open for writing on a file system on it, and mounts of it that are not read-only. What
 * lies above it counts too: loop devices of an image, partitions, device-mapper and MD holders.
 *
 * Processes whose /proc entries this user may not read are not seen.
 */
#include "transport/volume.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/banned.h"

enum {
    WRITERS_DEVICES_MAX = 128,
    WRITERS_FILE_MAX = 8 << 20, /* of mountinfo, maps */
    WRITERS_SYSFS_MAX = 4096,
    WRITERS_FDINFO_MAX = 64 * 1024, /* an fdinfo of an eventpoll lists every watch */
};

/* What must not be written, and what was found. */
struct writers {
    struct stat file;                   /* the volume itself */
    dev_t devices[WRITERS_DEVICES_MAX]; /* block devices that lead to it */
    size_t devices_n;
    char *name; /* the first one's */
    size_t name_size;
    unsigned n;
};

static bool has_device(const struct writers *w, dev_t dev)
{
    for (size_t i = 0; i < w->devices_n; i++)
        if (w->devices[i] == dev)
            return true;
    return false;
}

static void add_device(struct writers *w, dev_t dev)
{
    if (!has_device(w, dev) && w->devices_n < WRITERS_DEVICES_MAX)
        w->devices[w->devices_n++] = dev;
}

static void found(struct writers *w, const char *name)
{
    if (w->n++ == 0 && text_copy(w->name, w->name_size, name) < 0)
        text_print(w->name, w->name_size, "%.*s", (int)w->name_size - 1, name);
}

/* "8:1\n" */
static bool parse_device(const char *text, dev_t *ret)
{
    char major_text[16];
    char minor_text[16];
    size_t len = strcspn(text, ":");
    const char *rest = text + len + (text[len] == ':');
    uint64_t major_n;
    uint64_t minor_n;

    if (text_print(major_text, sizeof(major_text), "%.*s", (int)len, text) < 0 ||
        text_print(minor_text, sizeof(minor_text), "%.*s", (int)strcspn(rest, " \n"), rest) < 0 ||
        num_parse_u64(major_text, 0, UINT32_MAX, &major_n, NULL) < 0 ||
        num_parse_u64(minor_text, 0, UINT32_MAX, &minor_n, NULL) < 0)
        return false;
    *ret = makedev((unsigned)major_n, (unsigned)minor_n);
    return true;
}

/* The text of a file of /sys, "" when it cannot be read. */
static void read_sysfs(const char *path, char *out, size_t size)
{
    auto_buf struct buf text = {0};
    const char *line;

    out[0] = '\0';
    if (fd_load_proc(path, WRITERS_SYSFS_MAX, &text, NULL) < 0)
        return;
    line = buf_cstr(&text);
    if (line)
        text_print(out, size, "%.*s", (int)strcspn(line, "\n"), line);
}

/* Loop devices whose backing file is the volume. */
static void add_loops(struct writers *w)
{
    DIR *d = opendir("/sys/block");
    struct dirent *e;

    while (d && (e = readdir(d))) {
        char path[PATH_MAX];
        char text[PATH_MAX];
        struct stat st;
        dev_t dev;

        if (!text_starts(e->d_name, "loop"))
            continue;
        if (text_print(path, sizeof(path), "/sys/block/%s/loop/backing_file", e->d_name) < 0)
            continue;
        read_sysfs(path, text, sizeof(text));
        if (text[0] == '\0' || stat(text, &st) < 0 || st.st_dev != w->file.st_dev ||
            st.st_ino != w->file.st_ino)
            continue;
        text_print(path, sizeof(path), "/sys/block/%s/dev", e->d_name);
        read_sysfs(path, text, sizeof(text));
        if (parse_device(text, &dev))
            add_device(w, dev);
    }
    if (d)
        closedir(d);
}

/* Every entry of dir that has a "dev" file is a device above. */
static void add_below(struct writers *w, const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    while (d && (e = readdir(d))) {
        char path[PATH_MAX];
        char text[32];
        dev_t dev;

        if (e->d_name[0] == '.' || text_print(path, sizeof(path), "%s/%s/dev", dir, e->d_name) < 0)
            continue;
        read_sysfs(path, text, sizeof(text));
        if (parse_device(text, &dev))
            add_device(w, dev);
    }
    if (d)
        closedir(d);
}

/* The list grows while it is walked: holders have holders. */
static void add_holders(struct writers *w)
{
    for (size_t i = 0; i < w->devices_n; i++) {
        char path[PATH_MAX];
        unsigned a = major(w->devices[i]);
        unsigned b = minor(w->devices[i]);

        if (text_print(path, sizeof(path), "/sys/dev/block/%u:%u/holders", a, b) == 0)
            add_below(w, path);
        if (text_print(path, sizeof(path), "/sys/dev/block/%u:%u", a, b) == 0)
            add_below(w, path); /* partitions are folders of their disk */
    }
}

static bool is_target(const struct writers *w, const struct stat *st)
{
    if (S_ISBLK(st->st_mode))
        return has_device(w, st->st_rdev);
    if (S_ISREG(w->file.st_mode) && st->st_dev == w->file.st_dev && st->st_ino == w->file.st_ino)
        return true;
    return S_ISREG(st->st_mode) && has_device(w, st->st_dev);
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

static bool holds_open(const struct writers *w, int proc_fd)
{
    int fd = openat(proc_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *e;
    bool yes = false;

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
    snprintf(dev_text, sizeof(dev_text), "%02x:%02x", major(w->file.st_dev), minor(w->file.st_dev));
    text_print(ino_text, sizeof(ino_text), "%.*s", (int)strcspn(field[4], " "), field[4]);
    return strncmp(field[3], dev_text, strlen(dev_text)) == 0 &&
           num_parse_u64(ino_text, 0, UINT64_MAX, &ino, NULL) == 0 && ino == w->file.st_ino;
}

static bool holds_mapped(const struct writers *w, int proc_fd)
{
    auto_buf struct buf text = {0};
    char path[64];
    char *line;
    bool yes = false;

    if (!S_ISREG(w->file.st_mode) ||
        text_print(path, sizeof(path), "/proc/self/fd/%d/maps", proc_fd) < 0 ||
        fd_load_proc(path, WRITERS_FILE_MAX, &text, NULL) < 0 || !buf_cstr(&text))
        return false;
    line = (char *)text.data;
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
    read_sysfs(path, comm, sizeof(comm));
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
    return 0;
}

/* "36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=…" */
static void look_at_mount(struct writers *w, char *line)
{
    char *field[6];
    char name[PATH_MAX + 16];
    dev_t dev;

    for (size_t i = 0; i < ARRAY_LEN(field); i++) {
        field[i] = line;
        line += strcspn(line, " ");
        if (*line == '\0')
            return;
        *line++ = '\0';
    }
    if (!parse_device(field[2], &dev) || !has_device(w, dev) || strncmp(field[5], "rw", 2) != 0)
        return;
    text_sanitize(field[4]);
    if (text_print(name, sizeof(name), "mounted at %s", field[4]) == 0)
        found(w, name);
}

static int look_at_mounts(struct writers *w, struct err *err)
{
    auto_buf struct buf text = {0};
    char *line;
    int rc = fd_load_proc("/proc/self/mountinfo", WRITERS_FILE_MAX, &text, err);

    if (rc < 0)
        return rc;
    if (!buf_cstr(&text))
        return buf_failed(&text, err);
    line = (char *)text.data;
    while (line && *line != '\0') {
        char *end = strchr(line, '\n');

        if (end)
            *end = '\0';
        look_at_mount(w, line);
        line = end ? end + 1 : NULL;
    }
    return 0;
}

int volume_writers(const char *path, char *out_name, size_t size, unsigned *ret_n, struct err *err)
{
    struct writers w = {.name = out_name, .name_size = size};
    int rc;

    if (stat(path, &w.file) < 0)
        return err_set(err, -errno, "stat '%s': %m", path);
    out_name[0] = '\0';
    if (S_ISBLK(w.file.st_mode))
        add_device(&w, w.file.st_rdev);
    else
        add_loops(&w);
    add_holders(&w);
    rc = look_at_processes(&w, err);
    if (rc == 0)
        rc = look_at_mounts(&w, err);
    if (rc == 0)
        *ret_n = w.n;
    return rc;
}
