/* SPDX-License-Identifier: Apache-2.0 */
/* Reading XML from outside as it comes (over expat). Documents that declare types are refused, so
 * that no entity can grow. */
#ifndef GODWIT_BASE_XML_H
#define GODWIT_BASE_XML_H

#include "base/slice.h"

struct err;

enum { XML_DEPTH_MAX = 64 };

/* Names come without their prefix. Any member may be NULL. */
struct xml_events {
    void *ctx;
    /* attributes: name, value, name, value, ..., NULL */
    void (*begin)(void *ctx, const char *name, const char *const *attributes);
    void (*end)(void *ctx, const char *name);
    void (*text)(void *ctx, struct slice text); /* in pieces */
};

/*
 * -EINVAL (GW_BAD_DOCUMENT, with the line): malformed, with a document type, or nested deeper than
 * XML_DEPTH_MAX; -ENOSYS: built without expat; -ENOMEM.
 */
int xml_parse(struct slice text, const struct xml_events *events, struct err *err);

/* The value of an attribute, its prefix left out; NULL: there is none. */
const char *xml_attribute(const char *const *attributes, const char *name);

#endif
