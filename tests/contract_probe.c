/* SPDX-License-Identifier: Apache-2.0 */
/* What every probe promises, over the local one and the one of a directory; then what is its own.
 */
#include "tests/unit.h"

#include "tests/fixture.h"

#include "inventory/probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <sys/wait.h>

#include "base/banned.h"

/* One probe over one temporary tree; at puts the tree's root before a path. */
struct under_test {
    struct probe *p;
    char *dir;
    const char *root;
    char path[PATH_MAX];
};

static const char *at(struct under_test *t, const char *path)
{
    assert_ok(text_print(t->path, sizeof(t->path), "%s%s", t->root, path));
    return t->path;
}

static void put_tree(const char *dir)
{
    char path[PATH_MAX];
    char target[PATH_MAX];

    fixture_text(dir, "proc/short", "  one line \nand another\n");
    fixture_text(dir, "proc/number", "42\n");
    fixture_text(dir, "proc/negative", "-1\n");
    fixture_text(dir, "proc/huge", "99999999999999999999999\n");
    fixture_text(dir, "proc/escape", "a\x1b[31mred\x07\xff\n");
    fixture_text(dir, "list/sda10", "");
    fixture_text(dir, "list/sda2", "");
    fixture_text(dir, "list/sdb", "");
    assert_int_equal(symlink("socket:[12345]", unit_path(dir, "dangling", path)), 0);
    assert_int_equal(symlink("proc/number", unit_path(dir, "link", path)), 0);
    assert_int_equal(mkfifo(unit_path(dir, "fifo", path), 0600), 0);
    memset(target, 'x', 1000);
    target[1000] = '\0';
    assert_int_equal(symlink(target, unit_path(dir, "longlink", path)), 0);
}

static int setup_local(void **state)
{
    struct under_test *t = calloc(1, sizeof(*t));

    t->dir = unit_mkdir_memory();
    t->root = t->dir;
    put_tree(t->dir);
    *state = t;
    return probe_local_new(&t->p, NULL);
}

static int setup_fixture(void **state)
{
    struct under_test *t = calloc(1, sizeof(*t));

    t->dir = unit_mkdir_memory();
    t->root = "";
    put_tree(t->dir);
    *state = t;
    return probe_fixture_new(t->dir, &t->p, NULL);
}

static int teardown(void **state)
{
    struct under_test *t = *state;

    probe_free(t->p);
    unit_rmdir(t->dir);
    free(t);
    return 0;
}

/* -- all ---------------------------------------------------------------------- */

static void reads_a_whole_file_and_appends_it(void **state)
{
    struct under_test *t = *state;
    auto_buf struct buf b = {0};
    bool cut = true;

    buf_str(&b, "before ");
    assert_ok(probe_read(t->p, at(t, "/proc/number"), 100, &b, &cut, NULL));
    assert_string_equal(buf_cstr(&b), "before 42\n");
    assert_false(cut);
}

static void stops_at_the_limit_and_says_so(void **state)
{
    struct under_test *t = *state;
    auto_buf struct buf b = {0};
    bool cut = false;

    assert_ok(probe_read(t->p, at(t, "/proc/short"), 5, &b, &cut, NULL));
    assert_int_equal(b.len, 5);
    assert_true(cut);
    buf_clear(&b);
    assert_ok(probe_read(t->p, at(t, "/proc/number"), 3, &b, &cut, NULL));
    assert_false(cut); /* exactly as long as allowed is not cut */
}

static void refuses_what_is_no_plain_file(void **state)
{
    struct under_test *t = *state;
    auto_buf struct buf b = {0};
    struct err err = {0};

    assert_fails(-ENOENT, probe_read(t->p, at(t, "/proc/absent"), 10, &b, NULL, &err));
    assert_non_null(strstr(err.text, "absent"));
    assert_fails(-EINVAL, probe_read(t->p, at(t, "/fifo"), 10, &b, NULL, NULL));
    assert_int_not_equal(probe_read(t->p, at(t, "/proc"), 10, &b, NULL, NULL), 0);
    assert_fails(-EINVAL, probe_read(t->p, "proc/number", 10, &b, NULL, NULL));
    assert_int_equal(b.len, 0);
}

static void lists_names_in_the_order_of_numbers(void **state)
{
    struct under_test *t = *state;
    auto_vec char **names = NULL;
    bool more = true;

    assert_ok(probe_list(t->p, at(t, "/list"), &names, &more, NULL));
    assert_int_equal(text_vec_len(names), 3);
    assert_string_equal(names[0], "sda2");
    assert_string_equal(names[1], "sda10");
    assert_string_equal(names[2], "sdb");
    assert_false(more);
}

static void lists_only_directories(void **state)
{
    struct under_test *t = *state;
    char **names = NULL;

    assert_fails(-ENOENT, probe_list(t->p, at(t, "/absent"), &names, NULL, NULL));
    assert_fails(-ENOTDIR, probe_list(t->p, at(t, "/proc/number"), &names, NULL, NULL));
    assert_null(names);
}

