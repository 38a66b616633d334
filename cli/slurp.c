/* SPDX-License-Identifier: Apache-2.0 */
/* Files are fd_load's business; this adds standard input. */
#include "cli/slurp.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/text.h"

#include <unistd.h>

#include "base/banned.h"

static int slurp_stdin(size_t max_bytes, struct buf *out, struct err *err)
{
    char piece[16384];
    ssize_t n;

    while ((n = read(STDIN_FILENO, piece, sizeof(piece))) > 0) {
        if (out->len + (size_t)n > max_bytes)
            return err_set_gw(err, GW_BAD_DOCUMENT, -EFBIG, "standard input is above %zu bytes",
                              max_bytes);
        if (buf_append(out, piece, (size_t)n) < 0)
            return buf_failed(out, err);
    }
    return n < 0 ? err_set(err, -errno, "standard input: %m") : 0;
}

int slurp(const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
    int r;

    if (text_equal(path, "-"))
        return slurp_stdin(max_bytes, out, err);
    r = fd_load(path, max_bytes, out, err);
    if (r == -EFBIG)
        return err_set_gw(err, GW_BAD_DOCUMENT, r, "'%s' is above %zu bytes", path, max_bytes);
    return r;
}

int slurp_js(const char *path, size_t max_bytes, struct js **ret, struct err *err)
{
    auto_buf struct buf text = {0};
    int r = slurp(path, max_bytes, &text, err);

    if (r < 0)
        return r;
    r = js_parse(buf_slice(&text), max_bytes, ret, err);
    return r < 0 ? err_add(err, r, "'%s'", path) : 0;
}
