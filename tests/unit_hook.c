/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks: never a shell, the environment, failures, output, deadlines. */
#include "tests/unit.h"

#include "agent/hook.h"
#include "base/gw.h"

#include "base/banned.h"

static const char assignment_text[] =
    "{\"workload\":\"shop\",\"side\":\"target\",\"epoch\":3,\"role\":\"follow\","
    "\"volumes\":[{\"name\":\"pg-data\",\"replica\":\"shop/pg-data\",\"device\":\"/dev/vdb\","
    "\"mount\":null}]}";

struct fixture {
    struct assignment *assignment;
    struct hook_run run;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    auto_js struct js *doc = NULL;

    assert_ok(js_parse(slice_str(assignment_text), 4096, &doc, NULL));
    assert_ok(assignment_parse(doc, &f->assignment, NULL));
    f->run = (struct hook_run){.assignment = f->assignment, .epoch = 4};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    assignment_free(f->assignment);
    free(f);
    return 0;
}

static int run_text(struct fixture *f, const char *json, struct buf *out, struct err *err)
{
    auto_js struct js *list = NULL;

    assert_ok(js_parse(slice_str(json), 4096, &list, NULL));
    return hook_run_list(&f->run, js_member(list, "h"), out, err);
}

static void strings_are_split_at_blanks_and_never_interpreted(void **state)
{
    auto_buf struct buf out = {0};

    assert_ok(run_text(*state, "{\"h\":[\"echo $HOME ;  false | `x`\"]}", &out, NULL));
    assert_string_equal("$HOME ; false | `x`\n", buf_cstr(&out));
}

static void arrays_are_argv_as_they_are(void **state)
{
    auto_buf struct buf out = {0};

    assert_ok(run_text(*state, "{\"h\":[[\"printf\",\"%s|\",\"a b\",\"\",\"c\"]]}", &out, NULL));
    assert_string_equal("a b||c|", buf_cstr(&out));
}

static void one_string_is_a_list_of_one(void **state)
{
    auto_buf struct buf out = {0};

    assert_ok(run_text(*state, "{\"h\":\"echo one\"}", &out, NULL));
    assert_string_equal("one\n", buf_cstr(&out));
}

static void nothing_to_run_is_fine(void **state)
{
    assert_ok(run_text(*state, "{}", NULL, NULL));
    assert_ok(run_text(*state, "{\"h\":null}", NULL, NULL));
    assert_ok(run_text(*state, "{\"h\":[]}", NULL, NULL));
}

static void the_environment_names_workload_epoch_side_and_volumes(void **state)
{
    auto_buf struct buf out = {0};
    const char *text;

    assert_ok(run_text(*state, "{\"h\":[\"env\"]}", &out, NULL));
    text = buf_cstr(&out);
    assert_non_null(strstr(text, "GODWIT_WORKLOAD=shop\n"));
    assert_non_null(strstr(text, "GODWIT_EPOCH=4\n"));
    assert_non_null(strstr(text, "GODWIT_SIDE=target\n"));
    assert_non_null(strstr(text, "GODWIT_VOLUME_PG_DATA=/dev/vdb\n"));
    assert_null(strstr(text, "GODWIT_DIRECTION="));
}

static void scratch_devices_replace_those_of_the_assignment(void **state)
{
    static const char *const devices[] = {"/scratch/pg.img"};
    struct fixture *f = *state;
    auto_buf struct buf out = {0};

    f->run.devices = devices;
    f->run.direction = "to_source";
    assert_ok(run_text(f, "{\"h\":[\"env\"]}", &out, NULL));
    assert_non_null(strstr(buf_cstr(&out), "GODWIT_VOLUME_PG_DATA=/scratch/pg.img\n"));
    assert_non_null(strstr(buf_cstr(&out), "GODWIT_DIRECTION=to_source\n"));
}

static void the_first_failure_ends_the_list_and_is_named(void **state)
{
    auto_buf struct buf out = {0};
    struct err err = {0};

    assert_fails(-EIO, run_text(*state,
                                "{\"h\":[\"echo one\",[\"sh\",\"-c\",\"echo why >&2; exit 3\"],"
                                "\"echo never\"]}",
                                &out, &err));
    assert_int_equal(GW_HOOK_FAILED, err.gw);
    assert_false(err.retryable);
    assert_non_null(strstr(err.text, "'sh' ended with 3: why"));
    assert_string_equal("one\nwhy\n", buf_cstr(&out));
}

static void a_program_that_is_not_there_is_a_failed_hook(void **state)
{
    struct err err = {0};

    assert_fails(-ENOENT, run_text(*state, "{\"h\":[\"/nonexistent/program\"]}", NULL, &err));
    assert_int_equal(GW_HOOK_FAILED, err.gw);
}

static void a_hook_that_hangs_is_ended(void **state)
{
    struct fixture *f = *state;
    struct err err = {0};

    f->run.timeout_ms = 100;
    assert_fails(-ETIMEDOUT, run_text(f, "{\"h\":[\"sleep 60\"]}", NULL, &err));
    assert_int_equal(GW_HOOK_FAILED, err.gw);
    assert_false(err.retryable);
}

static void what_is_no_hook_is_refused(void **state)
{
    static const char *const texts[] = {"{\"h\":7}",    "{\"h\":{}}",    "{\"h\":[7]}",
                                        "{\"h\":[[]]}", "{\"h\":[[7]]}", "{\"h\":[\"  \"]}"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err err = {0};

        assert_fails(-EINVAL, run_text(*state, texts[i], NULL, &err));
        assert_int_equal(GW_BAD_DOCUMENT, err.gw);
    }
}

#define hook_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        hook_test(strings_are_split_at_blanks_and_never_interpreted),
        hook_test(arrays_are_argv_as_they_are),
        hook_test(one_string_is_a_list_of_one),
        hook_test(nothing_to_run_is_fine),
        hook_test(the_environment_names_workload_epoch_side_and_volumes),
        hook_test(scratch_devices_replace_those_of_the_assignment),
        hook_test(the_first_failure_ends_the_list_and_is_named),
        hook_test(a_program_that_is_not_there_is_a_failed_hook),
        hook_test(a_hook_that_hangs_is_ended),
        hook_test(what_is_no_hook_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
