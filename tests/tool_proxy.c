/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A proxy that damages what passes through it: between an S3 client and a real service.
 *
 *   tool_proxy SEED PORT LOG [KEY OFFSET BIT]…
 *
 * PORT is that of the service on loopback; our own is printed, and is TOOL_PROXY_PORT when that is
 * set: where an earlier one was that comes back. SEED gives the faults
 * (tool_proxy_plan.h), 0 none. Each KEY has rotted: whoever reads the byte at OFFSET of the object
 * whose path ends with KEY gets it with that BIT flipped, every time.
 *
 * LOG gets a line for each fault that took place: kind/nth (the entry of the schedule), fault,
 * method, path, byte.
 */
#include "tests/tool_proxy_plan.h"

#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <strings.h>

#include "base/banned.h"

enum { HEAD_MAX = 16 * 1024, PATH_LEN = 1024, ROTS_MAX = 16, DELAY_MAX_MS = 60, STALL_MS = 2500 };

struct rot {
    const char *key;
    uint64_t offset;
    unsigned bit;
};

struct proxy {
    struct event_base *base;
    struct tool_proxy_plan plan;
    struct sockaddr_in service;
    struct rot rots[ROTS_MAX];
    size_t rots_n;
    FILE *log;
};

/* Where the message that passes in one direction stands. */
enum part { HEAD, BODY, SILENT /* whatever comes is thrown away */ };

/* One connection of the client with ours to the service; one request at a time. */
struct link {
    struct proxy *proxy;
    struct bufferevent *client;
    struct bufferevent *service;
    struct event *timer;
    enum part up;
    enum part down;
    bool ending; /* close when the client has what was written */
    bool resume; /* the timer goes on with the request, else it closes */
    bool logged;
    struct tool_proxy_entry entry;
    char method[16];
    char path[PATH_LEN];
    uint64_t up_len; /* of the request's body */
    uint64_t up_at;
    uint64_t down_len; /* of the reply's; 0 = not known */
    uint64_t down_at;
    uint64_t down_first; /* where in the object the reply begins */
    bool answer;         /* we answer once the body was swallowed */
};

static void link_free(struct link *l)
{
    bufferevent_free(l->client);
    bufferevent_free(l->service);
    event_free(l->timer);
    free(l);
}

static void note(struct link *l, uint64_t at)
{
    if (l->logged)
        return;
    l->logged = true;
    fprintf(l->proxy->log, "%s/%" PRIu64 " %s %s %s %" PRIu64 "\n",
            tool_proxy_plan_kind(l->entry.kind), l->entry.nth, tool_proxy_plan_name(l->entry.fault),
            l->method, l->path, at);
    fflush(l->proxy->log);
}

static void wait_then(struct link *l, unsigned ms, bool resume)
{
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

    l->resume = resume;
    bufferevent_disable(l->client, EV_READ);
    bufferevent_disable(l->service, EV_READ);
    event_add(l->timer, &tv);
}

/* What is written reaches the client, then the connection ends. */
static void end_after_write(struct link *l)
{
    l->ending = true;
    l->up = l->down = SILENT;
    if (evbuffer_get_length(bufferevent_get_output(l->client)) == 0)
        link_free(l);
}

/* The value of a header as a number, 0 when there is none; *ret_text where it stands. */
static uint64_t header_number(const char *head, const char *name, const char **ret_text)
{
    size_t len = strlen(name);

    for (const char *at = strstr(head, "\r\n"); at; at = strstr(at, "\r\n")) {
        at += 2;
        if (strncasecmp(at, name, len) != 0 || at[len] != ':')
            continue;
        at += len + 1;
        at += strspn(at, " ");
        if (ret_text)
            *ret_text = at;
        return strtoull(at, NULL, 10);
    }
    return 0;
}

/* The next whole head in buffer, moved into text: its length; 0 not there yet, -1 too long. */
static int take_head(struct evbuffer *b, char *text)
{
    struct evbuffer_ptr end = evbuffer_search(b, "\r\n\r\n", 4, NULL);

    if (end.pos < 0)
        return evbuffer_get_length(b) >= HEAD_MAX ? -1 : 0;
    if (end.pos + 4 >= HEAD_MAX)
        return -1;
    evbuffer_remove(b, text, (size_t)end.pos + 4);
    text[end.pos + 4] = '\0';
    return (int)end.pos + 4;
}

