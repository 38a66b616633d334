/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: files over files, the environment over all, wrong lines named, saving durable. */
#include "tests/unit.h"

#include "base/conf.h"
#include "base/fd.h"
#include "base/gw.h"

#include "base/banned.h"

struct fixture {
    char *dir;
    struct conf *conf;
    char path[PATH_MAX];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->dir = unit_mkdir();
    *state = f;
    return conf_new(&f->conf, NULL);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    conf_free(f->conf);
    unit_rmdir(f->dir);
    free(f);
    return 0;
}

static const char *write_file(struct fixture *f, const char *name, const char *text)
{
    unit_path(f->dir, name, f->path);
    assert_ok(fd_save(f->path, slice_str(text), 0600, NULL));
    return f->path;
}

static void assert_value(const struct fixture *f, const char *want, const char *section,
                         const char *key)
{
    assert_string_equal(want, conf_get(f->conf, section, key, "(none)"));
}

static void a_file_is_read_with_all_its_shapes(void **state)
{
    struct fixture *f = *state;

    write_file(f, "a.conf",
               "# comment\n; comment\n\n[store]\nurl = s3://bucket/prefix ; remark\r\n"
               "region=eu-west-1\nempty =\n  indented : yes\n[api]\nlisten = [::1]:7443");
    assert_ok(conf_load(f->conf, f->path, NULL));
    assert_value(f, "s3://bucket/prefix", "store", "url");
    assert_value(f, "eu-west-1", "store", "region");
    assert_value(f, "", "store", "empty");
    assert_value(f, "yes", "store", "indented");
    assert_value(f, "[::1]:7443", "api", "listen");
    assert_value(f, "(none)", "store", "listen");
    assert_null(conf_get(f->conf, "store", "nothing", NULL));
}

static void origins_name_file_and_line(void **state)
{
    struct fixture *f = *state;
    char want[PATH_MAX + 8];

    assert_ok(conf_load(f->conf, write_file(f, "a.conf", "[a]\n\nk = 1\n  l = 2\n"), NULL));
    snprintf(want, sizeof(want), "%s:3", f->path);
    assert_string_equal(want, conf_origin(f->conf, "a", "k"));
    snprintf(want, sizeof(want), "%s:4", f->path);
    assert_string_equal(want, conf_origin(f->conf, "a", "l"));
    assert_string_equal("default", conf_origin(f->conf, "a", "nothing"));
}

static void later_files_override_earlier_ones(void **state)
{
    struct fixture *f = *state;

    assert_ok(conf_load(f->conf, write_file(f, "a", "[s]\nk = 1\nl = 1\n"), NULL));
    assert_ok(conf_load(f->conf, write_file(f, "b", "[s]\nk = 2\n"), NULL));
    assert_value(f, "2", "s", "k");
    assert_value(f, "1", "s", "l");
}

static void the_environment_wins(void **state)
{
    struct fixture *f = *state;

    assert_ok(conf_load(f->conf, write_file(f, "a", "[store]\ns3-region = file\n"), NULL));
    setenv("GODWIT_STORE_S3_REGION", "environment", 1);
    assert_value(f, "environment", "store", "s3-region");
    assert_string_equal("environment", conf_origin(f->conf, "store", "s3-region"));
    setenv("GODWIT_STORE_S3_REGION", "", 1);
    assert_value(f, "file", "store", "s3-region");
    setenv("GODWIT_NEVER_MENTIONED", "x", 1);
    assert_value(f, "x", "never", "mentioned");
    unsetenv("GODWIT_STORE_S3_REGION");
    unsetenv("GODWIT_NEVER_MENTIONED");
}

static void assert_refused_at(struct fixture *f, unsigned line, const char *text)
{
    char want[PATH_MAX + 8];
    struct err err = {0};

    write_file(f, "bad", text);
    snprintf(want, sizeof(want), "%s:%u: ", f->path, line);
    assert_fails(-EINVAL, conf_load(f->conf, f->path, &err));
    assert_int_equal(GW_BAD_CONFIG, err.gw);
    if (strncmp(err.text, want, strlen(want)) != 0)
        fail_msg("'%s' does not begin with '%s'", err.text, want);
}

