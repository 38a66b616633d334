/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of an instance, and a descriptor for each processor's part of it. */
#include "transport/trace_buffer.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/banned.h"

#define TRACE_FS "/sys/kernel/tracing"
#define INSTANCES TRACE_FS "/instances"
#define EVENT "events/block/block_rq_complete"

enum { TEXT_BYTES_MAX = 64 << 10, ALL_KIB = 64 << 10, ONE_KIB_MIN = 512 };

struct cpu {
    int fd; /* trace_pipe_raw */
    char stats[PATH_MAX];
};

struct trace_buffer {
    char dir[PATH_MAX];
    struct trace_layout layout;
    struct cpu *cpus;
    size_t cpus_n;
    uint8_t *page;
    size_t page_bytes;
    size_t pages_max; /* that one processor's part can hold */
};

/* ---- texts of tracefs ------------------------------------------------------ */

static int load(const char *dir, const char *file, struct buf *out, struct err *err)
{
    char path[PATH_MAX];
    int rc = text_print(path, sizeof(path), "%s/%s", dir, file);

    if (rc == 0)
        rc = fd_load_proc(path, TEXT_BYTES_MAX, out, err);
    if (rc == 0 && !buf_cstr(out))
        rc = err_set(err, -ENOMEM, "change tracker: %m");
    return rc;
}

static int set(const char *dir, const char *file, const char *value, struct err *err)
{
    char path[PATH_MAX];
    auto_close int fd = -1;
    int rc = text_print(path, sizeof(path), "%s/%s", dir, file);

    if (rc < 0)
        return rc;
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, -errno, "open '%s': %m", path);
    rc = fd_write_full(fd, value, strlen(value), err);
    return rc < 0 ? err_add(err, rc, "'%s'", path) : 0;
}

/* The number behind `label` in a file of "label: number" lines. */
static int number_of(char *const *words, const char *label, uint64_t *sum)
{
    for (size_t i = 0; words && words[i]; i++) {
        uint64_t n = 0;

        if (!text_starts(words[i], label) ||
            num_parse_u64(words[i] + strlen(label), 0, UINT64_MAX, &n, NULL) < 0)
            continue;
        *sum += n;
        return 0;
    }
    return -EBADMSG;
}

static int add_counts(const char *path, struct trace_counts *sum, struct err *err)
{
    auto_buf struct buf text = {0};
    auto_vec char **lines = NULL;
    int rc = fd_load_proc(path, TEXT_BYTES_MAX, &text, err);

    if (rc == 0 && !buf_cstr(&text))
        rc = err_set(err, -ENOMEM, "change tracker: %m");
    if (rc == 0)
        rc = text_split(buf_cstr(&text), "\n", &lines, err);
    if (rc < 0)
        return rc;
    if (number_of(lines, "read events: ", &sum->read) < 0 ||
        number_of(lines, "bytes: ", &sum->held) < 0 ||
        number_of(lines, "overrun: ", &sum->lost) < 0 ||
        number_of(lines, "commit overrun: ", &sum->lost) < 0 ||
        number_of(lines, "dropped events: ", &sum->lost) < 0)
        return err_set(err, -EBADMSG, "'%s' has not the numbers that were thought of", path);
    return 0;
}

/* ---- making and removing ---------------------------------------------------- */

static int make_place(struct err *err)
{
    struct statfs fs;

    if (statfs(TRACE_FS, &fs) == 0 && (unsigned long)fs.f_type == TRACEFS_MAGIC)
        return 0;
    if (mount("tracefs", TRACE_FS, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return err_set(err, -errno, "mount tracefs on " TRACE_FS ": %m");
    return 0;
}

static int place_of(const char *name, char *out, size_t size, struct err *err)
{
    int rc = text_print(out, size, INSTANCES "/%s", name);

    return rc < 0 ? err_set(err, rc, "'%s': %m", name) : 0;
}

void trace_buffer_remove(const char *name)
{
    char dir[PATH_MAX];

    if (place_of(name, dir, sizeof(dir), NULL) < 0)
        return;
    (void)set(dir, EVENT "/enable", "0", NULL);
    (void)rmdir(dir);
}

/* All of them together take no more memory than the marks of the tracker by BPF may. */
static uint64_t kib_of_one(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_CONF);

    return num_max(ALL_KIB / num_max(cpus > 0 ? (uint64_t)cpus : 1, 1), ONE_KIB_MIN);
}

static int configure(const char *dir, unsigned major, unsigned minor, struct err *err)
{
    char size[NUM_TEXT_MAX];
    char filter[64];
    int rc = text_print(size, sizeof(size), "%llu", (unsigned long long)kib_of_one());

    /* The kernel's own number of a device, not that of programs. */
    if (rc == 0)
        rc = text_print(filter, sizeof(filter), "dev == %u", major << 20 | minor);
    if (rc == 0)
        rc = set(dir, "buffer_size_kb", size, err);
    /* Names of processes would be noted at every switch of tasks of the machine: nobody reads them,
     * and the kernel's scheduler would be patched each time that tracing begins. */
    if (rc == 0)
        rc = set(dir, "trace_options", "norecord-cmd", err);
    if (rc == 0)
        rc = set(dir, EVENT "/filter", filter, err);
    return rc < 0 ? rc : set(dir, EVENT "/enable", "1", err);
}

int trace_buffer_new(const char *name, unsigned major, unsigned minor, struct trace_buffer **ret,
                     struct err *err)
{
    char dir[PATH_MAX];
    int rc = make_place(err);

    if (rc == 0)
        rc = place_of(name, dir, sizeof(dir), err);
    if (rc < 0)
        return rc;
    if (mkdir(dir, 0700) < 0)
        return err_set(err, -errno, "make '%s': %m", dir);
    rc = configure(dir, major, minor, err);
    if (rc == 0)
        rc = trace_buffer_open(name, ret, err);
    if (rc < 0)
        trace_buffer_remove(name);
    return rc;
}

void trace_buffer_each(const char *prefix, void (*fn)(void *arg, const char *name), void *arg)
{
    DIR *d = opendir(INSTANCES);
    const struct dirent *entry;

    if (!d)
        return;
    while ((entry = readdir(d)))
        if (text_starts(entry->d_name, prefix))
            fn(arg, entry->d_name);
    closedir(d);
}

/* ---- reading ------------------------------------------------------------------ */

static int open_cpu(struct trace_buffer *b, const char *name, struct err *err)
{
    struct cpu *more = reallocarray(b->cpus, b->cpus_n + 1, sizeof(*b->cpus));
    char path[PATH_MAX];
    struct cpu *c;
    int rc = more ? 0 : -ENOMEM;

    if (rc < 0)
        return err_set(err, rc, "change tracker: %m");
    b->cpus = more;
    c = &b->cpus[b->cpus_n];
    rc = text_print(path, sizeof(path), "%s/per_cpu/%s/trace_pipe_raw", b->dir, name);
    if (rc == 0)
        rc = text_print(c->stats, sizeof(c->stats), "%s/per_cpu/%s/stats", b->dir, name);
    if (rc < 0)
        return err_set(err, rc, "'%s': %m", b->dir);
    c->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (c->fd < 0)
        return err_set(err, -errno, "open '%s': %m", path);
    b->cpus_n++;
    return 0;
}

/* Of every processor that there could be, also of those that are not on now. */
static int open_cpus(struct trace_buffer *b, struct err *err)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    DIR *d;
    int rc = text_print(path, sizeof(path), "%s/per_cpu", b->dir);

    if (rc < 0)
        return err_set(err, rc, "'%s': %m", b->dir);
    d = opendir(path);
    if (!d)
        return err_set(err, -errno, "open '%s': %m", path);
    while (rc == 0 && (entry = readdir(d)))
        if (text_starts(entry->d_name, "cpu"))
            rc = open_cpu(b, entry->d_name, err);
    closedir(d);
    return rc;
}

