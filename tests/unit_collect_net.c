/* SPDX-License-Identifier: Apache-2.0 */
/* The collectors network, processes and sockets: who this is, who runs, who talks to whom. */
#include "tests/host_place.h"

#include "inventory/collect.h"
#include "inventory/inet.h"

#include "base/buf.h"
#include "base/js.h"
#include "base/text.h"

#include "base/banned.h"

static const struct js *list_of(const struct host *h, const char *part, const char *list)
{
    return js_member(fixture_part(h->doc, part), list);
}

static const struct js *row(const struct host *h, const char *part, const char *list,
                            const char *key, const char *value)
{
    const struct js *v = fixture_find(list_of(h, part, list), key, value);

    if (!v)
        fail_msg("no %s in %s.%s", value, part, list);
    return v;
}

/* -- network ------------------------------------------------------------------ */

static void interfaces_have_speed_and_master(void **state)
{
    const struct js *nic = row(*state, "network", "interfaces", "name", "em1");

    assert_string_equal(js_str(nic, "kind", ""), "physical");
    assert_string_equal(js_str(nic, "mac", ""), "18:66:da:9f:01:a2");
    assert_string_equal(js_str(nic, "master", ""), "bond0");
    assert_string_equal(js_str(nic, "driver", ""), "ixgbe");
    assert_int_equal(js_u64(nic, "mtu_bytes", 0), 9000);
    assert_int_equal(js_u64(nic, "speed_mbit_per_s", 0), 10000);
    assert_string_equal(js_str(row(*state, "network", "interfaces", "name", "bond0"), "kind", ""),
                        "bond");
    assert_int_equal(js_len(list_of(*state, "network", "interfaces")), 3); /* no lo */
}

static void a_speed_of_minus_one_is_no_speed(void **state)
{
    assert_null(
        js_member(row(*state, "network", "interfaces", "name", "eth1"), "speed_mbit_per_s"));
    assert_int_equal(
        js_u64(row(*state, "network", "interfaces", "name", "eth0"), "speed_mbit_per_s", 0), 1000);
}

static void addresses_are_placed_by_the_routes(void **state)
{
    const struct js *a = row(*state, "network", "addresses", "address", "10.20.0.11");

    assert_string_equal(js_str(a, "interface", ""), "bond0");
    assert_int_equal(js_u64(a, "prefix", 0), 23);
    a = row(*state, "network", "addresses", "address", "2001:db8:20::11");
    assert_int_equal(js_u64(a, "prefix", 0), 64);
    assert_int_equal(js_len(list_of(*state, "network", "addresses")), 2);
    assert_string_equal(
        js_str(fixture_part(((struct host *)*state)->doc, "network"), "gateway", ""), "10.20.0.1");
    assert_string_equal(js_as_str(js_at(list_of(*state, "network", "name_servers"), 1), ""),
                        "10.20.0.3");
}

static void hundreds_of_container_interfaces_do_not_push_out_the_real_one(void **state)
{
    struct host *h = *state;
    char path[128];

    for (unsigned i = 0; i < 300; i++) {
        assert_ok(text_print(path, sizeof(path), "sys/class/net/a%03u/mtu", i));
        fixture_text(h->dir, path, "1500\n");
    }
    host_look(h);
    (void)row(h, "network", "interfaces", "name", "ens3");
    assert_int_equal(js_len(list_of(h, "network", "interfaces")), COLLECT_INTERFACES_MAX);
    assert_int_equal(js_u64(js_member(h->doc, "network"), "interfaces_left_out", 0),
                     303 - COLLECT_INTERFACES_MAX);
}

static void words_of_proc_net_become_addresses(void **state)
{
    char text[PROBE_ADDR_TEXT_MAX];
    struct inet_addr a;

    (void)state;
    assert_true(inet_parse(slice_str("0100007F"), &a));
    assert_string_equal(inet_text(&a, text), "127.0.0.1");
    assert_true(inet_is_loopback(&a));
    assert_true(inet_parse(slice_str("0000000000000000FFFF00000B00140A"), &a));
    assert_string_equal(inet_text(&a, text), "10.20.0.11");
    assert_true(inet_parse(slice_str("B80D0120000020000000000021000000"), &a));
    assert_string_equal(inet_text(&a, text), "2001:db8:20::21");
    assert_true(inet_parse(slice_str("00000000000000000000000001000000"), &a));
    assert_true(inet_is_loopback(&a));
    assert_true(inet_parse_plain(slice_str("fe80000000000000505400fffe3a1b0c"), &a));
    assert_true(inet_is_link_local(&a));
    assert_false(inet_parse(slice_str("0100007"), &a));
    assert_false(inet_parse(slice_str("0100007G"), &a));
    assert_false(inet_parse(slice_str("0000000000000000FFFF00000B00140X"), &a));
}

/* -- processes ---------------------------------------------------------------- */

