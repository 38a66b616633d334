/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a workload: every rule has a case that it decides or speaks in, and one it is
 * silent in; facts are what hosts say. */
#include "planner/engine/assess.h"

#include "planner/engine/estate.h"
#include "planner/engine/software.h"
#include "tests/unit.h"

#include "base/banned.h"

/* A workload of one host, as rows of "field=value"; software and use beside. */
struct world {
    struct estate *e;
    struct estate_host *h;
};

static const struct estate_source nowhere;

static struct world world(const char *software)
{
    struct world w = {0};
    const char *at = software;

    assert_ok(estate_new(&w.e, NULL));
    w.h = estate_host_add(w.e, "web-01", "", nowhere);
    assert_non_null(w.h);
    (void)estate_set(w.e, w.h, ESTATE_OS_FAMILY, "linux", nowhere);
    (void)estate_set(w.e, w.h, ESTATE_OS_NAME, "Debian GNU/Linux", nowhere);
    (void)estate_set(w.e, w.h, ESTATE_OS_VERSION, "12", nowhere);
    (void)estate_set(w.e, w.h, ESTATE_ARCH, "x86_64", nowhere);
    (void)estate_set(w.e, w.h, ESTATE_CORES, "4", nowhere);
    while (*at) {
        size_t len = strcspn(at, " ");
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int)len, at);
        estate_software_add(w.e, w.h, name, "", nowhere);
        at += len + (at[len] == ' ');
    }
    return w;
}

static void use(struct world *w, enum estate_metric metric, double mean, double p95)
{
    struct estate_usage *u = estate_usage_of(w->e, w->h, metric);

    assert_non_null(u);
    u->mean = mean;
    u->quantile[ESTATE_P95] = p95;
    u->until_ms = (u->from_ms = 86400000) + 14ull * 86400000;
}

static struct assess judge(struct world *w)
{
    struct assess_facts f;
    const struct estate_host *hosts[] = {w->h};

    assert_ok(estate_settle(w->e, NULL));
    f = assess_facts_of(hosts, 1);
    return assess_of(&f);
}

static bool spoke(const struct assess *a, const char *rule)
{
    for (size_t i = 0; i < a->n; i++) {
        if (strcmp(a->reasons[i].rule, rule) == 0)
            return true;
    }
    return false;
}

/* -- a case for each rule -----------------------------------------------------------------------
 */

static void set(struct world *w, enum estate_field field, const char *text)
{
    assert_null(estate_set(w->e, w->h, field, text, nowhere));
}

static void make_owner(struct world *w)
{
    estate_tag_set(w->e, w->h, "strategy", "refactor", nowhere);
}

static void make_off(struct world *w)
{
    set(w, ESTATE_POWER, "off");
}

static void make_idle(struct world *w)
{
    use(w, ESTATE_CPU_PERCENT, 1, 3);
    use(w, ESTATE_NET_RATE, 10, 100);
}

static void make_foreign(struct world *w)
{
    set(w, ESTATE_ARCH, "s390x");
}

static void make_old(struct world *w)
{
    set(w, ESTATE_OS_NAME, "CentOS");
    set(w, ESTATE_OS_VERSION, "6.10");
}

static void make_bursty(struct world *w)
{
    use(w, ESTATE_CPU_PERCENT, 5, 60);
}

static void make_steady(struct world *w)
{
    use(w, ESTATE_CPU_PERCENT, 40, 60);
}

static void make_carried(struct world *w)
{
    set(w, ESTATE_RUNS_ON, "esx-01");
    set(w, ESTATE_OS_FAMILY, "other");
}

static void make_gpu(struct world *w)
{
    set(w, ESTATE_GPUS, "4");
}

static void make_due(struct world *w)
{
    set(w, ESTATE_REFRESH_ON, "2027-01-31");
}

static void make_nothing(struct world *w)
{
    (void)w;
}

static const struct rule_case {
    const char *rule, *software;
    void (*make)(struct world *w);
    enum assess_way way;
} cases[] = {
    {"as-it-is", "frobnicated", make_nothing, ASSESS_REHOST},
    {"owner", "postgres", make_owner, ASSESS_REFACTOR},
    {"off", "postgres", make_off, ASSESS_RETIRE},
    {"idle", "java", make_idle, ASSESS_RETIRE},
    {"architecture", "java", make_foreign, ASSESS_RETAIN},
    {"old-system", "frobnicated", make_old, ASSESS_REPLATFORM},
    {"managed", "postgres", make_nothing, ASSESS_REPLATFORM},
    {"service", "gitlab postgres", make_nothing, ASSESS_REPURCHASE},
    {"containers", "nginx php-fpm", make_nothing, ASSESS_REPLATFORM},
    {"bursty", "php-fpm", make_bursty, ASSESS_REFACTOR},
    {"steady", "frobnicated", make_steady, ASSESS_REHOST},
    {"hypervisor", "", make_carried, ASSESS_RELOCATE},
    {"gpu", "frobnicated", make_gpu, ASSESS_REHOST},
    {"core", "slapd", make_nothing, ASSESS_RETAIN},
    {"renewal", "frobnicated", make_due, ASSESS_REHOST},
};

