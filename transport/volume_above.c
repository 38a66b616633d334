/* SPDX-License-Identifier: Apache-2.0 */
/* The walk up from a volume through sysfs, and the mounts of this process. */
#include "transport/volume_above.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/banned.h"

enum {
    MOUNTINFO_MAX = 8 << 20,
    FILESYSTEMS_MAX = 64 << 10,
    FIELDS = 6,
    PROC_MAX = 64,
    TYPE_MAX = 64
};

bool volume_above_has(const struct volume_above *a, dev_t dev)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->devices[i] == dev)
            return true;
    return false;
}

void volume_above_done(struct volume_above *a)
{
    free(a->devices);
    *a = (struct volume_above){0};
}

static int add_device(struct volume_above *a, dev_t dev)
{
    dev_t *more;

    if (volume_above_has(a, dev))
        return 0;
    more = reallocarray(a->devices, a->n + 1, sizeof(*more));
    if (!more)
        return -ENOMEM;
    a->devices = more;
    a->devices[a->n++] = dev;
    return 0;
}

bool volume_above_parse(const char *text, dev_t *ret)
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

void volume_above_line(const char *path, char *out, size_t size)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char text[VOLUME_ABOVE_SYSFS_MAX]; /* no allocation, which could fail */
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    out[0] = '\0';
    if (len <= 0)
        return;
    text[len] = '\0';
    text_print(out, size, "%.*s", (int)strcspn(text, "\n"), text);
}

static bool leads_to(const struct volume_above *a, const struct stat *st)
{
    if (S_ISBLK(st->st_mode))
        return volume_above_has(a, st->st_rdev);
    return st->st_dev == a->file.st_dev && st->st_ino == a->file.st_ino;
}

/* By the name that its maker knew the file by, for those who may not open devices; that name may
 * lead elsewhere here, or nowhere, so the device itself is asked, too. */
static bool is_loop_on(const struct volume_above *a, const char *loop)
{
    struct loop_info64 info = {0};
    auto_close int fd = -1;
    char path[PATH_MAX];
    char text[PATH_MAX];
    struct stat st;

    (void)text_print(path, sizeof(path), "/sys/block/%s/loop/backing_file", loop);
    volume_above_line(path, text, sizeof(text));
    if (text[0] == '\0')
        return false; /* it has none */
    if (stat(text, &st) == 0 && leads_to(a, &st))
        return true;
    (void)text_print(path, sizeof(path), "/dev/%s", loop);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || ioctl(fd, LOOP_GET_STATUS64, &info) < 0)
        return false;
    if (info.lo_rdevice != 0)
        return volume_above_has(a, info.lo_rdevice);
    return info.lo_device == a->file.st_dev && info.lo_inode == a->file.st_ino;
}

/* *ret is NULL when there is no such directory. */
static int open_dir(const char *path, DIR **ret)
{
    *ret = opendir(path);
    return *ret || errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
}

/* Those on the image, or on a device: they are no holders of it. */
static int add_loops(struct volume_above *a)
{
    struct dirent *e;
    DIR *d;
    int rc = open_dir("/sys/block", &d);

    while (rc == 0 && d && (e = readdir(d))) {
        char path[PATH_MAX];
        char text[32];
        dev_t dev;

        if (!text_starts(e->d_name, "loop") || !is_loop_on(a, e->d_name))
            continue;
        (void)text_print(path, sizeof(path), "/sys/block/%s/dev", e->d_name);
        volume_above_line(path, text, sizeof(text));
        if (volume_above_parse(text, &dev))
            rc = add_device(a, dev);
    }
    if (d)
        closedir(d);
    return rc;
}

/* Every entry of dir that has a "dev" file is a device. */
static int add_listed(struct volume_above *a, const char *dir)
{
    struct dirent *e;
    DIR *d;
    int rc = open_dir(dir, &d);

    while (rc == 0 && d && (e = readdir(d))) {
        char path[PATH_MAX];
        char text[32];
        dev_t dev;

        if (e->d_name[0] == '.' || text_print(path, sizeof(path), "%s/%s/dev", dir, e->d_name) < 0)
            continue;
        volume_above_line(path, text, sizeof(text));
        if (volume_above_parse(text, &dev))
            rc = add_device(a, dev);
    }
    if (d)
        closedir(d);
    return rc;
}