static void like_processes_are_one_row(void **state)
{
    const struct js *list = list_of(*state, "processes", "list");
    const struct js *nginx = NULL;

    for (size_t i = 0; i < js_len(list); i++) {
        if (text_equal(js_str(js_at(list, i), "comm", ""), "nginx") &&
            js_u64(js_at(list, i), "uid", 0) == 33)
            nginx = js_at(list, i);
    }
    assert_non_null(nginx);
    assert_int_equal(js_u64(nginx, "count", 0), 4);
    assert_int_equal(js_u64(nginx, "pid", 0), 701);
    assert_int_equal(js_u64(nginx, "rss_bytes", 0), 4 * 18220 * 1024);
    assert_int_equal(js_u64(nginx, "cpu_ms", 0), 4 * (88120 + 30112) * 10);
    assert_string_equal(js_str(nginx, "unit", ""), "nginx.service");
}

static void units_and_containers_name_processes(void **state)
{
    struct host *h = *state;

    assert_string_equal(js_str(row(h, "processes", "list", "comm", "redis-server"), "unit", ""),
                        "docker-3f4e8a1b2c3d");
    assert_string_equal(js_str(row(h, "processes", "list", "comm", "sshd"), "unit", ""),
                        "ssh.service");
    assert_int_equal(js_u64(js_member(h->doc, "processes"), "total", 0), 9);
    assert_int_equal(js_u64(js_member(h->doc, "processes"), "kernel_threads", 0), 2);
}

static void arguments_never_leave_the_host(void **state)
{
    static const char *const secrets[] = {"hunter2",  "password",    "s3cret",
                                          "shop app", "51234)",      "--target",
                                          "idle",     "deserialize", "worker pro"};
    struct host *h = *state;
    auto_buf struct buf text = {0};

    assert_ok(js_print(h->doc, false, false, &text, NULL));
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        if (strstr(buf_cstr(&text), secrets[i]))
            fail_msg("'%s' is in the document", secrets[i]);
    }
}

static void postgres_is_known_by_its_first_word(void **state)
{
    struct host *h = *state;

    assert_int_equal(js_u64(row(h, "processes", "list", "argv0", "postgres"), "count", 0), 2);
    assert_string_equal(
        js_str(row(h, "processes", "list", "argv0", "/usr/pgsql-12/bin/postmaster"), "unit", ""),
        "postgresql-12.service");
}

static void processes_in_disk_sleep_are_not_asked_for_arguments(void **state)
{
    const struct js *list = list_of(*state, "processes", "list");

    for (size_t i = 0; i < js_len(list); i++) {
        if (js_u64(js_at(list, i), "pid", 0) == 2232) {
            assert_null(js_member(js_at(list, i), "argv0"));
            return;
        }
    }
    fail_msg("process 2232 is not there");
}

static void names_may_hold_blanks_and_parentheses(void **state)
{
    const struct js *p = row(*state, "processes", "list", "comm", "tricky) (name");

    assert_int_equal(js_u64(p, "uid", 0), 1000);
    assert_int_equal(js_u64(p, "cpu_ms", 0), 20);
}

static void kernels_without_systemd_or_comm_will_do(void **state)
{
    struct host *h = *state;
    const struct js *p = row(h, "processes", "list", "comm", "mysqld");

    assert_int_equal(js_u64(p, "uid", 0), 27);
    assert_null(js_member(p, "unit"));
    assert_string_equal(js_str(p, "argv0", ""), "/usr/libexec/mysqld");
}

static void the_largest_processes_are_kept(void **state)
{
    struct host *h = *state;
    char path[64];
    char text[256];

    for (unsigned i = 0; i < 500; i++) {
        assert_ok(text_print(path, sizeof(path), "proc/%u/stat", 20000 + i));
        assert_ok(text_print(text, sizeof(text), "%u (small-%u) S 1 1 1 0 -1 0 0 0 0 0 1 1\n",
                             20000 + i, i));
        fixture_text(h->dir, path, text);
    }
    host_look(h);
    (void)row(h, "processes", "list", "comm", "shop-app");
    assert_int_equal(js_len(list_of(h, "processes", "list")), COLLECT_PROCESSES_MAX);
    assert_int_equal(js_u64(js_member(h->doc, "processes"), "total", 0), 509);
    /* Nine processes in six groups were there; each of the 500 is a group of its own. */
    assert_int_equal(js_u64(js_member(h->doc, "processes"), "left_out", 0),
                     500 - (COLLECT_PROCESSES_MAX - 6));
}

/* -- sockets ------------------------------------------------------------------ */

static const struct js *listener(const struct host *h, const char *address, uint64_t port)
{
    const struct js *list = list_of(h, "sockets", "listening");

    for (size_t i = 0; i < js_len(list); i++) {
        if (text_equal(js_str(js_at(list, i), "address", ""), address) &&
            js_u64(js_at(list, i), "port", 0) == port)
            return js_at(list, i);
    }
    return NULL;
}