static void tells_where_a_link_points_even_if_nowhere(void **state)
{
    struct under_test *t = *state;
    char text[64] = "untouched";

    assert_fails(-EINVAL, probe_link(t->p, at(t, "/proc/number"), text, sizeof(text), NULL));
    assert_string_equal(text, "untouched");
    assert_fails(-ENOENT, probe_link(t->p, at(t, "/absent"), text, sizeof(text), NULL));
    assert_fails(-ENAMETOOLONG, probe_link(t->p, at(t, "/longlink"), text, sizeof(text), NULL));
    assert_ok(probe_link(t->p, at(t, "/dangling"), text, sizeof(text), NULL));
    assert_string_equal(text, "socket:[12345]");
}

static void follows_links_to_facts(void **state)
{
    struct under_test *t = *state;
    struct probe_stat st = {.kind = PROBE_OTHER};

    assert_ok(probe_stat(t->p, at(t, "/link"), &st, NULL));
    assert_int_equal(st.kind, PROBE_FILE);
    assert_int_equal(st.size_bytes, 3);
    assert_ok(probe_stat(t->p, at(t, "/list"), &st, NULL));
    assert_int_equal(st.kind, PROBE_DIR);
    assert_fails(-ENOENT, probe_stat(t->p, at(t, "/dangling"), &st, NULL));
    assert_false(probe_exists(t->p, at(t, "/absent")));
}

static void gives_one_line_facts_clean(void **state)
{
    struct under_test *t = *state;
    char text[64] = "";

    assert_ok(probe_text(t->p, text, sizeof(text), "%s", at(t, "/proc/short")));
    assert_string_equal(text, "one line");
    assert_ok(probe_text(t->p, text, sizeof(text), "%s", at(t, "/proc/escape")));
    assert_null(strchr(text, '\x1b'));
    assert_null(strchr(text, '\x07'));
    assert_ok(probe_text(t->p, text, 4, "%s", at(t, "/proc/short")));
    assert_string_equal(text, "one");
}

static void gives_numbers_that_are_numbers(void **state)
{
    struct under_test *t = *state;
    uint64_t v = 7;

    assert_fails(-EINVAL, probe_u64(t->p, &v, "%s", at(t, "/proc/negative")));
    assert_fails(-EINVAL, probe_u64(t->p, &v, "%s", at(t, "/proc/huge")));
    assert_fails(-EINVAL, probe_u64(t->p, &v, "%s", at(t, "/proc/short")));
    assert_fails(-ENOENT, probe_u64(t->p, &v, "%s", at(t, "/proc/absent")));
    assert_int_equal(v, 7);
    assert_ok(probe_u64(t->p, &v, "%s", at(t, "/proc/number")));
    assert_int_equal(v, 42);
}

static void stops_at_its_deadline(void **state)
{
    struct under_test *t = *state;
    struct fixture_time now = {.mono_ms = 100};
    struct clock clock = fixture_clock(&now);
    auto_buf struct buf b = {0};
    char **names = NULL;

    probe_set_deadline(t->p, &clock, 200);
    assert_ok(probe_read(t->p, at(t, "/proc/number"), 10, &b, NULL, NULL));
    now.mono_ms = 200;
    assert_fails(-ETIME, probe_read(t->p, at(t, "/proc/number"), 10, &b, NULL, NULL));
    assert_fails(-ETIME, probe_list(t->p, at(t, "/list"), &names, NULL, NULL));
    probe_set_deadline(t->p, NULL, 0);
    assert_ok(probe_read(t->p, at(t, "/proc/number"), 10, &b, NULL, NULL));
}

/* -- the fixture alone -------------------------------------------------------- */

static void fixture_keeps_links_inside_its_root(void **state)
{
    struct under_test *t = *state;
    auto_buf struct buf b = {0};
    char path[PATH_MAX];

    fixture_text(t->dir, "etc/hostname", "inside\n");
    assert_int_equal(symlink("/etc/hostname", unit_path(t->dir, "proc/absolute", path)), 0);
    assert_int_equal(symlink("../../../../../../etc/hostname", unit_path(t->dir, "up", path)), 0);
    assert_ok(probe_read(t->p, "/proc/absolute", 100, &b, NULL, NULL));
    assert_ok(probe_read(t->p, "/up", 100, &b, NULL, NULL));
    assert_ok(probe_read(t->p, "/../../etc/hostname", 100, &b, NULL, NULL));
    assert_string_equal(buf_cstr(&b), "inside\ninside\ninside\n");
    assert_int_equal(symlink("loop", unit_path(t->dir, "loop", path)), 0);
    assert_fails(-ELOOP, probe_read(t->p, "/loop", 100, &b, NULL, NULL));
    assert_int_equal(symlink("etc", unit_path(t->dir, "dir", path)), 0);
    assert_true(probe_exists(t->p, "/dir/hostname") && probe_exists(t->p, "/dir/../dir/hostname"));
    assert_fails(-ENOTDIR, probe_read(t->p, "/etc/hostname/x", 100, &b, NULL, NULL));
}