static void wrong_lines_are_named_and_nothing_is_taken(void **state)
{
    struct fixture *f = *state;

    assert_ok(conf_load(f->conf, write_file(f, "good", "[s]\nk = old\n"), NULL));
    assert_refused_at(f, 3, "[s]\nk = new\njust words\n");
    assert_refused_at(f, 1, "k = before any section\n");
    assert_refused_at(f, 1, "[unclosed\nk = v\n");
    assert_refused_at(f, 2, "[s]\nbad/key = v\n");
    assert_refused_at(f, 2, "[bad section]\nk = v\n");
    assert_refused_at(f, 2, "[s]\n= v\n");
    assert_value(f, "old", "s", "k");
}

static void long_lines_are_whole_or_refused(void **state)
{
    struct fixture *f = *state;
    auto_buf struct buf text = {0};

    buf_printf(&text, "[s]\nk = %03000d\nl = 1\n", 7);
    assert_ok(conf_load(f->conf, write_file(f, "long", buf_cstr(&text)), NULL));
    assert_int_equal(3000, strlen(conf_get(f->conf, "s", "k", "")));
    assert_value(f, "1", "s", "l");
    buf_clear(&text);
    buf_printf(&text, "[s]\nk = %05000d\n", 7);
    assert_refused_at(f, 2, buf_cstr(&text));
    buf_clear(&text);
    buf_printf(&text, "[%060d]\nk = 1\n", 7);
    assert_refused_at(f, 2, buf_cstr(&text));
}

static void what_is_no_text_is_refused(void **state)
{
    struct fixture *f = *state;

    unit_path(f->dir, "zero", f->path);
    assert_ok(fd_save(f->path, slice_of("[s]\nk\0=1\n", 9), 0600, NULL));
    assert_fails(-EINVAL, conf_load(f->conf, f->path, NULL));
    assert_fails(-EINVAL, conf_load(f->conf, f->dir, NULL));
    assert_fails(-ENOENT, conf_load(f->conf, "/no/such/file", NULL));
}

static void a_directory_is_read_in_order_of_names(void **state)
{
    struct fixture *f = *state;

    write_file(f, "20-b.conf", "[s]\nk = 20\n");
    write_file(f, "10-a.conf", "[s]\nk = 10\nonly = 10\n");
    write_file(f, "30-c.conf.bak", "[s]\nk = 30\n");
    write_file(f, ".hidden.conf", "[s]\nk = hidden\n");
    assert_ok(conf_load_dir(f->conf, f->dir, NULL));
    assert_value(f, "20", "s", "k");
    assert_value(f, "10", "s", "only");
    assert_ok(conf_load_dir(f->conf, "/no/such/directory", NULL));
}

static void a_wrong_file_in_a_directory_is_reported(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    write_file(f, "10.conf", "[s]\nk = 1\n");
    write_file(f, "20.conf", "words\n");
    write_file(f, "30.conf", "[s]\nk = 3\n");
    assert_fails(-EINVAL, conf_load_dir(f->conf, f->dir, &err));
    assert_non_null(strstr(err.text, "20.conf:1"));
}

static void set_replaces_and_removes(void **state)
{
    struct fixture *f = *state;

    assert_ok(conf_set(f->conf, "s", "k", "1", NULL));
    assert_ok(conf_set(f->conf, "s", "l", "x", NULL));
    assert_ok(conf_set(f->conf, "s", "k", "2", NULL));
    assert_value(f, "2", "s", "k");
    assert_string_equal("set", conf_origin(f->conf, "s", "k"));
    assert_ok(conf_set(f->conf, "s", "k", NULL, NULL));
    assert_ok(conf_set(f->conf, "s", "k", NULL, NULL));
    assert_value(f, "(none)", "s", "k");
    assert_value(f, "x", "s", "l");
}

static void set_refuses_what_a_file_could_not_give_back(void **state)
{
    static const char *const bad[] = {"a\nb", "a\rb", " a", "a ", "a ;b", ";a", "a\t;b", "\ta"};
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_fails(-EINVAL, conf_set(f->conf, "s", "k", bad[i], NULL));
    assert_fails(-EINVAL, conf_set(f->conf, "", "k", "v", NULL));
    assert_fails(-EINVAL, conf_set(f->conf, "s]", "k", "v", NULL));
    assert_fails(-EINVAL, conf_set(f->conf, "s", "k=", "v", NULL));
    assert_value(f, "(none)", "s", "k");
}

