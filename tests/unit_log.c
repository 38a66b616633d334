/* SPDX-License-Identifier: Apache-2.0 */
/* The log: levels, its three forms, and no text from outside that forges a line. */
#include "tests/unit.h"

#include "base/fd.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/log.h"
#include "base/text.h"
#include "base/worker.h"

#include <fcntl.h>

#include "base/banned.h"

/* Stderr goes to a file while a test logs; cmocka wants its own back to report. */
struct capture {
    char *dir;
    char path[PATH_MAX];
    int old;
    struct buf text;
};

static void capture_begin(struct capture *c)
{
    int fd;

    *c = (struct capture){.dir = unit_mkdir(), .old = dup(STDERR_FILENO)};
    fd = open(unit_path(c->dir, "log", c->path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
}

static const char *capture_end(struct capture *c)
{
    dup2(c->old, STDERR_FILENO);
    close(c->old);
    assert_ok(fd_load(c->path, 1 << 20, &c->text, NULL));
    return buf_cstr(&c->text);
}

static void capture_done(struct capture *c)
{
    unit_rmdir(c->dir);
    buf_done(&c->text);
}

static void plain_lines_carry_their_level(void **state)
{
    struct capture c;

    (void)state;
    capture_begin(&c);
    log_init("unit", LOG_LEVEL_DEBUG, false);
    log_error("a %d", 1);
    log_warning("b");
    log_info("c");
    log_debug("d");
    assert_string_equal("error a 1\nwarning b\ninfo c\ndebug d\n", capture_end(&c));
    capture_done(&c);
}

static void lines_below_the_level_are_not_written(void **state)
{
    struct capture c;

    (void)state;
    capture_begin(&c);
    log_init("unit", LOG_LEVEL_WARNING, false);
    log_info("no");
    log_debug("no");
    log_warning("yes");
    log_err(LOG_LEVEL_INFO, &(struct err){.code = -EIO}, "no");
    assert_string_equal("warning yes\n", capture_end(&c));
    capture_done(&c);
}

static void text_from_outside_cannot_forge_a_line(void **state)
{
    struct capture c;

    (void)state;
    capture_begin(&c);
    log_init("unit", LOG_LEVEL_INFO, false);
    log_info("name '%s'", "x\nerror forged\r\033[2J");
    assert_string_equal("info name 'x error forged??[2J'\n", capture_end(&c));
    capture_done(&c);
}

static void errors_carry_their_number(void **state)
{
    struct err err = {0};
    struct capture c;

    (void)state;
    err_set_gw(&err, GW_VAULT_KEY, -EPERM, "key of '%s'", "v");
    capture_begin(&c);
    log_init("unit", LOG_LEVEL_INFO, false);
    log_err(LOG_LEVEL_ERROR, &err, "open vault");
    assert_string_equal("error open vault: key of 'v' (GW-3011)\n", capture_end(&c));
    capture_done(&c);
}

static void the_journal_gets_priorities_when_it_holds_our_stderr(void **state)
{
    struct capture c;
    struct stat st;
    char stream[64];

    (void)state;
    capture_begin(&c);
    fstat(STDERR_FILENO, &st);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init("unit", LOG_LEVEL_INFO, false);
    log_error("a");
    log_info("b");
    setenv("JOURNAL_STREAM", "1:1", 1); /* stderr was redirected since */
    log_init("unit", LOG_LEVEL_INFO, false);
    log_info("c");
    unsetenv("JOURNAL_STREAM");
    assert_string_equal("<3>a\n<6>b\ninfo c\n", capture_end(&c));
    capture_done(&c);
}

static void json_lines_parse_and_keep_their_text(void **state)
{
    struct err err = {0};
    struct capture c;
    struct js *doc;
    uint64_t when;
    auto_vec char **lines = NULL;

    (void)state;
    err_set_gw(&err, GW_VAULT_KEY, -EPERM, "a \"quoted\" back\\slash\nü");
    capture_begin(&c);
    log_init("unit", LOG_LEVEL_INFO, true);
    log_err(LOG_LEVEL_ERROR, &err, "open");
    log_info("plain");
    assert_ok(text_split(capture_end(&c), "\n", &lines, NULL));
    assert_int_equal(2, text_vec_len(lines));
    assert_ok(js_parse(slice_str(lines[0]), 4096, &doc, NULL));
    assert_string_equal("error", js_str(doc, "level", ""));
    assert_string_equal("unit", js_str(doc, "program", ""));
    assert_string_equal("GW-3011", js_str(doc, "code", ""));
    assert_string_equal("open: a \"quoted\" back\\slash ü", js_str(doc, "message", ""));
    assert_ok(text_parse_time(js_str(doc, "time", ""), &when, NULL));
    js_free(doc);
    assert_ok(js_parse(slice_str(lines[1]), 4096, &doc, NULL));
    assert_null(js_member(doc, "code"));
    js_free(doc);
    capture_done(&c);
}

static void long_messages_are_cut_with_a_mark(void **state)
{
    struct capture c;
    char big[10000];
    const char *got;

    (void)state;
    memset(big, '"', sizeof(big)); /* each becomes two characters in JSON */
    big[sizeof(big) - 1] = '\0';
    capture_begin(&c);
    log_init("unit", LOG_LEVEL_INFO, false);
    log_info("%s", big);
    log_init("unit", LOG_LEVEL_INFO, true);
    log_info("%s", big);
    got = capture_end(&c);
    assert_true(strlen(got) < 8192);
    assert_non_null(strstr(got, "\"...\n{"));
    assert_true(text_ends(got, "\\\"...\"}\n"));
    capture_done(&c);
}

enum { WRITERS = 4, LINES = 500 };

static int write_lines(void *arg, size_t index, struct err *err)
{
    (void)arg;
    (void)err;
    for (int i = 0; i < LINES; i++)
        log_info("writer %zu says the same every time", index);
    return 0;
}

static void lines_of_many_threads_stay_whole(void **state)
{
    auto_vec char **lines = NULL;
    struct workers *g;
    struct capture c;

    (void)state;
    capture_begin(&c);
    log_init("unit", LOG_LEVEL_INFO, false);
    workers_start(WRITERS, "log", write_lines, NULL, &g, NULL);
    workers_join(g, NULL);
    assert_ok(text_split(capture_end(&c), "\n", &lines, NULL));
    assert_int_equal(WRITERS * LINES, text_vec_len(lines));
    for (size_t i = 0; lines[i]; i++)
        assert_true(text_starts(lines[i], "info writer ") &&
                    text_ends(lines[i], " says the same every time"));
    capture_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_lines_carry_their_level),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(text_from_outside_cannot_forge_a_line),
        cmocka_unit_test(errors_carry_their_number),
        cmocka_unit_test(the_journal_gets_priorities_when_it_holds_our_stderr),
        cmocka_unit_test(json_lines_parse_and_keep_their_text),
        cmocka_unit_test(long_messages_are_cut_with_a_mark),
        cmocka_unit_test(lines_of_many_threads_stay_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
