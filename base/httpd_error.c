/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that no handler gives. What is no request, or too large a one, evhttp answers with an
 * HTML page, and has no hook for another. So we look at what it puts out while no request is being
 * handled, and put the document of that status in the page's place before it leaves.
 */
#include "base/httpd_priv.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/text.h"

#include <event2/event.h>

#include "base/banned.h"

enum { STATUS_LINE_MAX = 128, STATUS_CONTINUE_MAX = 199 };

void httpd_error_reply(struct httpd_request *r, int status)
{
    const struct httpd *h = httpd_conn_of_request(r)->httpd;
    auto_buf struct buf body = {0};

    h->error(status, &body, h->arg);
    httpd_reply(r, status, "application/json", buf_slice(&body), NULL);
}

void httpd_error_on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
    const struct conn *c = arg;

    (void)output;
    /* It writes in pieces: the page is whole at the loop's next turn, and only later sent. */
    if (info->n_added > 0 && (c->state == CONN_IDLE || c->state == CONN_READING) && c->turn)
        event_active(c->turn, 0, 0);
}

/* The status of an answer that output begins with, and its line; 0 when there is none. */
static unsigned status_of(struct evbuffer *output, char line[STATUS_LINE_MAX])
{
    const ev_ssize_t n = evbuffer_copyout(output, line, STATUS_LINE_MAX - 1);
    uint64_t status = 0;
    char digits[4];

    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\r")] = '\0';
    if (strncmp(line, "HTTP/1.", strlen("HTTP/1.")) != 0 || strlen(line) < strlen("HTTP/1.1 200"))
        return 0;
    (void)text_print(digits, sizeof(digits), "%.3s", line + strlen("HTTP/1.1 "));
    (void)num_parse_u64(digits, 0, 999, &status, NULL);
    return (unsigned)status;
}

void httpd_error_retell(struct conn *c)
{
    struct evbuffer *output = bufferevent_get_output(c->bev);
    auto_buf struct buf body = {0};
    char line[STATUS_LINE_MAX];
    const unsigned status = status_of(output, line);

    if (status <= STATUS_CONTINUE_MAX)
        return;
    c->httpd->error((int)status, &body, c->httpd->arg);
    httpd_conn_write(c);
    evbuffer_drain(output, evbuffer_get_length(output));
    evbuffer_add_printf(output,
                        "%s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                        "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
                        line, body.len);
    evbuffer_add(output, body.data, body.len);
}