static void what_is_saved_loads_the_same(void **state)
{
    static const char *const values[] = {
        "plain", "", "a = b", "a;b", "# not a comment", "[x]", "s3://b/p?q=1;2", "ü", "a : b"};
    struct fixture *f = *state;
    struct conf *back;
    struct stat st;
    char key[8];

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        snprintf(key, sizeof(key), "k%zu", i);
        assert_ok(conf_set(f->conf, i % 2 ? "odd" : "even", key, values[i], NULL));
    }
    unit_path(f->dir, "saved", f->path);
    assert_ok(conf_save(f->conf, f->path, NULL));
    assert_ok(stat(f->path, &st));
    assert_int_equal(0600, st.st_mode & 07777);
    assert_ok(conf_new(&back, NULL));
    assert_ok(conf_load(back, f->path, NULL));
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        snprintf(key, sizeof(key), "k%zu", i);
        assert_string_equal(values[i], conf_get(back, i % 2 ? "odd" : "even", key, "(none)"));
    }
    conf_free(back);
}

static void assert_text(struct fixture *f, const char *text)
{
    auto_buf struct buf got = {0};

    assert_ok(fd_load(f->path, 4096, &got, NULL));
    assert_string_equal(text, buf_cstr(&got));
}

static void saving_keeps_comments_and_what_did_not_change(void **state)
{
    struct fixture *f = *state;

    assert_ok(conf_load(f->conf,
                        write_file(f, "mine",
                                   "# mine\n[b]\n  x=1 ; as it is\ny = 2\n\n; of c\n[c]\nz: 3\n"
                                   "# last\n[b]\nlate = 4"),
                        NULL));
    assert_ok(conf_set(f->conf, "b", "y", "two", NULL));
    assert_ok(conf_set(f->conf, "b", "new", "5", NULL));
    assert_ok(conf_set(f->conf, "d", "w", "6", NULL));
    unit_path(f->dir, "mine", f->path);
    assert_ok(conf_save(f->conf, f->path, NULL));
    assert_text(f, "# mine\n[b]\n  x=1 ; as it is\ny = two\nnew = 5\n\n; of c\n[c]\nz: 3\n"
                   "# last\n[b]\nlate = 4\n\n[d]\nw = 6\n");
    assert_ok(conf_set(f->conf, "c", "z", NULL, NULL));
    assert_ok(conf_set(f->conf, "d", "w", NULL, NULL));
    assert_ok(conf_save(f->conf, f->path, NULL));
    assert_text(f, "# mine\n[b]\n  x=1 ; as it is\ny = two\nnew = 5\n\n; of c\n[b]\nlate = 4\n\n");
}

struct walk {
    char seen[256];
    int stop_after;
};

static int note(void *arg, const char *section, const char *key, const char *value,
                const char *origin)
{
    struct walk *w = arg;
    size_t used = strlen(w->seen);

    assert_non_null(origin);
    snprintf(w->seen + used, sizeof(w->seen) - used, "%s.%s=%s ", section, key, value);
    return --w->stop_after == 0 ? -ECANCELED : 0;
}

static void each_walks_in_order_with_effective_values(void **state)
{
    struct fixture *f = *state;
    struct walk all = {0};
    struct walk some = {.stop_after = 2};

    assert_ok(conf_load(f->conf, write_file(f, "a", "[b]\nx = 1\n[a]\ny = 2\n[b]\nz = 3\n"), NULL));
    setenv("GODWIT_A_Y", "env", 1);
    assert_ok(conf_each(f->conf, note, &all));
    assert_string_equal("b.x=1 a.y=env b.z=3 ", all.seen);
    assert_fails(-ECANCELED, conf_each(f->conf, note, &some));
    assert_string_equal("b.x=1 a.y=env ", some.seen);
    unsetenv("GODWIT_A_Y");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_read_with_all_its_shapes, setup, teardown),
        cmocka_unit_test_setup_teardown(origins_name_file_and_line, setup, teardown),
        cmocka_unit_test_setup_teardown(later_files_override_earlier_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(the_environment_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_lines_are_named_and_nothing_is_taken, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(long_lines_are_whole_or_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_text_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_directory_is_read_in_order_of_names, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_file_in_a_directory_is_reported, setup, teardown),
        cmocka_unit_test_setup_teardown(set_replaces_and_removes, setup, teardown),
        cmocka_unit_test_setup_teardown(set_refuses_what_a_file_could_not_give_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_saved_loads_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(saving_keeps_comments_and_what_did_not_change, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(each_walks_in_order_with_effective_values, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
