/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small S3 service on loopback that is strict where services are: signatures, payload hashes and
 * clocks are checked, create-only is honoured, ranges and listings are those of the reference.
 *
 *   tool_s3 DIR BUCKET [LOG [no-create-only]]
 *
 * Bodies are files in DIR; while there is a file DIR/full, it is. The port is printed. Credentials:
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. LOG gets a line for each request: method, status, size
 * of the object, key, and of a body that landed "new", "same" or "other" (than what the key held).
 */
#include "tests/tool_s3_auth.h"
#include "tests/tool_s3_objects.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/num.h"
#include "base/text.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/banned.h"

enum { KEY_MAX = 1024, PAGE_MAX = 1000, AMZ_MAX = 32, VECTORS = 64 };

struct service {
    struct tool_s3_objects objects;
    const char *bucket;
    bool no_create_only;
    FILE *log;
};

struct call {
    struct service *s;
    struct evhttp_request *req;
    const char *method;
    char key[KEY_MAX]; /* decoded */
    struct evkeyvalq query;
    uint8_t sha256[CRYPTO_SHA256_LEN]; /* of the body */
    const char *landed;                /* for the log */
    uint64_t size;                     /* of the object */
};

static const char *header(void *arg, const char *name)
{
    const struct call *c = arg;

    return evhttp_find_header(evhttp_request_get_input_headers(c->req), name);
}

static void add_header(struct call *c, const char *name, const char *value)
{
    evhttp_add_header(evhttp_request_get_output_headers(c->req), name, value);
}

/* The end of every call. */
static void reply(struct call *c, int status, struct evbuffer *body)
{
    if (c->s->log)
        fprintf(c->s->log, "%s %d %" PRIu64 " %s%s%s\n", c->method, status, c->size, c->key,
                c->landed ? " " : "", c->landed ? c->landed : "");
    if (c->s->log)
        fflush(c->s->log);
    evhttp_send_reply(c->req, status, status < 300 ? "OK" : "No", body);
}

static void refuse(struct call *c, int status, const char *code)
{
    struct evbuffer *body = evbuffer_new();

    if (strcmp(c->method, "HEAD") != 0)
        evbuffer_add_printf(body, "<Error><Code>%s</Code><Message>it is so</Message></Error>",
                            code);
    add_header(c, "Content-Type", "application/xml");
    reply(c, status, body);
    evbuffer_free(body);
}

static void hash_body(struct call *c)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(c->req);
    struct evbuffer_iovec v[VECTORS];
    struct crypto_hash *h = NULL;
    struct evbuffer_ptr at;

    if (crypto_hash_new(&h, NULL) < 0)
        abort();
    evbuffer_ptr_set(body, &at, 0, EVBUFFER_PTR_SET);
    for (size_t done = 0; done < evbuffer_get_length(body);) {
        int n = evbuffer_peek(body, -1, &at, v, VECTORS);
        size_t some = 0;

        for (int i = 0; i < n && i < VECTORS; i++) {
            crypto_hash_add(h, slice_of(v[i].iov_base, v[i].iov_len));
            some += v[i].iov_len;
        }
        done += some;
        evbuffer_ptr_set(body, &at, some, EVBUFFER_PTR_ADD);
    }
    crypto_hash_get(h, c->sha256);
    crypto_hash_free(h);
}

static const char *judge(struct call *c)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(c->req);
    const char *amz[AMZ_MAX + 1] = {NULL};
    struct tool_s3_auth a = {
        .method = c->method,
        .target = evhttp_request_get_uri(c->req),
        .body_sha256 = c->sha256,
        .amz_names = amz,
        .service = "s3",
        .access_key = getenv("AWS_ACCESS_KEY_ID"),
        .secret_key = getenv("AWS_SECRET_ACCESS_KEY"),
        .now_ms = clock_wall_ms(&clock_system),
        .header = header,
        .arg = c,
    };
    size_t n = 0;

    for (const struct evkeyval *h = headers->tqh_first; h && n < AMZ_MAX; h = h->next.tqe_next)
        if (strncasecmp(h->key, "x-amz-", strlen("x-amz-")) == 0)
            amz[n++] = h->key;
    return tool_s3_auth_check(&a);
}

/* A pack's name says what its bytes are: others under it would be our own defect. */
static const char *landing(const struct call *c, const struct tool_s3_object *before)
{
    const char *packs = strstr(c->key, "packs/");
    char hex[2 * CRYPTO_SHA256_LEN + 1];

    if (packs && !text_ends(c->key, text_hex(c->sha256, sizeof(c->sha256), hex)))
        return "other";
    if (!before)
        return "new";
    return memcmp(before->sha256, c->sha256, sizeof(c->sha256)) == 0 ? "same" : "other";
}

