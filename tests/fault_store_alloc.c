/* SPDX-License-Identifier: Apache-2.0 */
/* Stores, images and AWS files with every allocation failing in turn: the code says so, nothing
 * leaks, and what was said to be stored is there. */
#include "tests/alloc.h"

#include "base/fd.h"
#include "transport/s3_cred.h"
#include "transport/store.h"
#include "transport/track.h"
#include "transport/volume.h"

#include "base/banned.h"

struct place {
    char *dir;
    const char *url;
    char path[PATH_MAX];
};

static int list_one(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    (void)mtime_ms;
    assert_string_equal("a/key", key);
    assert_int_equal(4, size_bytes);
    *(unsigned *)arg += 1;
    return 0;
}

/* -ENOMEM also when it went well but an allocation that nobody needed failed (the search for old
 * leftovers). */
static int outcome(int rc)
{
    return rc == 0 && atomic_load(&alloc_did_fail) ? -ENOMEM : rc;
}

static int use_store(struct store *s)
{
    auto_buf struct buf out = {0};
    struct store_range whole = {0};
    unsigned n = 0;
    int rc = store_put(s, "a/key", slice_str("body"), NULL, STORE_PUT_REPLACE, NULL);

    if (rc == 0)
        rc = store_get(s, "a/key", whole, &out, NULL);
    if (rc == 0) {
        assert_memory_equal("body", out.data, 4);
        rc = store_list(s, "", NULL, list_one, &n, NULL);
    }
    if (rc == 0)
        assert_int_equal(1, n);
    return rc;
}

static int store_story(void *arg)
{
    const struct place *p = arg;
    struct store_conf conf = {.url = p->url, .endpoint = "e", .region = "r"};
    auto_store struct store *s = NULL;
    auto_store struct store *d = NULL;
    int rc = store_open(&conf, &s, NULL);

    if (rc == 0)
        rc = store_dup(s, &d, NULL);
    return outcome(rc < 0 ? rc : use_store(d));
}

static int image_story(void *arg)
{
    const struct place *p = arg;
    auto_volume struct volume *v = NULL;
    auto_track struct track *t = NULL;
    uint8_t byte = 1;
    int rc = volume_prepare(p->path, 4096, NULL);

    if (rc == 0)
        rc = volume_open(p->path, VOLUME_WRITE, &v, NULL);
    if (rc == 0)
        rc = volume_write(v, 0, &byte, 1, NULL);
    if (rc == 0)
        rc = track_open("auto", v, p->dir, &t, NULL);
    if (rc == 0)
        rc = track_freeze(t, NULL);
    if (rc < 0)
        unlink(p->path); /* the next try makes it again */
    return rc;
}

static const char *cred_get(void *arg, const char *name)
{
    return strcmp(name, "AWS_SHARED_CREDENTIALS_FILE") == 0 ? arg : NULL;
}

static int cred_story(void *arg)
{
    struct place *p = arg;
    struct s3_cred_env env = {.get = cred_get, .arg = p->path};
    struct store_conf conf = {.path_style = -1};
    struct s3_cred c = {0};
    int rc = s3_cred_load(&conf, &env, &c, NULL);

    if (rc == 0)
        assert_string_equal("S", c.secret_key);
    s3_cred_done(&c);
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    struct place p = {.dir = unit_mkdir()};
    char url[PATH_MAX];

    (void)state;
    unit_path(p.dir, "cred", p.path);
    assert_ok(fd_save(p.path, slice_str("[default]\naws_access_key_id=A\naws_secret_access_key=S"),
                      0600, NULL));
    alloc_fail_each("credentials", cred_story, &p);
    p.url = "mem:alloc";
    alloc_fail_each("memory", store_story, &p);
    snprintf(url, sizeof(url), "file://%s", p.dir);
    p.url = url;
    assert_int_equal(0, unlink(p.path));
    alloc_fail_each("directory", store_story, &p);
    unit_path(p.dir, "image", p.path);
    alloc_fail_each("image", image_story, &p);
    unit_rmdir(p.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };

    if (!ALLOC_WORKS) {
        puts("skipped: a sanitizer owns malloc");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
