/* SPDX-License-Identifier: Apache-2.0 */
/* A replaced object keeps its old file until the new one stands: readers never see a mixture. */
#include "tests/tool_s3_objects.h"

#include "base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

static const char *path_of(const struct tool_s3_objects *o, uint64_t number, char *out)
{
    return text_print(out, PATH_MAX, "%s/%" PRIu64, o->dir, number) < 0 ? "" : out;
}

size_t tool_s3_objects_from(const struct tool_s3_objects *o, const char *key)
{
    size_t low = 0;
    size_t high = o->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(o->all[mid].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct tool_s3_object *tool_s3_objects_find(const struct tool_s3_objects *o, const char *key)
{
    size_t i = tool_s3_objects_from(o, key);

    return i < o->n && strcmp(o->all[i].key, key) == 0 ? &o->all[i] : NULL;
}

int tool_s3_objects_create(struct tool_s3_objects *o, uint64_t *ret_number)
{
    char path[PATH_MAX];

    *ret_number = ++o->next;
    return open(path_of(o, *ret_number, path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

int tool_s3_objects_open(const struct tool_s3_objects *o, uint64_t number)
{
    char path[PATH_MAX];

    return open(path_of(o, number, path), O_RDONLY | O_CLOEXEC);
}

/* A free place for key at index i. */
static int make_room(struct tool_s3_objects *o, size_t i, const char *key)
{
    if (o->n == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 256;
        struct tool_s3_object *all = reallocarray(o->all, cap, sizeof(*all));

        if (!all)
            return -1;
        o->all = all;
        o->cap = cap;
    }
    memmove(o->all + i + 1, o->all + i, (o->n - i) * sizeof(*o->all));
    o->n++;
    o->all[i] = (struct tool_s3_object){.key = strdup(key)};
    return o->all[i].key ? 0 : -1;
}

int tool_s3_objects_set(struct tool_s3_objects *o, const char *key,
                        const struct tool_s3_object *what)
{
    struct tool_s3_object *at = tool_s3_objects_find(o, key);
    char path[PATH_MAX];
    char *own;

    if (at) {
        unlink(path_of(o, at->number, path));
    } else {
        size_t i = tool_s3_objects_from(o, key);

        if (make_room(o, i, key) < 0)
            return -1;
        at = &o->all[i];
    }
    own = at->key;
    *at = *what;
    at->key = own;
    return 0;
}

void tool_s3_objects_remove(struct tool_s3_objects *o, struct tool_s3_object *what)
{
    size_t i = (size_t)(what - o->all);
    char path[PATH_MAX];

    unlink(path_of(o, what->number, path));
    free(what->key);
    memmove(o->all + i, o->all + i + 1, (o->n - i - 1) * sizeof(*o->all));
    o->n--;
}