static int load_layout(struct trace_buffer *b, struct err *err)
{
    auto_buf struct buf page = {0};
    auto_buf struct buf format = {0};
    int rc = load(TRACE_FS, "events/header_page", &page, err);

    if (rc == 0)
        rc = load(TRACE_FS, EVENT "/format", &format, err);
    if (rc == 0)
        rc = trace_layout_parse(buf_cstr(&page), buf_cstr(&format), &b->layout, err);
    if (rc < 0)
        return rc;
    b->page_bytes = b->layout.data.at + b->layout.data.size;
    b->pages_max = ((size_t)ALL_KIB << 10) / b->page_bytes;
    b->page = malloc(b->page_bytes);
    return b->page ? 0 : err_set(err, -ENOMEM, "change tracker: %m");
}

int trace_buffer_open(const char *name, struct trace_buffer **ret, struct err *err)
{
    struct trace_buffer *b = calloc(1, sizeof(*b));
    int rc;

    if (!b)
        return err_set(err, -ENOMEM, "change tracker: %m");
    rc = place_of(name, b->dir, sizeof(b->dir), err);
    if (rc == 0 && access(b->dir, F_OK) < 0)
        rc = err_set(err, -errno, "the tracing buffer is gone: %m");
    if (rc == 0)
        rc = load_layout(b, err);
    if (rc == 0)
        rc = open_cpus(b, err);
    if (rc < 0) {
        trace_buffer_close(b);
        return rc;
    }
    *ret = b;
    return 0;
}

void trace_buffer_close(struct trace_buffer *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->cpus_n; i++)
        close(b->cpus[i].fd);
    free(b->cpus);
    free(b->page);
    free(b);
}

/* As much as it could hold when it began: who writes without end does not keep us. */
static int drain_cpu(struct trace_buffer *b, const struct cpu *c, trace_event_fn fn, void *arg)
{
    int rc = 0;

    for (size_t pages = 0; rc == 0 && pages <= b->pages_max; pages++) {
        ssize_t n = read(c->fd, b->page, b->page_bytes);

        if (n < 0)
            return errno == EAGAIN || errno == ENODEV ? 0 : -errno; /* empty, or never was on */
        if (n == 0)
            return 0;
        rc = trace_page_read(&b->layout, slice_of(b->page, (size_t)n), fn, arg);
    }
    return rc;
}

int trace_buffer_drain(struct trace_buffer *b, trace_event_fn fn, void *arg)
{
    int rc = 0;

    /* An event that an interrupt records on top of another shows only when that other is recorded,
     * too, though who waited for its request may have been told already. After this call every
     * processor has come out of what it was recording. */
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
        return -errno;
    for (size_t i = 0; i < b->cpus_n; i++) {
        int one = drain_cpu(b, &b->cpus[i], fn, arg);

        rc = rc < 0 ? rc : one;
    }
    return rc;
}

int trace_buffer_counts(struct trace_buffer *b, struct trace_counts *ret, struct err *err)
{
    struct trace_counts sum = {0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < b->cpus_n; i++)
        rc = add_counts(b->cpus[i].stats, &sum, err);
    if (rc == 0)
        *ret = sum;
    return rc;
}

bool trace_buffer_is_filling(struct trace_buffer *b)
{
    struct trace_counts counts = {0};

    return trace_buffer_counts(b, &counts, NULL) < 0 || counts.held > (kib_of_one() << 10) / 4;
}