/* The list grows while it is walked: holders have holders. */
static int add_holders(struct volume_above *a)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < a->n; i++) {
        char path[PATH_MAX];
        unsigned major_n = major(a->devices[i]);
        unsigned minor_n = minor(a->devices[i]);

        if (text_print(path, sizeof(path), "/sys/dev/block/%u:%u/holders", major_n, minor_n) == 0)
            rc = add_listed(a, path);
        if (rc == 0 &&
            text_print(path, sizeof(path), "/sys/dev/block/%u:%u", major_n, minor_n) == 0)
            rc = add_listed(a, path); /* partitions are folders of their disk */
    }
    return rc;
}

static int add_all(struct volume_above *a)
{
    size_t before;
    int rc = S_ISBLK(a->file.st_mode) ? add_device(a, a->file.st_rdev) : 0;

    do { /* loop devices have partitions, and partitions loop devices */
        before = a->n;
        if (rc == 0)
            rc = add_holders(a);
        if (rc == 0)
            rc = add_loops(a);
    } while (rc == 0 && a->n > before);
    return rc;
}

int volume_above_find(const char *path, struct volume_above *ret, struct err *err)
{
    auto_above struct volume_above a = {0};
    int rc;

    if (stat(path, &a.file) < 0)
        return err_set(err, -errno, "stat '%s': %m", path);
    rc = add_all(&a);
    if (rc < 0)
        return err_set(err, rc, "what lies above '%s': %m", path);
    *ret = a;
    a = (struct volume_above){0};
    return 0;
}

bool volume_above_is_leaf(dev_t dev)
{
    auto_above struct volume_above a = {0};

    return add_device(&a, dev) == 0 && add_holders(&a) == 0 && a.n == 1;
}

/* ---- mounts -----------------------------------------------------------------------------------
 */

/* mountinfo writes blanks and backslashes in octal. */
static void unescape(char *path)
{
    char *to = path;

    for (const char *from = path; *from != '\0'; from++) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 3;
            continue;
        }
        *to++ = *from;
    }
    *to = '\0';
}

/* Ends the word at *rest; NULL at the end of the line. */
static char *word(char **rest)
{
    char *first = *rest;

    if (*first == '\0')
        return NULL;
    *rest += strcspn(first, " ");
    if (**rest == ' ')
        *(*rest)++ = '\0';
    return first;
}

/* The kernel's word: a source is only a name where the kind takes no device, and any user may mount
 * some of those in a name space of his own. "fuse.x" is of kind "fuse". */
static bool takes_device(const char *type)
{
    auto_buf struct buf kinds = {0};
    char line[TYPE_MAX];

    if (text_print(line, sizeof(line), "nodev\t%.*s\n", (int)strcspn(type, "."), type) < 0 ||
        fd_load_proc("/proc/filesystems", FILESYSTEMS_MAX, &kinds, NULL) < 0 || !buf_cstr(&kinds))
        return true;
    return strstr(buf_cstr(&kinds), line) == NULL;
}

/* btrfs and its like have numbers that are no device's; their source is named. */
static dev_t source_of(dev_t super, const char *name, const char *type)
{
    struct stat st;

    if (major(super) == 0 && name[0] == '/' && takes_device(type) && stat(name, &st) == 0 &&
        S_ISBLK(st.st_mode))
        return st.st_rdev;
    return super;
}

/* "36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=…" */
static bool parse_mount(char *line, struct volume_mount *ret)
{
    char *field[FIELDS] = {0};
    char *type;
    char *source;
    char *super;
    char *at;

    for (size_t i = 0; i < FIELDS; i++) {
        field[i] = word(&line);
        if (!field[i])
            return false;
    }
    do
        at = word(&line);
    while (at && !text_equal(at, "-"));
    type = at ? word(&line) : NULL;
    source = type ? word(&line) : NULL;
    super = source ? word(&line) : NULL;
    if (!super || num_parse_u64(field[0], 0, UINT64_MAX, &ret->id, NULL) < 0 ||
        !volume_above_parse(field[2], &ret->super))
        return false;
    unescape(field[3]);
    unescape(field[4]);
    unescape(source);
    ret->root = field[3];
    ret->at = field[4];
    ret->type = type;
    ret->writable = strncmp(field[5], "rw", 2) == 0 && strncmp(super, "rw", 2) == 0;
    ret->source = source_of(ret->super, source, type);
    return true;
}

/* Is source among the devices of a file system, and one of a? */
static int is_among(const struct volume_above *a, dev_t source, const char *devices)
{
    auto_above struct volume_above members = {0};
    int rc = add_listed(&members, devices);

    if (rc < 0 || !volume_above_has(&members, source))
        return rc;
    for (size_t i = 0; i < members.n; i++)
        if (volume_above_has(a, members.devices[i]))
            return 1;
    return 0;
}

