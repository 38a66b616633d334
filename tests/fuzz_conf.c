/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: what loads can be saved, and loads the same again. */
#include "tests/fuzz.h"

#include "base/conf.h"
#include "base/text.h"

#include <sys/mman.h>

#include "base/banned.h"

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/* A file in memory; its path is good while *ret_fd is open. */
static void memory_file(struct slice body, int *ret_fd, char *path)
{
    *ret_fd = memfd_create("fuzz", MFD_CLOEXEC);
    demand(*ret_fd >= 0 && fd_write_full(*ret_fd, body.data, body.len, NULL) == 0);
    snprintf(path, PATH_MAX, "/proc/self/fd/%d", *ret_fd);
}

/* As conf_save writes, but into memory. -EINVAL for what conf_set would not take. */
static int print_key(void *arg, const char *section, const char *key, const char *value,
                     const char *origin)
{
    struct conf *copy = arg;

    demand(origin && text_is_name(section) && text_is_name(key));
    return conf_set(copy, section, key, value, NULL);
}

static int append_key(void *arg, const char *section, const char *key, const char *value,
                      const char *origin)
{
    (void)origin;
    return buf_printf(arg, "[%s]\n%s = %s\n", section, key, value);
}

static int same_key(void *arg, const char *section, const char *key, const char *value,
                    const char *origin)
{
    (void)origin;
    demand(text_equal(conf_get(arg, section, key, NULL), value));
    return 0;
}

static void try_again(const struct conf *c)
{
    auto_close int fd = -1;
    auto_buf struct buf text = {0};
    struct conf *copy;
    struct conf *again;
    char path[PATH_MAX];

    demand(conf_new(&copy, NULL) == 0 && conf_new(&again, NULL) == 0);
    if (conf_each(c, print_key, copy) == 0) {
        demand(conf_each(copy, append_key, &text) == 0);
        memory_file(buf_slice(&text), &fd, path);
        demand(conf_load(again, path, NULL) == 0);
        conf_each(copy, same_key, again);
        conf_each(again, same_key, copy);
    }
    conf_free(copy);
    conf_free(again);
}

static void fuzz_run(struct slice input)
{
    auto_close int fd = -1;
    struct err err = {0};
    struct conf *c;
    char path[PATH_MAX];

    demand(conf_new(&c, NULL) == 0);
    memory_file(input, &fd, path);
    if (conf_load(c, path, &err) == 0)
        try_again(c);
    else
        demand(err.text[0] && text_starts(err.text, path));
    conf_free(c);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_conf", argc, argv);
}
#endif