static void listeners_have_owners(void **state)
{
    struct host *h = *state;

    assert_string_equal(js_str(listener(h, "0.0.0.0", 443), "comm", ""), "nginx");
    assert_int_equal(js_u64(listener(h, "0.0.0.0", 443), "pid", 0), 700);
    assert_string_equal(js_str(listener(h, "::", 22), "comm", ""), "sshd");
    assert_string_equal(js_str(listener(h, "127.0.0.1", 8080), "comm", ""), "shop-app");
    assert_string_equal(js_str(listener(h, "0.0.0.0", 68), "proto", ""), "udp");
    /* Two sockets on 443 (SO_REUSEPORT) are one row. */
    assert_int_equal(js_len(list_of(h, "sockets", "listening")), 5);
}

static void ports_that_clients_borrow_are_not_listeners(void **state)
{
    assert_null(listener(*state, "0.0.0.0", 45678));
    assert_non_null(listener(*state, "127.0.0.1", 323));
}

static void connections_are_summed_by_peer_and_service(void **state)
{
    struct host *h = *state;
    const struct js *c = row(h, "sockets", "connections", "peer", "10.20.0.11");

    assert_string_equal(js_str(c, "direction", ""), "out");
    assert_int_equal(js_u64(c, "port", 0), 5432);
    assert_int_equal(js_u64(c, "count", 0), 2);
    assert_string_equal(js_str(c, "comm", ""), "shop-app");
    c = row(h, "sockets", "connections", "peer", "203.0.113.7"); /* mapped into IPv6 */
    assert_string_equal(js_str(c, "direction", ""), "in");
    assert_int_equal(js_u64(c, "port", 0), 443);
    assert_int_equal(js_u64(c, "count", 0), 2);
    assert_string_equal(js_str(c, "comm", ""), "nginx"); /* the listener's */
    (void)row(h, "sockets", "connections", "peer", "2001:db8:20::40");
}

static void talk_within_the_host_is_only_counted(void **state)
{
    struct host *h = *state;

    assert_null(fixture_find(list_of(h, "sockets", "connections"), "peer", "127.0.0.1"));
    assert_int_equal(js_u64(js_member(h->doc, "sockets"), "established_on_loopback", 0), 1);
    assert_int_equal(js_len(list_of(h, "sockets", "connections")), 4); /* no TIME_WAIT */
}

static void thousands_of_peers_are_cut_to_the_busiest(void **state)
{
    struct host *h = *state;
    auto_buf struct buf b = {0};

    buf_str(&b, "  sl  local_address rem_address ...\n");
    for (unsigned i = 0; i < 5000; i++)
        assert_ok(buf_printf(&b, "%u: 1500140A:%04X %08X:0050 01 0:0 0:0 0 0 0 %u 1 0\n", i, i,
                             i % 10 ? 0x0a + (i << 8) : 0x0100000b, 100000 + i));
    fixture_put(h->dir, "proc/net/tcp", buf_slice(&b));
    fixture_remove(h->dir, "proc/net/tcp6");
    host_look(h);
    assert_int_equal(js_len(list_of(h, "sockets", "connections")), COLLECT_CONNECTIONS_MAX);
    assert_int_equal(js_u64(js_at(list_of(h, "sockets", "connections"), 0), "count", 0), 500);
    assert_int_equal(js_u64(js_member(h->doc, "sockets"), "connections_left_out", 0),
                     4500 + 1 - COLLECT_CONNECTIONS_MAX);
}

#define TEST(fn, setup) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(interfaces_have_speed_and_master, setup_rhel),
        TEST(a_speed_of_minus_one_is_no_speed, setup_el6),
        TEST(addresses_are_placed_by_the_routes, setup_rhel),
        TEST(hundreds_of_container_interfaces_do_not_push_out_the_real_one, setup_deb),
        cmocka_unit_test(words_of_proc_net_become_addresses),
        TEST(like_processes_are_one_row, setup_deb),
        TEST(units_and_containers_name_processes, setup_deb),
        TEST(arguments_never_leave_the_host, setup_rhel),
        TEST(arguments_never_leave_the_host, setup_deb),
        TEST(arguments_never_leave_the_host, setup_el6),
        TEST(postgres_is_known_by_its_first_word, setup_rhel),
        TEST(processes_in_disk_sleep_are_not_asked_for_arguments, setup_rhel),
        TEST(names_may_hold_blanks_and_parentheses, setup_rhel),
        TEST(kernels_without_systemd_or_comm_will_do, setup_el6),
        TEST(the_largest_processes_are_kept, setup_deb),
        TEST(listeners_have_owners, setup_deb),
        TEST(ports_that_clients_borrow_are_not_listeners, setup_rhel),
        TEST(connections_are_summed_by_peer_and_service, setup_deb),
        TEST(talk_within_the_host_is_only_counted, setup_rhel),
        TEST(thousands_of_peers_are_cut_to_the_busiest, setup_deb),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