static void fixture_tells_space_from_its_file(void **state)
{
    struct under_test *t = *state;
    struct probe_space s = {.total_bytes = 1};

    assert_fails(-ENOENT, probe_space(t->p, "/", &s, NULL));
    fixture_text(t->dir, ".fixture/space", "garbage\n100 40 60 10 3 /\n9 8 7 6 5 /with blank\n");
    assert_ok(probe_space(t->p, "/", &s, NULL));
    assert_int_equal(s.total_bytes, 100);
    assert_int_equal(s.inodes_used, 3);
    assert_ok(probe_space(t->p, "/with blank", &s, NULL));
    assert_int_equal(s.used_bytes, 8);
    assert_fails(-ENOENT, probe_space(t->p, "/other", &s, NULL));
}

static void fixture_knows_files_only(void **state)
{
    struct under_test *t = *state;
    struct probe_content c;
    struct probe_addr a[4];
    size_t n = 0;

    assert_fails(-EOPNOTSUPP, probe_content(t->p, "/dev/sda", &c, NULL));
    assert_fails(-EOPNOTSUPP, probe_addrs(t->p, a, ARRAY_LEN(a), &n, NULL));
}

/* -- the local one alone ------------------------------------------------------ */

static void local_tells_space_of_a_mount(void **state)
{
    struct under_test *t = *state;
    struct probe_space s = {0};

    assert_ok(probe_space(t->p, "/", &s, NULL));
    assert_true(s.total_bytes > 0);
    assert_true(s.used_bytes <= s.total_bytes && s.available_bytes <= s.total_bytes);
    assert_fails(-ENOENT, probe_space(t->p, at(t, "/absent"), &s, NULL));
}

static void local_knows_its_loopback_address(void **state)
{
    struct under_test *t = *state;
    struct probe_addr a[PROBE_ADDRS_MAX];
    size_t n = 0;

    assert_ok(probe_addrs(t->p, a, ARRAY_LEN(a), &n, NULL));
    for (size_t i = 0; i < n; i++) {
        if (text_equal(a[i].address, "127.0.0.1")) {
            assert_int_equal(a[i].prefix, 8);
            return;
        }
    }
    skip(); /* a network namespace whose loopback is down */
}

static int run_mkfs(const char *image)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        execlp("mkfs.ext4", "mkfs.ext4", "-q", "-F", "-L", "a label", "-U",
               "01234567-89ab-4cde-8f01-23456789abcd", image, "512K", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void local_recognises_a_file_system(void **state)
{
    struct under_test *t = *state;
    struct probe_content c = {{0}, {0}, {0}};

    assert_fails(-ENOENT, probe_content(t->p, at(t, "/absent"), &c, NULL));
    if (run_mkfs(at(t, "/image")) == 127) {
        print_message("skipped: no mkfs.ext4\n");
        skip();
    }
    assert_ok(probe_content(t->p, at(t, "/image"), &c, NULL));
    assert_string_equal(c.type, "ext4");
    assert_string_equal(c.label, "a label");
    assert_string_equal(c.uuid, "01234567-89ab-4cde-8f01-23456789abcd");
    fixture_text(t->dir, "zeros", "nothing is here");
    assert_int_not_equal(probe_content(t->p, at(t, "/zeros"), &c, NULL), 0);
}

#define BOTH(fn)                                                                                   \
    {"local: " #fn, fn, setup_local, teardown, NULL},                                              \
    {                                                                                              \
        "fixture: " #fn, fn, setup_fixture, teardown, NULL                                         \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(reads_a_whole_file_and_appends_it),
        BOTH(stops_at_the_limit_and_says_so),
        BOTH(refuses_what_is_no_plain_file),
        BOTH(lists_names_in_the_order_of_numbers),
        BOTH(lists_only_directories),
        BOTH(tells_where_a_link_points_even_if_nowhere),
        BOTH(follows_links_to_facts),
        BOTH(gives_one_line_facts_clean),
        BOTH(gives_numbers_that_are_numbers),
        BOTH(stops_at_its_deadline),
        {"fixture_keeps_links_inside_its_root", fixture_keeps_links_inside_its_root, setup_fixture,
         teardown, NULL},
        {"fixture_tells_space_from_its_file", fixture_tells_space_from_its_file, setup_fixture,
         teardown, NULL},
        {"fixture_knows_files_only", fixture_knows_files_only, setup_fixture, teardown, NULL},
        {"local_tells_space_of_a_mount", local_tells_space_of_a_mount, setup_local, teardown, NULL},
        {"local_knows_its_loopback_address", local_knows_its_loopback_address, setup_local,
         teardown, NULL},
        {"local_recognises_a_file_system", local_recognises_a_file_system, setup_local, teardown,
         NULL},
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
