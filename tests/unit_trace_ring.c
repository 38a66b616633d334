/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of the kernel's ring buffer, made by hand as ring-buffer-design.rst has them. */
#include "tests/unit.h"

#include "transport/trace_ring.h"

#include "base/banned.h"

/* As Linux 6.1 and 6.18 print them, less what is not looked at. */
#define PAGE                                                                                       \
    "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"                                     \
    "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"                                    \
    "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"                                     \
    "\tfield: char data;\toffset:16;\tsize:240;\tsigned:0;\n"
#define FORMAT                                                                                     \
    "name: block_rq_complete\nID: 2107\nformat:\n"                                                 \
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                         \
    "\n\tfield:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;\n"                                        \
    "\tfield:sector_t sector;\toffset:16;\tsize:8;\tsigned:0;\n"                                   \
    "\tfield:unsigned int nr_sector;\toffset:24;\tsize:4;\tsigned:0;\n"                            \
    "\tfield:int error;\toffset:28;\tsize:4;\tsigned:1;\n"                                         \
    "\tfield:char rwbs[10];\toffset:34;\tsize:10;\tsigned:0;\n"                                    \
    "\tfield:__data_loc char[] cmd;\toffset:44;\tsize:4;\tsigned:0;\n"

enum { PAGE_BYTES = 256, DATA_AT = 16, EVENT_BYTES = 48, ID = 2107, OTHER_ID = 5 };

struct page {
    uint8_t bytes[PAGE_BYTES];
    size_t len; /* of the records */
};

struct told {
    size_t n;
    struct trace_event events[8];
};

static void tell(void *arg, const struct trace_event *e)
{
    struct told *t = arg;

    assert_true(t->n < ARRAY_LEN(t->events));
    t->events[t->n++] = *e;
}

static struct trace_layout layout(void)
{
    struct trace_layout l;

    assert_ok(trace_layout_parse(PAGE, FORMAT, &l, NULL));
    return l;
}

static void add_word(struct page *p, uint32_t word)
{
    assert_true(DATA_AT + p->len + sizeof(word) <= PAGE_BYTES);
    memcpy(p->bytes + DATA_AT + p->len, &word, sizeof(word));
    p->len += sizeof(word);
}

/* The first word of a record: five bits of type, and time. */
static void add_head(struct page *p, uint32_t type, uint32_t time)
{
    add_word(p, (type & 31) | time << 5);
}

static void add_body(struct page *p, uint16_t id, uint64_t sector, uint32_t sectors,
                     const char *what)
{
    uint8_t body[EVENT_BYTES] = {0};

    memcpy(body, &id, sizeof(id));
    memcpy(body + 16, &sector, sizeof(sector));
    memcpy(body + 24, &sectors, sizeof(sectors));
    memcpy(body + 34, what, strlen(what));
    for (size_t i = 0; i < sizeof(body); i += sizeof(uint32_t)) {
        uint32_t word;

        memcpy(&word, body + i, sizeof(word));
        add_word(p, word);
    }
}

static void add_event(struct page *p, uint64_t sector, uint32_t sectors, const char *what)
{
    add_head(p, EVENT_BYTES / 4, 7);
    add_body(p, ID, sector, sectors, what);
}

static int read_page(struct page *p, uint64_t flags, struct told *t)
{
    struct trace_layout l = layout();
    uint64_t committed = p->len | flags;

    memset(t, 0, sizeof(*t));
    memcpy(p->bytes + 8, &committed, sizeof(committed));
    return trace_page_read(&l, slice_of(p->bytes, sizeof(p->bytes)), tell, t);
}

static void the_layout_is_what_the_kernel_says(void **state)
{
    struct trace_layout l = layout();

    (void)state;
    assert_int_equal(ID, l.id);
    assert_int_equal(8, l.committed.at);
    assert_int_equal(16, l.data.at);
    assert_int_equal(240, l.data.size);
    assert_int_equal(16, l.sector.at);
    assert_int_equal(24, l.sectors.at);
    assert_int_equal(34, l.what.at);
    assert_int_equal(10, l.what.size);
}

static void another_kernel_is_refused(void **state)
{
    struct trace_layout l;

    (void)state;
    assert_fails(-EOPNOTSUPP, trace_layout_parse("", FORMAT, &l, NULL));
    assert_fails(-EOPNOTSUPP, trace_layout_parse(PAGE, "", &l, NULL));
    assert_fails(-EOPNOTSUPP, trace_layout_parse(PAGE, "ID: 7\n\tfield:u32 sector;\n", &l, NULL));
    assert_fails(-EOPNOTSUPP, trace_layout_parse(PAGE,
                                                 "ID: 7\n\tfield:u32 sector;\toffset:8;\tsize:4;\n"
                                                 "\tfield:u32 nr_sector;\toffset:12;\tsize:4;\n"
                                                 "\tfield:char rwbs[8];\toffset:16;\tsize:8;\n",
                                                 &l, NULL));
}