/* -- the answers of our own --------------------------------------------- */

static const char *answer_of(enum tool_proxy_fault f)
{
    switch (f) {
    case PROXY_503:
        return "503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 36\r\n\r\n"
               "<Error><Code>SlowDown</Code></Error>";
    case PROXY_EXPIRED:
        return "403 Forbidden\r\nContent-Type: application/xml\r\nContent-Length: 40\r\n\r\n"
               "<Error><Code>ExpiredToken</Code></Error>";
    case PROXY_SKEWED:
        return "403 Forbidden\r\nContent-Type: application/xml\r\nContent-Length: 48\r\n\r\n"
               "<Error><Code>RequestTimeTooSkewed</Code></Error>";
    default:
        return "500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
    }
}

static void answer(struct link *l)
{
    struct evbuffer *out = bufferevent_get_output(l->client);

    evbuffer_add_printf(out, "HTTP/1.1 %s", answer_of(l->entry.fault));
    l->answer = false;
    note(l, 0);
}

/* Does a fault of this kind never reach the service? */
static bool is_answered(enum tool_proxy_fault f)
{
    return f == PROXY_500 || f == PROXY_503 || f == PROXY_EXPIRED || f == PROXY_SKEWED;
}

/* -- up: from the client to the service --------------------------------- */

static void request_head(struct link *l, const char *head)
{
    const char *path = strchr(head, ' ');
    bool fits =
        path && text_print(l->method, sizeof(l->method), "%.*s", (int)(path - head), head) == 0 &&
        text_print(l->path, sizeof(l->path), "%.*s", (int)strcspn(path + 1, " "), path + 1) == 0;

    if (!fits)
        l->path[0] = '\0';
    l->up_len = header_number(head, "Content-Length", NULL);
    l->up_at = 0;
    l->logged = false;
    l->down = HEAD;
    tool_proxy_plan_next(&l->proxy->plan, l->method, l->path, &l->entry);
}

/* False when the link is gone or waits. */
static bool begin_request(struct link *l)
{
    char head[HEAD_MAX];
    int n = take_head(bufferevent_get_input(l->client), head);

    if (n < 0)
        link_free(l);
    if (n <= 0)
        return false;
    request_head(l, head);
    l->up = BODY;
    if (l->entry.fault == PROXY_HANG_UP) {
        note(l, 0);
        link_free(l);
        return false;
    }
    if (is_answered(l->entry.fault)) {
        l->answer = true;
        return true;
    }
    bufferevent_write(l->service, head, (size_t)n);
    if (l->entry.fault != PROXY_DELAY)
        return true;
    note(l, 0);
    wait_then(l, 1 + (unsigned)(l->entry.param % DELAY_MAX_MS), true);
    return false;
}

static void flip(struct evbuffer *b, size_t at, unsigned bit)
{
    struct evbuffer_ptr p;
    struct evbuffer_iovec v;

    evbuffer_ptr_set(b, &p, at, EVBUFFER_PTR_SET);
    if (evbuffer_peek(b, 1, &p, &v, 1) >= 1)
        *(uint8_t *)v.iov_base ^= (uint8_t)(1U << (bit & 7));
}

/* Which byte of a message of len a fault is about. */
static uint64_t spot(const struct link *l, uint64_t len)
{
    return len ? l->entry.param % len : 0;
}

static bool is_up_fault(enum tool_proxy_fault f)
{
    return f == PROXY_CUT_UP || f == PROXY_FLIP_UP || f == PROXY_STALL_UP;
}

/* Some bytes of the request's body arrived. False when the link is gone or waits. */
static bool request_body(struct link *l)
{
    struct evbuffer *in = bufferevent_get_input(l->client);
    size_t some = (size_t)num_min(evbuffer_get_length(in), l->up_len - l->up_at);
    uint64_t at = spot(l, l->up_len);
    bool due = is_up_fault(l->entry.fault) && !l->logged && l->up_len && at < l->up_at + some;

    if (due && l->entry.fault != PROXY_FLIP_UP) {
        evbuffer_remove_buffer(in, bufferevent_get_output(l->service), (size_t)(at - l->up_at));
        note(l, at);
        if (l->entry.fault == PROXY_STALL_UP)
            wait_then(l, STALL_MS, false);
        else
            link_free(l);
        return false;
    }
    if (due) {
        flip(in, (size_t)(at - l->up_at), (unsigned)(l->entry.param >> 61));
        note(l, at);
    }
    if (l->answer)
        evbuffer_drain(in, some);
    else
        evbuffer_remove_buffer(in, bufferevent_get_output(l->service), some);
    l->up_at += some;
    return true;
}

