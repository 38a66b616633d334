/* SPDX-License-Identifier: Apache-2.0 */
/* expat's callbacks to ours. */
#include "base/xml.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#ifdef HAVE_EXPAT
#include <expat.h>
#endif

#include "base/banned.h"

static const char *without_prefix(const char *name)
{
    const char *colon = strrchr(name, ':');

    return colon ? colon + 1 : name;
}

const char *xml_attribute(const char *const *attributes, const char *name)
{
    for (size_t i = 0; attributes[i]; i += 2) {
        if (text_equal(without_prefix(attributes[i]), name))
            return attributes[i + 1];
    }
    return NULL;
}

#ifdef HAVE_EXPAT

enum { PORTION = 1 << 20 };

struct reader {
    const struct xml_events *events;
    XML_Parser parser;
    unsigned depth;
    const char *why;
};

static void refuse(struct reader *r, const char *why)
{
    r->why = why;
    XML_StopParser(r->parser, XML_FALSE);
}

static void on_begin(void *arg, const char *name, const char **attributes)
{
    struct reader *r = arg;

    if (++r->depth > XML_DEPTH_MAX)
        refuse(r, "nested too deep");
    else if (r->events->begin)
        r->events->begin(r->events->ctx, without_prefix(name), (const char *const *)attributes);
}

static void on_end(void *arg, const char *name)
{
    struct reader *r = arg;

    r->depth--;
    if (r->events->end)
        r->events->end(r->events->ctx, without_prefix(name));
}

static void on_text(void *arg, const char *text, int len)
{
    const struct reader *r = arg;

    if (r->events->text)
        r->events->text(r->events->ctx, slice_of(text, (size_t)len));
}

static void on_type(void *arg, const char *name, const char *file, const char *public_id, int has)
{
    (void)name;
    (void)file;
    (void)public_id;
    (void)has;
    refuse(arg, "it declares a document type");
}

static int feed(struct reader *r, struct slice text, struct err *err)
{
    for (size_t at = 0;; at += PORTION) {
        size_t n = num_min(text.len - at, PORTION);
        bool last = at + n == text.len;

        if (XML_Parse(r->parser, n ? (const char *)text.data + at : "", (int)n, last) !=
            XML_STATUS_OK)
            break;
        if (last)
            return 0;
    }
    if (XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY)
        return err_set(err, -ENOMEM, "parse XML: %m");
    return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "line %lu of its XML: %s",
                      XML_GetCurrentLineNumber(r->parser),
                      r->why ? r->why : XML_ErrorString(XML_GetErrorCode(r->parser)));
}

int xml_parse(struct slice text, const struct xml_events *events, struct err *err)
{
    struct reader r = {.events = events, .parser = XML_ParserCreate(NULL)};
    int rc;

    if (!r.parser)
        return err_set(err, -ENOMEM, "parse XML: %m");
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_begin, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_type);
    rc = feed(&r, text, err);
    XML_ParserFree(r.parser);
    return rc;
}

#else

int xml_parse(struct slice text, const struct xml_events *events, struct err *err)
{
    (void)text;
    (void)events;
    return err_set(err, -ENOSYS, "this build reads no XML (it lacks expat): save sheets as CSV");
}

#endif
