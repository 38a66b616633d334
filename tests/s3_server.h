/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small object server on loopback that misbehaves on order: one thread, one connection a request.
 * It keeps objects by path, checks the payload hash of what it receives, and remembers every
 * request. Steps are used up one a request; after the last it behaves.
 */
#ifndef GODWIT_TESTS_S3_SERVER_H
#define GODWIT_TESTS_S3_SERVER_H

#include "tests/unit.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/text.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/socket.h>

enum s3_action {
    S3_SERVE = 0,   /* as a store does */
    S3_SAY,         /* text instead of doing anything */
    S3_SAY_ANYWAY,  /* do it, then text instead of the reply */
    S3_HANG_UP,     /* read the request, do nothing, close */
    S3_LOSE_REPLY,  /* do it, close without a word */
    S3_CUT_BODY,    /* the right reply, cut in the middle of its body */
    S3_WRONG_RANGE, /* a range one byte further than asked */
    S3_NO_RANGE,    /* 200 and everything */
    S3_NO_LENGTH,   /* neither length nor chunks */
    S3_STALL,       /* raise *stop and say nothing until the client hangs up */
};

struct s3_step {
    enum s3_action action;
    const char *text; /* of S3_SAY: a whole HTTP reply */
};

enum { S3_STEPS_MAX = 16, S3_OBJECTS_MAX = 8, S3_REQUESTS_MAX = 64, S3_HEAD_MAX = 8192 };

struct s3_server {
    int fd;
    uint16_t port;
    pthread_t thread;
    atomic_bool ended;
    atomic_bool *stop;    /* of the client */
    pthread_mutex_t lock; /* guards the rest */
    struct s3_step steps[S3_STEPS_MAX];
    size_t steps_n;
    size_t step; /* the next */
    struct {
        char path[256];
        struct buf body;
    } objects[S3_OBJECTS_MAX];
    size_t objects_n;
    char heads[S3_REQUESTS_MAX][S3_HEAD_MAX]; /* of every request */
    size_t requests_n;
};

/* One request as it came. */
struct s3_seen {
    char head[S3_HEAD_MAX];
    struct buf body;
    char method[16];
    char path[256]; /* without the query */
};

/* The value of a header in head, or NULL. */
static inline const char *s3_header(const char *head, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        const char *at = line + 2;

        if (strncasecmp(at, name, len) != 0 || at[len] != ':')
            continue;
        at += len + 1;
        at += strspn(at, " ");
        text_print(out, size, "%.*s", (int)strcspn(at, "\r"), at);
        return out;
    }
    return NULL;
}

/* False when the client went away first. */
static inline bool s3_receive(int fd, struct s3_seen *seen)
{
    char value[64];
    const char *path;
    size_t n = 0;
    size_t want;

    while (n < sizeof(seen->head) - 1) {
        if (read(fd, seen->head + n, 1) != 1)
            return false;
        seen->head[++n] = '\0';
        if (n >= 4 && strcmp(seen->head + n - 4, "\r\n\r\n") == 0)
            break;
    }
    path = strchr(seen->head, '/');
    if (!path)
        return false;
    text_print(seen->method, sizeof(seen->method), "%.*s", (int)strcspn(seen->head, " "),
               seen->head);
    text_print(seen->path, sizeof(seen->path), "%.*s", (int)strcspn(path, " ?"), path);
    want = s3_header(seen->head, "content-length", value, sizeof(value))
               ? (size_t)strtoull(value, NULL, 10)
               : 0;
    while (seen->body.len < want) {
        char block[16384];
        size_t left = want - seen->body.len;
        ssize_t got = read(fd, block, left < sizeof(block) ? left : sizeof(block));

        if (got <= 0)
            return false;
        buf_append(&seen->body, block, (size_t)got);
    }
    return true;
}

static inline void s3_send(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        at += sent;
        len -= (size_t)sent;
    }
}

static inline struct buf *s3_object(struct s3_server *s, const char *path, bool make)
{
    for (size_t i = 0; i < s->objects_n; i++)
        if (strcmp(s->objects[i].path, path) == 0)
            return &s->objects[i].body;
    if (!make || s->objects_n == S3_OBJECTS_MAX)
        return NULL;
    text_copy(s->objects[s->objects_n].path, sizeof(s->objects[0].path), path);
    return &s->objects[s->objects_n++].body;
}

static inline void s3_plain(struct buf *out, const char *status, const char *code)
{
    char body[256] = "";

    if (code)
        text_print(body, sizeof(body), "<Error><Code>%s</Code><Message>m</Message></Error>", code);
    buf_printf(out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
               strlen(body), body);
}

static inline bool s3_hash_fits(const struct s3_seen *seen)
{
    uint8_t sha[CRYPTO_SHA256_LEN];
    char hex[2 * CRYPTO_SHA256_LEN + 1];
    char value[128];

    crypto_sha256(buf_slice(&seen->body), sha);
    return s3_header(seen->head, "x-amz-content-sha256", value, sizeof(value)) &&
           strcmp(text_hex(sha, sizeof(sha), hex), value) == 0;
}

static inline void s3_serve_get(const struct s3_seen *seen, const struct buf *object,
                                enum s3_action action, struct buf *out)
{
    char value[64];
    bool head = strcmp(seen->method, "HEAD") == 0;
    bool ranged = s3_header(seen->head, "range", value, sizeof(value)) && action != S3_NO_RANGE;
    size_t first = ranged ? (size_t)strtoull(value + strlen("bytes="), NULL, 10) : 0;
    size_t last = object->len - 1;
    const char *dash = ranged ? strchr(value, '-') + 1 : "";

