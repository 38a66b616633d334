/* SPDX-License-Identifier: Apache-2.0 */
/* A document as YAML 1.2, for people who like it better than JSON. Output only. */
#ifndef GODWIT_CLI_YAML_H
#define GODWIT_CLI_YAML_H

struct buf;
struct err;
struct js;

int yaml_print(const struct js *doc, struct buf *out, struct err *err);

#endif