static void on_client(struct bufferevent *b, void *arg)
{
    struct link *l = arg;

    if (l->up == SILENT) {
        evbuffer_drain(bufferevent_get_input(b), SIZE_MAX);
        return;
    }
    for (;;) {
        if (l->up == HEAD && !begin_request(l))
            return;
        if (!request_body(l) || l->up_at < l->up_len)
            return;
        l->up = HEAD;
        if (l->answer)
            answer(l);
    }
}

/* -- down: from the service to the client -------------------------------- */

/* False when the link is gone or ends. */
static bool reply_head(struct link *l, char *head, int n)
{
    const char *range = NULL;
    bool bodyless = strcmp(l->method, "HEAD") == 0;

    l->down_len = bodyless ? 0 : header_number(head, "Content-Length", NULL);
    l->down_at = 0;
    header_number(head, "Content-Range", &range);
    l->down_first =
        range && text_starts(range, "bytes ") ? strtoull(range + strlen("bytes "), NULL, 10) : 0;
    l->down = BODY;
    if (l->entry.fault == PROXY_FLIP_HEAD) {
        uint64_t at = spot(l, (uint64_t)n - 4);

        head[at] = (char)(head[at] ^ 1 << (l->entry.param >> 61));
        note(l, at);
    }
    bufferevent_write(l->client, head, (size_t)n);
    if (l->entry.fault != PROXY_FLIP_HEAD || l->down_len > 0)
        return true;
    end_after_write(l);
    return false;
}

/* False when the link is gone or waits. */
static bool begin_reply(struct link *l)
{
    char head[HEAD_MAX];
    int n = take_head(bufferevent_get_input(l->service), head);

    if (n < 0 || (n > 0 && l->entry.fault == PROXY_LOSE_REPLY)) {
        note(l, 0);
        link_free(l);
        return false;
    }
    if (n == 0)
        return false;
    if (l->entry.fault == PROXY_FAIL_AFTER) {
        bufferevent_disable(l->service, EV_READ);
        answer(l);
        end_after_write(l);
        return false;
    }
    return reply_head(l, head, n);
}

/* Rotten bytes among those that arrived, whatever else happens to them. */
static void rot_all(struct link *l, struct evbuffer *in)
{
    uint64_t first = l->down_first + l->down_at;
    size_t len = evbuffer_get_length(in);
    size_t path = strcspn(l->path, "?");

    for (size_t i = 0; i < l->proxy->rots_n; i++) {
        const struct rot *r = &l->proxy->rots[i];
        size_t key = strlen(r->key);

        if (key > path || strncmp(l->path + path - key, r->key, key) != 0 || r->offset < first ||
            r->offset - first >= len)
            continue;
        flip(in, (size_t)(r->offset - first), r->bit);
        fprintf(l->proxy->log, "rot flip-down %s %s %" PRIu64 "\n", l->method, l->path, r->offset);
        fflush(l->proxy->log);
    }
}

static bool is_down_fault(enum tool_proxy_fault f)
{
    return f == PROXY_CUT_DOWN || f == PROXY_FLIP_DOWN || f == PROXY_STALL_DOWN;
}

static void reply_body(struct link *l)
{
    struct evbuffer *in = bufferevent_get_input(l->service);
    size_t some = evbuffer_get_length(in);
    uint64_t at = spot(l, l->down_len);
    bool due = is_down_fault(l->entry.fault) && !l->logged && at < l->down_at + some;

    rot_all(l, in);
    if (due && l->entry.fault == PROXY_FLIP_DOWN)
        flip(in, (size_t)(at - l->down_at), (unsigned)(l->entry.param >> 61));
    if (due && l->entry.fault != PROXY_FLIP_DOWN)
        some = (size_t)(at - l->down_at);
    if (due)
        note(l, l->down_first + at);
    evbuffer_remove_buffer(in, bufferevent_get_output(l->client), some);
    l->down_at += some;
    if (due && l->entry.fault == PROXY_STALL_DOWN)
        wait_then(l, STALL_MS, false);
    else if ((due && l->entry.fault == PROXY_CUT_DOWN) ||
             (l->entry.fault == PROXY_FLIP_HEAD && l->down_at >= l->down_len))
        end_after_write(l);
}