static bool is_full(const struct service *s)
{
    char path[PATH_MAX];

    return text_print(path, sizeof(path), "%s/full", s->objects.dir) == 0 &&
           access(path, F_OK) == 0;
}

static int store_body(struct call *c)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(c->req);
    struct tool_s3_object made = {.size = evbuffer_get_length(body),
                                  .mtime_ms = clock_wall_ms(&clock_system)};
    auto_close int fd = tool_s3_objects_create(&c->s->objects, &made.number);

    if (fd < 0)
        return -errno;
    while (evbuffer_get_length(body) > 0)
        if (evbuffer_write(body, fd) <= 0)
            return -errno;
    memcpy(made.sha256, c->sha256, sizeof(made.sha256));
    return tool_s3_objects_set(&c->s->objects, c->key, &made);
}

static void serve_put(struct call *c)
{
    const struct tool_s3_object *before = tool_s3_objects_find(&c->s->objects, c->key);
    const char *once = header(c, "if-none-match");

    if (once && c->s->no_create_only)
        return refuse(c, 501, "NotImplemented");
    if (once && !text_equal(once, "*"))
        return refuse(c, 501, "NotImplemented");
    if (once && before)
        return refuse(c, 412, "PreconditionFailed");
    if (is_full(c->s))
        return refuse(c, 507, "InsufficientStorage");
    c->landed = landing(c, before);
    c->size = evbuffer_get_length(evhttp_request_get_input_buffer(c->req));
    if (store_body(c) < 0)
        return refuse(c, 507, "InsufficientStorage");
    return reply(c, 200, NULL);
}

/* "bytes=3-5", "bytes=3-": 0 and the range, 1 when there is none to be honoured, -1 past the end.
 */
static int range_of(const char *text, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
    auto_vec char **parts = NULL;

    *ret_first = 0;
    *ret_last = size - 1;
    if (!text || !text_starts(text, "bytes="))
        return 1;
    if (text_split(text + strlen("bytes="), "-", &parts, NULL) < 0 || !parts[0] ||
        num_parse_u64(parts[0], 0, UINT64_MAX, ret_first, NULL) < 0)
        return 1;
    if (parts[1] && num_parse_u64(parts[1], 0, UINT64_MAX, ret_last, NULL) < 0)
        return 1;
    if (*ret_first >= size || *ret_last < *ret_first)
        return -1;
    *ret_last = num_min(*ret_last, size - 1);
    return 0;
}

static void send_object(struct call *c, const struct tool_s3_object *o, uint64_t first,
                        uint64_t len, int status)
{
    struct evbuffer *body = evbuffer_new();
    char text[64];
    int fd = tool_s3_objects_open(&c->s->objects, o->number);

    (void)text_print(text, sizeof(text), "%" PRIu64, len);
    add_header(c, "Content-Length", text);
    add_header(c, "Content-Type", "binary/octet-stream");
    if (strcmp(c->method, "GET") == 0 && len > 0)
        evbuffer_add_file(body, fd, (ev_off_t)first, (ev_off_t)len); /* the descriptor is its own */
    else
        close(fd);
    reply(c, status, body);
    evbuffer_free(body);
}

static void serve_get(struct call *c)
{
    const struct tool_s3_object *o = tool_s3_objects_find(&c->s->objects, c->key);
    uint64_t first;
    uint64_t last;
    char text[96];
    int ranged;

    if (!o)
        return refuse(c, 404, "NoSuchKey");
    c->size = o->size;
    ranged = range_of(header(c, "range"), o->size, &first, &last);
    if (ranged < 0)
        return refuse(c, 416, "InvalidRange");
    if (ranged > 0)
        return send_object(c, o, 0, o->size, 200);
    (void)text_print(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, last,
                     o->size);
    add_header(c, "Content-Range", text);
    return send_object(c, o, first, last + 1 - first, 206);
}

static void serve_delete(struct call *c)
{
    struct tool_s3_object *o = tool_s3_objects_find(&c->s->objects, c->key);

    if (o)
        tool_s3_objects_remove(&c->s->objects, o);
    reply(c, 204, NULL);
}

static const char *param(const struct call *c, const char *name)
{
    const char *value = evhttp_find_header(&c->query, name);

    return value ? value : "";
}

static void add_entry(struct evbuffer *body, const struct tool_s3_object *o)
{
    char time[TEXT_TIME_MAX];
    char *key = evhttp_uriencode(o->key, -1, 0);

    evbuffer_add_printf(body,
                        "<Contents><Key>%s</Key><LastModified>%s</LastModified><Size>%" PRIu64
                        "</Size></Contents>",
                        key ? key : "", text_time(o->mtime_ms / 1000 * 1000, time), o->size);
    free(key);
}

