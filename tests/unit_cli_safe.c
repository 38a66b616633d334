/* SPDX-License-Identifier: Apache-2.0 */
/* What a host says reaches a terminal as text, never as a command to it. */
#include "tests/unit.h"

#include "base/text.h"
#include "cli/safe.h"

#include "base/banned.h"

static void becomes(const char *from, const char *to)
{
    char text[256];

    assert_int_equal(text_copy(text, sizeof(text), from), 0);
    safe_text(text);
    assert_string_equal(text, to);
}

static void plain_text_lines_and_colours_stay(void **state)
{
    (void)state;
    becomes("", "");
    becomes("lag 3s · ok", "lag 3s · ok");
    becomes("one\ntwo\n", "one\ntwo\n");
    becomes("\033[31mLAGGING\033[0m x", "\033[31mLAGGING\033[0m x");
}

static void everything_that_steers_a_terminal_goes(void **state)
{
    (void)state;
    becomes("a\033]0;title\ab", "a?]0;title?b");
    becomes("\033[2J", "?[2J");
    becomes("\033[31", "?[31");
    becomes("\033", "?");
    becomes("up\033[1Adate\r", "up?[1Adate?");
    becomes("\033[0m\033c\033[0m", "\033[0m?c\033[0m");
}

static void broken_text_stays_short(void **state)
{
    (void)state;
    becomes("\xff\xc3", "??");
    becomes("\xc2\x9b"
            "31m",
            "??31m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_lines_and_colours_stay),
        cmocka_unit_test(everything_that_steers_a_terminal_goes),
        cmocka_unit_test(broken_text_stays_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
