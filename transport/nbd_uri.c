/* SPDX-License-Identifier: Apache-2.0 */
/* Taking our own parameters out of the name of an NBD export. */
#include "transport/nbd_uri.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include <stddef.h>
#include <string.h>

#include "base/banned.h"

bool nbd_uri_is(const char *text)
{
    static const char *const schemes[] = {"nbd://",       "nbds://",      "nbd+unix://",
                                          "nbds+unix://", "nbd+vsock://", "nbds+vsock://"};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (text_starts(text, schemes[i]))
            return true;
    return false;
}

/* %41 becomes A. */
static int decode(const char *in, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++, n++) {
        char hex[3] = "";

        if (n + 1 >= NBD_URI_NAME_MAX)
            return -ENAMETOOLONG;
        out[n] = in[i];
        if (in[i] != '%')
            continue;
        if (len - i < 3)
            return -EINVAL;
        memcpy(hex, in + i + 1, 2);
        if (text_unhex(hex, out + n, 1) < 0 || out[n] == '\0')
            return -EINVAL;
        i += 2;
    }
    out[n] = '\0';
    return n > 0 ? 0 : -EINVAL;
}

/* Where the value of a parameter of ours goes; NULL: it is not ours. */
static char *place_of(const char *parameter, size_t len, struct nbd_uri *u)
{
    const struct {
        const char *name;
        char *place;
    } ours[] = {{"bitmap=", u->bitmap}, {"qmp=", u->qmp}, {"node=", u->node}};

    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (len >= strlen(ours[i].name) &&
            memcmp(parameter, ours[i].name, strlen(ours[i].name)) == 0)
            return ours[i].place;
    return NULL;
}

static int take(const char *parameter, size_t len, struct nbd_uri *u, char *separator)
{
    char *place = place_of(parameter, len, u);
    size_t have = strlen(u->plain);
    const char *value;

    if (!place) {
        int rc = text_print(u->plain + have, sizeof(u->plain) - have, "%c%.*s", *separator,
                            (int)len, parameter);

        *separator = '&';
        return rc;
    }
    value = memchr(parameter, '=', len);
    value++;
    return decode(value, len - (size_t)(value - parameter), place);
}

int nbd_uri_parse(const char *text, struct nbd_uri *ret, struct err *err)
{
    struct nbd_uri u = {.plain = ""};
    size_t path = strcspn(text, "?");
    const char *at = text + path;
    char separator = '?';
    int rc = text_print(u.plain, sizeof(u.plain), "%.*s", (int)num_min(path, NBD_URI_MAX), text);

    while (rc == 0 && *at) {
        size_t len;

        at++; /* ? or & */
        len = strcspn(at, "&");
        rc = take(at, len, &u, &separator);
        at += len;
    }
    if (rc < 0)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "'%s' is no name of an NBD export", text);
    *ret = u;
    return 0;
}
