/* SPDX-License-Identifier: Apache-2.0 */
/* libarchive with its zip reader alone; what is unpacked is counted before it is kept. */
#include "base/zip.h"

#include "base/buf.h"
#include "base/dl.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/zip_lib.h"

#include "base/banned.h"

bool zip_is(struct slice bytes)
{
    return bytes.len > 4 && memcmp(bytes.data, "PK\003\004", 4) == 0;
}

#ifdef HAVE_LIBARCHIVE

enum { PORTION = 1 << 16 };

static const struct dl_function functions[] = {
#define ZIP_LIB_ROW(name) {"archive_" #name, offsetof(struct zip_lib, name)},
    ZIP_LIB_FUNCTIONS(ZIP_LIB_ROW)
#undef ZIP_LIB_ROW
};

struct reader {
    struct zip_lib lib;
    struct archive *a;
};

static void reader_done(struct reader *z)
{
    if (z->a)
        z->lib.read_free(z->a);
}

static int damaged(const struct reader *z, struct err *err)
{
    const char *why = z->lib.error_string(z->a);

    return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "this zip cannot be read: %.200s",
                      why ? why : "it is damaged");
}

/* One file into out, which is above *left bytes when it fails with -EFBIG. */
static int unpack(const struct reader *z, size_t *left, struct buf *out, struct err *err)
{
    la_ssize_t n;

    for (;;) {
        uint8_t *at;

        if (buf_reserve(out, PORTION, &at) < 0)
            return buf_failed(out, err);
        n = z->lib.read_data(z->a, at, PORTION);
        if (n <= 0)
            break;
        if ((size_t)n > *left)
            return err_set_gw(err, GW_BAD_DOCUMENT, -EFBIG,
                              "this zip holds more than can be taken");
        *left -= (size_t)n;
        buf_grow(out, (size_t)n);
    }
    return n < 0 ? damaged(z, err) : 0;
}

static int walk(const struct reader *z, size_t max_bytes, zip_each_fn fn, void *arg,
                struct err *err)
{
    struct archive_entry *entry;
    size_t left = max_bytes, files = 0;
    int r = 0, code;

    while (r == 0 && (code = z->lib.read_next_header(z->a, &entry)) == ARCHIVE_OK) {
        auto_buf struct buf bytes = {.max = max_bytes + PORTION};
        const char *name = z->lib.entry_pathname(entry);

        if (++files > ZIP_FILES_MAX)
            return err_set_gw(err, GW_BAD_DOCUMENT, -EFBIG, "this zip holds more than %d files",
                              ZIP_FILES_MAX);
        if (!name || z->lib.entry_filetype(entry) != AE_IFREG || strlen(name) >= ZIP_NAME_MAX)
            continue;
        r = unpack(z, &left, &bytes, err);
        if (r == 0)
            r = fn(arg, name, buf_slice(&bytes));
    }
    if (r != 0)
        return r;
    return code == ARCHIVE_EOF ? 0 : damaged(z, err);
}

int zip_each(struct slice zip, size_t max_bytes, zip_each_fn fn, void *arg, struct err *err)
{
    AUTO(reader_done) struct reader z = {0};
    int r =
        dl_open("libarchive.so.13", "libarchive13", functions, ARRAY_LEN(functions), &z.lib, err);

    if (r < 0)
        return err_add(err, r, "this zip cannot be read here");
    z.a = z.lib.read_new();
    if (!z.a)
        return err_set(err, -ENOMEM, "a zip: %m");
    if (z.lib.read_support_format_zip(z.a) != ARCHIVE_OK ||
        z.lib.read_open_memory(z.a, zip.data, zip.len) != ARCHIVE_OK)
        return damaged(&z, err);
    return walk(&z, max_bytes, fn, arg, err);
}

#else

int zip_each(struct slice zip, size_t max_bytes, zip_each_fn fn, void *arg, struct err *err)
{
    (void)zip;
    (void)max_bytes;
    (void)fn;
    (void)arg;
    return err_set(err, -ENOSYS,
                   "this build reads no zip (it lacks libarchive): unpack it first, "
                   "and save sheets as CSV");
}

#endif