static void on_service(struct bufferevent *b, void *arg)
{
    struct link *l = arg;

    if (l->down == SILENT) {
        evbuffer_drain(bufferevent_get_input(b), SIZE_MAX);
        return;
    }
    if (l->down == HEAD && !begin_reply(l))
        return;
    if (evbuffer_get_length(bufferevent_get_input(b)) > 0)
        reply_body(l);
}

/* -- both ------------------------------------------------------------------ */

static void on_written(struct bufferevent *b, void *arg)
{
    struct link *l = arg;

    (void)b;
    if (l->ending)
        link_free(l);
}

static void on_client_end(struct bufferevent *b, short what, void *arg)
{
    (void)b;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        link_free(arg);
}

static void on_service_end(struct bufferevent *b, short what, void *arg)
{
    (void)b;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        end_after_write(arg);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct link *l = arg;

    (void)fd;
    (void)what;
    if (!l->resume) {
        link_free(l);
        return;
    }
    bufferevent_enable(l->client, EV_READ);
    bufferevent_enable(l->service, EV_READ);
    on_client(l->client, l);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int len, void *arg)
{
    struct proxy *p = arg;
    struct link *l = calloc(1, sizeof(*l));

    (void)listener;
    (void)from;
    (void)len;
    if (!l)
        abort();
    l->proxy = p;
    l->client = bufferevent_socket_new(p->base, fd, BEV_OPT_CLOSE_ON_FREE);
    l->service = bufferevent_socket_new(p->base, -1, BEV_OPT_CLOSE_ON_FREE);
    l->timer = evtimer_new(p->base, on_timer, l);
    bufferevent_setcb(l->client, on_client, on_written, on_client_end, l);
    bufferevent_setcb(l->service, on_service, NULL, on_service_end, l);
    bufferevent_enable(l->client, EV_READ | EV_WRITE);
    bufferevent_enable(l->service, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(l->service, (struct sockaddr *)&p->service, sizeof(p->service)) <
        0)
        link_free(l);
}

static void on_term(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    event_base_loopbreak(arg);
}

static int run(struct proxy *p, uint16_t own)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET, .sin_port = htons(own), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sin);
    struct evconnlistener *listener;
    struct event *end;

    p->base = event_base_new();
    end = evsignal_new(p->base, SIGTERM, on_term, p->base);
    listener = evconnlistener_new_bind(
        p->base, on_accept, p, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
        -1, (struct sockaddr *)&sin, sizeof(sin));
    if (!listener || getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&sin, &len)) {
        perror("listen");
        return 1;
    }
    event_add(end, NULL);
    printf("%u\n", ntohs(sin.sin_port));
    fflush(stdout);
    event_base_dispatch(p->base);
    event_free(end);
    evconnlistener_free(listener);
    event_base_free(p->base);
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: tool_proxy SEED PORT LOG [KEY OFFSET BIT]…\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct proxy p;
    uint64_t seed;
    uint64_t port;
    uint64_t own = 0;
    const char *wish = getenv("TOOL_PROXY_PORT");

    if (argc < 4 || (argc - 4) % 3 != 0 || (argc - 4) / 3 > ROTS_MAX ||
        num_parse_u64(argv[1], 0, UINT64_MAX, &seed, NULL) < 0 ||
        num_parse_u64(argv[2], 1, UINT16_MAX, &port, NULL) < 0 ||
        (wish && num_parse_u64(wish, 1, UINT16_MAX, &own, NULL) < 0))
        return usage();
    for (int i = 4; i < argc; i += 3) {
        struct rot *r = &p.rots[p.rots_n++];
        uint64_t bit;

        r->key = argv[i];
        if (num_parse_u64(argv[i + 1], 0, UINT64_MAX, &r->offset, NULL) < 0 ||
            num_parse_u64(argv[i + 2], 0, 7, &bit, NULL) < 0)
            return usage();
        r->bit = (unsigned)bit;
    }
    p.log = fopen(argv[3], "we");
    if (!p.log) {
        perror(argv[3]);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    tool_proxy_plan_init(&p.plan, seed);
    p.service = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)port),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return run(&p, (uint16_t)own);
}
