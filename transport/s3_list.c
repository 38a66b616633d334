/* SPDX-License-Identifier: Apache-2.0 */
/* Listings (ListObjectsV2), page by page: asked for, decoded, and checked for order and progress
 * before a key is told to anybody. */
#include "transport/s3_list.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/s3_xml.h"

#include "base/banned.h"

enum {
    S3_LIST_REPLY_MAX = 8 << 20,
    S3_NUMBER_MAX = 24,
    S3_FULL_KEY_MAX = STORE_KEY_MAX + S3_PLACE_PREFIX_MAX + 1,
};

static int list_damaged(const char *what, struct err *err)
{
    return err_set_gw(err, GW_STORE_UNREACHABLE, -EAGAIN, "list: %s", what);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place; '+' stays, since a key of ours holds none. -EINVAL. */
static int url_decode(char *text)
{
    char *out = text;

    for (const char *in = text; *in != '\0';) {
        int high;
        int low;

        if (*in != '%') {
            *out++ = *in++;
            continue;
        }
        high = hex_digit(in[1]);
        low = high >= 0 ? hex_digit(in[2]) : -1;
        if (low < 0 || high + low == 0)
            return -EINVAL;
        *out++ = (char)(high * 16 + low);
        in += 3;
    }
    *out = '\0';
    return 0;
}

/* The key of one <Contents> as the store's callers know it; NULL for what is not ours. */
static const char *entry_key(const struct s3_list *w, char *full, bool encoded)
{
    const char *key = full + strlen(w->call->prefix);

    if ((encoded && url_decode(full) < 0) || !text_starts(full, w->call->prefix))
        return NULL;
    return store_is_key(key) && text_starts(key, w->prefix) ? key : NULL;
}

static int list_entry(struct s3_list *w, struct slice entry, bool encoded, struct err *err)
{
    char full[3 * S3_FULL_KEY_MAX + 1]; /* encoded at worst */
    char text[TEXT_TIME_MAX + S3_NUMBER_MAX];
    const char *key;
    uint64_t size;
    uint64_t mtime_ms = 0;

    if (s3_xml_text(entry, "Key", full, sizeof(full)) == -ENOENT)
        return list_damaged("an entry without a key", err);
    key = entry_key(w, full, encoded);
    if (!key || (w->after && strcmp(key, w->after) <= 0))
        return 0;
    if (strcmp(key, w->last) <= 0)
        return err_set_gw(err, GW_STORE_UNREACHABLE, -EPROTO,
                          "list: the store does not list in order of keys ('%s' after '%s')", key,
                          w->last);
    if (s3_xml_text(entry, "Size", text, sizeof(text)) < 0 ||
        num_parse_u64(text, 0, INT64_MAX, &size, NULL) < 0)
        return list_damaged("an entry without a size", err);
    if (s3_xml_text(entry, "LastModified", text, sizeof(text)) == 0)
        text_parse_time(text, &mtime_ms, NULL);
    memcpy(w->last, key, strlen(key) + 1);
    return w->fn(w->arg, key, size, mtime_ms);
}

/* w->token for the next page, "" when this was the last. */
static int next_token(struct s3_list *w, struct slice doc, struct err *err)
{
    char text[8];
    char token[S3_LIST_TOKEN_MAX];

    if (s3_xml_text(doc, "IsTruncated", text, sizeof(text)) < 0)
        return list_damaged("a page that does not say whether it is the last", err);
    if (strcmp(text, "true") != 0) {
        w->token[0] = '\0';
        return 0;
    }
    if (s3_xml_text(doc, "NextContinuationToken", token, sizeof(token)) < 0 || token[0] == '\0' ||
        strcmp(token, w->token) == 0)
        return list_damaged("a page without the token of the next", err);
    return text_copy(w->token, sizeof(w->token), token);
}

int s3_list_page(struct s3_list *w, struct slice doc, struct err *err)
{
    struct slice entry;
    char text[8];
    bool encoded;
    int rc;

    if (doc.len == 0 || !s3_xml_next(&doc, "ListBucketResult", &entry))
        return list_damaged("the reply is not a listing, or was cut", err);
    doc = entry;
    encoded = s3_xml_text(doc, "EncodingType", text, sizeof(text)) == 0 && strcmp(text, "url") == 0;
    rc = next_token(w, doc, err);
    while (rc == 0 && s3_xml_next(&doc, "Contents", &entry))
        rc = list_entry(w, entry, encoded, err);
    return rc;
}

static int ask_page(struct s3_list *w, struct http_reply *reply, struct err *err)
{
    char prefix[S3_FULL_KEY_MAX + 1];
    char start[S3_FULL_KEY_MAX + 1];
    bool first = w->token[0] == '\0';
    struct s3_sign_pair params[4] = {
        {"list-type", "2"},
        {"encoding-type", "url"},
        {"prefix", prefix},
        {first ? "start-after" : "continuation-token", first ? start : w->token},
    };
    struct s3_request req = {
        .method = "GET",
        .params = params,
        .params_n = first && !w->after ? 3 : 4,
        .max_reply_bytes = S3_LIST_REPLY_MAX,
    };

    if (text_print(prefix, sizeof(prefix), "%s%s", w->call->prefix, w->prefix) < 0 ||
        text_print(start, sizeof(start), "%s%s", w->call->prefix, w->after ? w->after : "") < 0)
        return err_set(err, -EINVAL, "key prefix too long");
    return s3_call(w->call, &req, reply, err);
}

int s3_list(struct s3_list *w, struct err *err)
{
    int rc;

    do {
        auto_reply struct http_reply reply = {0};

        rc = ask_page(w, &reply, err);
        if (rc == 0)
            rc = s3_list_page(w, buf_slice(&reply.body), err);
    } while (rc == 0 && w->token[0] != '\0');
    return rc;
}