    if (ranged && *dash != '\0' && (size_t)strtoull(dash, NULL, 10) < last)
        last = (size_t)strtoull(dash, NULL, 10);
    if (ranged && first > last) {
        s3_plain(out, "416 no", "InvalidRange");
        return;
    }
    if (action == S3_WRONG_RANGE) {
        first++;
        last++;
    }
    buf_printf(out, "HTTP/1.1 %s\r\nConnection: close\r\n", ranged ? "206 part" : "200 OK");
    if (ranged)
        buf_printf(out, "Content-Range: bytes %zu-%zu/%zu\r\n", first, last, object->len);
    if (action != S3_NO_LENGTH)
        buf_printf(out, "Content-Length: %zu\r\n", last + 1 - first);
    buf_str(out, "\r\n");
    if (!head)
        buf_append(out, object->data + first, last + 1 - first);
}

static inline void s3_serve(struct s3_server *s, struct s3_seen *seen, enum s3_action action,
                            struct buf *out)
{
    bool is_put = strcmp(seen->method, "PUT") == 0;
    struct buf *object = s3_object(s, seen->path, false);
    char value[16];

    if (!s3_hash_fits(seen)) {
        s3_plain(out, "400 no", "XAmzContentSHA256Mismatch");
        return;
    }
    if (is_put && object && s3_header(seen->head, "if-none-match", value, sizeof(value))) {
        s3_plain(out, "412 no", "PreconditionFailed");
        return;
    }
    if (is_put) {
        object = s3_object(s, seen->path, true);
        buf_clear(object);
        buf_append(object, seen->body.data, seen->body.len);
        s3_plain(out, "200 OK", NULL);
        return;
    }
    if (!object)
        s3_plain(out, "404 no", strcmp(seen->method, "HEAD") == 0 ? NULL : "NoSuchKey");
    else
        s3_serve_get(seen, object, action, out);
}

static inline struct s3_step s3_next_step(struct s3_server *s, const struct s3_seen *seen)
{
    if (s->requests_n < S3_REQUESTS_MAX)
        memcpy(s->heads[s->requests_n], seen->head, sizeof(seen->head));
    s->requests_n++;
    return s->step < s->steps_n ? s->steps[s->step++] : (struct s3_step){S3_SERVE, NULL};
}

static inline void s3_answer(struct s3_server *s, int fd, struct s3_seen *seen)
{
    auto_buf struct buf out = {0};
    struct s3_step step;
    char byte;

    pthread_mutex_lock(&s->lock);
    step = s3_next_step(s, seen);
    if (step.action != S3_SAY && step.action != S3_HANG_UP && step.action != S3_STALL)
        s3_serve(s, seen, step.action, &out);
    if (step.text) {
        buf_clear(&out);
        buf_str(&out, step.text);
    }
    pthread_mutex_unlock(&s->lock);
    if (step.action == S3_STALL) {
        atomic_store(s->stop, true);
        while (read(fd, &byte, 1) > 0)
            ;
    }
    if (step.action == S3_CUT_BODY)
        out.len -= 3;
    if (step.action != S3_LOSE_REPLY)
        s3_send(fd, out.data, out.len);
}

static inline void *s3_server_main(void *arg)
{
    struct s3_server *s = arg;

    for (;;) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
        struct s3_seen seen = {0};

        if (fd < 0 || atomic_load(&s->ended)) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        if (s3_receive(fd, &seen))
            s3_answer(s, fd, &seen);
        buf_done(&seen.body);
        shutdown(fd, SHUT_RDWR);
        close(fd);
    }
}

static inline struct s3_server *s3_server_start(void)
{
    struct s3_server *s = calloc(1, sizeof(*s));
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sin);

    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(s->fd, (struct sockaddr *)&sin, sizeof(sin)));
    assert_int_equal(0, listen(s->fd, 16));
    assert_int_equal(0, getsockname(s->fd, (struct sockaddr *)&sin, &len));
    s->port = ntohs(sin.sin_port);
    pthread_mutex_init(&s->lock, NULL);
    assert_int_equal(0, pthread_create(&s->thread, NULL, s3_server_main, s));
    return s;
}

static inline void s3_server_end(struct s3_server *taken)
{
    struct sockaddr_in sin = {.sin_family = AF_INET,
                              .sin_port = htons(taken->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    atomic_store(&taken->ended, true);
    (void)!connect(fd, (struct sockaddr *)&sin, sizeof(sin)); /* wakes accept */
    pthread_join(taken->thread, NULL);
    close(fd);
    close(taken->fd);
    for (size_t i = 0; i < taken->objects_n; i++)
        buf_done(&taken->objects[i].body);
    pthread_mutex_destroy(&taken->lock);
    free(taken);
}

static inline void s3_step(struct s3_server *s, enum s3_action action, const char *text)
{
    pthread_mutex_lock(&s->lock);
    assert_true(s->steps_n < S3_STEPS_MAX);
    s->steps[s->steps_n++] = (struct s3_step){action, text};
    pthread_mutex_unlock(&s->lock);
}

static inline size_t s3_requests(struct s3_server *s)
{
    size_t n;

    pthread_mutex_lock(&s->lock);
    n = s->requests_n;
    pthread_mutex_unlock(&s->lock);
    return n;
}

#endif
