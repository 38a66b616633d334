/* SPDX-License-Identifier: Apache-2.0 */
/* Links of the names of tracing buffers. */
#include "transport/trace_owner.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/text.h"
#include "transport/trace_buffer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

#define LINKS "/run/godwit/trace"
#define PREFIX "godwit-"

enum {
    ID_BYTES = 16,
    HALF_DONE_S = 600,            /* nobody takes so long from the link to the file */
    NAMED_WITHIN = PATH_MAX + 512 /* the beginning of the file */
};

static int link_of(const char *name, char *out, size_t size)
{
    return text_print(out, size, LINKS "/%s", name);
}

/* Does the file that the link points at name the buffer? */
static bool is_named(const char *link, const char *name)
{
    auto_close int fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char begin[NAMED_WITHIN];
    ssize_t n = fd < 0 ? -1 : read(fd, begin, sizeof(begin));

    return n > 0 && memmem(begin, (size_t)n, name, strlen(name)) != NULL;
}

static bool points_at(const char *link, const char *file)
{
    char target[PATH_MAX];
    ssize_t n = readlink(link, target, sizeof(target));

    return n > 0 && (size_t)n == strlen(file) && memcmp(target, file, (size_t)n) == 0;
}

static void drop_unwanted(const char *name, const char *ended)
{
    char link[PATH_MAX];
    struct stat st;

    if (link_of(name, link, sizeof(link)) < 0)
        return;
    if (!ended || !points_at(link, ended)) {
        if (is_named(link, name))
            return;
        if (lstat(link, &st) == 0 && time(NULL) - st.st_mtime < HALF_DONE_S)
            return;
    }
    trace_owner_drop(name);
}

static void drop_without_link(void *arg, const char *name)
{
    char link[PATH_MAX];
    struct stat st;

    (void)arg;
    if (link_of(name, link, sizeof(link)) == 0 && lstat(link, &st) < 0 && errno == ENOENT)
        trace_owner_drop(name);
}

static void sweep(const char *ended)
{
    DIR *d = opendir(LINKS);
    const struct dirent *entry;

    if (!d)
        return; /* nobody had one since the start, or this /run is not that of those who had */
    while ((entry = readdir(d)))
        if (text_starts(entry->d_name, PREFIX))
            drop_unwanted(entry->d_name, ended);
    closedir(d);
    trace_buffer_each(PREFIX, drop_without_link, NULL);
}

int trace_owner_new(const char *file, char out_name[static TRACE_OWNER_NAME], struct err *err)
{
    uint8_t id[ID_BYTES];
    char hex[2 * ID_BYTES + 1];
    char link[PATH_MAX];
    int rc;

    sweep(file);
    rng_fill(&rng_system, id, sizeof(id));
    (void)text_print(out_name, TRACE_OWNER_NAME, PREFIX "%s", text_hex(id, sizeof(id), hex));
    rc = link_of(out_name, link, sizeof(link));
    if (rc == 0)
        rc = fd_mkdirs(LINKS, 0700, err);
    if (rc == 0 && symlink(file, link) < 0)
        rc = err_set(err, -errno, "make '%s': %m", link);
    return rc;
}

void trace_owner_drop(const char *name)
{
    char link[PATH_MAX];

    trace_buffer_remove(name);
    if (link_of(name, link, sizeof(link)) == 0)
        (void)unlink(link);
}

void trace_owner_sweep(void)
{
    sweep(NULL);
}

void trace_owner_end(const char *file)
{
    sweep(file);
}