/* A page of ListObjectsV2; the token is the last key told. */
static void serve_list(struct call *c)
{
    const struct tool_s3_objects *all = &c->s->objects;
    const char *prefix = param(c, "prefix");
    const char *after = param(c, "continuation-token");
    struct evbuffer *body = evbuffer_new();
    size_t told = 0;
    size_t i;

    if (!after[0])
        after = param(c, "start-after");
    i = tool_s3_objects_from(all, strcmp(after, prefix) > 0 ? after : prefix);
    evbuffer_add_printf(body, "<?xml version=\"1.0\"?><ListBucketResult>"
                              "<EncodingType>url</EncodingType>");
    for (; i < all->n && told < PAGE_MAX && text_starts(all->all[i].key, prefix); i++)
        if (strcmp(all->all[i].key, after) > 0) {
            add_entry(body, &all->all[i]);
            told++;
        }
    if (i < all->n && text_starts(all->all[i].key, prefix)) {
        char *token = evhttp_htmlescape(all->all[i - 1].key);

        evbuffer_add_printf(body, "<NextContinuationToken>%s</NextContinuationToken>", token);
        free(token);
    }
    evbuffer_add_printf(body, "<IsTruncated>%s</IsTruncated></ListBucketResult>",
                        i < all->n && text_starts(all->all[i].key, prefix) ? "true" : "false");
    add_header(c, "Content-Type", "application/xml");
    reply(c, 200, body);
    evbuffer_free(body);
}

static void dispatch(struct call *c)
{
    const char *why = judge(c);
    bool listing = c->key[0] == '\0';

    if (why)
        refuse(c, strstr(why, "Sha256") || strstr(why, "SHA256") ? 400 : 403, why);
    else if (strcmp(c->method, "PUT") == 0 && !listing)
        serve_put(c);
    else if (strcmp(c->method, "DELETE") == 0 && !listing)
        serve_delete(c);
    else if (listing && strcmp(c->method, "GET") == 0)
        serve_list(c);
    else if (strcmp(c->method, "PUT") != 0 && strcmp(c->method, "DELETE") != 0 && !listing)
        serve_get(c);
    else
        refuse(c, 501, "NotImplemented");
}

/* "/bucket/key": 0 when it is this bucket. */
static int parse_target(struct call *c)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(c->req);
    const char *path = evhttp_uri_get_path(uri);
    const char *query = evhttp_uri_get_query(uri);
    size_t len = strlen(c->s->bucket);
    char *decoded;
    int rc;

    if (query && evhttp_parse_query_str(query, &c->query) < 0)
        return -1;
    if (path[0] != '/' || strncmp(path + 1, c->s->bucket, len) != 0 ||
        (path[1 + len] != '/' && path[1 + len] != '\0'))
        return -1;
    if (path[1 + len] == '\0')
        return 0;
    decoded = evhttp_uridecode(path + 2 + len, 0, NULL);
    rc = decoded ? text_copy(c->key, sizeof(c->key), decoded) : -1;
    free(decoded);
    return rc;
}

static const char *method_of(const struct evhttp_request *req)
{
    switch (evhttp_request_get_command(req)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    default:
        return "?";
    }
}

static void serve(struct evhttp_request *req, void *arg)
{
    struct call c = {.s = arg, .req = req, .method = method_of(req)};

    if (parse_target(&c) < 0) {
        refuse(&c, 404, "NoSuchBucket");
    } else {
        hash_body(&c);
        dispatch(&c);
    }
    evhttp_clear_headers(&c.query);
}

static void stop(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    event_base_loopbreak(arg);
}

static int run(struct service *s)
{
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    struct event *end = evsignal_new(base, SIGTERM, stop, base);
    struct evhttp_bound_socket *at = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
    struct sockaddr_in sin = {0};
    socklen_t len = sizeof(sin);

    if (!at || getsockname(evhttp_bound_socket_get_fd(at), (struct sockaddr *)&sin, &len) < 0) {
        perror("listen");
        return 1;
    }
    event_add(end, NULL);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
                                         EVHTTP_REQ_DELETE);
    evhttp_set_gencb(http, serve, s);
    printf("%u\n", ntohs(sin.sin_port));
    fflush(stdout);
    event_base_dispatch(base);
    event_free(end);
    evhttp_free(http);
    event_base_free(base);
    return 0;
}

int main(int argc, char **argv)
{
    struct service s = {0};

    if (argc < 3 || !getenv("AWS_ACCESS_KEY_ID") || !getenv("AWS_SECRET_ACCESS_KEY")) {
        fprintf(stderr, "usage: AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… "
                        "tool_s3 DIR BUCKET [LOG [no-create-only]]\n");
        return 2;
    }
    s.objects.dir = argv[1];
    s.bucket = argv[2];
    s.log = argc > 3 ? fopen(argv[3], "we") : NULL;
    s.no_create_only = argc > 4 && text_equal(argv[4], "no-create-only");
    return run(&s);
}
