/* SPDX-License-Identifier: Apache-2.0 */
/* The lowest room with every allocation failing in turn: the right code, and nothing leaks. */
#include "tests/alloc.h"

#include "base/buf.h"
#include "base/conf.h"
#include "base/fd.h"
#include "base/opt.h"
#include "base/pool.h"
#include "base/proc.h"
#include "base/queue.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/worker.h"

#include "base/banned.h"

static int append_much(void *arg)
{
    auto_buf struct buf b = {0};

    (void)arg;
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "%0100d", i);
    buf_hex(&b, "abc", 3);
    if (buf_failed(&b, NULL) == 0 && !buf_cstr(&b))
        return -ENOMEM;
    return buf_failed(&b, NULL);
}

static int split(void *arg)
{
    auto_vec char **vec = NULL;

    (void)arg;
    return text_split("a b c d", " ", &vec, NULL);
}

static int make_queue(void *arg)
{
    struct queue *q;
    int rc = queue_new(10, &q, NULL);

    (void)arg;
    if (rc == 0)
        queue_free(q);
    return rc;
}

static int make_pool(void *arg)
{
    struct pool *p;
    int rc = pool_new(5, 1000, &p, NULL);

    (void)arg;
    if (rc == 0)
        pool_free(p);
    return rc;
}

static int parse_flags(void *arg)
{
    static const struct opt rows[] = {
        {.name = "dry-run", .letter = 'n', .type = OPT_SWITCH},
        {.name = "name", .type = OPT_TEXT, .dflt = "x"},
    };
    char words[3][8] = {"prog", "-n", "word"};
    char *argv[] = {words[0], words[1], words[2], NULL};
    struct opt_set *set;
    int rc = opt_parse(rows, ARRAY_LEN(rows), 3, argv, &set, NULL);

    (void)arg;
    if (rc == 0)
        opt_free(set);
    return rc;
}

static int load_file(void *arg)
{
    auto_buf struct buf b = {0};

    return fd_load(arg, 1 << 20, &b, NULL);
}

static int load_conf(void *arg)
{
    struct conf *c;
    int rc = conf_new(&c, NULL);

    if (rc < 0)
        return rc;
    rc = conf_load(c, arg, NULL);
    if (rc == 0)
        rc = conf_set(c, "new", "key", "value", NULL);
    if (rc == 0)
        rc = conf_set(c, "s", "k", "other", NULL);
    if (rc == 0)
        rc = conf_save(c, arg, NULL);
    conf_free(c);
    return rc;
}

static int run_program(void *arg)
{
    const char *const argv[] = {"echo", "x", NULL};
    auto_buf struct buf out = {0};
    int status;

    (void)arg;
    return proc_run(&(struct proc_run){.argv = argv}, &out, &status, NULL);
}

static int load_secret(void *arg)
{
    auto_buf struct buf out = {0};

    (void)arg;
    return secret_load("env:GW_UNIT_SECRET", &out, NULL);
}

static void buffers_lists_and_flags(void **state)
{
    (void)state;
    alloc_fail_each("buf", append_much, NULL);
    alloc_fail_each("text_split", split, NULL);
    alloc_fail_each("opt_parse", parse_flags, NULL);
}

static void queues_and_pools(void **state)
{
    (void)state;
    alloc_fail_each("queue_new", make_queue, NULL);
    alloc_fail_each("pool_new", make_pool, NULL);
}

static void a_pool_beyond_all_memory_is_an_error_not_a_crash(void **state)
{
    struct pool *p = NULL;

    (void)state;
    assert_fails(-ENOMEM, pool_new(2, SIZE_MAX / 4, &p, NULL));
    assert_fails(-ENOMEM, pool_new(SIZE_MAX / 2, 4096, &p, NULL));
    assert_null(p);
}

static void files_and_configuration(void **state)
{
    char *dir = unit_mkdir();
    char path[PATH_MAX];

    (void)state;
    assert_ok(fd_save(unit_path(dir, "f", path), slice_str("[s]\nk = 1\nl = 2\n[t]\nm = 3\n"), 0600,
                      NULL));
    alloc_fail_each("fd_load", load_file, path);
    alloc_fail_each("conf", load_conf, path);
    unit_rmdir(dir);
}

static void programs_and_secrets(void **state)
{
    (void)state;
    setenv("GW_UNIT_SECRET", "x", 1);
    alloc_fail_each("proc_run", run_program, NULL);
    alloc_fail_each("secret_load", load_secret, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_lists_and_flags),
        cmocka_unit_test(queues_and_pools),
        cmocka_unit_test(a_pool_beyond_all_memory_is_an_error_not_a_crash),
        cmocka_unit_test(files_and_configuration),
        cmocka_unit_test(programs_and_secrets),
    };

    if (!ALLOC_WORKS) {
        puts("skipped: a sanitizer owns malloc");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