static int is_on_btrfs(const struct volume_above *a, dev_t source)
{
    struct dirent *e;
    DIR *d;
    int rc = open_dir("/sys/fs/btrfs", &d);

    while (rc == 0 && d && (e = readdir(d))) {
        char path[PATH_MAX];

        if (e->d_name[0] != '.' &&
            text_print(path, sizeof(path), "/sys/fs/btrfs/%s/devices", e->d_name) == 0)
            rc = is_among(a, source, path);
    }
    if (d)
        closedir(d);
    return rc;
}

int volume_above_holds(const struct volume_above *a, const struct volume_mount *m, struct err *err)
{
    int rc = volume_above_has(a, m->source);

    if (rc == 0 && text_equal(m->type, "btrfs"))
        rc = is_on_btrfs(a, m->source);
    return rc < 0 ? err_set(err, rc, "devices of the btrfs at '%s': %m", m->at) : rc;
}

static int mounts_of(const char *proc, volume_mount_fn fn, void *arg, struct err *err)
{
    auto_buf struct buf text = {0};
    char path[PROC_MAX];
    char *line;
    int rc = text_print(path, sizeof(path), "%s/mountinfo", proc);

    if (rc == 0)
        rc = fd_load_proc(path, MOUNTINFO_MAX, &text, err);
    if (rc < 0)
        return rc;
    if (!buf_cstr(&text))
        return buf_failed(&text, err);
    line = (char *)text.data;
    while (line && *line != '\0' && rc == 0) {
        struct volume_mount m = {.proc = proc};
        char *end = strchr(line, '\n');

        if (end)
            *end = '\0';
        if (parse_mount(line, &m))
            rc = fn(arg, &m, err);
        line = end ? end + 1 : NULL;
    }
    return rc;
}

int volume_above_mounts(volume_mount_fn fn, void *arg, struct err *err)
{
    return mounts_of("/proc/self", fn, arg, err);
}

/* Mount namespaces that were seen. */
struct namespaces {
    ino_t *seen;
    size_t n;
};

/* 1: proc is in one that was not seen yet. */
static int is_new(struct namespaces *ns, const char *proc, struct err *err)
{
    char path[PROC_MAX];
    struct stat st;
    ino_t *more;

    if (text_print(path, sizeof(path), "%s/ns/mnt", proc) < 0 || stat(path, &st) < 0)
        return 0; /* it ended, or is none of our business */
    for (size_t i = 0; i < ns->n; i++)
        if (ns->seen[i] == st.st_ino)
            return 0;
    more = reallocarray(ns->seen, ns->n + 1, sizeof(*more));
    if (!more)
        return err_set(err, -ENOMEM, "mount namespaces: %m");
    ns->seen = more;
    ns->seen[ns->n++] = st.st_ino;
    return 1;
}

/* What ended meanwhile has no mounts any more. */
static int look_at_process(struct namespaces *ns, const char *proc, volume_mount_fn fn, void *arg,
                           struct err *err)
{
    int rc = is_new(ns, proc, err);

    if (rc <= 0)
        return rc;
    rc = mounts_of(proc, fn, arg, err);
    if (rc != -ENOENT && rc != -ESRCH && rc != -EACCES && rc != -EPERM && rc != -EINVAL)
        return rc;
    err_clear(err);
    return 0;
}

static int look_at_processes(struct namespaces *ns, volume_mount_fn fn, void *arg, struct err *err)
{
    DIR *d = opendir("/proc");
    struct dirent *e;
    int rc = 0;

    if (!d)
        return err_set(err, -errno, "list processes: %m");
    while (rc == 0 && (e = readdir(d))) {
        char proc[PROC_MAX];
        uint64_t pid;

        if (num_parse_u64(e->d_name, 1, INT32_MAX, &pid, NULL) == 0 &&
            text_print(proc, sizeof(proc), "/proc/%s", e->d_name) == 0)
            rc = look_at_process(ns, proc, fn, arg, err);
    }
    closedir(d);
    return rc;
}

int volume_above_all_mounts(volume_mount_fn fn, void *arg, struct err *err)
{
    struct namespaces ns = {0};
    int rc = is_new(&ns, "/proc/self", err);

    if (rc >= 0)
        rc = volume_above_mounts(fn, arg, err);
    if (rc == 0)
        rc = look_at_processes(&ns, fn, arg, err);
    free(ns.seen);
    return rc;
}