static void what_a_request_did_is_told_by_its_letters(void **state)
{
    static const struct {
        const char *what;
        enum trace_op op;
    } cases[] = {
        {"R", TRACE_READ},      {"RA", TRACE_READ},     {"RSM", TRACE_READ},   {"W", TRACE_CHANGE},
        {"WS", TRACE_CHANGE},   {"FWFS", TRACE_CHANGE}, {"N", TRACE_CHANGE},   {"NS", TRACE_CHANGE},
        {"D", TRACE_DISCARD},   {"DS", TRACE_DISCARD},  {"DE", TRACE_DISCARD}, {"F", TRACE_NOTHING},
        {"FFS", TRACE_NOTHING}, {"ZR", TRACE_UNKNOWN},  {"ZO", TRACE_UNKNOWN}, {"X", TRACE_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct page p = {0};
        struct told t;

        add_event(&p, 4096, 8, cases[i].what);
        assert_ok(read_page(&p, 0, &t));
        assert_int_equal(1, t.n);
        assert_int_equal(cases[i].op, t.events[0].op);
        assert_int_equal(4096, t.events[0].sector);
        assert_int_equal(8, t.events[0].sectors);
    }
}

static void a_command_of_the_driver_has_no_sector(void **state)
{
    struct page p = {0};
    struct told t;

    (void)state;
    add_event(&p, UINT64_MAX, 8, "N");
    assert_ok(read_page(&p, 0, &t));
    assert_int_equal(TRACE_UNKNOWN, t.events[0].op);
}

static void other_records_are_passed_over(void **state)
{
    struct page p = {0};
    struct told t;

    (void)state;
    add_event(&p, 8, 8, "W");
    add_head(&p, 30, 1); /* more time than fits */
    add_word(&p, 99);
    add_head(&p, 31, 1); /* a whole time */
    add_word(&p, 99);
    add_head(&p, 29, 5); /* one that was taken back: so many bytes behind this word */
    add_word(&p, 8);
    add_word(&p, 0xffffffff);
    add_head(&p, 0, 7); /* a long one: its length is the next word */
    add_word(&p, 4 + EVENT_BYTES);
    add_body(&p, OTHER_ID, 77, 8, "W");
    add_event(&p, 16, 8, "D");
    assert_ok(read_page(&p, 0, &t));
    assert_int_equal(2, t.n);
    assert_int_equal(8, t.events[0].sector);
    assert_int_equal(16, t.events[1].sector);
}

static void padding_without_a_length_ends_the_page(void **state)
{
    struct page p = {0};
    struct told t;

    (void)state;
    add_event(&p, 8, 8, "W");
    add_head(&p, 29, 0);
    add_word(&p, 0x12345678);
    assert_ok(read_page(&p, 0, &t));
    assert_int_equal(1, t.n);
}

static void missed_events_are_a_doubt_and_the_others_are_told(void **state)
{
    struct page p = {0};
    struct told t;

    (void)state;
    add_event(&p, 8, 8, "W");
    assert_fails(-ESTALE, read_page(&p, UINT64_C(1) << 31, &t));
    assert_int_equal(1, t.n);
}

/* The kernel is trusted, but not with our memory. */
static void no_length_leads_out_of_the_page(void **state)
{
    struct page p = {0};
    struct trace_layout l = layout();
    struct told t;

    (void)state;
    add_event(&p, 8, 8, "W");
    p.len = PAGE_BYTES; /* more than there is room for behind the head */
    assert_fails(-EBADMSG, read_page(&p, 0, &t));
    p.len = EVENT_BYTES / 2;
    assert_fails(-EBADMSG, read_page(&p, 0, &t));
    p = (struct page){0};
    add_head(&p, 0, 1);
    add_word(&p, UINT32_MAX);
    assert_fails(-EBADMSG, read_page(&p, 0, &t));
    p = (struct page){0};
    add_head(&p, 1, 1); /* of our event, but too short to be one */
    add_word(&p, ID);
    assert_fails(-EBADMSG, read_page(&p, 0, &t));
    assert_fails(-EBADMSG, trace_page_read(&l, slice_of(p.bytes, 8), tell, &t));
    assert_int_equal(0, t.n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layout_is_what_the_kernel_says),
        cmocka_unit_test(another_kernel_is_refused),
        cmocka_unit_test(what_a_request_did_is_told_by_its_letters),
        cmocka_unit_test(a_command_of_the_driver_has_no_sector),
        cmocka_unit_test(other_records_are_passed_over),
        cmocka_unit_test(padding_without_a_length_ends_the_page),
        cmocka_unit_test(missed_events_are_a_doubt_and_the_others_are_told),
        cmocka_unit_test(no_length_leads_out_of_the_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