static void every_rule_decides_its_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world w = world(cases[i].software);
        struct assess a;

        cases[i].make(&w);
        a = judge(&w);
        if (a.way != cases[i].way || !spoke(&a, cases[i].rule))
            fail_msg("%s: %s", cases[i].rule, assess_way_name(a.way));
        assert_true(a.confidence > 0 && a.confidence <= 1);
        estate_free(w.e);
    }
}

static void every_rule_has_a_case_and_is_silent_in_a_plain_one(void **state)
{
    struct world w = world("nginx");
    struct assess plain = judge(&w);
    size_t n;
    const struct assess_rule *rules = assess_rules(&n);

    (void)state;
    for (size_t r = 0; r < n; r++) {
        bool found = false;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++)
            found |= strcmp(cases[i].rule, rules[r].name) == 0;
        if (!found)
            fail_msg("rule %s has no case", rules[r].name);
        if (strcmp(rules[r].name, "as-it-is") != 0 && strcmp(rules[r].name, "containers") != 0 &&
            spoke(&plain, rules[r].name))
            fail_msg("rule %s speaks of a plain web server", rules[r].name);
    }
    estate_free(w.e);
}

static void what_speaks_for_is_told_with_what_speaks_against(void **state)
{
    struct world w = world("sqlservr");
    struct assess a = judge(&w);
    size_t against = 0;

    (void)state;
    for (size_t i = 0; i < a.n; i++)
        against += a.reasons[i].way == a.way && a.reasons[i].points <= 0;
    assert_int_equal(a.way, ASSESS_REPLATFORM);
    assert_int_equal(against, 2);
    estate_free(w.e);
}

static void where_nothing_is_known_little_is_believed(void **state)
{
    struct world w = world("");
    struct assess a = judge(&w);

    (void)state;
    assert_int_equal(a.way, ASSESS_REHOST);
    assert_true(a.confidence <= 0.3);
    estate_free(w.e);
}

static void what_keeps_state_is_no_function(void **state)
{
    struct world w = world("php-fpm postgres");
    struct assess a;

    (void)state;
    make_bursty(&w);
    a = judge(&w);
    assert_int_equal(a.way, ASSESS_REPLATFORM);
    estate_free(w.e);
}

/* -- software -----------------------------------------------------------------------------------
 */

static void programs_are_known_by_their_processes(void **state)
{
    (void)state;
    assert_string_equal(software_find("postgres")->name, "PostgreSQL");
    assert_string_equal(software_find("PostgreSQL 15")->name, "PostgreSQL");
    assert_string_equal(software_find("/usr/sbin/mariadbd")->name, "MySQL or MariaDB");
    assert_string_equal(software_find("Microsoft SQL Server 2019")->name, "SQL Server");
    assert_string_equal(software_find("/usr/sbin/mysqld")->name, "MySQL or MariaDB");
    assert_string_equal(software_find("C:\\MSSQL\\sqlservr.exe")->name, "SQL Server");
    assert_string_equal(software_find("php-fpm8.2")->name, "PHP");
    assert_string_equal(software_find("Apache")->name, "Apache httpd");
    assert_null(software_find("javascriptd"));
    assert_null(software_find(""));
    for (size_t i = 0; i < software_count(); i++)
        assert_true(software_at(i)->name && software_at(i)->words[0]);
}

static void arm_is_offered_where_all_is_known_to_run_there(void **state)
{
    static const struct {
        const char *software;
        bool arm;
    } worlds[] = {{"nginx postgres", true},     {"nginx sshd", true},    {"sshd", false},
                  {"nginx frobnicated", false}, {"nginx oracle", false}, {"", false}};
    const char *why = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(worlds); i++) {
        struct world w = world(worlds[i].software);

        assert_int_equal(software_runs_on_arm(w.h, &why), worlds[i].arm);
        assert_non_null(why);
        set(&w, ESTATE_OS_FAMILY, "windows");
        assert_false(software_runs_on_arm(w.h, &why));
        estate_free(w.e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_decides_its_case),
        cmocka_unit_test(every_rule_has_a_case_and_is_silent_in_a_plain_one),
        cmocka_unit_test(what_speaks_for_is_told_with_what_speaks_against),
        cmocka_unit_test(where_nothing_is_known_little_is_believed),
        cmocka_unit_test(what_keeps_state_is_no_function),
        cmocka_unit_test(programs_are_known_by_their_processes),
        cmocka_unit_test(arm_is_offered_where_all_is_known_to_run_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
