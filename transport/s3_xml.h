/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little of XML that S3 replies need: the text of elements by name, within a run of bytes.
 * No document is built, nothing is expanded but the five named entities and numbers of ASCII.
 */
#ifndef GODWIT_TRANSPORT_S3_XML_H
#define GODWIT_TRANSPORT_S3_XML_H

#include "base/slice.h"

#include <stdbool.h>

/* The inside of the next <tag>…</tag> in *rest, which then begins behind it. Elements of the same
 * name must not nest. */
bool s3_xml_next(struct slice *rest, const char *tag, struct slice *ret_inside);

/* The text of the first <tag> in doc. -ENOENT none, -EINVAL (also when out is too small; out is
 * then ""). */
int s3_xml_text(struct slice doc, const char *tag, char *out, size_t size);

#endif
